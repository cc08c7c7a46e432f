"""What a run of the sender leaves behind, against a real mail server, on both databases."""

import asyncio
import socket
import sqlite3
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter.appeals.model import Act
from newsletter.delivery import bookkeeper as bookkeeping
from newsletter.delivery.claimed import Ended
from newsletter.delivery.courier import RecordingCourier, RelayAway, RelayRefuses
from newsletter.delivery.letters import Mailroom
from newsletter.delivery.model import Delivery, DeliveryState, Lane, Mailing, MailingState, OnUncertain, Skip, WorkerRow
from newsletter.delivery.outbox import Outbox
from newsletter.delivery.outcome import Accepted, Deferred, Refused
from newsletter.delivery.smtp import SmtpCourier
from newsletter.delivery.stamp import Stamp, message_id
from newsletter.delivery.worker import CLAIMS_PER_LINE
from newsletter.delivery.workers import LONG_SILENCE, SILENCE_S, Process
from subscribers.database import Database
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.preferences import Cadence
from subscribers.suppression import Suppression
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
    return parts.planner().launch(Cadence.WEEKLY, now=NOW).mailing_id


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


@pytest.mark.parametrize(("lane", "arrives"), [(Lane.ALERT, True), (Lane.REST, False)])
def test_an_alert_comes_through_a_pause_where_somebody_chose_so(parts, mailserver, lane, arrives):
    number = planned(parts, "rosa", "other")
    with parts.database.write() as session:
        session.get_one(Mailing, number).lane = lane
        for person in session.scalars(select(Subscriber)):
            person.paused_until = NOW + timedelta(days=1)
            person.alerts_while_paused = person.name == "rosa"
    send(parts)
    assert [mail.recipients for mail in mailserver.received] == ([("rosa@example.org",)] if arrives else [])


@pytest.mark.parametrize(("language", "neutral"), [("en", "Newsletter"), ("ar", "نشرة إخبارية")])
def test_a_discreet_reader_gets_text_alone_and_nothing_telling_outside_of_it(parts, mailserver, language, neutral):
    with parts.database.write() as session:
        builders.person(session, "rosa@example.org", discreet=True, languages=(language, "en"))
        builders.person(session, "open@example.org", languages=(language, "en"))
        builders.appeal(session, "Free the eleven", languages=("en", "ar"))
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    send(parts)
    ((discreet,), (usual,)) = (mailserver.to(f"{who}@example.org") for who in ("rosa", "open"))
    mail = discreet.message
    assert (mail["Subject"], mail["From"].addresses[0].display_name) == (neutral, neutral)
    assert mail.get_content_type() == "text/plain"
    assert "Free the eleven" in mail.get_content()
    outside = discreet.data.partition(b"\r\n\r\n")[0].decode()
    assert "Solidarity" not in outside
    assert "Solidarity" in usual.data.partition(b"\r\n\r\n")[0].decode()
    assert usual.message.is_multipart()


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
    assert (report.left.due, report.left.later) == (0, 1)
    assert timedelta(minutes=4) < report.left.next_at - NOW < timedelta(minutes=8)
    assert states(parts) == {
        "good": DeliveryState.ACCEPTED,
        "gone": DeliveryState.REFUSED,
        "busy": DeliveryState.DEFERRED,
    }
    assert rows(parts)["busy"].reply == "450 4.2.0 Greylisted"
    first_id = [mail.message["Message-ID"] for mail in mailserver.received]
    mailserver.answer_rcpt = lambda _address: None
    later = builders.parts(parts.database, parts.keys, smtp_port=mailserver.port, now=report.left.next_at)
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
    assert all(row.attempts == 0 for row in rows(parts).values())
    assert set(states(parts).values()) <= {DeliveryState.QUEUED, DeliveryState.DEFERRED}


def test_a_reply_about_us_pauses_the_mailing_and_suppresses_nobody(parts, mailserver):
    number = planned(parts, *(f"p{number}" for number in range(60)))
    mailserver.answer_rcpt = lambda _address: "554 5.7.1 Relay access denied"
    report = send(parts)
    assert report.paused == {number: "554 5.7.1 Relay access denied"}
    assert set(states(parts).values()) == {DeliveryState.QUEUED, DeliveryState.DEFERRED}
    assert report.outcomes["deferred"] <= 8, "no more than were on the wire"
    with parts.database.read() as session:
        mailing = session.get_one(Mailing, number)
        assert (mailing.state, mailing.note) == (MailingState.PAUSED, "554 5.7.1 Relay access denied")
        assert session.scalar(select(func.count()).select_from(Suppression)) == 0
        assert {person.status for person in session.scalars(select(Subscriber))} == {Status.ACTIVE}


def test_after_an_organiser_resumed_one_hostile_mailbox_stops_nobody_else(parts, mailserver):
    number = planned(parts, *(f"p{number}" for number in range(30)))
    mailserver.answer_rcpt = lambda address: "554 5.7.1 Not from you" if address.startswith("p3@") else None
    assert number in send(parts).paused
    with parts.database.write() as session:
        session.get_one(Mailing, number).state = MailingState.RUNNING
    later = builders.parts(parts.database, parts.keys, smtp_port=mailserver.port, now=NOW + timedelta(minutes=10))
    report = send(later)
    assert (report.paused, report.fault) == ({}, None)
    assert Counter(states(parts).values()) == {DeliveryState.ACCEPTED: 29, DeliveryState.REFUSED: 1}


def test_a_mailbox_that_does_not_exist_is_never_written_to_again(parts, mailserver):
    planned(parts, "gone", "good")
    mailserver.answer_rcpt = lambda address: "550 5.1.1 No such user" if address.startswith("gone") else None
    send(parts)
    with parts.database.read() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.name == "gone")).one()
        assert (person.status, person.left_reason) == (Status.LEFT, LeftReason.BOUNCED)
        assert parts.suppression.among(session, [person.address_key]) == {person.address_key}


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


def outbox_of(parts, *, process=None):
    """A worker's outbox, of this process or of another."""
    made = parts.outbox()
    if process is not None:
        made._process = process
    made.enrol(now=NOW)
    return made


GONE = Process(host="elsewhere", machine=Process.this().machine, pid=2**22 + 1, started=1)
FAR = Process(host="elsewhere", machine="another machine", pid=1, started=1)


@pytest.mark.parametrize(
    ("choice", "state"), [(OnUncertain.LEAVE, DeliveryState.UNCERTAIN), (OnUncertain.RETRY, DeliveryState.DEFERRED)]
)
def test_what_a_process_was_sending_that_has_ended_is_settled_at_once(parts, mailserver, choice, state):
    number = planned(parts, "a", "b")
    with parts.database.write() as session:
        session.get_one(Mailing, number).on_uncertain = choice
    assert len(outbox_of(parts, process=GONE).turn([], want=1, now=NOW).claims) == 1
    assert send(parts).outcomes == {"accepted": 1}
    assert sorted(states(parts).values()) == sorted([DeliveryState.ACCEPTED, state])
    assert len(mailserver.received) == 1


def test_what_a_worker_on_another_machine_holds_is_left_alone_until_it_is_silent_for_long(parts):
    planned(parts, "a", "b")
    vanished = outbox_of(parts, process=FAR)
    assert len(vanished.turn([], want=1, now=NOW).claims) == 1
    assert send(parts).outcomes == {"accepted": 1}, "what another holds is not touched"
    assert sorted(states(parts).values()) == [DeliveryState.ACCEPTED, DeliveryState.SENDING]
    after = NOW + LONG_SILENCE + timedelta(seconds=1)
    assert send(builders.parts(parts.database, parts.keys, now=after)).outcomes == {}
    assert sorted(states(parts).values()) == [DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN]


def test_a_worker_that_shows_life_is_never_taken_for_gone_however_the_clock_jumps(parts):
    planned(parts, "a")
    seconds = [0.0]
    watcher, living = outbox_of(parts), outbox_of(parts, process=FAR)
    watcher._watch.monotonic = lambda: seconds[0]
    living.turn([], want=1, now=NOW)

    def look_on(for_s, now=NOW):
        for _ in range(int(for_s)):
            seconds[0] += 1
            watcher.beat(now=now)

    watcher.beat(now=NOW)
    for hour in range(5):
        look_on(SILENCE_S - 1, NOW + timedelta(hours=hour))
        assert living.beat(now=NOW)
        assert states(parts) == {"a": DeliveryState.SENDING}
    seconds[0] += 10 * SILENCE_S  # the database was away: nobody could show that it lives
    watcher.beat(now=NOW)
    assert states(parts) == {"a": DeliveryState.SENDING}
    look_on(SILENCE_S + 1)
    assert states(parts) == {"a": DeliveryState.UNCERTAIN}
    assert not living.beat(now=NOW), "it learns that it was taken for gone"


def test_a_worker_that_wakes_up_late_cannot_overwrite_what_another_decided(parts):
    number = planned(parts, "rosa")
    with parts.database.write() as session:
        session.get_one(Mailing, number).on_uncertain = OnUncertain.RETRY
    late, other = outbox_of(parts, process=GONE), outbox_of(parts)
    (first,) = late.turn([], want=1, now=NOW).claims
    other.beat(now=NOW)
    after = NOW + timedelta(hours=1)
    (second,) = other.turn([], want=1, now=after).claims
    assert (second.id, second.fence) == (first.id, first.fence + 2)
    late.record([Ended(first, Refused("550 5.1.1 at last"))], now=after)
    assert states(parts) == {"rosa": DeliveryState.SENDING}
    other.record([Ended(second, Accepted("250 ok"))], now=after)
    late.record([Ended(first, Deferred("450 later"))], now=after)
    assert states(parts) == {"rosa": DeliveryState.ACCEPTED}


def test_what_was_given_up_as_uncertain_may_still_learn_that_it_was_accepted(parts):
    planned(parts, "rosa")
    late, other = outbox_of(parts, process=GONE), outbox_of(parts)
    (claimed,) = late.turn([], want=1, now=NOW).claims
    other.beat(now=NOW)
    assert states(parts) == {"rosa": DeliveryState.UNCERTAIN}
    late.record([Ended(claimed, Deferred("450 later"))], now=NOW)
    assert states(parts) == {"rosa": DeliveryState.UNCERTAIN}
    late.record([Ended(claimed, Accepted("250 at last"))], now=NOW)
    assert states(parts) == {"rosa": DeliveryState.ACCEPTED}


def test_two_workers_share_a_queue_and_nobody_gets_two(parts):
    planned(parts, *(f"p{number}" for number in range(50)))
    one, two = outbox_of(parts), outbox_of(parts, process=FAR)
    claimed = []
    while batch := one.turn([], want=3, now=NOW).claims + two.turn([], want=4, now=NOW).claims:
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


def test_told_to_stop_twice_it_ends_at_once_and_loses_nothing(database, keys, monkeypatch):
    monkeypatch.setattr("newsletter.delivery.worker.GRACE_S", float("inf"))  # told once, it would wait for ever

    async def run():
        async with BrokenServer(holds=True) as server:
            parts = builders.parts(database, keys, smtp_port=server.port, smtp_connections=1)
            planned(parts, *(f"p{number}" for number in range(20)))
            worker = parts.worker()
            running = asyncio.create_task(worker.run())
            await server.holding.wait()
            worker.stop()
            worker.stop()
            return parts, await running

    parts, report = asyncio.run(run())
    assert report.outcomes == {"uncertain": 1}  # the server had all of it and gave no answer
    assert Counter(states(parts).values()) == {DeliveryState.UNCERTAIN: 1, DeliveryState.QUEUED: 19}


@pytest.mark.parametrize(("before_the_end", "sent"), [(timedelta(0), 3), (timedelta(seconds=1), 10)])
def test_a_mailing_ends_to_the_second_also_in_the_middle_of_sending(parts, mailserver, before_the_end, sent):
    planned(parts, *(f"p{number}" for number in range(10)))
    with parts.database.read() as session:
        expires_at = session.scalars(select(Mailing)).one().expires_at
    parts = builders.parts(parts.database, parts.keys, smtp_port=mailserver.port, smtp_connections=1)
    worker, moments = parts.worker(), [NOW]
    worker.clock = worker._claims.clock = lambda: moments[-1]

    def third(_data):
        if len(mailserver.received) == 2:  # and this one
            moments.append(expires_at - before_the_end)

    mailserver.answer_data = third
    asyncio.run(worker.run())
    assert len(mailserver.received) == sent
    assert Counter(states(parts).values())[DeliveryState.EXPIRED] == 10 - sent


def test_a_stored_address_that_would_break_out_of_its_command_never_reaches_the_wire(parts, mailserver):
    planned(parts, "rosa", "evil")
    change(parts, "evil", lambda person, _: setattr(person, "email", "x@y.zz>\r\nRCPT TO:<all@example.org"))
    report = send(parts)
    assert report.outcomes == {"accepted": 1, "refused": 1}
    assert [mail.recipients for mail in mailserver.received] == [("rosa@example.org",)]


def test_the_recording_courier_takes_everything_and_sends_nothing(parts, mailserver):
    planned(parts, "rosa")
    worker, courier = parts.worker(), RecordingCourier()
    worker.courier = courier
    assert asyncio.run(worker.run()).outcomes == {"accepted": 1}
    assert [envelope.recipient for envelope in courier.taken] == ["rosa@example.org"]
    assert mailserver.received == []


def test_a_deferred_mail_whose_next_attempt_would_come_too_late_is_expired(parts):
    planned(parts, "rosa")
    outbox = outbox_of(parts)
    moment = NOW + timedelta(days=3) - timedelta(minutes=1)
    (claimed,) = outbox.turn([], want=1, now=moment).claims
    outbox.record([Ended(claimed, Deferred("450 later"))], now=moment)
    assert states(parts) == {"rosa": DeliveryState.EXPIRED}


def test_an_appeal_that_was_closed_after_planning_goes_out_no_more_and_the_rest_comes_later(parts, mailserver):
    with parts.database.write() as session:
        builders.person(session, "rosa@example.org", name="rosa")
        closed, open_one = builders.appeal(session, "closed"), builders.appeal(session, "open")
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    with parts.database.write() as session:
        session.merge(closed).close(Act(by="Rosa", at=NOW))
    assert send(parts).outcomes == {}
    assert rows(parts)["rosa"].skip is Skip.CLOSED
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    send(parts)
    (received,) = mailserver.received
    assert open_one.text.title in received.message.get_body(("plain",)).get_content()
    assert "closed" not in str(received.message["Subject"])


def test_with_more_editions_than_it_keeps_everybody_gets_their_own(parts, mailserver, monkeypatch):
    monkeypatch.setattr(bookkeeping, "KEPT_EDITIONS", 1)
    tags = ("en", "es", "fr", "de")
    with parts.database.write() as session:
        builders.appeal(session, languages=tags)
        for number in range(40):
            tag = tags[number % len(tags)]
            builders.person(session, f"{tag}{number}@example.org", languages=(tag,))
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    assert send(parts).outcomes == {"accepted": 40}
    assert len(mailserver.received) == 40
    for one in mailserver.received:
        assert one.recipients[0].startswith(one.message["Content-Language"])


def test_people_who_left_are_passed_over_without_waiting(parts, mailserver, monkeypatch):
    names = [f"p{number}" for number in range(60)]
    planned(parts, *names)
    with parts.database.write() as session:
        for person in session.scalars(select(Subscriber).where(Subscriber.name != "p59")):
            person.leave(LeftReason.UNSUBSCRIBED, NOW)
    parts.settings = parts.settings.model_copy(update={"smtp_connections": 1})
    worker, waits = parts.worker(), []
    wait = worker._wait
    monkeypatch.setattr(worker, "_wait", lambda *seconds: (waits.append(seconds), wait(*seconds))[1])
    assert asyncio.run(worker.run()).outcomes == {"accepted": 1}
    assert len(waits) < len(names) / CLAIMS_PER_LINE / 2, "it would wait after each turn that only skips"


@pytest.mark.parametrize("where", [(Stamp, "letter"), (Mailroom, "envelope"), (SmtpCourier, "open")])
def test_a_fault_of_our_own_before_a_mail_leaves_hands_it_back(parts, mailserver, monkeypatch, where):
    planned(parts, "a", "b", "c")
    worker = parts.worker()

    def fail(*_arguments):
        raise RuntimeError

    monkeypatch.setattr(*where, fail)
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
    assert len(mailserver.received) == 1
    holder.close()
    parts.database.dispose()


def test_a_heartbeat_that_breaks_ends_the_run_and_what_was_said_is_written_down(parts, mailserver, monkeypatch):
    monkeypatch.setattr("newsletter.delivery.worker.BEAT_S", 0.01)
    planned(parts, "rosa")
    worker = parts.worker()

    def broken(_outbox, **_arguments):
        raise RuntimeError("disk")

    monkeypatch.setattr(Outbox, "beat", broken)
    with pytest.raises(RuntimeError, match="disk"):
        asyncio.run(worker.run(for_ever=True))
    assert states(parts)["rosa"] in {DeliveryState.ACCEPTED, DeliveryState.QUEUED}
    assert (states(parts)["rosa"] is DeliveryState.ACCEPTED) == bool(mailserver.received)
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(WorkerRow)) == 0


def test_told_to_stop_while_a_server_keeps_it_waiting_at_the_door_it_ends_at_once(database, keys):
    async def run():
        with socket.create_server(("127.0.0.1", 0)) as door:
            door.setblocking(False)
            parts = builders.parts(database, keys, smtp_port=door.getsockname()[1])
            planned(parts, "rosa")
            worker = parts.worker()
            running = asyncio.create_task(worker.run())
            visitor, _address = await asyncio.get_running_loop().sock_accept(door)
            with visitor:  # and nobody greets it
                worker.stop()
                return parts, await running  # with its patience it would take ten minutes

    parts, report = asyncio.run(run())
    assert (report.outcomes, states(parts)) == ({}, {"rosa": DeliveryState.QUEUED})
