"""Two writers at once: the second must really have come to the point where it waits for the first."""

from time import monotonic

from sqlalchemy import text

from subscribers.database import Database


def until_somebody_waits(database: Database) -> None:
    """Return once a transaction of this PostgreSQL database waits for another one."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    deadline = monotonic() + 10
    while monotonic() < deadline:
        with database.read() as session:
            if session.scalar(waiting):
                return
    raise AssertionError
