"""What the bookkeeper keeps of a worker's claims when a turn fails, is told late or comes twice; on both databases."""

import pytest
from sqlalchemy import select

from newsletter.delivery import bookkeeper as bookkeeping
from newsletter.delivery.claimed import Told
from newsletter.delivery.model import Delivery, DeliveryState, Mailing, MailingState, OnUncertain
from newsletter.delivery.outcome import Accepted, Deferred
from newsletter.delivery.stamp import Stamp
from subscribers.errors import DatabaseUnreachable
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW


@pytest.fixture
def parts(database, keys):
    made = builders.parts(database, keys)
    with database.write() as session:
        for name in "abc":
            builders.person(session, f"{name}@example.org", name=name)
        builders.appeal(session)
    made.planner().launch(Cadence.WEEKLY, now=NOW)
    return made


@pytest.fixture
def books(parts):
    made = parts.bookkeeper()
    made.enrol(now=NOW)
    return made


def states(parts):
    with parts.database.read() as session:
        return [row.state for row in session.scalars(select(Delivery).order_by(Delivery.id))]


def told(*ended):
    """Say what became of letters."""
    made = Told.nothing()
    for letter, outcome in ended:
        made.add(letter.hold, outcome)
    return made


def turn(books, *ended, want=3):
    return books.turn(told(*ended), want=want, now=NOW).letters


def lose_the_answer(monkeypatch, books):
    """Let turns be committed and say nothing."""
    done = books._outbox.turn

    def turn(*arguments, **named):
        done(*arguments, **named)
        raise DatabaseUnreachable(reason="it rains")

    monkeypatch.setattr(books._outbox, "turn", turn)


def test_what_a_turn_claimed_that_failed_after_its_commit_is_handed_back_by_the_next(parts, books, monkeypatch):
    lose_the_answer(monkeypatch, books)
    with pytest.raises(DatabaseUnreachable):
        turn(books)
    assert states(parts) == [DeliveryState.SENDING] * 3
    monkeypatch.undo()
    assert len(turn(books)) == 3
    assert len(books._held) == 3


def test_it_is_handed_back_at_the_end_too(parts, books, monkeypatch):
    lose_the_answer(monkeypatch, books)
    with pytest.raises(DatabaseUnreachable):
        turn(books)
    monkeypatch.undo()
    books.finish(Told.nothing(), now=NOW)
    assert states(parts) == [DeliveryState.QUEUED] * 3


def test_a_row_that_was_handed_back_and_claimed_again_in_such_a_turn_stays_nobodys(parts, books, monkeypatch):
    claims = turn(books)
    lose_the_answer(monkeypatch, books)
    back = [(one, None) for one in claims]
    with pytest.raises(DatabaseUnreachable):
        turn(books, *back)
    monkeypatch.undo()
    turn(books, *back, want=0)
    assert states(parts) == [DeliveryState.QUEUED] * 3
    assert not books._held


def test_what_was_accepted_is_written_down_once_though_it_is_told_twice(parts, books, monkeypatch):
    claims = turn(books)
    lose_the_answer(monkeypatch, books)
    said = [(one, Accepted("250 ok")) for one in claims]
    with pytest.raises(DatabaseUnreachable):
        turn(books, *said)
    monkeypatch.undo()
    assert turn(books, *said) == []
    with parts.database.read() as session:
        assert [(row.state, row.attempts) for row in session.scalars(select(Delivery))] == [
            (DeliveryState.ACCEPTED, 1)
        ] * 3


def test_what_has_ended_is_on_record_though_the_next_mails_can_not_be_written(parts, books, monkeypatch):
    (first,) = turn(books, want=1)

    def broken(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(Stamp, "letter", broken)
    said = (first, Accepted("250 ok"))
    with pytest.raises(ZeroDivisionError):
        turn(books, said)
    assert states(parts) == [DeliveryState.ACCEPTED, DeliveryState.SENDING, DeliveryState.SENDING]
    books.finish(told(said), now=NOW)
    assert states(parts) == [DeliveryState.ACCEPTED, DeliveryState.QUEUED, DeliveryState.QUEUED]


def test_an_old_attempt_of_a_row_that_was_claimed_again_writes_nothing(parts, books):
    with parts.database.write() as session:
        session.scalars(select(Mailing)).one().on_uncertain = OnUncertain.RETRY
    (old,) = turn(books, want=1)
    with parts.database.write() as session:  # others took the worker for gone, and put the row back
        row = session.get_one(Delivery, old.hold[0])
        row.state, row.worker_id, row.fence = DeliveryState.QUEUED, None, row.fence + 1
    (new,) = turn(books, want=1)
    (number, fence) = old.hold
    assert new.hold == (number, fence + 2)
    turn(books, (old, Deferred("450 late")), want=0)
    assert states(parts)[0] is DeliveryState.SENDING
    turn(books, (new, Accepted("250 ok")), want=0)
    assert states(parts)[0] is DeliveryState.ACCEPTED


def test_editions_come_once_and_the_oldest_goes_when_nobody_needs_it(parts, books, monkeypatch):
    monkeypatch.setattr(bookkeeping, "KEPT_EDITIONS", 0)
    first = books.turn(Told.nothing(), want=1, now=NOW)
    assert (len(first.frames), list(first.dropped)) == (1, []), "a claim needs it"
    second = books.turn(Told.nothing(), want=1, now=NOW)
    assert (len(second.frames), list(second.dropped)) == (0, [])
    held = [(one, Accepted("250 ok")) for one in [*first.letters, *second.letters]]
    third = books.turn(told(*held), want=0, now=NOW)
    assert list(third.dropped) == list(first.frames)


def test_a_mailing_of_which_the_last_row_was_put_off_goes_on(parts, books):
    claims = turn(books)
    turn(books, *[(one, Accepted("250 ok")) for one in claims[:2]], (claims[2], Deferred("450 later")))
    books.finish_mailings(now=NOW)
    with parts.database.read() as session:
        assert session.scalars(select(Mailing)).one().state is MailingState.RUNNING
