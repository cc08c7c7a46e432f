"""A year of a newsletter: five thousand people in twenty time zones, digests, alerts, corrections, pauses and crashes.

Nothing waits: the clock is moved on. Mails go to no server here; what becomes of each is drawn, and written down beside
the database as what really arrived. At the end the ledger is held against that, and against what all ought to have had.
"""

import os
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select

from newsletter.appeals.ending import Ending
from newsletter.appeals.model import Act, Appeal, Audience, FollowUp
from newsletter.appeals.urgency import Urgency
from newsletter.delivery import alert_faults, control
from newsletter.delivery.alertable import select_all, select_recipients
from newsletter.delivery.claimed import Ended
from newsletter.delivery.deciding import decide
from newsletter.delivery.model import OPEN_STATES, Delivery, DeliveryState, Lane, Mailing, MailingState
from newsletter.delivery.outcome import Accepted, Deferred, Refused, Uncertain, Why
from newsletter.delivery.preflight import Looked
from newsletter.delivery.selection import Part
from newsletter.editions.digest import read_in
from newsletter.editions.model import EditionAppeal
from subscribers.addresses import parse_address
from subscribers.choices import Choices
from subscribers.database import Database
from subscribers.hours import MORNING, NIGHT, morning_after
from subscribers.leaving import leave
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Profile, Reading
from tests import builders

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday; summer time begins and ends within the year
ZONES = (
    *("Pacific/Honolulu", "America/Los_Angeles", "America/Lima", "America/New_York", "America/Sao_Paulo"),
    *("Atlantic/Azores", "Europe/London", "Europe/Berlin", "Africa/Cairo", "Europe/Istanbul", "Asia/Tehran"),
    *("Asia/Almaty", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Manila", "Asia/Seoul"),
    *("Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Chatham"),
)
TOPICS, COUNTRIES, LANGUAGES = ("strikes", "prisons", "land"), ("TR", "IR", "KZ"), ("en", "es", "fa")
WHOLE = bool(os.environ.get("WHOLE_YEAR"))  # `make year`: three minutes; else a season of a smaller newsletter
STEP = 6  # hours between two looks at what is due; often four times that
SETTLED_IN = timedelta(days=45)  # after which everybody who is steady has had their next digest, a monthly one too


class Killed(BaseException):
    """Stands for the end of a process in the middle of a launch."""


@dataclass
class Person:
    """Somebody, as the test knows them; steady ones change nothing, and their server takes everything."""

    number: int
    zone: str
    steady: bool
    cadence: Cadence
    hour: int
    reading: Reading
    joined: datetime
    alerts: bool = True
    left: bool = False
    paused_until: datetime | None = None


@dataclass
class Arrival:
    """One mail that really reached somebody."""

    person: int
    delivery: int
    mailing: int
    at: datetime


@dataclass
class Year:
    """The newsletter, and what the test knows of it."""

    parts: object
    chance: random.Random
    now: datetime = BEGIN
    people: dict[int, Person] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    appeals: dict[int, dict] = field(default_factory=dict)
    alerted: dict[int, int] = field(default_factory=dict)  # mailing -> appeal
    corrected: list[tuple[set, set]] = field(default_factory=list)  # who has what was wrong, who is told
    profiles: dict[Reading, Profile] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)  # digests that were planned after the machine had been off
    done: Counter = field(default_factory=Counter)

    def __post_init__(self):
        self.parts.clock = lambda: self.now
        self.outbox = self.parts.outbox()
        self.outbox.enrol(now=self.now)

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────

    def join(self, count):
        with self.parts.database.write() as session:
            made = [self._newcomer(session, len(self.people) + place) for place in range(count)]
            session.add_all(person for person, _steady in made)
            session.flush()
            for person, steady in made:
                self.people[person.id] = Person(
                    number=person.id,
                    zone=person.time_zone,
                    steady=steady,
                    cadence=person.cadence,
                    hour=person.digest_hour,
                    reading=person.profile.reading,
                    joined=self.now,
                    alerts=person.alerts,
                )

    def _newcomer(self, session, place):
        chance = self.chance
        cadence = chance.choices(list(Cadence), [20, 2, 4, 54, 20])[0]
        reading = Reading(
            languages=tuple(chance.sample(LANGUAGES, chance.choice([1, 1, 2]))),
            topics=frozenset(chance.sample(TOPICS, chance.choice([0, 0, 1]))),
            countries=frozenset(chance.sample(COUNTRIES, chance.choice([0, 0, 0, 1]))),
        )
        if reading not in self.profiles:
            self.profiles[reading] = Profile.of(session, reading)
            session.flush()
        profile = session.merge(self.profiles[reading], load=False)
        address = parse_address(f"p{place}@example.org")
        made = Subscriber.new(address, name="", cadence=cadence, profile=profile, now=self.now)
        made.confirm(self.now)
        made.time_zone = chance.choice(ZONES)
        made.digest_hour, made.digest_weekday = chance.choice([7, 18]), chance.choice([1, 4])
        made.alerts = chance.random() < 0.9
        return made, place % 3 == 0

    def restless(self):
        return self.chance.choice([one for one in self.people.values() if not one.steady and not one.left])

    def change_mind(self):
        person = self.restless()
        reading = replace(person.reading, topics=frozenset(self.chance.sample(TOPICS, self.chance.choice([0, 1]))))
        cadence = self.chance.choice([Cadence.DAILY, Cadence.WEEKLY, Cadence.MONTHLY])
        self._decide(person, reading=reading, cadence=cadence)
        person.reading, person.cadence = reading, cadence

    def pause(self):
        person = self.restless()
        person.paused_until = self.now + timedelta(days=self.chance.choice([3, 40]))
        self._decide(person, paused_until=person.paused_until)

    def depart(self):
        person = self.restless()
        person.left = True
        with self.parts.database.write() as session:
            leave(session, person.number, source="one click", now=self.now)

    def _decide(self, person, **changes):
        with self.parts.database.write() as session:
            before = Choices.of(session.get_one(Subscriber, person.number))
            decide(session, person.number, before, replace(before, **changes), source="page", now=self.now)

    # ── organisers ───────────────────────────────────────────────────────────────────────────────────────────────

    def release(self, urgency=Urgency.NORMAL):
        chance = self.chance
        languages = chance.sample(LANGUAGES, chance.choice([1, 2, 3]))
        deadline = (self.now + timedelta(days=20)).date() if chance.random() < 0.2 else None
        with self.parts.database.write() as session:
            made = builders.appeal(
                session,
                f"Appeal {len(self.appeals)}",
                released=self.now,
                languages=languages,
                topics=chance.sample(TOPICS, 1),
                countries=chance.sample(COUNTRIES, 1),
                urgency=urgency,
                deadline=deadline,
            )
            self.appeals[made.id] = {
                "at": self.now,
                "languages": tuple(languages),
                "topics": set(made.topics),
                "countries": set(made.countries),
                "lasts": deadline is None,
                "urgency": urgency,
                "original": None,
            }
            return made

    def close(self):
        """Close one before everybody has it."""
        number = self.chance.choice(sorted(self.appeals))
        self._close(number)
        if self.now - self.appeals[number]["at"] < SETTLED_IN:
            self.appeals[number]["lasts"] = False

    def close_old(self):
        """Close what everybody has had by now."""
        for number, facts in self.appeals.items():
            if self.now - facts["at"] > 2 * SETTLED_IN:
                self._close(number)

    def _close(self, number):
        with self.parts.database.write() as session:
            session.get_one(Appeal, number).close(Act(by="Hanna", at=self.now), Ending.OVER)

    def alert(self):
        appeal = self.release(self.chance.choice([Urgency.URGENT, Urgency.LIFE_AT_RISK]))
        selection = select_all(appeal, self.now)
        if self.chance.random() < 0.3:
            self._launch(replace(selection, part=Part(10, is_percent=True)), appeal.id)
            self.send()
        return self._launch(selection, appeal.id, lives=self.chance.choice([timedelta(hours=7), timedelta(days=1)]))

    def _launch(self, selection, appeal_id, *, lives=timedelta(days=1)):
        begun = []
        dies = self.chance.random() < 0.3

        def tell(number, people):
            begun[:] = [number]
            if dies and people:
                raise Killed  # whoever does what is due next goes on

        try:
            self.parts.alerts().launch(
                selection, by="Rosa", starts_at=self.now, expires_at=self.now + lives, now=self.now, on_progress=tell
            )
        except alert_faults.NobodyToAlert:
            return None
        except Killed:
            self.done["launches that broke off"] += 1
        (number,) = begun
        self.alerted[number] = appeal_id
        self.done["alerts"] += 1
        return number

    def be_wrong(self):
        """Send an alert, stop it half-way, and tell those who have it."""
        wrong = self.alert()
        if wrong is None:
            return
        self.send(most=self.chance.choice([1, 200, 100_000]))
        with self.parts.database.write() as session:
            state = session.get_one(Mailing, wrong).state
        if state is not MailingState.FINISHED:
            control.cancel(self.parts.database, wrong, now=self.now)
        with self.parts.database.write() as session:
            original = session.get_one(Appeal, self.alerted[wrong])
            made = builders.follow_up(session, original, FollowUp.CORRECTION, Audience.RECIPIENTS, released=self.now)
            for language in self.appeals[original.id]["languages"][1:]:
                builders.translation(made, language, at=self.now)
            builders.approve_and_release(made, self.now)
            facts = self.appeals[original.id]
            self.appeals[made.id] = facts | {"at": self.now, "lasts": False, "original": original.id}
            selection = select_recipients(session, made, wrong, self.now)
            has = (DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN)
            rows = select(Delivery.subscriber_id).where(Delivery.mailing_id == wrong, Delivery.state.in_(has))
            having = set(session.scalars(rows))
        told = self._launch(selection, made.id)
        self.parts.recurring().run(self.now)
        with self.parts.database.read() as session:
            rows = select(Delivery.subscriber_id).where(Delivery.mailing_id == told, Delivery.state == "queued")
            self.corrected.append((having, set(session.scalars(rows)) if told else set()))
        self.done["corrections"] += 1

    # ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────

    def go_on(self):
        """Let some hours pass; now and then the machine is off for a day and more."""
        hours = self.chance.choices([STEP, 4 * STEP, 30], [50, 50, 1])[0]
        self.now += timedelta(hours=hours, minutes=self.chance.randint(0, 14))
        self.plan(is_late=hours > STEP)

    def plan(self, *, is_late):
        """Do what is due, as `newsletter run` does."""
        recurring = self.parts.recurring()
        if recurring.is_due(self.now):
            plans = recurring.run(self.now).plans
            self.done["digests"] += len(plans)
            if is_late:
                self.late |= {plan.mailing_id for plan in plans}
        self.send()

    def send(self, *, most=1_000_000):
        """Send what is due; now and then the sender is gone in the middle of it."""
        ended: list[Ended] = []
        while True:
            turn = self.outbox.turn(ended, want=min(400, most), now=self.now)
            most -= len(turn.claims)
            if not turn.claims:
                break
            if self.chance.random() < (0.02 if WHOLE else 0.1):
                self._crash(turn.claims)
                ended = []
                continue
            ended = [self._attempt(claimed) for claimed in turn.claims]
            if most <= 0:
                self.outbox.record(ended, now=self.now)
                break
        self.outbox.finish_mailings(now=self.now)

    def _crash(self, claims):
        for claimed in claims:
            if self.people[claimed.subscriber_id].steady or self.chance.random() < 0.5:
                self._arrives(claimed)
        self.outbox.retire()  # as if the process were gone: nobody knows what became of these
        self.outbox = self.parts.outbox()
        self.outbox.enrol(now=self.now)
        self.done["crashes"] += 1

    def _attempt(self, claimed):
        draw = 0.0 if self.people[claimed.subscriber_id].steady else self.chance.random()
        if draw < 0.93:
            self._arrives(claimed)
            outcome = Accepted("250 2.0.0 Ok")
        elif draw < 0.97:
            outcome = Deferred("451 4.2.1 later", Why.SOFT)
        elif draw < 0.98:
            outcome = Refused("550 5.2.1 no")
        else:
            if self.chance.random() < 0.5:
                self._arrives(claimed)
            outcome = Uncertain("the connection was lost")
        return Ended(claimed, outcome, None)

    def _is_day(self, person):
        return MORNING <= self.now.astimezone(ZoneInfo(person.zone)).hour < NIGHT

    def _arrives(self, claimed):
        person, mailing = self.people[claimed.subscriber_id], claimed.mailing
        assert not person.left, "nothing comes to somebody who left"
        assert person.paused_until is None or person.paused_until <= self.now, "nothing comes through a pause"
        assert self.now < mailing.expires_at, "nothing comes late"
        if mailing.id in self.alerted:
            at_risk = self.appeals[self.alerted[mailing.id]]["urgency"] is Urgency.LIFE_AT_RISK
            can_not_wait = morning_after(self.now, person.zone) + timedelta(hours=1) > mailing.expires_at
            assert self._is_day(person) or at_risk or can_not_wait, "nobody is woken"
        self.arrivals.append(Arrival(person.number, claimed.id, mailing.id, self.now))


def lived(parts, seed, *, people, days):
    """Let a newsletter live for so many days."""
    year = Year(parts, random.Random(seed))  # noqa: S311 - the same each time
    year.join(people)
    year.go_on()
    begin = next_week = year.now
    weeks = 0
    while year.now < begin + timedelta(days=days):
        year.go_on()
        if year.now >= next_week:
            next_week += timedelta(days=7)
            year.close_old()
            year.release()
            year.release()
            year.join(people // 500)
            # The first weeks have one of each, however short the year is.
            weeks += 1
            chosen = {1: 0.0, 2: 0.5}.get(weeks, year.chance.random())
            if chosen < 0.35:
                year.alert()
            elif chosen < 0.55:
                year.be_wrong()
            elif chosen < 0.7:
                year.close()
        for act in (year.change_mind, year.pause, year.depart):
            if year.chance.random() < 0.3:
                act()
    # Nothing more is released; whatever is still to come comes.
    for _ in range(10):
        year.now += timedelta(days=5)
        year.plan(is_late=True)
    # What a server put off to the last is brought again, or is too old.
    for _ in range(10):
        year.now += timedelta(days=1)
        year.send()
    return year


def concerns(person, facts):
    """Say whether an appeal is one that somebody ought to have had, as they have been all the time."""
    reading = person.reading
    return (
        (not reading.topics or reading.topics & facts["topics"])
        and (not reading.countries or reading.countries & facts["countries"])
        and read_in(reading.languages, facts["languages"]) is not None
    )


def check(year):
    """Hold the ledger against what arrived, and against what ought to have."""
    with year.parts.database.read() as session:
        deliveries = {row.id: row for row in session.scalars(select(Delivery))}
        mailings = {row.id: row for row in session.scalars(select(Mailing))}
        for refers_to in (Delivery.mailing_id, Delivery.subscriber_id, Delivery.edition_id):
            (key,) = refers_to.property.columns[0].foreign_keys
            lost = select(Delivery.id).where(refers_to.is_not(None), refers_to.not_in(select(key.column)))
            assert session.scalars(lost).all() == []
        held = defaultdict(set)
        for edition, appeal in session.execute(select(EditionAppeal.edition_id, EditionAppeal.appeal_id)):
            held[edition].add(appeal)
    got = defaultdict(lambda: defaultdict(set))
    arrived = Counter()
    for arrival in year.arrivals:
        arrived[arrival.delivery] += 1
        for appeal in held[deliveries[arrival.delivery].edition_id]:
            got[arrival.person][appeal].add(arrival.delivery)

    nobody_twice = [(p, a) for p, appeals in got.items() for a, rows in appeals.items() if len(rows) > 1]
    assert nobody_twice == []
    for row in deliveries.values():
        lane = mailings[row.mailing_id].lane
        assert row.state not in OPEN_STATES, "everything came to an end"
        if row.state is DeliveryState.ACCEPTED:
            assert arrived[row.id] >= 1
        if arrived[row.id]:
            assert row.state in {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN} or lane is Lane.ALERT
        if lane is Lane.REST:
            assert arrived[row.id] <= 1, "no digest comes twice, whatever crashed"
    _check_nobody_misses(year, got)
    _check_hours(year, deliveries, mailings)
    for having, told in year.corrected:
        # Those who got it and are there to be told; nobody else ever.
        assert told <= having
        assert {number for number in having if year.people[number].steady} <= told


def _check_nobody_misses(year, got):
    end = year.now
    missed = []
    for person in year.people.values():
        if not person.steady:
            continue
        for number, facts in year.appeals.items():
            ought = facts["lasts"] and facts["at"] > person.joined and concerns(person, facts)
            if (
                ought
                and person.cadence is not Cadence.URGENT
                and end - facts["at"] > SETTLED_IN
                and not got[person.number][number]
            ):
                missed.append((person.number, number))
    assert missed == []


def _check_hours(year, deliveries, mailings):
    """Digests come after the hour that each chose, by their own clock."""
    for row in deliveries.values():
        person, mailing = year.people[row.subscriber_id], mailings[row.mailing_id]
        if row.edition_id is None:
            continue
        zone = ZoneInfo(person.zone)
        local = row.due_at.astimezone(zone)
        if person.steady and mailing.cadence is Cadence.DAILY:
            since = (mailing.launched_at.astimezone(zone).hour - person.hour) % 24
            assert since <= STEP or mailing.id in year.late, local


def _draw_the_same(database, monkeypatch, *, seed):
    """Make what the program leaves to chance the same each time: how long mails are put off, who is a random part."""
    monkeypatch.setattr("newsletter.delivery.outbox.random", random.Random(seed))  # noqa: S311
    drawn = random.Random(seed)  # noqa: S311

    @event.listens_for(database.engine, "connect")
    def seeded(connection, _record):
        if database.is_sqlite:
            connection.create_function("random", 0, lambda: drawn.getrandbits(63))
        else:
            connection.execute(f"SELECT setseed({drawn.random()})")


@pytest.mark.parametrize(
    ("kind", "people", "days"),
    [("sqlite", 5_000, 365) if WHOLE else ("sqlite", 600, 70), ("postgresql", 200, 50)],
    ids=["sqlite", "postgresql"],
)
def test_a_year(request, keys, monkeypatch, kind, people, days):
    # Rendering is looked at elsewhere, and would take most of the time: here styles stay where they are.
    monkeypatch.setattr("newsletter.editions.render.inline_page", lambda page: page)
    monkeypatch.setattr("newsletter.editions.render.inline_fragment", lambda fragment, styles: fragment)
    monkeypatch.setattr("newsletter.delivery.planning.look_over_digests", lambda *_all, **_how: Looked(findings=()))
    monkeypatch.setattr("newsletter.delivery.alerting.look_over_alert", lambda *_all, **_how: Looked(findings=()))
    # As many spans for an alert as a newsletter of a million has.
    monkeypatch.setattr("newsletter.delivery.freezing.FIRST", people // 20)
    monkeypatch.setattr("newsletter.delivery.freezing.MORE", people // 5)
    database = Database(request.getfixturevalue(f"{kind}_url"))
    _draw_the_same(database, monkeypatch, seed=people)
    parts = builders.parts(database, keys, second_look=False, time_zone="Europe/Berlin")
    year = lived(parts, seed=people, people=people, days=days)
    check(year)
    database.dispose()
    for what in ("alerts", "corrections", "digests", *(["crashes", "launches that broke off"] if WHOLE else [])):
        assert year.done[what] > 3 * WHOLE, year.done
