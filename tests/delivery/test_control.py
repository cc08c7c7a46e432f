"""What an organiser does with a mailing that was launched, while workers are at it, on both databases."""

import asyncio
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.delivery import control
from newsletter.delivery.claimed import Ended
from newsletter.delivery.control import MailingExpired, MailingIsOver, NotInMailing, NotUncertain, Verdict
from newsletter.delivery.model import Delivery, DeliveryState, Lane, Mailing, MailingState
from newsletter.delivery.outcome import Accepted, Deferred, Uncertain
from newsletter.delivery.report import NoSuchMailing
from newsletter.delivery.report import mailing as report_of
from newsletter.delivery.stamp import Stamp
from subscribers.addresses import NotAnAddress
from subscribers.model import Subscriber
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW


@pytest.fixture
def parts(database, keys, mailserver):
    return builders.parts(database, keys, smtp_port=mailserver.port, smtp_connections=2)


def planned(parts, *people, title="Free the eleven"):
    with parts.database.write() as session:
        for name in people:
            builders.person(session, f"{name}@example.org", name=name)
        builders.appeal(session, title)
    return parts.planner().launch(Cadence.WEEKLY, now=NOW).mailing_id


def states(parts):
    with parts.database.read() as session:
        return dict(map(tuple, session.execute(select(Subscriber.name, Delivery.state).join(Delivery))))


def state_of(parts, number):
    with parts.database.read() as session:
        return session.get_one(Mailing, number).state


def decide(parts, act, *arguments, **facts):
    with parts.database.write() as session:
        return act(session, *arguments, **facts)


def send(parts):
    return asyncio.run(parts.worker().run())


def outbox_of(parts):
    made = parts.outbox()
    made.enrol(now=NOW)
    return made


def test_a_paused_mailing_sends_nothing_until_it_is_resumed(parts, mailserver):
    number = planned(parts, "a", "b")
    assert decide(parts, control.pause, number) is True
    assert decide(parts, control.pause, number) is False
    assert send(parts).outcomes == {}
    assert mailserver.received == []
    assert decide(parts, control.resume, number) is True
    assert send(parts).outcomes == {"accepted": 2}
    assert state_of(parts, number) is MailingState.FINISHED
    for act in (control.pause, control.resume):
        with pytest.raises(MailingIsOver, match="finished already"):
            decide(parts, act, number)


@pytest.mark.parametrize("act", [control.pause, control.resume])
def test_a_mailing_that_does_not_exist_is_told(parts, act):
    with pytest.raises(NoSuchMailing, match="99"):
        decide(parts, act, 99)


@pytest.mark.parametrize("act", ["pause", "cancel"])
def test_a_pause_and_a_cancel_stop_a_worker_in_the_middle_of_a_run(parts, mailserver, act):
    number = planned(parts, *(f"p{n}" for n in range(300)))
    decided = []

    def in_the_middle(_data):
        if len(mailserver.received) >= 20 and not decided:
            decided.append(len(mailserver.received))
            if act == "pause":
                decide(parts, control.pause, number)
            else:
                control.cancel(parts.database, number, now=NOW)

    mailserver.answer_data = in_the_middle
    report = send(parts)
    assert report.fault is None
    # What was on the wire at that moment, and what a look at the database, five times a second, can't have seen.
    assert 20 <= len(mailserver.received) < 300
    found = set(states(parts).values())
    if act == "pause":
        assert found == {DeliveryState.ACCEPTED, DeliveryState.QUEUED}
        decide(parts, control.resume, number)
        send(parts)
        assert len({mail.recipients for mail in mailserver.received}) == len(mailserver.received) == 300
    else:
        assert found == {DeliveryState.ACCEPTED, DeliveryState.CANCELLED}
        assert state_of(parts, number) is MailingState.CANCELLED
        with pytest.raises(MailingIsOver, match="cancelled already"):
            decide(parts, control.resume, number)


def test_what_was_on_the_wire_of_a_cancelled_mailing_keeps_its_outcome_and_the_rest_ends(parts):
    number = planned(parts, "a", "b", "c")
    outbox = outbox_of(parts)
    first, second = outbox.turn([], want=2, now=NOW).claims
    done = control.cancel(parts.database, number, now=NOW)
    assert (done.cancelled, done.accepted, done.on_the_wire) == (1, 0, 2)
    turn = outbox.turn([Ended(first, Accepted("250 ok")), Ended(second, Deferred("450 later"))], want=5, now=NOW)
    assert (turn.claims, dict(turn.running)) == ([], {})
    outbox.finish_mailings(now=NOW)
    assert sorted(states(parts).values()) == sorted(
        [DeliveryState.ACCEPTED, DeliveryState.CANCELLED, DeliveryState.CANCELLED]
    )


def test_a_large_mailing_is_cancelled_in_chunks_and_at_once(parts, monkeypatch):
    monkeypatch.setattr(control, "CHUNK", 7)
    number = planned(parts, *(f"p{n}" for n in range(30)))
    told = []
    assert control.cancel(parts.database, number, now=NOW, on_progress=told.append).cancelled == 30
    assert told == [7, 14, 21, 28, 30]


def uncertain_one(parts, name="rosa"):
    number = planned(parts, name, "other")
    outbox = outbox_of(parts)
    claims = outbox.turn([], want=2, now=NOW).claims
    ended = [Ended(one, Uncertain("lost after the dot") if one.name == name else Accepted("250 ok")) for one in claims]
    outbox.turn(ended, want=0, now=NOW)
    outbox.finish_mailings(now=NOW)
    return number, next(one for one in claims if one.name == name), outbox


@pytest.mark.parametrize("by", ["number", "address", "all"])
def test_a_person_decides_that_an_uncertain_mail_goes_again_and_it_is_the_same_mail(parts, mailserver, by):
    number, claimed, late = uncertain_one(parts)
    assert state_of(parts, number) is MailingState.FINISHED
    with parts.database.read() as session:
        (shown,) = report_of(session, number).uncertain
    assert (shown.id, shown.address, shown.reason) == (claimed.id, "rosa@example.org", "lost after the dot")
    books = parts.bookkeeper()
    (frame,) = books._prepare([claimed]).values()
    letter = Stamp(parts.links, parts.sender).letter(claimed, books._places[claimed.edition_id])
    before = frame.fill(letter.values, ())
    which = {"number": str(claimed.id), "address": " Rosa@EXAMPLE.org", "all": None}[by]
    with parts.database.write() as session:
        found = control.uncertain(session, number, which)
        assert control.resolve(session, number, found, Verdict.AGAIN, now=NOW) == 1
    late.record([Ended(claimed, Accepted("250 at last"))], now=NOW)
    assert states(parts)["rosa"] is DeliveryState.QUEUED, "whoever had it before is shut out"
    assert send(parts).outcomes == {"accepted": 1}
    (received,) = mailserver.received
    assert received.message["Message-ID"] in before.decode()
    assert state_of(parts, number) is MailingState.FINISHED


def test_a_person_decides_that_an_uncertain_mail_arrived(parts, mailserver):
    number, _claimed, _late = uncertain_one(parts)
    with parts.database.write() as session:
        assert control.resolve(session, number, control.uncertain(session, number), Verdict.SENT, now=NOW) == 1
    assert states(parts)["rosa"] is DeliveryState.ACCEPTED
    with parts.database.read() as session:
        assert (
            "lost after the dot"
            in session.scalars(select(Delivery.reply).where(Delivery.reply.like("a person%"))).one()
        )
    assert send(parts).outcomes == {}
    assert mailserver.received == []


def test_what_can_not_be_decided_is_said_and_nothing_is_changed(parts):
    number, _claimed, _late = uncertain_one(parts)
    with parts.database.write() as session:
        builders.person(session, "stranger@example.org")
        for which, fault in [
            ("4711", NotInMailing),
            ("stranger@example.org", NotInMailing),
            ("nobody", NotAnAddress),
            ("other@example.org", NotUncertain),
        ]:
            with pytest.raises(fault):
                control.uncertain(session, number, which)
        found = control.uncertain(session, number)
        late = session.get_one(Mailing, number).expires_at + timedelta(seconds=1)
        with pytest.raises(MailingExpired, match="limit"):
            control.resolve(session, number, found, Verdict.AGAIN, now=late)
    assert states(parts)["rosa"] is DeliveryState.UNCERTAIN
    assert state_of(parts, number) is MailingState.FINISHED


def test_an_alert_that_is_launched_while_a_digest_runs_goes_before_the_rest_of_it(parts, mailserver):
    digest = planned(parts, *(f"p{n}" for n in range(300)))
    launched = threading.Event()

    def in_the_middle(_data):
        if len(mailserver.received) >= 20 and not launched.is_set():
            launched.set()
            alert = planned(parts, *(f"q{n}" for n in range(20)), title="Arrested today")
            with parts.database.write() as session:
                session.get_one(Mailing, alert).lane = Lane.ALERT

    mailserver.answer_data = in_the_middle
    send(parts)
    subjects = [str(mail.message["Subject"]) for mail in mailserver.received]
    urgent = [place for place, subject in enumerate(subjects) if "Arrested" in subject]
    assert len(urgent) >= 20
    # At most what was claimed already goes before it: two mails a connection, and as many that came meanwhile.
    assert urgent[0] - 20 <= 3 * 2 * 2
    assert digest
