"""Who is pending, active or gone, and how one becomes the other."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from subscribers.addresses import parse_address
from subscribers.model import AlreadyLeft, LeftReason, Status, Subscriber
from subscribers.preferences import Cadence, Profile, Reading
from tests.conftest import NOW

LATER = NOW + timedelta(days=1)


def zeynep() -> Subscriber:
    address = parse_address("Zeynep@example.org")
    return Subscriber.new(address, name="Zeynep", cadence=Cadence.DAILY, profile=Profile.new(Reading()), now=NOW)


def test_somebody_new_is_pending_and_gets_nothing_yet():
    subscriber = zeynep()
    assert subscriber.status is Status.PENDING
    assert subscriber.created_at == NOW
    assert subscriber.joined_at is None
    assert (subscriber.email, subscriber.address_key) == ("Zeynep@example.org", "zeynep@example.org")


def test_confirming_makes_active_and_twice_is_fine():
    subscriber = zeynep()
    subscriber.confirm(NOW)
    subscriber.confirm(LATER)
    assert subscriber.status is Status.ACTIVE
    assert subscriber.joined_at == NOW


@pytest.mark.parametrize("confirmed", [True, False])
def test_anybody_can_leave_at_any_time(confirmed):
    subscriber = zeynep()
    if confirmed:
        subscriber.confirm(NOW)
    assert subscriber.leave(LeftReason.UNSUBSCRIBED, LATER)
    assert (subscriber.status, subscriber.left_reason, subscriber.left_at) == (Status.LEFT, "unsubscribed", LATER)


def test_the_first_reason_for_leaving_stays():
    subscriber = zeynep()
    subscriber.leave(LeftReason.COMPLAINED, NOW)
    assert not subscriber.leave(LeftReason.BOUNCED, LATER)
    assert (subscriber.left_reason, subscriber.left_at) == (LeftReason.COMPLAINED, NOW)


@given(st.lists(st.sampled_from(["confirm", "leave"])))
def test_nothing_that_we_do_brings_back_who_left(moves):
    subscriber = zeynep()
    gone = False
    for move in moves:
        if move == "leave":
            assert subscriber.leave(LeftReason.UNSUBSCRIBED, NOW) is not gone
            gone = True
        elif gone:
            with pytest.raises(AlreadyLeft):
                subscriber.confirm(NOW)
        else:
            subscriber.confirm(NOW)
        assert (subscriber.status is Status.LEFT) == gone


def test_everything_about_a_subscriber_is_kept(database):
    with database.write() as session:
        subscriber = zeynep()
        subscriber.confirm(NOW)
        session.add(subscriber)
    with database.read() as session:
        found = session.scalars(select(Subscriber)).one()
        assert (found.status, found.cadence, found.joined_at) == (Status.ACTIVE, Cadence.DAILY, NOW)
        assert (found.token_epoch, found.left_reason, found.paused_until) == (0, None, None)
        assert found.profile.reading == Reading()


def test_one_mailbox_is_one_subscriber(database):
    rosa, same_rosa = (parse_address(email) for email in ("rosa@example.org", "Rosa@Example.org"))
    with database.write() as session:
        facts = {"name": "", "cadence": Cadence.DAILY, "profile": Profile.of(session, Reading()), "now": NOW}
        session.add_all([Subscriber.new(rosa, **facts), Subscriber.new(same_rosa, **facts)])
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
