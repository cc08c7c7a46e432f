"""Digests over a long time, against a model: whatever happened before, everybody gets what is new to them, once."""

import random
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.ending import Ending
from newsletter.appeals.model import Act, Appeal, AppealStatus, Audience, FollowUp
from newsletter.delivery.model import LEDGER_STATES, Delivery, DeliveryState, DigestStanding, Skip
from newsletter.delivery.preflight import Looked
from newsletter.editions.digest import Digest
from newsletter.editions.model import EditionAppeal
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.preferences import Cadence, Format, Profile, Reading
from tests import builders
from tests.conftest import NOW

LOOKBACK_DAYS = 3
TOPICS, COUNTRIES, LANGUAGES = ("strikes", "prisons", "land"), ("TR", "IR", "KZ"), ("en", "es", "fa")
OUTCOMES = [DeliveryState.ACCEPTED] * 7 + [
    *(DeliveryState.REFUSED, DeliveryState.EXPIRED, DeliveryState.UNCERTAIN, DeliveryState.CANCELLED),
    DeliveryState.SKIPPED,
]


def ought_to_get(session, person, now):
    """What somebody should get, told once more in plain words: from the tables, by nothing of what is tested."""
    had = set(
        session.scalars(
            select(EditionAppeal.appeal_id)
            .join(Delivery, Delivery.edition_id == EditionAppeal.edition_id)
            .where(
                Delivery.subscriber_id == person.id,
                Delivery.state.in_(["queued", "deferred", "sending", "accepted", "uncertain"]),
            )
        )
    )
    languages, topics, countries = person.profile.languages, person.profile.topics, person.profile.countries
    found = []
    for appeal in session.scalars(select(Appeal)):
        texts = {
            text.language: text.released_at
            for text in appeal.texts
            if text.status.value == "released" and text.released_at is not None and text.released_at <= now
        }
        if appeal.status.value != "released" or not texts or appeal.id in had:
            continue
        if appeal.deadline is not None and appeal.deadline < (now - timedelta(hours=12)).date():
            continue  # over even in the last time zone on earth
        readable = [language for language in languages if language in texts]
        if appeal.audience is Audience.RECIPIENTS:
            if appeal.original_id not in had:
                continue
        else:
            released = min(texts[language] for language in readable or texts)
            if released <= person.joined_at - timedelta(days=LOOKBACK_DAYS):
                continue
            if topics and not set(topics) & set(appeal.topics):
                continue
            if countries and not set(countries) & set(appeal.countries):
                continue
        if readable:
            found.append((appeal, readable[0]))
    found.sort(key=lambda one: (one[0].deadline or date.max, -one[0].published_on.toordinal(), -one[0].id))
    return [(appeal.id, language) for appeal, language in found]


class Years:
    """A newsletter to which things happen by chance, while the clock goes on."""

    def __init__(self, database, keys, chance):
        self.chance, self.database, self.keys = chance, database, keys
        self.now = NOW
        self.parts = self._parts()

    def _parts(self):
        return builders.parts(self.database, self.keys, now=self.now, lookback_days=LOOKBACK_DAYS, digest_most=30)

    def go_on(self):
        self.now += timedelta(hours=self.chance.choice([1, 20, 24, 24 * 7]))
        self.parts = self._parts()

    def happen(self):
        with self.database.write() as session:
            self.chance.choices(
                [
                    self.join,
                    self.release,
                    self.translate,
                    self.continue_one,
                    self.close_or_reopen,
                    self.change_mind,
                    self.pause,
                    self.leave_or_return,
                    self.settle,
                    self.edit_topics,
                ],
                [3, 4, 2, 2, 2, 3, 1, 1, 8, 1],
            )[0](session)

    def join(self, session):
        number = session.query(Subscriber).count()
        cadence = self.chance.choice([Cadence.WEEKLY, Cadence.WEEKLY, Cadence.DAILY])
        builders.person(session, f"p{number}@example.org", name=f"p{number}", cadence=cadence, joined=self.now)
        session.flush()
        self.change_mind(session)

    def release(self, session):
        builders.appeal(
            session,
            f"Appeal {session.query(Appeal).count()}",
            released=self.now,
            languages=self.chance.sample(LANGUAGES, self.chance.randint(1, 2)),
            topics=self.chance.sample(TOPICS, 1),
            countries=self.chance.sample(COUNTRIES, 1),
            deadline=(self.now + timedelta(days=self.chance.choice([2, 20]))).date()
            if self.chance.random() < 0.3
            else None,
        )

    def translate(self, session):
        if appeal := self.any_appeal(session, AppealStatus.RELEASED):
            missing = [each for each in LANGUAGES if each not in {text.language for text in appeal.texts}]
            if missing:
                builders.translation(appeal, missing[0], at=self.now)
                builders.approve_and_release(appeal, self.now)

    def continue_one(self, session):
        if appeal := self.any_appeal(session, AppealStatus.RELEASED):
            audience = self.chance.choice(list(Audience))
            builders.follow_up(session, appeal, FollowUp.UPDATE, audience, released=self.now)

    def close_or_reopen(self, session):
        if appeal := self.any_appeal(session, AppealStatus.CLOSED, AppealStatus.RELEASED):
            act = Act(by="Hanna", at=self.now)
            appeal.reopen(act) if appeal.status is AppealStatus.CLOSED else appeal.close(act, Ending.OVER)

    def edit_topics(self, session):
        if appeal := self.any_appeal(session, AppealStatus.RELEASED):
            appeal.reopen_for_edit()
            appeal.topics = self.chance.sample(TOPICS, 2)
            builders.approve_and_release(appeal, self.now)

    def change_mind(self, session):
        if person := self.anybody(session):
            reading = Reading(
                languages=tuple(self.chance.sample(LANGUAGES, self.chance.randint(1, 2))),
                topics=frozenset(self.chance.sample(TOPICS, self.chance.randint(0, 2))),
                countries=frozenset(self.chance.sample(COUNTRIES, self.chance.choice([0, 0, 1, 2]))),
                format=self.chance.choice(list(Format)),
            )
            person.profile = Profile.of(session, reading)

    def pause(self, session):
        if person := self.anybody(session):
            person.paused_until = self.now + timedelta(days=self.chance.choice([1, 10]))

    def leave_or_return(self, session):
        person = self.chance.choice(session.scalars(select(Subscriber).order_by(Subscriber.id)).all() or [None])
        if person is None:
            return
        if person.status is Status.LEFT:
            person.join(self.now)
        else:
            person.leave(LeftReason.UNSUBSCRIBED, self.now)

    def settle(self, session):
        waiting = select(Delivery).where(Delivery.state == DeliveryState.QUEUED).order_by(Delivery.id)
        for delivery in session.scalars(waiting):
            if self.chance.random() < 0.7:
                delivery.state = self.chance.choice(OUTCOMES)
                delivery.skip = Skip.CHANGED if delivery.state is DeliveryState.SKIPPED else None

    def any_appeal(self, session, *statuses):
        found = session.scalars(select(Appeal).where(Appeal.status.in_(statuses)).order_by(Appeal.id)).all()
        return self.chance.choice(found) if found else None

    def anybody(self, session):
        found = session.scalars(
            select(Subscriber).where(Subscriber.status == Status.ACTIVE).order_by(Subscriber.id)
        ).all()
        return self.chance.choice(found) if found else None

    def plan(self, cadence):
        """Plan, and hold it against what each person by themselves should get, by all that the ledger says."""
        planner = self.parts.planner()
        with self.database.read() as session:
            people = session.scalars(
                select(Subscriber).where(Subscriber.status == Status.ACTIVE, Subscriber.cadence == cadence)
            ).all()
            on_hold = {person.id for person in people if person.paused_until and person.paused_until > self.now}
            ought = {person.id: ought_to_get(session, person, self.now) for person in people}
            # What a person's preview says is the same.
            for person in people[:: max(1, len(people) // 3)]:
                verdict = planner.verdict_for(session, person, now=self.now)
                said = [tuple(each) for each in verdict.appeals] if isinstance(verdict, Digest) else []
                assert said == ([] if person.id in on_hold else ought[person.id])
        made = planner.launch(cadence, now=self.now)
        wanted = {number: appeals for number, appeals in ought.items() if appeals and number not in on_hold}
        with self.database.read() as session:
            got = {}
            rows = (
                select(Delivery.subscriber_id, EditionAppeal.appeal_id, EditionAppeal.language)
                .join(EditionAppeal, EditionAppeal.edition_id == Delivery.edition_id)
                .where(Delivery.mailing_id == made.mailing_id)
                .order_by(Delivery.subscriber_id, EditionAppeal.position)
            )
            for number, appeal, language in session.execute(rows):
                got.setdefault(number, []).append((appeal, language))
            paused = session.scalars(
                select(Delivery.subscriber_id).where(
                    Delivery.mailing_id == made.mailing_id, Delivery.skip == Skip.PAUSED
                )
            ).all()
        assert got == wanted
        if made.mailing_id is not None:
            assert set(paused) == on_hold
        return len(got)

    def nobody_had_anything_twice(self):
        with self.database.read() as session:
            rows = session.execute(
                select(Delivery.subscriber_id, EditionAppeal.appeal_id)
                .join(EditionAppeal, EditionAppeal.edition_id == Delivery.edition_id)
                .where(Delivery.state.in_(LEDGER_STATES))
            ).all()
            assert len(rows) == len(set(map(tuple, rows)))
            return len(rows)


@pytest.mark.parametrize("seed", range(6))
def test_everybody_gets_what_is_new_to_them_whatever_came_before(database, keys, seed, monkeypatch):
    # What mails look like is looked at elsewhere, and would take most of the time.
    monkeypatch.setattr("newsletter.editions.render.inline_page", lambda page: page)
    monkeypatch.setattr("newsletter.editions.render.inline_fragment", lambda fragment, styles: fragment)
    monkeypatch.setattr("newsletter.delivery.planning.look_over_digests", lambda *_all, **_how: Looked(findings=()))
    years = Years(database, keys, random.Random(seed))  # noqa: S311 - the same each time
    mails = 0
    for _ in range(30):
        for _ in range(years.chance.randint(1, 8)):
            years.happen()
        years.go_on()
        mails += years.plan(years.chance.choice([Cadence.WEEKLY, Cadence.WEEKLY, Cadence.DAILY]))
    assert years.nobody_had_anything_twice() > 20
    assert mails > 20, "a year in which nothing happens shows nothing"
    with database.read() as session:
        assert session.query(DigestStanding).count() > 3, "nor one in which everything was always looked at"
