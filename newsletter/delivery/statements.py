"""The outbox's hot path in SQL: what is asked and written for every mail, in few statements for many mails at once.

SQLAlchemy builds everything else. Here building would take longer than the database does: these statements are text,
take plain values, and are handed to the driver as they are. Numbers stand in the text; whatever is not ours is a
parameter.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from newsletter.delivery.model import DeliveryState, Skip
from subscribers.model import Status


class DueRow(NamedTuple):
    """A delivery that is due, with what is needed of its subscriber.

    Attributes:
        blamed: whether its last reply was about us (5.7.x).
        why_not: the reason for which it is skipped; empty if there is none.
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


class SettledRow(NamedTuple):
    """What is written into a delivery's row; None for `due_at` or `reply` leaves what is there."""

    id: int
    fence: int
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    reply: str | None
    settled_at: datetime | None


_DUE = f"""
    SELECT d.id, d.fence, d.edition_id, d.attempts, coalesce(d.reply LIKE '5__ 5.7.%', FALSE),
           s.id, s.token_epoch, s.email, s.address_key, s.name,
           CASE WHEN s.status <> '{Status.ACTIVE}' THEN '{Skip.LEFT}'
                WHEN s.paused_until > :now THEN '{Skip.PAUSED}' ELSE '' END
    FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
    WHERE d.mailing_id = :mailing AND d.state IN ('queued', 'deferred') AND d.due_at <= :now
    ORDER BY d.due_at, d.id LIMIT :limit
"""  # noqa: S608 - words of our own enums

# The fence keeps out whoever lost the row meanwhile. A row that was given up as uncertain may still learn that it
# was accepted: that is true, and nobody else has taken it.
_SETTLE = """
    UPDATE deliveries
    SET state = j.state, attempts = j.attempts, due_at = coalesce(j.due_at, deliveries.due_at),
        reply = coalesce(j.reply, deliveries.reply), settled_at = j.settled_at, worker_id = NULL
    FROM ({rows}) AS j
    WHERE deliveries.id = j.id AND deliveries.fence = j.fence
      AND (deliveries.state = 'sending' OR (deliveries.state = 'uncertain' AND j.state = 'accepted'))
"""
_SQLITE_ROWS = """
    SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS fence,
           json_extract(value, '$[2]') AS state, json_extract(value, '$[3]') AS attempts,
           json_extract(value, '$[4]') AS due_at, json_extract(value, '$[5]') AS reply,
           json_extract(value, '$[6]') AS settled_at
    FROM json_each(?)
"""
_POSTGRESQL_ROWS = """
    SELECT * FROM unnest(
        %s::bigint[], %s::int[], %s::text[], %s::int[], %s::timestamptz[], %s::text[], %s::timestamptz[]
    ) AS r (id, fence, state, attempts, due_at, reply, settled_at)
"""


class Statements:
    """These statements, as one kind of database wants them."""

    def __init__(self, *, is_sqlite: bool) -> None:
        """Take the kind."""
        self._is_sqlite = is_sqlite
        if is_sqlite:
            self._due = _named(_DUE, ("now", "mailing", "now", "limit"), "?")
            self._settle = _SETTLE.format(rows=_SQLITE_ROWS)
        else:
            due = _DUE.replace("%", "%%") + " FOR UPDATE OF d SKIP LOCKED"
            self._due = _named(due, ("now", "mailing", "now", "limit"), "%s")
            self._settle = _SETTLE.format(rows=_POSTGRESQL_ROWS)

    def running(self, connection: Connection) -> list[int]:
        """Give the mailings that may be sent from, the most urgent first."""
        rows = connection.exec_driver_sql("SELECT id FROM mailings WHERE state = 'running' ORDER BY lane, id")
        return [number for (number,) in rows]

    def due(self, connection: Connection, mailing: int, limit: int, now: datetime) -> list[DueRow]:
        """Give deliveries of a mailing that are due, the longest due first; on PostgreSQL they are locked."""
        moment = self._moment(now)
        rows = connection.exec_driver_sql(self._due, (moment, mailing, moment, limit))
        return [DueRow(*row) for row in rows]

    def closed_editions(self, connection: Connection, editions: Iterable[int | None]) -> set[int]:
        """Give those of the editions that hold an appeal which was closed."""
        numbers = _numbers(edition for edition in editions if edition is not None)
        rows = connection.exec_driver_sql(
            "SELECT e.edition_id FROM edition_appeals e JOIN appeals a ON a.id = e.appeal_id "  # noqa: S608 - numbers
            f"WHERE e.edition_id IN ({numbers}) AND a.status = 'closed'"
        )
        return {number for (number,) in rows}

    def take(self, connection: Connection, deliveries: Iterable[int], worker_id: int) -> None:
        """Make deliveries `sending`, in a worker's name."""
        connection.exec_driver_sql(
            f"UPDATE deliveries SET state = 'sending', worker_id = {worker_id:d}, fence = fence + 1 "  # noqa: S608 - numbers
            f"WHERE id IN ({_numbers(deliveries)})"
        )

    def settle(self, connection: Connection, rows: Sequence[SettledRow]) -> None:
        """Write down what became of deliveries, as far as their fence says that nobody else has taken them."""
        if self._is_sqlite:
            stored = [
                (r.id, r.fence, r.state, r.attempts, self._moment(r.due_at), r.reply, self._moment(r.settled_at))
                for r in rows
            ]
            connection.exec_driver_sql(self._settle, (json.dumps(stored),))
        else:
            connection.exec_driver_sql(self._settle, tuple(map(list, zip(*rows, strict=True))))

    def count(self, connection: Connection, worker_id: int, accepted: int, now: datetime) -> None:
        """Add to how many mails a worker handed over on a day."""
        connection.exec_driver_sql(
            "INSERT INTO daily_counts (day, worker_id, accepted) "  # noqa: S608 - numbers, and a date of our own
            f"VALUES ('{now.date().isoformat()}', {worker_id:d}, {accepted:d}) "
            "ON CONFLICT (day, worker_id) DO UPDATE SET accepted = daily_counts.accepted + excluded.accepted"
        )

    def _moment(self, moment: datetime | None) -> Any:
        """Write a moment as `subscribers.database.Instant` does."""
        if moment is None or not self._is_sqlite:
            return moment
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(f"{number:d}" for number in numbers)


def _named(statement: str, names: Iterable[str], mark: str) -> str:
    for name in names:
        statement = statement.replace(f":{name}", mark, 1)
    return statement
