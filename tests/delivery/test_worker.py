"""What a run of the sender leaves behind, against a real mail server, on both databases."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.delivery.courier import RecordingCourier, RelayAway, RelayRefuses
from newsletter.delivery.model import Delivery, DeliveryState, Mailing, MailingState, OnUncertain, Skip
from newsletter.delivery.outbox import LEASE, Outbox, message_id
from newsletter.delivery.outcome import Accepted, Deferred
from newsletter.delivery.retry import WAITS, next_attempt
from newsletter.delivery.smtp import SmtpCourier
from subscribers.database import Database
from subscribers.model import LeftReason, Subscriber
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW, free_port
from tests.delivery.brokenserver import BrokenServer


@pytest.fixture
def parts(database, keys, mailserver):
    return builders.parts(database, keys, smtp_port=mailserver.port)


def planned(parts, *people):
    """Plan one digest of one appeal for people of these names."""
    with parts.database.write() as session:
        for name in people:
            builders.person(session, f"{name}@example.org", name=name)
        builders.appeal(session)
    with parts.database.write() as session:
        return parts.planner().plan_digest(session, Cadence.WEEKLY, now=NOW).mailing_id


def send(parts):
    return asyncio.run(parts.worker().run())


def rows(parts):
    with parts.database.read() as session:
        found = session.execute(select(Subscriber.name, Delivery).join(Delivery).order_by(Delivery.id)).all()
        return dict(map(tuple, found))


def states(parts):
    return {name: delivery.state for name, delivery in rows(parts).items()}


def change(parts, name, act):
    with parts.database.write() as session:
        act(session.scalars(select(Subscriber).where(Subscriber.name == name)).one(), session)


def test_everybody_gets_their_mail_once_and_the_mailing_is_finished(parts, mailserver):
    planned(parts, *"abcdefghij")
    report = send(parts)
    assert report.outcomes == {"accepted": 10}
    assert sorted(mail.recipients[0][0] for mail in mailserver.received) == list("abcdefghij")
    assert send(parts).outcomes == {}
    assert len(mailserver.received) == 10
    with parts.database.read() as session:
        mailing = session.scalars(select(Mailing)).one()
        assert (mailing.state, mailing.finished_at) == (MailingState.FINISHED, NOW)
        expected = {message_id(mailing, number) for number in session.scalars(select(Delivery.id))}
    assert {mail.message["Message-ID"] for mail in mailserver.received} == expected
    assert {row.reply for row in rows(parts).values()} == {"250 2.0.0 Kept"}


def test_who_left_paused_or_was_suppressed_after_launch_gets_nothing(parts, mailserver):
    planned(parts, "stays", "leaves", "pauses", "suppressed")
    change(parts, "leaves", lambda person, _: person.leave(LeftReason.UNSUBSCRIBED, NOW))
    change(parts, "pauses", lambda person, _: setattr(person, "paused_until", NOW + timedelta(days=1)))
    change(
        parts,
        "suppressed",
        lambda person, session: parts.suppression.add(session, person.address_key, reason="bounced", now=NOW),
    )
    send(parts)
    assert [mail.recipients for mail in mailserver.received] == [("stays@example.org",)]
    skipped = {name: row.skip for name, row in rows(parts).items() if row.state is DeliveryState.SKIPPED}
    assert skipped == {"leaves": Skip.LEFT, "pauses": Skip.PAUSED, "suppressed": Skip.SUPPRESSED}


def test_the_row_is_sending_and_on_disk_before_the_first_byte(database_url, database, keys, mailserver):
    seen = []
    parts = builders.parts(database, keys, smtp_port=mailserver.port)
    planned(parts, "rosa")
    path = database.url.database

    def look(_address):
        if database.is_sqlite:
            with sqlite3.connect(path) as other:
                seen.extend(other.execute("SELECT state FROM deliveries").fetchall())
            other.close()
        else:
            with database.read() as session:
                seen.extend((state.value,) for state in session.scalars(select(Delivery.state)))

    mailserver.answer_mail = look
    send(parts)
    assert seen == [("sending",)]
    assert states(parts) == {"rosa": DeliveryState.ACCEPTED}


def test_a_refused_recipient_is_settled_and_a_deferred_one_is_tried_later(parts, mailserver):
    planned(parts, "good", "gone", "busy")
    replies = {"gone@example.org": "550 5.1.1 No such user", "busy@example.org": "450 4.2.0 Greylisted"}
    mailserver.answer_rcpt = replies.get
    report = send(parts)
    assert report.outcomes == {"accepted": 1, "refused": 1, "deferred": 1}
    assert (report.left.due, report.left.later, report.left.next_at) == (0, 1, NOW + WAITS[0])
    assert states(parts) == {
        "good": DeliveryState.ACCEPTED,
        "gone": DeliveryState.REFUSED,
        "busy": DeliveryState.DEFERRED,
    }
    assert rows(parts)["busy"].reply == "450 4.2.0 Greylisted"
    first_id = [mail.message["Message-ID"] for mail in mailserver.received]
    mailserver.answer_rcpt = lambda _address: None
    later = builders.parts(parts.database, parts.keys, smtp_port=mailserver.port, now=NOW + WAITS[0])
    assert send(later).outcomes == {"accepted": 1}
    assert mailserver.received[-1].message["Message-ID"] not in first_id
    assert mailserver.received[-1].message["Date"].datetime == NOW, "another attempt is the same mail"


def test_a_relay_that_is_away_leaves_every_row_as_it_was(database, keys):
    parts = builders.parts(database, keys, smtp_port=free_port())
    planned(parts, "a", "b")
    report = send(parts)
    assert isinstance(report.fault, RelayAway)
    assert report.outcomes == {}
    assert {(row.state, row.attempts) for row in rows(parts).values()} == {(DeliveryState.QUEUED, 0)}
    assert report.left.due == 2


def test_a_relay_that_refuses_the_sender_settles_nobody(parts, mailserver):
    planned(parts, *"abcdefghijklmnop")
    mailserver.answer_mail = lambda _address: "550 5.7.1 Sender not allowed"
    report = send(parts)
    assert isinstance(report.fault, RelayRefuses)
    assert {(row.state, row.attempts) for row in rows(parts).values()} == {(DeliveryState.QUEUED, 0)}


def test_a_relay_that_may_not_relay_loses_nobody_and_is_not_asked_a_thousand_times(parts, mailserver):
    planned(parts, *(f"p{number}" for number in range(60)))
    mailserver.answer_rcpt = lambda _address: "554 5.7.1 Relay access denied"
    report = send(parts)
    assert isinstance(report.fault, RelayRefuses)
    assert "Relay access denied" in str(report.fault)
    assert set(states(parts).values()) == {DeliveryState.QUEUED, DeliveryState.DEFERRED}
    assert report.outcomes["deferred"] < 20


def test_one_recipient_whose_own_server_has_a_policy_stops_nobody_else(parts, mailserver):
    planned(parts, *(f"p{number}" for number in range(30)))
    mailserver.answer_rcpt = lambda address: "554 5.7.1 Not from you" if address.startswith("p3@") else None
    report = send(parts)
    assert (report.outcomes, report.fault) == ({"accepted": 29, "deferred": 1}, None)


def test_a_server_that_is_shutting_down_is_left_alone_and_costs_nobody_an_attempt(database, keys):
    async def run():
        async with BrokenServer(reply_to={"MAIL": b"421 4.3.2 Shutting down\r\n"}) as server:
            parts = builders.parts(database, keys, smtp_port=server.port)
            planned(parts, *(f"p{number}" for number in range(40)))
            return parts, await parts.worker().run()

    parts, report = asyncio.run(run())
    assert isinstance(report.fault, RelayAway)
    assert all(row.attempts == 0 for row in rows(parts).values())
    assert DeliveryState.REFUSED not in states(parts).values()


@pytest.mark.parametrize(
    ("choice", "state"), [(OnUncertain.LEAVE, DeliveryState.UNCERTAIN), (OnUncertain.RETRY, DeliveryState.DEFERRED)]
)
def test_a_connection_lost_after_the_dot_is_what_the_mailing_chose(database, keys, choice, state):
    async def run():
        async with BrokenServer(breaks="dot", times=1) as server:
            parts = builders.parts(database, keys, smtp_port=server.port)
            number = planned(parts, "a", "b", "c")
            with database.write() as session:
                session.get_one(Mailing, number).on_uncertain = choice
            return parts, server, await parts.worker().run()

    parts, server, report = asyncio.run(run())
    assert report.outcomes == {"accepted": 2, "uncertain": 1}
    assert sorted(states(parts).values()) == sorted([DeliveryState.ACCEPTED, DeliveryState.ACCEPTED, state])
    assert len(server.taken) == 3


def test_what_a_vanished_worker_was_sending_is_uncertain_once_its_lease_is_over(parts, mailserver):
    planned(parts, "a", "b")
    vanished = Outbox(parts.database, parts.suppression, worker="vanished")
    assert len(vanished.claim(1, now=NOW)) == 1
    assert send(parts).outcomes == {"accepted": 1}, "what another holds is not touched"
    assert sorted(states(parts).values()) == [DeliveryState.ACCEPTED, DeliveryState.SENDING]
    later = builders.parts(
        parts.database, parts.keys, smtp_port=mailserver.port, now=NOW + LEASE + timedelta(seconds=1)
    )
    assert send(later).outcomes == {}
    assert sorted(states(parts).values()) == [DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN]
    assert len(mailserver.received) == 1


def test_a_worker_that_wakes_up_late_cannot_overwrite_what_was_decided(parts):
    planned(parts, "rosa")
    late = Outbox(parts.database, parts.suppression, worker="late")
    (claimed,) = late.claim(1, now=NOW)
    after = NOW + LEASE + timedelta(seconds=1)
    Outbox(parts.database, parts.suppression, worker="other").recover(now=after)
    late.record({claimed: Accepted("250 at last")}, now=after)
    assert states(parts) == {"rosa": DeliveryState.UNCERTAIN}


def test_two_workers_share_a_queue_and_nobody_gets_two(parts):
    planned(parts, *(f"p{number}" for number in range(50)))
    one, two = (Outbox(parts.database, parts.suppression, worker=name) for name in ("one", "two"))
    claimed = []
    while batch := one.claim(3, now=NOW) + two.claim(4, now=NOW):
        claimed += [claim.id for claim in batch]
    assert len(claimed) == len(set(claimed)) == 50


def test_what_could_not_be_sent_in_time_is_expired_not_late(parts, mailserver):
    planned(parts, "rosa")
    with parts.database.write() as session:
        expires_at = session.scalars(select(Mailing)).one().expires_at
    assert send(builders.parts(parts.database, parts.keys, smtp_port=mailserver.port, now=expires_at)).outcomes == {}
    assert states(parts) == {"rosa": DeliveryState.EXPIRED}
    assert mailserver.received == []


def test_told_to_stop_it_finishes_what_is_on_the_wire_and_hands_the_rest_back(parts, mailserver):
    planned(parts, *(f"p{number}" for number in range(100)))
    worker = parts.worker()
    mailserver.answer_data = lambda _data: worker.stop()
    report = asyncio.run(worker.run())
    assert 1 <= report.outcomes["accepted"] < 100
    assert len(mailserver.received) == report.outcomes["accepted"]
    assert set(states(parts).values()) == {DeliveryState.ACCEPTED, DeliveryState.QUEUED}
    mailserver.answer_data = lambda _data: None
    send(parts)
    assert len({mail.recipients for mail in mailserver.received}) == len(mailserver.received) == 100


def test_a_stored_address_that_would_break_out_of_its_command_never_reaches_the_wire(parts, mailserver):
    planned(parts, "rosa", "evil")
    change(parts, "evil", lambda person, _: setattr(person, "email", "x@y.zz>\r\nRCPT TO:<all@example.org"))
    report = send(parts)
    assert report.outcomes == {"accepted": 1, "refused": 1}
    assert [mail.recipients for mail in mailserver.received] == [("rosa@example.org",)]


def test_the_recording_courier_takes_everything_and_sends_nothing(parts, mailserver):
    planned(parts, "rosa")
    worker, courier = parts.worker(), RecordingCourier()
    worker.courier = lambda: courier
    assert asyncio.run(worker.run()).outcomes == {"accepted": 1}
    assert [envelope.recipient for envelope in courier.taken] == ["rosa@example.org"]
    assert mailserver.received == []


def test_waits_grow_and_end_at_the_mailings_limit():
    limit = NOW + timedelta(days=3)
    moments = [next_attempt(attempts=n, now=NOW, expires_at=limit) for n in range(1, 20)]
    assert moments == sorted(moments)
    assert moments[0] == NOW + timedelta(minutes=5)
    assert next_attempt(attempts=1, now=limit - timedelta(minutes=5), expires_at=limit) is None


def test_a_deferred_mail_whose_next_attempt_would_come_too_late_is_expired(parts):
    planned(parts, "rosa")
    outbox = Outbox(parts.database, parts.suppression, worker="w")
    moment = NOW + timedelta(days=3) - timedelta(minutes=1)
    (claimed,) = outbox.claim(1, now=moment)
    outbox.record({claimed: Deferred("450 later")}, now=moment)
    assert states(parts) == {"rosa": DeliveryState.EXPIRED}


def test_an_appeal_that_was_closed_after_planning_goes_out_no_more_and_the_rest_comes_later(parts, mailserver):
    with parts.database.write() as session:
        builders.person(session, "rosa@example.org", name="rosa")
        closed, open_one = builders.appeal(session, "closed"), builders.appeal(session, "open")
    with parts.database.write() as session:
        parts.planner().plan_digest(session, Cadence.WEEKLY, now=NOW)
    with parts.database.write() as session:
        session.merge(closed).close(NOW)
    assert send(parts).outcomes == {}
    assert rows(parts)["rosa"].skip is Skip.CLOSED
    with parts.database.write() as session:
        parts.planner().plan_digest(session, Cadence.WEEKLY, now=NOW)
    send(parts)
    (received,) = mailserver.received
    assert open_one.text.title in received.message.get_body(("plain",)).get_content()
    assert "closed" not in str(received.message["Subject"])


@pytest.mark.parametrize("where", ["stamp", "courier"])
def test_a_fault_of_our_own_before_a_mail_leaves_hands_it_back(parts, mailserver, monkeypatch, where):
    planned(parts, "a", "b", "c")
    worker = parts.worker()

    def fail(*_arguments):
        raise RuntimeError

    target = (worker.stamp, "envelope") if where == "stamp" else (SmtpCourier, "deliver")
    monkeypatch.setattr(*target, fail)
    with pytest.raises(RuntimeError):
        asyncio.run(worker.run())
    assert set(states(parts).values()) == {DeliveryState.QUEUED}
    monkeypatch.undo()
    assert send(parts).outcomes == {"accepted": 3}


def test_what_the_server_said_is_written_down_even_if_the_database_was_locked_meanwhile(
    sqlite_url, keys, mailserver, monkeypatch
):
    monkeypatch.setattr("subscribers.database.BUSY_TIMEOUT_S", 0.02)
    parts = builders.parts(Database(sqlite_url), keys, smtp_port=mailserver.port)
    planned(parts, "rosa")
    holder = sqlite3.connect(parts.database.url.database, isolation_level=None, check_same_thread=False)
    refused = []

    def lock(_data):
        holder.execute("BEGIN IMMEDIATE")

    write = Database.write

    def noticing(database):
        if mailserver.received or holder.in_transaction:
            refused.append(True)
        if len(refused) == 3:
            holder.execute("ROLLBACK")
        return write(database)

    mailserver.answer_data = lock
    monkeypatch.setattr(Database, "write", noticing)
    send(parts)
    assert states(parts) == {"rosa": DeliveryState.ACCEPTED}
    assert len(refused) >= 3
    holder.close()
    parts.database.dispose()
