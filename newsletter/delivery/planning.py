"""From the appeals of the moment to a mailing with an edition for each group and a delivery for each person."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.delivery.audience import EVERYTHING, PAUSED, Audience, Fate, Group
from newsletter.delivery.candidates import candidates_at, last_move, told_of
from newsletter.delivery.composing import compose_waiting
from newsletter.delivery.freezing import Freezing
from newsletter.delivery.ledger import seen_by
from newsletter.delivery.model import Lane, Mailing, MailingKind, MailingState, OnUncertain, Skip
from newsletter.delivery.preflight import Looked, look_over_digests
from newsletter.editions.compose import EditionPress
from newsletter.editions.digest import Candidate, Choice, Digest, Nothing, Why
from newsletter.editions.preflight import Finding
from subscribers.database import Database
from subscribers.hours import Slot
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence, Reading

DIGEST_LIVES = timedelta(days=3)  # how long a digest is tried before it is no longer news
# What was released so shortly before a planning may have become visible after it.
IN_FLIGHT = timedelta(hours=1)
# For how long it is remembered that everything was looked at for somebody; then everything is looked at again.
REMEMBERED = {
    Cadence.EACH: timedelta(days=14),
    Cadence.DAILY: timedelta(days=14),
    Cadence.WEEKLY: timedelta(days=30),
    Cadence.MONTHLY: timedelta(days=100),
}

_EVER = datetime.min.replace(tzinfo=UTC)
_SKIPS = {Nothing.NEW: Skip.NOTHING_NEW, Nothing.IN_THEIR_LANGUAGES: Skip.NO_TEXT}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What planning came to.

    Attributes:
        cadence: whose digest it is.
        mailing_id: None if nobody gets anything: then nothing was written.
        deliveries: how many people get a mail.
        editions: how many different ones there are.
        skipped: how many get none, by reason.
        broken: mailings of which an edition can't be composed, with what is wrong.
        findings: what somebody should look at, though it stopped nothing; where one digest alone was planned.
    """

    cadence: Cadence
    mailing_id: int | None
    deliveries: int
    editions: int
    skipped: Mapping[Skip, int]
    broken: Mapping[int, str] = field(default_factory=dict)
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Plans digests.

    Attributes:
        database: where everything is.
        press: stores editions, to be composed afterwards.
        freezing: finishes what alerts are under way, so that it is known who gets them.
        lookback: how long before somebody joined an appeal may have been released to be new to them.
        message_domain: right side of Message-IDs.
        most: how many appeals a digest holds at the most.
    """

    database: Database
    press: EditionPress
    freezing: Freezing
    lookback: timedelta
    message_domain: str
    most: int | None = None

    def launch(self, cadence: Cadence, *, now: datetime, on_progress: Callable[[int], None] | None = None) -> Plan:
        """Plan one digest for everybody of its cadence, and compose it; mails go out from the first edition on.

        Args:
            cadence: whose digest it is.
            now: the moment.
            on_progress: told how many more editions are composed.

        Raises:
            NotFit: what would be sent isn't.
            TemplateBroken, TemplateLacks: it can't be composed.
        """
        looked = self.look_over(now)
        self.freezing.go_on_with_all(now=now)
        with self.database.write(of_rows_just_read=True) as session:
            made = self.plan_digest(session, cadence, now=now)
        composed = compose_waiting(self.database, self.press, now=now, on_progress=on_progress)
        return replace(made, broken=composed.broken, findings=looked.findings)

    def look_over(self, now: datetime) -> Looked:
        """Look over what may go out now, before anything is launched.

        Raises:
            NotFit: it isn't fit to go out.
        """
        with self.database.read() as session:
            looked = look_over_digests(session, self.press, candidates_at(session, now), now=now)
        looked.require_fit()
        return looked

    def plan_digest(
        self, session: Session, cadence: Cadence, *, now: datetime, slots: Sequence[Slot] | None = None
    ) -> Plan:
        """Freeze the audience of one digest into deliveries; its editions are composed afterwards.

        What the ledger shows for a person is not new to them, so that planning twice plans once; two planners at
        once go one after the other.

        Args:
            session: a writing transaction; whoever opened it decides whether the plan stays.
            cadence: whose digest it is.
            now: the moment of planning.
            slots: the hours that have come; None means everybody of that cadence.

        Raises:
            TemplateBroken, TemplateLacks: what would be sent can't be composed.
        """
        self.freezing.reserve(session)
        self.freezing.finish(session, now=now)
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
            seen_move=last_move(session),
        )
        audience = Audience(session=session, cadence=cadence, now=now, slots=slots)
        verdicts = dict(self._verdicts(session, audience, candidates, now))
        skipped = Counter[Skip]()
        sizes = Counter[Digest]()
        for group, verdict in verdicts.items():
            if isinstance(verdict, Digest):
                sizes[verdict] += group.people
            else:
                skipped[verdict] += group.people
        if not sizes:
            audience.close()
            return Plan(cadence=cadence, mailing_id=None, deliveries=0, editions=0, skipped=dict(skipped))
        mailing.nothing_new = skipped[Skip.NOTHING_NEW]
        session.add(mailing)
        session.flush()
        digests = [digest for digest, _people in sizes.most_common()]
        versions = {candidate.id: candidate.version_id for candidate in candidates}
        numbers = self.press.reserve(session, mailing.id, digests, versions, mail=mailing.kind)
        editions = dict(zip(digests, numbers, strict=True))
        # Mails are claimed in the order in which they are due: edition after edition, as they are composed.
        first = now - timedelta(microseconds=len(digests))
        due = {digest: first + timedelta(microseconds=place) for place, digest in enumerate(digests, start=1)}
        audience.settle(mailing.id, {group: _fate(verdict, editions, due, now) for group, verdict in verdicts.items()})
        audience.close()
        return Plan(
            cadence=cadence,
            mailing_id=mailing.id,
            deliveries=sizes.total(),
            editions=len(digests),
            skipped=dict(skipped),
        )

    def verdict_for(self, session: Session, subscriber: Subscriber, *, now: datetime) -> Digest | Skip:
        """Say what one person would get at this moment, by the same rules as planning."""
        if subscriber.status is not Status.ACTIVE or subscriber.joined_at is None:
            return Skip.LEFT
        if subscriber.paused_until is not None and subscriber.paused_until > now:
            return Skip.PAUSED
        candidates = candidates_at(session, now)
        seen = seen_by(session, subscriber.id, told_of(candidates))
        since = subscriber.joined_at - self.lookback
        choice = Choice(candidates, most=self.most)
        return _verdict(choice, subscriber.profile.reading, since=since, seen=seen)

    def reasons_for(self, session: Session, subscriber: Subscriber, *, now: datetime) -> dict[int, Why]:
        """Say of each open appeal, by its number, why this person would get it now or not.

        They are somebody who is written to: active, and not paused.
        """
        candidates = candidates_at(session, now)
        seen = seen_by(session, subscriber.id, told_of(candidates))
        since = (subscriber.joined_at or now) - self.lookback
        return Choice(candidates, most=self.most).reasons(subscriber.profile.reading, since=since, seen=seen)

    def _verdicts(
        self, session: Session, audience: Audience, candidates: Sequence[Candidate], now: datetime
    ) -> Iterator[tuple[Group, Digest | Skip]]:
        """Decide once for each group of people who want and have had the same."""
        releases = sorted((moment for c in candidates for moment in c.released.values()), reverse=True)
        standings = _mailings(session, audience.find(releases, lookback=self.lookback))
        oldest = now - REMEMBERED[audience.cadence]
        recent = {number: (move, at) for number, (move, at) in standings.items() if at >= oldest}
        # For whom everything was looked at, of what may have changed since; for the others, all.
        of_standing = {
            number: [candidate for candidate in candidates if _is_late(candidate, move, at)]
            for number, (move, at) in recent.items()
        }
        late = {each for some in of_standing.values() for each in told_of(some)}
        audience.look_up(told_of(candidates), late=late, forgotten=standings.keys() - recent.keys())
        choices = {number: Choice(some, most=self.most) for number, some in of_standing.items()}
        choices[EVERYTHING] = Choice(candidates, most=self.most)
        readings = audience.readings()
        for group in audience.groups():
            if group.had == PAUSED:
                yield group, Skip.PAUSED
                continue
            reading, since = readings[group.profile], _since(releases, group.rank)
            yield group, _verdict(choices[group.standing], reading, since=since, seen=audience.had(group.had))


def _verdict(choice: Choice, reading: Reading, *, since: datetime, seen: frozenset[int]) -> Digest | Skip:
    verdict = choice.compose(reading, since=since, seen=seen)
    return _SKIPS[verdict] if isinstance(verdict, Nothing) else verdict


def _mailings(session: Session, numbers: frozenset[int]) -> dict[int, tuple[int, datetime]]:
    """Give for each mailing the last move that its planning saw, and when it was launched."""
    rows = select(Mailing.id, Mailing.seen_move, Mailing.launched_at).where(Mailing.id.in_(numbers))
    return {number: (move, at) for number, move, at in session.execute(rows)} if numbers else {}


def _is_late(candidate: Candidate, seen_move: int, launched_at: datetime) -> bool:
    """Say whether an appeal may have become what it is after a planning, or depends on what people had since."""
    moved = candidate.last_move > seen_move or candidate.only_after is not None
    return moved or candidate.moved_at is None or candidate.moved_at > launched_at - IN_FLIGHT


def _since(releases: Sequence[datetime], rank: int) -> datetime:
    """Give a moment after which so many of the releases were, the latest first."""
    return releases[rank] if rank < len(releases) else _EVER


def _fate(
    verdict: Digest | Skip, editions: Mapping[Digest, int], due: Mapping[Digest, datetime], now: datetime
) -> Fate:
    if isinstance(verdict, Digest):
        return Fate(edition=editions[verdict], skip=None, due_at=due[verdict], settles=not verdict.more)
    return Fate(edition=None, skip=verdict, due_at=now, settles=verdict is not Skip.PAUSED)
