"""Which deliveries a worker takes next, and what happens to those that are due and must not go now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from newsletter.delivery.claimed import Claimed, Launched
from newsletter.delivery.model import Lane, Skip
from newsletter.delivery.statements import DueRow, Statements
from subscribers.addresses import wire_form
from subscribers.choices import known_zone
from subscribers.database import Bare
from subscribers.hours import awake_at
from subscribers.suppression import SuppressionList

EXPIRE_ROWS = 5_000  # rows of an expired mailing that are settled in one transaction
SLEEPERS = 1_000  # rows of an alert that are looked at at once where it is night


class Claiming:
    """Takes deliveries within one transaction of one worker."""

    def __init__(
        self,
        statements: Statements,
        suppression: SuppressionList,
        time_zone: str,
        connection: Bare,
        *,
        worker_id: int,
        now: datetime,
    ) -> None:
        """Take the transaction.

        Args:
            statements: as this database wants them.
            suppression: knows whom nobody may write to.
            time_zone: the organisation's.
            connection: with the turn's transaction.
            worker_id: in whose name.
            now: the moment.
        """
        self._statements = statements
        self._suppression = suppression
        self._time_zone = time_zone
        self._connection = connection
        self._worker_id = worker_id
        self._now = now

    def claim(
        self, running: Mapping[int, Launched], wants: Mapping[Lane, int], rest: float
    ) -> tuple[list[Claimed], bool, bool]:
        """Take what is due, the most urgent first; say also whether that was all, and whether the day's limit held.

        Args:
            running: the mailings, the most urgent first.
            wants: how many claims there may be after each lane.
            rest: how many ordinary mails may still go out today.
        """
        expired = [one for one in running.values() if self._now >= one.expires_at]
        ended = [self._statements.expire(self._connection, one.id, EXPIRE_ROWS, self._now) for one in expired]
        dry = all(count < EXPIRE_ROWS for count in ended)
        alive = [one for one in running.values() if self._now < one.expires_at]
        service = {one.id: one for one in alive if one.lane is Lane.SERVICE}
        claims, dry_of_service = self._take_service(service, wants[Lane.SERVICE])
        dry, held = dry and dry_of_service, False
        for launched in alive:
            if launched.lane is Lane.SERVICE:
                continue
            room = wants[launched.lane] - len(claims)
            if room <= 0:
                dry = False
                continue
            if launched.lane is Lane.REST and rest < room:
                held = True
                if rest <= 0:
                    continue
                room = int(rest)
            taken, over = self._take_of(launched, room)
            claims += taken
            dry &= over
            if launched.lane is Lane.REST:
                rest -= len(taken)
        return claims, dry, held

    def _take_service(self, service: Mapping[int, Launched], room: int) -> tuple[list[Claimed], bool]:
        """Claim service mails that are due; say also whether that was all.

        Whether each may be sent was seen when it was asked for, and what has changed since takes it back:
        see `forgetting`.
        """
        if room <= 0 or not service:
            return [], not service
        rows = self._statements.due_service(self._connection, service, room, self._now)
        claims = [_claimed(row, service[row.mailing]) for row in rows]
        if claims:
            self._statements.take(self._connection, [one.id for one in claims], self._worker_id)
        return claims, len(rows) < room

    def _take_of(self, launched: Launched, room: int) -> tuple[list[Claimed], bool]:
        """Claim so many deliveries of one mailing at the most; say also whether that was all."""
        awake = _Awake(launched, self._time_zone, self._now)
        claims: list[Claimed] = []
        # Once more, so that nobody who is awake waits behind many who are not.
        for look in (room, SLEEPERS):
            rows = self._statements.due(self._connection, launched, look, self._now)
            taken = self._take(launched, rows, room - len(claims), awake)
            claims += taken.claims
            if taken.unready:
                return claims, True  # what is not composed yet comes before what else there is of the mailing
            if len(rows) < look or not taken.asleep or len(claims) == room:
                return claims, len(rows) < look and not taken.left
        return claims, False

    def _take(self, launched: Launched, rows: Sequence[DueRow], room: int, awake: "_Awake") -> "_Taken":
        """Claim deliveries of one mailing that are due, apart from those that are not to be sent, or not by night."""
        if not rows:
            return _Taken([])
        hashes = [self._suppression.hash(row.address_key) for row in rows]
        # People get the rest of an edition that holds, say, a closed appeal with their next digest.
        suppressed, spent = self._statements.barred(
            self._connection, hashes, {row.edition_id for row in rows}, self._now
        )
        claims: list[Claimed] = []
        asleep: dict[datetime, list[int]] = {}
        unready = left = False
        for row, hashed in zip(rows, hashes, strict=True):
            if row.edition_id in spent and spent[row.edition_id] is None:
                unready = True
                continue
            if reason := _why_not(row, spent, suppressed=hashed in suppressed):
                self._statements.skip(self._connection, row.id, reason, self._now)
            elif (at := awake.at(row.zone)) > self._now:
                asleep.setdefault(at, []).append(row.id)
            elif len(claims) < room:
                claims.append(_claimed(row, launched))
            else:
                left = True
        if claims:
            self._statements.take(self._connection, [one.id for one in claims], self._worker_id)
        for at, numbers in asleep.items():
            self._statements.put_off(self._connection, numbers, at)
        return _Taken(claims, unready=unready, asleep=bool(asleep), left=left)


class _Taken(NamedTuple):
    """What came of some deliveries that were due.

    Attributes:
        claims: those that were claimed.
        unready: whether some wait for their edition to be composed.
        asleep: whether some were put off to somebody's morning.
        left: whether there was no room for some.
    """

    claims: list[Claimed]
    unready: bool = False
    asleep: bool = False
    left: bool = False


class _Awake:
    """Says when a mailing may come to people, zone by zone: since it was launched, it may have become night there."""

    def __init__(self, launched: Launched, home: str, now: datetime) -> None:
        self._launched, self._home, self._now = launched, home, now
        self._at: dict[str, datetime] = {}

    def at(self, zone: str) -> datetime:
        """Give the moment, for those whose clock is in a zone."""
        if not self._launched.by_day:
            return self._now
        if zone not in self._at:
            clock = known_zone(zone) or self._home
            self._at[zone] = awake_at(self._now, self._launched.expires_at, clock)
        return self._at[zone]


def _why_not(row: DueRow, spent: Mapping[int, Skip | None], *, suppressed: bool) -> Skip | None:
    if row.why_not:
        return Skip(row.why_not)
    if suppressed:
        return Skip.SUPPRESSED
    return None if row.edition_id is None else spent.get(row.edition_id)


def _claimed(row: DueRow, launched: Launched) -> Claimed:
    if row.edition_id is None:
        msg = f"delivery {row.id} is queued without an edition"
        raise AssertionError(msg)
    return Claimed(
        row.id,
        row.fence + 1,
        launched,
        row.edition_id,
        row.subscriber_id,
        row.token_epoch,
        wire_form(row.email, row.address_key),
        row.address_key.rpartition("@")[2],
        row.name,
        row.attempts,
        bool(row.blamed),
        row.errand,
    )
