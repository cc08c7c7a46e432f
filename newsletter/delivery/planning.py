"""From the appeals of the moment to a mailing with an edition for each group and a delivery for each person."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session, selectinload

from newsletter.appeals.appeal_text import TextStatus
from newsletter.appeals.model import Appeal, AppealStatus, Audience
from newsletter.appeals.moments import today_somewhere
from newsletter.delivery.ledger import FETCH_ROWS, seen_by_subscriber
from newsletter.delivery.model import (
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingKind,
    MailingState,
    OnUncertain,
    Skip,
)
from newsletter.editions.compose import EditionPress
from newsletter.editions.digest import Candidate, Digest, Nothing, compose_digest
from subscribers.database import Database
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence, Profile, Reading

INSERT_ROWS = 5_000
DIGEST_LIVES = timedelta(days=3)  # how long a digest is tried before it is no longer news

_SKIPS = {Nothing.NEW: Skip.NOTHING_NEW, Nothing.IN_THEIR_LANGUAGES: Skip.NO_TEXT}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What planning came to.

    Attributes:
        mailing_id: None if nobody gets anything: then nothing was written.
        deliveries: how many people get a mail.
        editions: how many different ones there are.
        skipped: how many get none, by reason.
    """

    mailing_id: int | None
    deliveries: int
    editions: int
    skipped: Mapping[Skip, int]


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Plans digests.

    Attributes:
        database: where everything is.
        press: renders and stores editions.
        lookback: how long before somebody joined an appeal may have been released to be new to them.
        message_domain: right side of Message-IDs.
    """

    database: Database
    press: EditionPress
    lookback: timedelta
    message_domain: str
    on_progress: Callable[[int], None] = field(default=lambda _count: None)

    def plan_digest(self, session: Session, cadence: Cadence, *, now: datetime) -> Plan:
        """Freeze the audience of one digest into deliveries.

        What the ledger shows for a person is not new to them, so that planning twice plans once; two planners at
        once go one after the other.

        Args:
            session: a writing transaction; whoever opened it decides whether the plan stays.
            cadence: whose digest it is.
            now: the moment of planning.
        """
        self.database.serialise(session, "plan")
        self.database.share(session, "names")
        candidates = candidates_at(session, now)
        mailing = Mailing(
            kind=MailingKind.DIGEST,
            cadence=cadence,
            state=MailingState.RUNNING,
            lane=Lane.REST,
            on_uncertain=OnUncertain.LEAVE,
            nonce=secrets.token_bytes(16),
            message_domain=self.message_domain,
            launched_at=now,
            expires_at=now + DIGEST_LIVES,
        )
        session.add(mailing)
        session.flush()
        editions: dict[Digest, int] = {}
        skipped: Counter[Skip] = Counter()
        rows: list[dict[str, object]] = []
        count = 0
        for subscriber_id, verdict in self._verdicts(session, cadence, candidates, now):
            row: dict[str, object] = {"mailing_id": mailing.id, "subscriber_id": subscriber_id, "due_at": now}
            if isinstance(verdict, Skip):
                skipped[verdict] += 1
                row |= {"state": DeliveryState.SKIPPED, "skip": verdict, "edition_id": None, "settled_at": now}
            else:
                if verdict not in editions:
                    editions[verdict] = self.press.print(session, mailing.id, verdict)
                row |= {
                    "state": DeliveryState.QUEUED,
                    "skip": None,
                    "edition_id": editions[verdict],
                    "settled_at": None,
                }
                count += 1
            rows.append(row)
            if len(rows) == INSERT_ROWS:
                session.execute(insert(Delivery), rows)
                self.on_progress(len(rows))
                rows.clear()
        if not count:
            session.rollback()
            return Plan(mailing_id=None, deliveries=0, editions=0, skipped=dict(skipped))
        if rows:
            session.execute(insert(Delivery), rows)
            self.on_progress(len(rows))
        return Plan(mailing_id=mailing.id, deliveries=count, editions=len(editions), skipped=dict(skipped))

    def verdict_for(self, session: Session, subscriber: Subscriber, *, now: datetime) -> Digest | Skip:
        """Say what one person would get at this moment, by the same rules as planning."""
        if subscriber.status is not Status.ACTIVE or subscriber.joined_at is None:
            return Skip.LEFT
        if subscriber.paused_until is not None and subscriber.paused_until > now:
            return Skip.PAUSED
        candidates = candidates_at(session, now)
        seen = frozenset(
            appeal_id
            for subscriber_id, appeal_ids in seen_by_subscriber(session, _told_of(candidates))
            if subscriber_id == subscriber.id
            for appeal_id in appeal_ids
        )
        reading = subscriber.profile.reading
        return _verdict(candidates, reading, since=subscriber.joined_at - self.lookback, seen=seen)

    def _verdicts(
        self, session: Session, cadence: Cadence, candidates: Sequence[Candidate], now: datetime
    ) -> Iterator[tuple[int, Digest | Skip]]:
        """Walk over the cadence's subscribers; equal wishes with an equal past share one decision."""
        readings: dict[int, Reading] = {}
        decided: dict[tuple[int, int, frozenset[int]], Digest | Skip] = {}
        releases = sorted(moment for c in candidates for moment in c.released.values())
        seen_rows = seen_by_subscriber(session, _told_of(candidates))
        seen_id, seen = next(seen_rows, (None, frozenset[int]()))
        people = session.execute(
            select(Subscriber.id, Subscriber.profile_id, Subscriber.joined_at, Subscriber.paused_until)
            .where(Subscriber.status == Status.ACTIVE, Subscriber.cadence == cadence, Subscriber.joined_at <= now)
            .order_by(Subscriber.id),
            execution_options={"yield_per": FETCH_ROWS},
        )
        for subscriber_id, profile_id, joined_at, paused_until in people:
            while seen_id is not None and seen_id < subscriber_id:
                seen_id, seen = next(seen_rows, (None, frozenset[int]()))
            if paused_until is not None and paused_until > now:
                yield subscriber_id, Skip.PAUSED
                continue
            if joined_at is None:  # the query asks for those who joined
                continue
            had = seen if seen_id == subscriber_id else frozenset[int]()
            since = joined_at - self.lookback
            key = (profile_id, sum(released > since for released in releases), had)
            if key not in decided:
                if profile_id not in readings:
                    readings[profile_id] = session.get_one(Profile, profile_id).reading
                decided[key] = _verdict(candidates, readings[profile_id], since=since, seen=had)
            yield subscriber_id, decided[key]


def candidates_at(session: Session, now: datetime) -> list[Candidate]:
    """Give every released appeal that is neither closed nor past its deadline, whoever it is for.

    A deadline's day counts as long as it lasts anywhere on earth.
    """
    appeals = session.scalars(
        select(Appeal)
        .where(
            Appeal.status == AppealStatus.RELEASED,
            Appeal.released_at <= now,
            or_(Appeal.deadline.is_(None), Appeal.deadline >= today_somewhere(now)),
        )
        .options(selectinload(Appeal.texts))
        .order_by(Appeal.id)
    )
    return [candidate for appeal in appeals if (candidate := _candidate(appeal, now)).released]


def _told_of(candidates: Sequence[Candidate]) -> set[int]:
    """List the appeals of which it matters who got them: these, and those that they continue."""
    return {c.id for c in candidates} | {c.only_after for c in candidates if c.only_after is not None}


def _candidate(appeal: Appeal, now: datetime) -> Candidate:
    released = {
        text.language: text.released_at
        for text in appeal.texts
        if text.status is TextStatus.RELEASED and text.released_at is not None and text.released_at <= now
    }
    return Candidate(
        id=appeal.id,
        released=released,
        only_after=appeal.original_id if appeal.audience is Audience.RECIPIENTS else None,
        countries=frozenset(appeal.countries),
        topics=frozenset(appeal.topics),
        urgency=appeal.urgency.rank,
        deadline=appeal.deadline,
        published_on=appeal.published_on,
    )


def _verdict(
    candidates: Sequence[Candidate], reading: Reading, *, since: datetime, seen: frozenset[int]
) -> Digest | Skip:
    verdict = compose_digest(candidates, reading, since=since, seen=seen)
    return _SKIPS[verdict] if isinstance(verdict, Nothing) else verdict
