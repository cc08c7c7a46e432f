"""What one turn records, claims and leaves, on both databases: lanes, limits, what comes back, what fails half-way."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.delivery.claimed import Ended
from newsletter.delivery.model import Delivery, Lane, Mailing
from newsletter.delivery.outbox import Outbox
from newsletter.delivery.outcome import Accepted
from newsletter.delivery.statements import Statements
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW

ACCEPTED = Accepted("250 ok")


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


@pytest.fixture
def outbox(parts):
    made = Outbox(parts.database, parts.suppression)
    made.enrol(now=NOW)
    return made


def mailing(parts, cadence, count, *, lane=Lane.REST):
    """Plan a mailing to some people of this cadence, in this lane."""
    with parts.database.write() as session:
        for number in range(count):
            builders.person(session, f"{cadence}{number}@example.org", cadence=cadence)
        if not session.scalar(select(Mailing.id).limit(1)):
            builders.appeal(session)
    number = parts.planner().launch(cadence, now=NOW).mailing_id
    with parts.database.write() as session:
        session.get_one(Mailing, number).lane = lane
    return number


def states(parts, number):
    with parts.database.read() as session:
        found = select(Delivery.state).where(Delivery.mailing_id == number).order_by(Delivery.id)
        return [state.value for state in session.scalars(found)]


def test_what_is_told_back_is_claimed_in_a_later_turn_and_once(parts, outbox):
    number = mailing(parts, Cadence.WEEKLY, 2)
    claims = outbox.turn([], want=2, now=NOW).claims
    again = outbox.turn([Ended(one, None) for one in claims], want=2, now=NOW)
    assert again.claims == []
    assert states(parts, number) == ["queued", "queued"]
    assert len(outbox.turn([], want=2, now=NOW).claims) == 2
    assert outbox.turn([], want=2, now=NOW).claims == []


def test_the_urgent_lane_goes_first_and_the_rest_gets_the_room_that_is_left(parts, outbox):
    rest = mailing(parts, Cadence.WEEKLY, 4)
    alert = mailing(parts, Cadence.DAILY, 2, lane=Lane.ALERT)
    turn = outbox.turn([], want=3, now=NOW)
    assert [one.mailing.id for one in turn.claims] == [alert, alert, rest]
    assert not turn.dry


def test_with_no_room_for_the_rest_there_may_be_room_for_alerts(parts, outbox):
    rest = mailing(parts, Cadence.WEEKLY, 3)
    alert = mailing(parts, Cadence.DAILY, 3, lane=Lane.ALERT)
    turn = outbox.turn([], want=0, want_urgent=2, now=NOW)
    assert [one.mailing.id for one in turn.claims] == [alert, alert]
    assert states(parts, rest) == ["queued"] * 3


def test_an_expired_mailing_ends_and_takes_nobody_elses_room(parts, outbox):
    over = mailing(parts, Cadence.WEEKLY, 2)
    going = mailing(parts, Cadence.DAILY, 2)
    with parts.database.write() as session:
        session.get_one(Mailing, over).expires_at = NOW
    turn = outbox.turn([], want=2, now=NOW)
    assert [one.mailing.id for one in turn.claims] == [going, going]
    assert states(parts, over) == ["expired", "expired"]
    assert not turn.dry, "there was room for two, and there were two: perhaps more"
    assert outbox.turn([], want=2, now=NOW).dry


def test_the_days_limit_counts_what_is_under_way_and_holds_back_no_alert(parts, outbox):
    first = mailing(parts, Cadence.WEEKLY, 3)
    second = mailing(parts, Cadence.MONTHLY, 3)
    alert = mailing(parts, Cadence.DAILY, 1, lane=Lane.ALERT)
    turn = outbox.turn([], want=9, allowance=4, now=NOW)
    assert [one.mailing.id for one in turn.claims] == [alert, first, first, first, second]
    assert turn.held_by_limit
    ended = [Ended(one, ACCEPTED) for one in turn.claims]
    after = outbox.turn(ended, want=9, allowance=4, now=NOW)
    assert after.claims == []
    assert (after.held_by_limit, after.dry) == (True, True)
    tomorrow = NOW + timedelta(days=1)
    assert len(outbox.turn([], want=9, allowance=4, now=tomorrow).claims) == 2


def test_a_turn_that_can_not_record_claims_nothing_and_changes_nothing(parts, outbox, monkeypatch):
    number = mailing(parts, Cadence.WEEKLY, 3)
    (first,) = outbox.turn([], want=1, now=NOW).claims

    def broken(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(Statements, "accept", broken)
    with pytest.raises(ZeroDivisionError):
        outbox.turn([Ended(first, ACCEPTED)], want=2, now=NOW)
    assert states(parts, number) == ["sending", "queued", "queued"]
    monkeypatch.undo()
    assert len(outbox.turn([Ended(first, ACCEPTED)], want=2, now=NOW).claims) == 2
    assert states(parts, number) == ["accepted", "sending", "sending"]
