"""Digests that come by themselves, at each reader's hour."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter.delivery.control import resume
from newsletter.delivery.model import Delivery, DeliveryState, DigestRun, Mailing, MailingState, Skip
from newsletter.delivery.planning import Planner
from newsletter.editions.model import Edition
from newsletter.editions.render import Renderer, TemplateBroken
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Profile, Reading
from tests import builders

MONDAY = datetime(2026, 11, 23, 5, 50, tzinfo=UTC)  # ten to seven in Berlin


@pytest.fixture
def at(database, keys, mailserver):
    """A newsletter whose clock stands at a moment."""

    def at(moment=MONDAY, **later):
        return builders.parts(database, keys, now=moment + timedelta(**later), smtp_port=mailserver.port)

    return at


def person(parts, name, cadence=Cadence.DAILY, *, zone="", hour=7, weekday=1):
    with parts.database.write() as session:
        made = builders.person(session, f"{name.replace(' ', '-')}@example.org", name=name, cadence=cadence)
        made.time_zone, made.digest_hour, made.digest_weekday = zone, hour, weekday


def release(parts, title="Free the eleven"):
    with parts.database.write() as session:
        builders.appeal(session, title, released=parts.clock())


def run(parts):
    """Do what is due; gives who was planned for, by name."""
    before = _planned(parts)
    parts.recurring().run(parts.clock())
    return sorted(_planned(parts) - before)


def _planned(parts):
    with parts.database.read() as session:
        rows = session.execute(
            select(Subscriber.name, Delivery.id)
            .join(Delivery, Delivery.subscriber_id == Subscriber.id)
            .where(Delivery.edition_id.is_not(None))
        )
        return {name for name, _delivery in rows}


def test_each_gets_theirs_at_their_hour_where_they_are(at):
    parts = at()
    for name, zone in (
        ("Berlin", "Europe/Berlin"),
        ("Home", ""),
        ("Kathmandu", "Asia/Kathmandu"),
        ("Lima", "America/Lima"),
    ):
        person(parts, name, zone=zone)
    person(parts, "At eight", hour=8)
    person(parts, "Monday", Cadence.WEEKLY, zone="Europe/Berlin")
    person(parts, "Tuesday", Cadence.WEEKLY, zone="Europe/Berlin", weekday=2)
    person(parts, "Alerts alone", Cadence.URGENT)
    assert run(parts) == [], "what is there at the first look gets what falls due from now on"
    release(parts)
    assert run(at(minutes=9)) == []
    assert run(at(minutes=10)) == ["Berlin", "Monday"]
    assert run(at(minutes=11)) == []
    # The organisation's clock shows UTC.
    assert run(at(minutes=71)) == ["Home"]
    assert run(at(hours=2, minutes=11)) == ["At eight"]
    assert run(at(hours=6, minutes=11)) == ["Lima"]
    assert run(at(hours=20)) == ["Kathmandu"]
    assert run(at(hours=24, minutes=10)) == ["Tuesday"]


def test_what_was_missed_comes_once_and_what_is_too_old_not_at_all(at):
    person(at(), "Daily")
    person(at(), "Weekly", Cadence.WEEKLY, weekday=2)
    person(at(), "Late", Cadence.WEEKLY, weekday=7)
    run(at())
    release(at())
    # The machine was off from Monday to Monday: Sunday's hour is less than a day ago, Tuesday's is not.
    assert run(at(days=7)) == ["Daily", "Late"]
    with at().database.read() as session:
        assert len(session.scalars(select(Mailing)).all()) == 2, "one for each cadence, however many were missed"
    assert run(at(days=8, hours=3)) == ["Weekly"]


def test_how_late_a_digest_may_come_is_settable(at):
    person(at(), "Daily")
    person(at(), "Late", Cadence.WEEKLY, weekday=7)
    run(at())
    release(at())
    at(days=7).recurring(late=timedelta(hours=2)).run(at(days=7).clock())
    assert _planned(at()) == set(), "it was ten to six, and the hour of yesterday at seven was missed"
    person(at(), "Months ago", Cadence.MONTHLY)
    at(days=8).recurring(late=timedelta(days=400)).run(at(days=8).clock())
    assert _planned(at()) == {"Daily"}, "what was looked at and given up does not come back"


def due(parts):
    return parts.recurring().is_due(parts.clock())


def test_who_wants_each_appeal_gets_it_as_it_is_released_and_once_a_day_what_was_held_back(at):
    person(at(), "Each", Cadence.EACH)
    run(at())
    release(at(minutes=2))
    assert due(at(minutes=3))
    assert run(at(minutes=3)) == ["Each"]
    assert not due(at(minutes=4))
    with at().database.write() as session:
        delivery = session.scalars(select(Delivery)).one()
        delivery.state, delivery.skip = DeliveryState.SKIPPED, Skip.CLOSED  # another appeal in it was closed
    assert _states(at(hours=5)) == [DeliveryState.SKIPPED]
    assert _states(at(hours=25)) == [DeliveryState.SKIPPED, DeliveryState.QUEUED]


def _states(parts):
    """Do what is due; gives what there is."""
    parts.recurring().run(parts.clock())
    with parts.database.read() as session:
        return list(session.scalars(select(Delivery.state).order_by(Delivery.id)))


def test_what_was_released_by_a_clock_that_was_ahead_comes_when_that_moment_has_come(at):
    person(at(), "Each", Cadence.EACH)
    run(at())
    run(at(minutes=1))
    release(at(minutes=30))
    assert run(at(minutes=2)) == []
    assert run(at(minutes=31)) == ["Each"]


def test_a_clock_that_was_ahead_once_keeps_nobody_waiting(at):
    person(at(), "Berlin", zone="Europe/Berlin")
    run(at())
    run(at(days=60))
    release(at())
    assert run(at(minutes=10)) == []
    assert run(at(days=1, minutes=10)) == ["Berlin"]


def test_between_two_quarters_nobody_is_looked_at(at, monkeypatch):
    person(at(), "Berlin", zone="Europe/Berlin")
    run(at())
    parts = at(minutes=5)
    assert not parts.recurring().is_due(parts.clock())
    monkeypatch.setattr(Planner, "plan_digest", None)
    assert parts.recurring().run(parts.clock()).plans == []
    assert at(minutes=10).recurring().is_due(at(minutes=10).clock())


def test_two_that_plan_at_once_plan_once(at):
    for number in range(20):
        person(at(), f"p{number}", zone="Europe/Berlin")
    run(at())
    release(at())
    parts = [at(minutes=10) for _ in range(3)]
    threads = [threading.Thread(target=each.recurring().run, args=(each.clock(),)) for each in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with at().database.read() as session:
        assert len(session.scalars(select(Mailing)).all()) == 1
        assert len(session.scalars(select(Delivery)).all()) == 20
        assert {each.until for each in session.scalars(select(DigestRun))} == {at(minutes=10).clock()}


def test_a_run_that_breaks_off_leaves_nothing_and_the_next_one_does_it(at, monkeypatch):
    person(at(), "Berlin", zone="Europe/Berlin")
    run(at())
    release(at())

    def broken(*_arguments, **_named):
        raise RuntimeError("the light went out")

    with monkeypatch.context() as dark:
        dark.setattr("newsletter.delivery.audience.Audience.settle", broken)
        with pytest.raises(RuntimeError):
            run(at(minutes=10))
    assert _planned(at()) == set()
    assert run(at(minutes=12)) == ["Berlin"]


def test_an_edition_that_cannot_be_composed_pauses_its_mailing_and_keeps_back_nothing_else(at, monkeypatch, mailserver):
    parts = at()
    person(parts, "Many", Cadence.WEEKLY)
    person(parts, "Two", Cadence.WEEKLY)
    with parts.database.write() as session:
        builders.person(session, "es@example.org", name="Ana", languages=("es", "en"))
        builders.person(session, "daily@example.org", name="Daily", cadence=Cadence.DAILY)
    release(parts)
    with parts.database.write() as session:
        weekly = parts.planner().plan_digest(session, Cadence.WEEKLY, now=parts.clock()).mailing_id
        parts.planner().plan_digest(session, Cadence.DAILY, now=parts.clock())
    whole = Renderer.shell_text

    def broken(renderer, language, **facts):
        if language == "es":
            raise TemplateBroken(template="email/digest/body.txt", reason="a brace is missing")
        return whole(renderer, language, **facts)

    with monkeypatch.context() as torn:
        torn.setattr(Renderer, "shell_text", broken)
        ran = parts.recurring().run(parts.clock())
    assert list(ran.broken) == [weekly]
    assert "a brace is missing" in ran.broken[weekly]
    with parts.database.read() as session:
        found = session.get_one(Mailing, weekly)
        assert (found.state, found.note) == (MailingState.PAUSED, ran.broken[weekly])
    assert asyncio.run(parts.worker().run()).outcomes == {"accepted": 1}, "and the sender ends"
    with parts.database.write() as session:
        resume(session, weekly)
    assert parts.recurring().run(parts.clock()).broken == {}
    assert asyncio.run(parts.worker().run()).outcomes == {"accepted": 3}


def test_who_chose_otherwise_while_it_was_planned_does_not_get_it(at):
    parts = at()
    person(parts, "Layla", Cadence.WEEKLY)
    release(parts)
    parts.planner().launch(Cadence.WEEKLY, now=parts.clock())
    with parts.database.write() as session:  # as if it had been written beside the planning: nothing was taken back
        layla = session.scalars(select(Subscriber)).one()
        layla.profile = Profile.of(session, Reading(discreet=True))
    outbox = parts.outbox()
    assert outbox.turn([], want=5, now=parts.clock()).claims == []
    with parts.database.read() as session:
        assert session.scalars(select(Delivery)).one().skip is Skip.CHANGED
    assert parts.planner().launch(Cadence.WEEKLY, now=at(minutes=1).clock()).deliveries == 1


def test_what_was_still_being_written_when_a_digest_was_planned_comes_with_the_next(at):
    person(at(), "Layla", Cadence.WEEKLY)
    release(at(minutes=-5), "First")
    at().planner().launch(Cadence.WEEKLY, now=at().clock())
    with at().database.write() as session:
        builders.appeal(session, "Second", released=at(minutes=-1).clock())
        # On PostgreSQL its number may be below one that was seen.
        session.scalars(select(Mailing)).one().seen_move = 10**6
    assert at(days=7).planner().launch(Cadence.WEEKLY, now=at(days=7).clock()).deliveries == 1


def test_a_mail_goes_only_once_its_edition_is_composed_and_those_before_it_go_meanwhile(at, mailserver):
    parts = at()
    for number in range(3):
        person(parts, f"many{number}", Cadence.WEEKLY)
    with parts.database.write() as session:
        builders.person(session, "one@example.org", name="one", languages=("es", "en"))
    release(parts)
    with parts.database.write() as session:
        made = parts.planner().plan_digest(session, Cadence.WEEKLY, now=parts.clock())
    assert made.editions == 2
    outbox = parts.outbox()
    outbox.enrol(now=parts.clock())
    for want in (2, 9):
        turn = outbox.turn([], want=want, now=parts.clock())
        assert (turn.claims, turn.dry) == ([], True), "nothing can be claimed, and nobody asks again and again"
    # The first edition is done: the one that most people get.
    with parts.database.write() as session:
        first = session.scalars(select(Edition).order_by(Edition.id)).first()
        first.composed_at = parts.clock()
    claims = outbox.turn([], want=9, now=parts.clock()).claims
    assert [claimed.name for claimed in claims] == ["many0", "many1", "many2"]
    outbox.retire()
    with parts.database.write() as session:
        for row in session.scalars(select(Delivery)):
            row.state = DeliveryState.QUEUED
        session.scalars(select(Edition).order_by(Edition.id)).first().composed_at = None
    assert parts.recurring().is_due(parts.clock()), "somebody has to compose them"
    parts.recurring().run(parts.clock())
    assert asyncio.run(parts.worker().run()).outcomes == {"accepted": 4}
    assert {mail.message["Subject"] for mail in mailserver.received} == {"Free the eleven"}
