"""What one turn records, claims and leaves, on both databases: lanes, limits, what comes back, what fails half-way."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.model import Act, Appeal
from newsletter.delivery import control
from newsletter.delivery.claimed import Ended
from newsletter.delivery.deciding import decide
from newsletter.delivery.model import Delivery, Lane, Mailing, OnUncertain
from newsletter.delivery.outcome import Accepted, Refused, Uncertain
from newsletter.delivery.statements import Statements
from subscribers.choices import Choices
from subscribers.model import Subscriber
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW

ACCEPTED = Accepted("250 ok")


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


@pytest.fixture
def outbox(parts):
    made = parts.outbox()
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


def doubtful(parts, outbox):
    """An alert to three, each of which may have arrived, and that waits to be tried again."""
    number = mailing(parts, Cadence.WEEKLY, 3, lane=Lane.ALERT)
    with parts.database.write() as session:
        session.get_one(Mailing, number).on_uncertain = OnUncertain.RETRY
    lost = [Ended(one, Uncertain("lost after the dot")) for one in outbox.turn([], want=3, now=NOW).claims]
    outbox.record(lost, now=NOW)
    assert states(parts, number) == ["deferred"] * 3
    return number


LATER = NOW + timedelta(hours=2)


def end(parts, outbox, number, how):
    match how:
        case "expired":
            outbox.turn([], want=3, now=NOW + timedelta(days=4))
        case "cancelled":
            control.cancel(parts.database, number, now=LATER)
        case "refused":
            claims = outbox.turn([], want=3, now=LATER).claims
            outbox.record([Ended(one, Refused("550 5.2.0 a copy")) for one in claims], now=LATER)
        case "closed":
            with parts.database.write() as session:
                session.get_one(Appeal, 1).close(Act(by="Hanna", at=LATER))
            outbox.turn([], want=3, now=LATER)
        case "declined":
            with parts.database.write() as session:
                for person in session.scalars(select(Subscriber)):
                    before = Choices.of(person)
                    decide(session, person.id, before, replace(before, alerts=False), source="page", now=LATER)


@pytest.mark.parametrize("how", ["expired", "cancelled", "refused", "closed", "declined"])
def test_what_may_have_arrived_is_never_said_not_to_have_come(parts, outbox, how):
    number = doubtful(parts, outbox)
    end(parts, outbox, number, how)
    assert states(parts, number) == ["uncertain"] * 3
    # So it comes with no digest: that might be the second time.
    assert parts.planner().launch(Cadence.WEEKLY, now=NOW + timedelta(days=5)).mailing_id is None


def test_what_was_tried_again_and_arrived_is_accepted(parts, outbox):
    number = doubtful(parts, outbox)
    claims = outbox.turn([], want=3, now=LATER).claims
    outbox.record([Ended(one, ACCEPTED) for one in claims], now=LATER)
    assert states(parts, number) == ["accepted"] * 3


def test_an_alert_that_may_have_arrived_and_has_no_time_left_is_uncertain(parts, outbox):
    number = mailing(parts, Cadence.WEEKLY, 1, lane=Lane.ALERT)
    with parts.database.write() as session:
        found = session.get_one(Mailing, number)
        found.on_uncertain, found.expires_at = OnUncertain.RETRY, NOW + timedelta(seconds=1)
    (claimed,) = outbox.turn([], want=1, now=NOW).claims
    outbox.record([Ended(claimed, Uncertain("lost after the dot"))], now=NOW)
    assert states(parts, number) == ["uncertain"]


def test_what_an_organiser_sends_again_may_have_arrived_before(parts, outbox):
    number = mailing(parts, Cadence.WEEKLY, 1)
    (claimed,) = outbox.turn([], want=1, now=NOW).claims
    outbox.record([Ended(claimed, Uncertain("lost after the dot"))], now=NOW)
    assert states(parts, number) == ["uncertain"]
    with parts.database.write() as session:
        control.resolve(session, number, [claimed.id], control.Verdict.AGAIN, now=NOW)
    control.cancel(parts.database, number, now=LATER)
    assert states(parts, number) == ["uncertain"]
