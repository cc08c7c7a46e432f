"""A name that must not be said any more goes out of everything, mails that wait included."""

import asyncio
import threading
from datetime import timedelta

import pytest
from sqlalchemy import LargeBinary, func, select, text

from newsletter.appeals.action import Action, ActionKind, ActionWords
from newsletter.appeals.document import ACTIONS
from newsletter.appeals.editing import Changes, edit
from newsletter.appeals.ending import Ending
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.model import Act, AppealStatus
from newsletter.appeals.names import Register, protect
from newsletter.appeals.protected import Forms, ProtectedName
from newsletter.delivery.model import Delivery, DeliveryState, Skip
from newsletter.delivery.withdrawing import sweep
from newsletter.delivery.worker import Worker
from newsletter.editions.stored import stored_edition
from subscribers.database import Base
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW

NAME = "Karim Ahmadi"


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


def everything(session):
    """Every text that the database holds."""
    found = []
    for table in Base.metadata.sorted_tables:
        for row in session.execute(text(f"SELECT * FROM {table.name}")):
            for column, value in zip(table.columns, row, strict=False):
                if not isinstance(column.type, LargeBinary):
                    found.append(str(value))
    return "\n".join(found)


def plan(parts, now=NOW):
    return parts.planner().launch(Cadence.WEEKLY, now=now)


def hide(parts, name=NAME, now=NOW):
    with parts.database.write() as session:
        number = protect(session, parts.name_seal, Forms(names=(name,)), {"": "K."}, by="Rosa", now=now).id
        return number, sweep(session, Register.writing(session, parts.name_seal), language="en", now=now)


def test_it_goes_out_of_texts_versions_offers_and_what_was_composed(parts):
    with parts.database.write() as session:
        builders.person(session)
        made = builders.appeal(
            session,
            f"Free {NAME}",
            teaser=f"{NAME} is held.",
            body=f"[More](https://example.org/karim-ahmadi) on {NAME}.",
            url="https://example.org/free-karim-ahmadi",
        )
        letter = ActionWords(say=f"Write for {NAME}", letter=f"Free Mr {NAME}!")
        action = Action(key="1", kind=ActionKind.SHARE, words={"en": letter})
        edit(made, Changes(actions=[action]), Act(by="Layla", at=NOW), Register())
        builders.approve_and_release(made)
        made.text.offered = {
            "title": f"{NAME} is free",
            "teaser": "",
            "byline": "",
            "body": "",
            "url": "https://e.org/karim-ahmadi",
        }
        builders.appeal(session, "Another one")
    plan(parts)
    with parts.database.read() as session:
        assert "Ahmadi" in everything(session)
    number, swept = hide(parts)
    assert (swept.appeals, swept.editions, swept.waiting) == (("2026/001",), 1, 1)
    with parts.database.read() as session:
        assert "ahmadi" not in everything(session).casefold()
        appeal = find_appeal(session, "2026/001")
        assert appeal.text.title == f"Free {{name-{number}}}"
        assert ACTIONS.validate_python(appeal.actions)[0].words["en"].letter == f"Free Mr {{name-{number}}}!"
        # What was approved says the same as before, but for the name: it stays approved.
        assert appeal.status is AppealStatus.RELEASED
        assert appeal.public_document() == appeal.document()


def test_a_mail_that_waits_and_says_it_does_not_go_out_and_the_next_one_says_the_alias(parts):
    with parts.database.write() as session:
        builders.person(session)
        builders.appeal(session, f"Free {NAME}", teaser="He is held.")
    plan(parts)
    hide(parts)
    outbox = parts.outbox()
    turn = outbox.turn([], want=5, now=NOW)
    assert turn.claims == []
    with parts.database.read() as session:
        [delivery] = session.scalars(select(Delivery))
        assert (delivery.state, delivery.skip) == (DeliveryState.SKIPPED, Skip.WITHDRAWN)
    later = NOW + timedelta(days=7)
    assert plan(parts, later).deliveries == 1
    with parts.database.read() as session:
        waiting = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)).one()
        said = stored_edition(session, waiting.edition_id)
    assert said.subject == "Free K."
    assert NAME not in said.text + said.html


def test_once_its_bearer_agrees_the_name_is_said_and_taken_back_when_they_change_their_mind(parts):
    with parts.database.write() as session:
        builders.person(session)
        builders.appeal(session, f"Free {NAME}", teaser="He is held.")
    number, _ = hide(parts)
    with parts.database.write() as session:
        session.get_one(ProtectedName, number).consent_at = NOW
    assert plan(parts).deliveries == 1
    with parts.database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        assert stored_edition(session, delivery.edition_id).subject == f"Free {NAME}"
        session.get_one(ProtectedName, number).consent_at = None
        session.flush()
        swept = sweep(session, Register.writing(session, parts.name_seal), language="en", now=NOW)
    assert (swept.appeals, swept.editions, swept.waiting) == ((), 1, 1)
    with parts.database.read() as session:
        assert "Ahmadi" not in everything(session)


def test_what_is_claimed_already_does_not_go_out_once_its_appeal_is_closed(database, keys, mailserver, monkeypatch):
    parts = builders.parts(database, keys, smtp_port=mailserver.port, smtp_connections=1)
    with parts.database.write() as session:
        for name in "abcdef":
            builders.person(session, f"{name}@{name}.example", name=name)
        builders.appeal(session)
    plan(parts)
    turns = threading.Semaphore(0)
    turn = Worker._turn

    async def told(worker):
        news = await turn(worker)
        turns.release()
        return news

    monkeypatch.setattr(Worker, "_turn", told)

    def close(_content):
        # The server takes its time over the first mail: others are claimed, and one may be announced behind it.
        mailserver.answer_data = lambda _content: None
        with parts.database.write() as session:
            assert session.scalar(select(func.count()).where(Delivery.state == DeliveryState.SENDING)) > 1
            find_appeal(session, "2026/001").close(Act(by="Layla", at=NOW), Ending.WITHDRAWN)
        while turns.acquire(blocking=False):
            pass
        assert turns.acquire(timeout=20), "a turn that had begun before"
        assert turns.acquire(timeout=20)

    mailserver.answer_data = close
    report = asyncio.run(parts.worker().run())
    assert report.outcomes == {"accepted": 1}
    assert len(mailserver.received) == 1
    with parts.database.read() as session:
        skips = session.scalars(select(Delivery.skip).where(Delivery.state == DeliveryState.SKIPPED)).all()
    assert skips == [Skip.CLOSED] * 5


def test_an_appeal_past_its_deadline_is_not_sent_though_it_was_planned_before(parts):
    with parts.database.write() as session:
        builders.person(session)
        builders.appeal(session, deadline=NOW.date())
    plan(parts)
    outbox = parts.outbox()
    assert outbox.turn([], want=5, now=NOW + timedelta(days=2)).claims == []
    with parts.database.read() as session:
        assert session.scalars(select(Delivery)).one().skip is Skip.TOO_LATE
