"""Temporary tables of one transaction, and statements in words over them: the same on both databases."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

ROWS = 10_000  # at once between here and the database
CACHES = {"main": 48_000, "temp": 12_000}  # KiB, of SQLite; the usual two MB are too few for an index of a million
WORK_KIB = 64_000  # of PostgreSQL, for one sorting or joining: with the usual four MB it does them on disk


class Scratch:
    """Some temporary tables; nothing that is not of the program may stand in their names or statements.

    Attributes:
        is_postgresql: whether they are not SQLite's.
    """

    def __init__(self, session: Session, tables: Mapping[str, str]) -> None:
        """Take them; `make` makes them.

        Args:
            session: a transaction that may write.
            tables: the columns by the table's name; `{moment}` stands for the type of a moment.
        """
        self._session = session
        self._tables = tables
        self.is_postgresql = session.get_bind().dialect.name == "postgresql"

    def make(self) -> None:
        """Make them, empty."""
        self.drop()
        if self.is_postgresql:
            self.run(f"SET LOCAL work_mem = '{WORK_KIB}kB'")
        else:
            for schema, size_kib in CACHES.items():
                self.run(f"PRAGMA {schema}.cache_size=-{size_kib}")
        moment = "TIMESTAMPTZ" if self.is_postgresql else "TEXT"
        for name, columns in self._tables.items():
            # On SQLite the key of such a table is where its rows are.
            kind = " WITHOUT ROWID" if "PRIMARY KEY (" in columns and not self.is_postgresql else ""
            self.run(f"CREATE TEMPORARY TABLE {name} ({columns.format(moment=moment)}){kind}")

    def drop(self) -> None:
        """Drop them."""
        for name in self._tables:
            self.run(f"DROP TABLE IF EXISTS {'pg_temp' if self.is_postgresql else 'temp'}.{name}")
        if not self.is_postgresql:
            self.run("PRAGMA main.cache_size=-2000")

    def run(self, statement: str, *, streamed: bool = False, **facts: object) -> Any:
        """Run a statement with `:names` in it; gives its rows, all at once or, streamed, some at a time."""
        options = {"yield_per": ROWS} if streamed else {}
        return self._session.connection().execute(text(statement), facts, execution_options=options)

    def moment(self, moment: datetime | None) -> object:
        """Write a moment as the tables have it: statements in words don't know what they compare it with."""
        if self.is_postgresql or moment is None:
            return moment
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

    def analyse(self, name: str) -> None:
        """Tell PostgreSQL how large a table is; SQLite goes the way that is written."""
        if self.is_postgresql:
            self.run(f"ANALYZE {name}")
