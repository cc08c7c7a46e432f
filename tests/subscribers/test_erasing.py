"""Somebody asks to be forgotten: nothing says any more who it was, and no mail ever finds them; on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from newsletter.delivery.deciding import decide
from newsletter.delivery.model import Delivery, DeliveryState, Skip
from newsletter.web.app import create_app
from subscribers.choices import Choices
from subscribers.erasing import erase
from subscribers.import_row import Reason, Row
from subscribers.importing import import_subscribers
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.preferences import Cadence
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.served import served


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


@pytest.fixture
def rosa(parts):
    """Rosa, with a past: choices, a change, a mail that waits."""
    with parts.database.write() as session:
        builders.appeal(session, topics=["prisons"])
        person = builders.person(session, "rosa@example.org", name="Rosa Parks", topics=frozenset({"prisons"}))
        before = Choices.of(person)
        decide(session, person.id, before, replace(before, time_zone="Asia/Kathmandu"), source="page", now=NOW)
        session.refresh(person)
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    return person


def forget(parts, person):
    with parts.database.write() as session:
        erase(session, session.get_one(Subscriber, person.id), suppression=parts.suppression, now=NOW)


def everything(database):
    with database.read() as session:
        tables = database.engine.dialect.get_table_names(session.connection())
        return {table: session.execute(text(f"SELECT * FROM {table}")).fetchall() for table in tables}


def test_no_table_says_who_it_was(parts, rosa):
    forget(parts, rosa)
    kept = everything(parts.database)
    public = {"appeals", "appeal_texts", "appeal_versions", "appeal_labels", "profiles"}
    told = [row for table, rows in kept.items() if table not in public for row in rows]
    assert not any(word in str(row).lower() for row in told for word in ("rosa", "kathmandu", "prisons"))
    assert kept["consents"] == kept["changes"] == []


def test_the_counts_stay(parts, rosa):
    before = len(everything(parts.database)["deliveries"])
    forget(parts, rosa)
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == before == 1
        person = session.get_one(Subscriber, rosa.id)
        assert (person.status, person.left_reason, person.left_at) == (Status.LEFT, LeftReason.ERASED, NOW)


def test_a_mail_that_waits_is_not_sent(parts, rosa):
    forget(parts, rosa)
    books = parts.bookkeeper()
    books.enrol(now=NOW)
    assert books._outbox.turn([], want=5, now=NOW).claims == []
    with parts.database.read() as session:
        row = session.scalars(select(Delivery)).one()
        assert (row.state, row.skip) == (DeliveryState.SKIPPED, Skip.LEFT)


def test_no_import_brings_them_back_and_erasing_twice_is_fine(parts, rosa):
    forget(parts, rosa)
    forget(parts, rosa)
    row = Row(2, "ROSA@example.org")
    with parts.database.write() as session:
        found = import_subscribers(
            session, [row], suppression=parts.suppression, consent="a stall", default_language="en", now=NOW
        )
    assert found.not_taken == {Reason.SUPPRESSED: 1}


def test_their_links_open_nothing_and_the_way_out_says_that_they_have_left(parts, rosa):
    forget(parts, rosa)
    with served(create_app(parts)) as client:
        for purpose, status in ((Purpose.PREFERENCES, 404), (Purpose.UNSUBSCRIBE, 200)):
            token = parts.tokens.issue(purpose, subscriber_id=rosa.id, epoch=0)
            assert client.get(f"/{purpose}/{token}").status_code == status
        answer = client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
        assert "You had already left" in answer.text
    with parts.database.read() as session:
        assert session.get_one(Subscriber, rosa.id).left_reason is LeftReason.ERASED


def test_two_can_be_erased(parts, rosa):
    with parts.database.write() as session:
        other = builders.person(session, "other@example.org")
    forget(parts, rosa)
    forget(parts, other)
    with parts.database.read() as session:
        assert len(session.scalars(select(Subscriber).where(Subscriber.left_reason == LeftReason.ERASED)).all()) == 2
