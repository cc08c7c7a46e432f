"""A wrong file was imported, and is taken back as a whole; who has acted by themselves since stays as they are."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.delivery.claimed import Launched
from newsletter.delivery.deciding import decide
from newsletter.delivery.model import Delivery, DeliveryState, Lane, MailingKind, OnUncertain
from newsletter.delivery.statements import Statements
from newsletter.delivery.undoing import NoSuchImport, TooLateToUndo, UndoneAlready, undo_import
from newsletter.web.app import create_app
from subscribers.choices import Choices
from subscribers.consent import Consent
from subscribers.errors import DatabaseUnreachable
from subscribers.import_row import Row
from subscribers.importing import import_subscribers
from subscribers.imports import UNDO_WITHIN
from subscribers.leaving import leave
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.preferences import Cadence, Reading
from subscribers.suppression import Suppression
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.served import served

LATER = NOW + timedelta(days=1)


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


def take(parts, *emails, at=NOW, gone=()):
    rows = [Row(line, email) for line, email in enumerate(emails, start=2)]
    rows += [Row(90 + line, email, status="unsubscribed") for line, email in enumerate(gone)]
    with parts.database.write() as session:
        return import_subscribers(
            session, rows, suppression=parts.suppression, consent="a list", default_language="en", now=at
        ).number


def undo(parts, number, *, at=LATER):
    with parts.database.write() as session:
        return undo_import(session, number, database=parts.database, suppression=parts.suppression, now=at)


def emails(parts):
    with parts.database.read() as session:
        return sorted(one.email for one in session.scalars(select(Subscriber)))


def test_nobody_is_taken_off_while_mails_are_planned_for_them(parts):
    if parts.database.is_sqlite:
        pytest.skip("SQLite's writers are one at a time")
    with parts.database.write() as session:
        builders.appeal(session)
    number = take(parts, "ada@example.org")
    with parts.database.write() as planning:
        parts.planner().plan_digest(planning, Cadence.WEEKLY, now=NOW)
        with pytest.raises(DatabaseUnreachable, match="lock timeout"), parts.database.write() as session:
            parts.database.hurry(session, 0.1)
            undo_import(session, number, database=parts.database, suppression=parts.suppression, now=LATER)
    assert undo(parts, number).emptied == 1


def test_everybody_who_came_by_it_goes_and_nobody_else(parts):
    with parts.database.write() as session:
        builders.person(session, "rosa@example.org")
    number = take(parts, "ada@example.org", "bo@example.org", "rosa@example.org")
    done = undo(parts, number)
    assert (done.removed, done.emptied, done.kept, done.lifted) == (2, 0, 0, 0)
    assert emails(parts) == ["rosa@example.org"]
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Consent)) == 1


def test_the_right_file_can_be_imported_afterwards(parts):
    undo(parts, take(parts, "ada@example.org"))
    assert take(parts, "ada@example.org", at=LATER) is not None
    assert emails(parts) == ["ada@example.org"]


def test_who_has_left_or_chosen_otherwise_since_stays_as_they_are(parts):
    number = take(parts, "left@example.org", "chose@example.org", "ada@example.org")
    with parts.database.write() as session:
        left, chose, _ada = session.scalars(select(Subscriber).order_by(Subscriber.id))
        leave(session, left.id, source="a test", now=NOW)
        daily = Choices(cadence=Cadence.DAILY, reading=Reading())
        decide(session, chose.id, Choices.of(chose), daily, source="a test", now=NOW)
    done = undo(parts, number)
    assert (done.removed, done.kept) == (1, 2)
    with parts.database.read() as session:
        assert [one.status for one in session.scalars(select(Subscriber).order_by(Subscriber.id))] == [
            Status.LEFT,
            Status.ACTIVE,
        ]


def test_who_had_mail_is_emptied_and_what_waits_for_them_never_goes_out(parts):
    number = take(parts, "ada@example.org", "bo@example.org")
    with parts.database.write() as session:
        builders.appeal(session)
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    with parts.database.write() as session:
        first = session.scalars(select(Delivery).order_by(Delivery.id)).first()
        first.state = DeliveryState.ACCEPTED
    done = undo(parts, number)
    assert (done.removed, done.emptied) == (0, 2)
    assert emails(parts) == ["", ""]
    with parts.database.read() as session:
        for one in session.scalars(select(Subscriber)):
            assert (one.status, one.left_reason, one.name) == (Status.LEFT, LeftReason.UNDONE, "")
        assert session.scalar(select(func.count()).select_from(Consent)) == 0
    launched = Launched(
        id=1,
        kind=MailingKind.DIGEST,
        lane=Lane.REST,
        nonce=b"",
        message_domain="x.example",
        launched_at=NOW,
        expires_at=LATER,
        on_uncertain=OnUncertain.LEAVE,
        cadence=Cadence.WEEKLY,
    )
    with parts.database.write_bare() as connection:
        rows = Statements(is_sqlite=parts.database.is_sqlite).due(connection, launched, 10, LATER)
        assert [row.why_not for row in rows] == ["left"]


def mailed(parts, *emails):
    """Import people, and send them a digest."""
    number = take(parts, *emails)
    with parts.database.write() as session:
        builders.appeal(session)
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    with parts.database.write() as session:
        for row in session.scalars(select(Delivery)):
            row.state = DeliveryState.ACCEPTED
    return number


def test_whoever_was_mailed_by_mistake_can_still_leave_and_no_other_file_brings_them_mail(parts):
    number = mailed(parts, "ada@example.org")
    token = parts.tokens.issue(Purpose.UNSUBSCRIBE, subscriber_id=1, epoch=0)
    undo(parts, number)
    take(parts, "ada@example.org", at=LATER)  # the right file
    with served(create_app(parts)) as client:
        assert client.get(f"/unsubscribe/{token}").status_code == 200
        assert client.post(f"/unsubscribe/{token}").status_code == 200
    with parts.database.read() as session:
        assert parts.suppression.find(session, "ada@example.org").reason == LeftReason.UNSUBSCRIBED


def test_who_came_back_by_themselves_stays_though_the_import_is_undone(parts):
    number = take(parts, "ada@example.org")
    with parts.database.write() as session:
        ada = session.scalars(select(Subscriber)).one()
        leave(session, ada.id, source="a test", now=NOW)
    with parts.database.write() as session:
        session.get_one(Subscriber, 1).join(NOW + timedelta(hours=1))
    done = undo(parts, number)
    assert (done.removed, done.emptied) == (0, 0)
    with parts.database.read() as session:
        assert session.scalars(select(Subscriber)).one().status is Status.ACTIVE


@pytest.mark.parametrize("since", ["erased", "bounced", "another file"])
def test_a_suppression_that_something_else_says_too_outlives_the_undo(parts, since):
    number = take(parts, "bo@example.org", gone=["ada@example.org"])
    with parts.database.write() as session:
        if since != "another file":
            parts.suppression.add(session, "ada@example.org", reason=since, now=NOW)
    if since == "another file":
        take(parts, gone=["ada@example.org"], at=NOW + timedelta(hours=1))
    assert undo(parts, number).lifted == 0
    with parts.database.read() as session:
        assert parts.suppression.find(session, "ada@example.org") is not None


def test_what_it_had_suppressed_is_lifted_and_nothing_else(parts):
    with parts.database.write() as session:
        parts.suppression.add(session, "old@example.org", reason="unsubscribed", now=NOW - timedelta(days=1))
    number = take(parts, "ada@example.org", gone=["gone@example.org", "old@example.org"])
    assert undo(parts, number).lifted == 1
    with parts.database.read() as session:
        assert [one.at for one in session.scalars(select(Suppression))] == [NOW - timedelta(days=1)]


def test_it_is_undone_once_within_its_time_and_only_if_it_is_there(parts):
    number = take(parts, "ada@example.org")
    with pytest.raises(NoSuchImport):
        undo(parts, number + 1)
    with pytest.raises(TooLateToUndo, match="2026-11-30"):
        undo(parts, number, at=NOW + UNDO_WITHIN + timedelta(seconds=1))
    undo(parts, number)
    with pytest.raises(UndoneAlready):
        undo(parts, number)
