"""The outbox's hot path in SQL: what is asked and written for every mail, in few statements for many mails at once.

SQLAlchemy builds everything else. Here building would take longer than the database does: these statements are text,
take plain values, and are handed to the driver as they are. Numbers stand in the text; whatever is not ours is a
parameter.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from newsletter.appeals.moments import today_somewhere
from newsletter.delivery.claimed import Launched
from newsletter.delivery.model import DeliveryState, Lane, Skip
from subscribers.database import Bare, Rows
from subscribers.model import Status


class DueRow(NamedTuple):
    """A delivery that is due, with what is needed of its subscriber.

    Attributes:
        blamed: whether its last reply was about us (5.7.x).
        why_not: the reason for which it is skipped; empty if there is none.
        zone: of their clock; empty means the organisation's.
        errand: what a service mail is about; see `ServiceMail`.
        mailing: what a service mail is part of; 0 for others, whose mailing was asked for.
    """

    id: int
    fence: int
    edition_id: int | None
    attempts: int
    blamed: bool
    subscriber_id: int
    token_epoch: int
    email: str
    address_key: str
    name: str
    why_not: str
    zone: str = ""
    errand: int = 0
    mailing: int = 0


class SettledRow(NamedTuple):
    """What is written into a delivery's row; see `Settlement`. None for `due_at` or `reply` leaves what is there."""

    id: int
    fence: int
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    reply: str | None
    settled_at: datetime | None
    perhaps_sent: bool = False


_DUE = f"""
    SELECT d.id, d.fence, d.edition_id, d.attempts, coalesce(d.reply LIKE '5__ 5.7.%', FALSE),
           s.id, s.token_epoch, s.email, s.address_key, s.name,
           CASE WHEN s.status <> '{Status.ACTIVE}' THEN '{Skip.LEFT}'
                WHEN s.paused_until > :now AND NOT (s.alerts_while_paused AND :alert) THEN '{Skip.PAUSED}'
                WHEN :declinable AND NOT s.alerts THEN '{Skip.CHANGED}'
                WHEN :digest AND s.cadence <> :cadence THEN '{Skip.CHANGED}'
                WHEN :alert AND EXISTS (SELECT 1 FROM profiles p JOIN editions e ON e.id = d.edition_id
                             WHERE p.id = s.profile_id AND p.discreet AND NOT e.discreet) THEN '{Skip.CHANGED}'
                WHEN EXISTS (SELECT 1 FROM digest_standings t WHERE t.subscriber_id = s.id
                             AND t.mailing_id = d.mailing_id AND t.profile_id <> s.profile_id) THEN '{Skip.CHANGED}'
                ELSE '' END,
           s.time_zone
    FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
    WHERE d.mailing_id = :mailing AND d.state IN ('queued', 'deferred') AND d.due_at <= :now
    ORDER BY d.due_at, d.id LIMIT :limit
"""  # noqa: S608 - words of our own enums

# Service mails go to an address of their own, whatever its owner decided about other mail. They greet nobody by a name:
# it would be a stranger's way to write to anyone.
_DUE_SERVICE = """
    SELECT d.id, d.fence, d.edition_id, d.attempts, coalesce(d.reply LIKE '5__ 5.7.%', FALSE),
           s.id, s.token_epoch, m.email, m.address_key, '', '', '', m.errand, d.mailing_id
    FROM deliveries d JOIN service_mails m ON m.delivery_id = d.id JOIN subscribers s ON s.id = d.subscriber_id
    WHERE d.mailing_id {among} AND d.state IN ('queued', 'deferred') AND d.due_at <= :now
    ORDER BY d.due_at, d.id LIMIT :limit
"""

# The fence keeps out whoever lost the row meanwhile. A row that was given up as uncertain may still learn that it
# was accepted: that is true, and nobody else has taken it.
_SETTLE = """
    UPDATE deliveries
    SET state =
            CASE WHEN deliveries.perhaps_sent AND j.state IN ('expired', 'refused') THEN 'uncertain' ELSE j.state END,
        attempts = j.attempts, due_at = coalesce(j.due_at, deliveries.due_at),
        reply = coalesce(j.reply, deliveries.reply), settled_at = j.settled_at, worker_id = NULL,
        perhaps_sent = deliveries.perhaps_sent OR j.perhaps_sent
    FROM ({rows}) AS j
    WHERE deliveries.id = j.id AND deliveries.fence = j.fence
      AND (deliveries.state = 'sending' OR (deliveries.state = 'uncertain' AND j.state = 'accepted'))
"""
# The same for what nearly all become, in fewer words.
_ACCEPT = """
    UPDATE deliveries
    SET state = 'accepted', attempts = attempts + 1, reply = {reply}, settled_at = {mark}, worker_id = NULL
    {rows} WHERE deliveries.id = {id} AND deliveries.fence = {fence} AND deliveries.state IN ('sending', 'uncertain')
"""
_POSTGRESQL_ACCEPTED = """
    FROM (SELECT (value ->> 0)::bigint AS id, (value ->> 1)::int AS fence, value ->> 2 AS reply
          FROM json_array_elements(%s::json) AS value) AS j
"""
_SQLITE_ROWS = """
    SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS fence,
           json_extract(value, '$[2]') AS state, json_extract(value, '$[3]') AS attempts,
           json_extract(value, '$[4]') AS due_at, json_extract(value, '$[5]') AS reply,
           json_extract(value, '$[6]') AS settled_at, json_extract(value, '$[7]') AS perhaps_sent
    FROM json_each(?)
"""
_POSTGRESQL_ROWS = """
    SELECT (value ->> 0)::bigint AS id, (value ->> 1)::int AS fence, value ->> 2 AS state,
           (value ->> 3)::int AS attempts, (value ->> 4)::timestamp AT TIME ZONE 'UTC' AS due_at, value ->> 5 AS reply,
           (value ->> 6)::timestamp AT TIME ZONE 'UTC' AS settled_at, (value ->> 7)::boolean AS perhaps_sent
    FROM json_array_elements(%s::json) AS value
"""
_DUE_SERVICE_NAMES = ("mailing", "now", "limit")
_DUE_NAMES = ("now", "alert", "declinable", "digest", "cadence", "alert", *_DUE_SERVICE_NAMES)
_RUNNING = "SELECT id FROM mailings WHERE state = 'running' ORDER BY lane, id"
_SUPPRESSED = "SELECT hash FROM suppressions WHERE hash = ANY(%s::bytea[])"
_SPENT = """
    SELECT e.edition_id, CASE WHEN a.status = 'closed' THEN 'closed' ELSE 'too_late' END
    FROM edition_appeals e JOIN appeals a ON a.id = e.appeal_id
    WHERE e.edition_id {among} AND (a.status = 'closed' OR a.deadline < {day})
    UNION ALL
    SELECT id, CASE WHEN withdrawn_at IS NOT NULL THEN 'withdrawn' END
    FROM editions WHERE id {among} AND (withdrawn_at IS NOT NULL OR composed_at IS NULL)
"""
_TAKE = "UPDATE deliveries SET state = 'sending', worker_id = {mark}, fence = fence + 1 WHERE id {among}"
_PUT_OFF = "UPDATE deliveries SET due_at = {mark} WHERE id {among}"
# What may have arrived before is not skipped or expired: nobody knows.
_SKIP = """
    UPDATE deliveries SET state = CASE WHEN perhaps_sent THEN 'uncertain' ELSE 'skipped' END,
        skip = CASE WHEN perhaps_sent THEN NULL ELSE {mark} END, settled_at = {mark}
    WHERE id = {mark}
"""
_COUNT = """
    INSERT INTO daily_counts (day, worker_id, accepted) VALUES ({mark}, {mark}, {mark})
    ON CONFLICT (day, worker_id) DO UPDATE SET accepted = daily_counts.accepted + excluded.accepted
"""
_SENT = "SELECT coalesce(sum(accepted), 0) FROM daily_counts WHERE day = {mark}"
_UNDER_WAY = "SELECT count(*) FROM deliveries WHERE state = 'sending'"
_EXPIRE = """
    UPDATE deliveries SET state = CASE WHEN perhaps_sent THEN 'uncertain' ELSE 'expired' END, settled_at = {mark}
    WHERE id IN (
        SELECT id FROM deliveries WHERE mailing_id = {mark} AND state IN ('queued', 'deferred') LIMIT {mark} {locked}
    )
    RETURNING id
"""
_OWN = "SELECT id, fence FROM deliveries WHERE state = 'sending' AND worker_id = {mark}"
_HAND_BACK = """
    UPDATE deliveries SET state = CASE WHEN attempts > 0 THEN 'deferred' ELSE 'queued' END, worker_id = NULL
    WHERE id {among}
"""


class Statements:
    """These statements, as one kind of database wants them."""

    def __init__(self, *, is_sqlite: bool) -> None:
        """Take the kind."""
        self._is_sqlite = is_sqlite
        mark = "?" if is_sqlite else "%s"
        # Lists go as text, not as the driver's arrays: making those takes psycopg longer than the whole statement.
        day = "?" if is_sqlite else "%s::date"
        among = "IN (SELECT value FROM json_each(?))" if is_sqlite else "= ANY(%s::bigint[])"

        def meant(statement: str) -> str:
            locked = "" if is_sqlite else "FOR UPDATE SKIP LOCKED"
            return statement.format(mark=mark, among=among, locked=locked, day=day)

        if is_sqlite:
            self._due = _named(_DUE, _DUE_NAMES, mark)
            self._due_service = _named(_DUE_SERVICE.replace("{among}", among), _DUE_SERVICE_NAMES, mark)
            self._settle = _SETTLE.format(rows=_SQLITE_ROWS)
            self._accept = _ACCEPT.format(reply="?", mark="?", rows="", id="?", fence="?")
        else:
            locked = " FOR UPDATE OF d SKIP LOCKED"
            self._due = _named(_DUE.replace("%", "%%") + locked, _DUE_NAMES, mark)
            service = _DUE_SERVICE.replace("%", "%%").replace("{among}", among) + locked
            self._due_service = _named(service, _DUE_SERVICE_NAMES, mark)
            # The numbers once more: without them it may look through all deliveries for the few that are `sending`.
            by_number = " AND deliveries.id = ANY(%s::bigint[])"
            self._settle = _SETTLE.format(rows=_POSTGRESQL_ROWS) + by_number
            self._accept = (
                _ACCEPT.format(reply="j.reply", mark="%s", rows=_POSTGRESQL_ACCEPTED, id="j.id", fence="j.fence")
                + by_number
            )
        self._spent, self._take = meant(_SPENT), meant(_TAKE)
        self._put_off, self._skip = meant(_PUT_OFF), meant(_SKIP)
        self._count, self._sent = meant(_COUNT), meant(_SENT)
        self._expire, self._own, self._hand_back = meant(_EXPIRE), meant(_OWN), meant(_HAND_BACK)

    def running(self, connection: Bare) -> list[int]:
        """Give the mailings that may be sent from, the most urgent first."""
        return [number for (number,) in connection.execute(_RUNNING).fetchall()]

    def due(self, connection: Bare, mailing: Launched, limit: int, now: datetime) -> list[DueRow]:
        """Give deliveries of a mailing that are due, the longest due first; on PostgreSQL they are locked.

        Args:
            connection: with a transaction.
            mailing: which; alerts come through a pause where somebody chose so.
            limit: how many at the most.
            now: the moment.
        """
        moment = self._moment(now)
        is_alert, cadence = mailing.lane is Lane.ALERT, mailing.cadence
        whose = (mailing.declinable, cadence is not None, cadence.value if cadence else "")
        about = (moment, is_alert, *whose, is_alert, mailing.id, moment, limit)
        return [DueRow(*row) for row in connection.execute(self._due, about).fetchall()]

    def due_service(self, connection: Bare, mailings: Iterable[int], limit: int, now: datetime) -> list[DueRow]:
        """Give service mails that are due, of all these mailings at once; else as `due`.

        There is a mailing for each minute in which somebody asked for something: asking for each would take longer than
        all the rest, once a mail of many minutes waits for a server that defers.
        """
        about = (self._numbers(mailings), self._moment(now), limit)
        return [DueRow(*row) for row in connection.execute(self._due_service, about).fetchall()]

    def barred(
        self, connection: Bare, hashes: list[bytes], editions: Iterable[int | None], now: datetime
    ) -> tuple[set[bytes], dict[int, Skip | None]]:
        """Give those of the hashes of address keys that are suppressed, and the editions that `spent` gives.

        Both are asked before either is answered: PostgreSQL is waited for once.
        """
        if self._is_sqlite:  # JSON knows no bytes
            statement = f"SELECT hash FROM suppressions WHERE hash IN ({', '.join('?' * len(hashes))})"  # noqa: S608 - marks
            suppressed = connection.execute(statement, hashes)
        else:
            listed = "{" + ",".join([f'"\\\\x{one.hex()}"' for one in hashes]) + "}"
            suppressed = connection.execute(_SUPPRESSED, (listed,))
        spent = self._ask_spent(connection, editions, now)
        return {bytes(found) for (found,) in suppressed.fetchall()}, _reasons(spent)

    def spent(self, connection: Bare, editions: Iterable[int], now: datetime) -> dict[int, Skip | None]:
        """Give the editions that must not go out any more, each with the reason; None for what isn't composed yet.

        The others hold an appeal that was closed or is past its deadline, or say a name that must not be said.
        """
        return _reasons(self._ask_spent(connection, editions, now))

    def _ask_spent(self, connection: Bare, editions: Iterable[int | None], now: datetime) -> Rows:
        numbers = self._numbers(edition for edition in editions if edition is not None)
        return connection.execute(self._spent, (numbers, today_somewhere(now).isoformat(), numbers))

    def take(self, connection: Bare, deliveries: Iterable[int], worker_id: int) -> None:
        """Make deliveries `sending`, in a worker's name."""
        connection.execute(self._take, (worker_id, self._numbers(deliveries)))

    def put_off(self, connection: Bare, deliveries: Iterable[int], until: datetime) -> None:
        """Let deliveries be due at a later moment."""
        connection.execute(self._put_off, (self._moment(until), self._numbers(deliveries)))

    def skip(self, connection: Bare, delivery: int, reason: Skip, now: datetime) -> None:
        """Note that a delivery is not sent, and why."""
        connection.execute(self._skip, (reason.value, self._moment(now), delivery))

    def settle(self, connection: Bare, rows: Sequence[SettledRow]) -> None:
        """Write down what became of deliveries, as far as their fence says that nobody else has taken them."""
        stored = json.dumps(rows, default=_written)
        numbers = self._numbers(row.id for row in rows)
        connection.execute(self._settle, (stored,) if self._is_sqlite else (stored, numbers))

    def accept(self, connection: Bare, rows: Sequence[tuple[int, int, str]], now: datetime) -> None:
        """Write down that deliveries were accepted; as `settle`, for rows of number, fence and the server's reply."""
        moment = self._moment(now)
        if self._is_sqlite:
            # One after the other: taking a list apart takes SQLite longer.
            connection.executemany(self._accept, [(reply, moment, number, fence) for number, fence, reply in rows])
        else:
            numbers = self._numbers(number for number, _fence, _reply in rows)
            connection.execute(self._accept, (moment, json.dumps(rows), numbers))

    def count(self, connection: Bare, worker_id: int, accepted: int, now: datetime) -> None:
        """Add to how many mails a worker handed over on a day."""
        connection.execute(self._count, (now.date().isoformat(), worker_id, accepted))

    def sent_today(self, connection: Bare, now: datetime) -> int:
        """Say how many mails all workers have handed over on a day, or may have by now."""
        ((sent,),) = connection.execute(self._sent, (now.date().isoformat(),)).fetchall()
        ((under_way,),) = connection.execute(_UNDER_WAY).fetchall()
        return int(sent) + int(under_way)

    def expire(self, connection: Bare, mailing: int, limit: int, now: datetime) -> int:
        """End deliveries of a mailing whose time is over; gives how many."""
        return len(connection.execute(self._expire, (self._moment(now), mailing, limit)).fetchall())

    def own(self, connection: Bare, worker_id: int) -> list[tuple[int, int]]:
        """Give the deliveries that are `sending` in a worker's name, each with its fence."""
        return [(number, fence) for number, fence in connection.execute(self._own, (worker_id,)).fetchall()]

    def hand_back(self, connection: Bare, deliveries: Iterable[int]) -> None:
        """Put deliveries back into the queue."""
        connection.execute(self._hand_back, (self._numbers(deliveries),))

    def _numbers(self, numbers: Iterable[int]) -> str:
        listed = ",".join(map(str, numbers))
        return f"[{listed}]" if self._is_sqlite else f"{{{listed}}}"

    def _moment(self, moment: datetime | None) -> Any:
        """Write a moment as `subscribers.database.Instant` does."""
        return moment if moment is None or not self._is_sqlite else _written(moment)


def _reasons(spent: Rows) -> dict[int, Skip | None]:
    reasons: dict[int, Skip | None] = {}
    for number, reason in spent.fetchall():
        reasons[number] = Skip(reason) if reason else reasons.get(number)
    return reasons


@lru_cache(maxsize=16)  # all rows of a turn have the same
def _written(moment: datetime) -> str:
    """Write a moment in UTC as `subscribers.database.Instant` does on SQLite."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _named(statement: str, names: Iterable[str], mark: str) -> str:
    for name in names:
        statement = statement.replace(f":{name}", mark, 1)
    return statement
