"""The lowest floor: the engine, its transactions, and the base of every table."""

import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from sqlalchemy import JSON, DateTime, Dialect, Engine, Enum, MetaData, Table, create_engine, event, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from subscribers.errors import DatabaseLocked, DatabaseMissing, DatabaseUnreachable, Fault

# Somebody who presses 'leave' waits behind an import or a planning, and is not sent away.
BUSY_TIMEOUT_S = 30.0
LOOK_AGAIN_S = 0.0005


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: timezone-aware in Python; `timestamptz` in PostgreSQL, ISO text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone; hand the database UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"a moment without a zone: {value!r}"
            raise ValueError(msg)
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the moment back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def word(kind: type[Any]) -> Enum:
    """Make the column type that stores a StrEnum as its plain word."""
    return Enum(kind, native_enum=False, length=32, values_callable=lambda members: [m.value for m in members])


class Base(DeclarativeBase):
    """The base of every table of both packages."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Instant, list[str]: JSON, dict[str, str]: JSON}  # noqa: RUF012 - SQLAlchemy reads it


def table(kind: type[Base]) -> Table:
    """Give the table of a kind of row, for statements that load no objects."""
    return cast("Table", kind.__table__)


class Rows(Protocol):
    """What a driver gives for a statement."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give the rows that were asked for."""


class Bare(Protocol):
    """A driver's own connection, of `sqlite3` or psycopg 3, with a transaction open."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement; parameters are `?` on SQLite and `%s` on PostgreSQL."""

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> Rows:
        """Run one statement for each set of parameters; SQLite only."""


def insert_rows(session: Session, into: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many plain rows, as quickly as each database takes them.

    Args:
        session: a writing transaction; what it holds is flushed first.
        into: the table's name, which may be a temporary one's.
        columns: their names.
        rows: values that the driver knows; moments as SQLite's tables have them, see `Instant`.
    """
    session.flush()
    connection = session.connection()
    bare: Any = connection.connection.driver_connection
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        bare.executemany(f"INSERT INTO {into} ({names}) VALUES ({marks})", rows)  # noqa: S608 - names are ours
        return
    with bare.cursor() as cursor, cursor.copy(f"COPY {into} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


class Database:
    """One database, SQLite or PostgreSQL, and the ways into it: `read`, `write`, and `write_bare` for the hot path."""

    def __init__(self, url: str, *, create: bool = False) -> None:
        """Make the engine; nothing is opened yet.

        Args:
            url: an SQLAlchemy URL, `sqlite:///path` or `postgresql://…` (psycopg 3 is used).
            create: whether an SQLite file that is not there may be made.

        Raises:
            DatabaseUnreachable: the URL can't be understood.
        """
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise DatabaseUnreachable(reason="database_url is not an SQLAlchemy URL") from None
        if parsed.drivername in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
            raise DatabaseUnreachable(reason=f"{parsed.drivername!r} is neither sqlite nor postgresql")
        if parsed.drivername == "sqlite" and parsed.database in {None, "", ":memory:"}:
            raise DatabaseUnreachable(reason="a database in memory would be gone with this command")
        self.url = parsed
        # hide_parameters: an error's text ends up in logs, and parameters hold people's names and addresses.
        self.engine = (
            _sqlite_engine(parsed, create=create) if self.is_sqlite else create_engine(parsed, hide_parameters=True)
        )
        # Either has the exceptions of PEP 249. PostgreSQL's takes a while to load, which nobody waits for without need.
        self._driver: Any = sqlite3 if self.is_sqlite else import_module("psycopg")
        self._bare: PoolProxiedConnection | None = None
        self._readers = self.engine.execution_options(read_only=True, postgresql_readonly=True)
        self._unchecked = self.engine.execution_options(unchecked=True)
        self._sketching = self.engine.execution_options(sketching=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def place(self) -> str:
        """Where it is, without a password, for messages."""
        return self.url.database or "" if self.is_sqlite else self.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction in which the database itself refuses every change.

        Pages that answer GET get only this one, so that no GET can change anything.
        """
        with _told_plainly(self.place, self._driver), Session(self._readers) as session:
            yield session

    @contextmanager
    def sketch(self) -> Iterator[Session]:
        """Open a transaction that reads, and may write to temporary tables; it is always rolled back.

        It keeps nobody from writing. Whatever it changes in other tables is gone with it, or refused.
        """
        with _told_plainly(self.place, self._driver), Session(self._sketching) as session:
            yield session

    @contextmanager
    def write(self, *, of_rows_just_read: bool = False) -> Iterator[Session]:
        """Open a transaction, committed at the end, rolled back as a whole by any exception.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so that what was read stays true
        until what depends on it is written.

        Args:
            of_rows_just_read: whether what is written refers only to rows that were read or written in it, so that
                SQLite need not look each of them up again: for a million rows at once that takes seconds.
        """
        engine = self._unchecked if of_rows_just_read else self.engine
        with (
            _told_plainly(self.place, self._driver),
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def write_bare(self) -> Iterator[Bare]:
        """Open a transaction as `write` does, on the driver's own connection.

        For the few statements that run for every mail: around them a Session takes longer than the database. The
        connection is kept from one time to the next, so only one thread may use this.
        """
        with _told_plainly(self.place, self._driver):
            pooled = self._bare = self._bare or self.engine.raw_connection()
            connection: Any = pooled.driver_connection
            try:
                if self.is_sqlite:
                    _check_references(connection, pooled.info, checked=True)
                    _begin_sqlite(connection, pooled.info, reading=False)
                # On PostgreSQL statements wait for no answer until somebody fetches what they give.
                with nullcontext() if self.is_sqlite else connection.pipeline():
                    yield connection
                    connection.commit()
            except BaseException:
                self._bare = None
                pooled.invalidate()  # closing it takes back what was begun, whatever state the driver is in
                raise

    def serialise(self, session: Session, what: str) -> None:
        """Let only one transaction at a time, on any machine, do `what` until this one ends.

        SQLite's writers are one at a time already; PostgreSQL gets an advisory lock.
        """
        if not self.is_sqlite:
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(what.encode())})

    def share(self, session: Session, what: str) -> None:
        """Let several transactions do this at once, but none beside one that does `what` by `serialise`."""
        if not self.is_sqlite:
            session.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": zlib.crc32(what.encode())})

    def hurry(self, session: Session, seconds: float) -> None:
        """Let a transaction wait no longer than this for each row that another one holds; SQLite's hold none."""
        if not self.is_sqlite:
            session.execute(text(f"SET LOCAL lock_timeout = '{seconds * 1000:.0f}ms'"))

    def forget(self) -> None:
        """Let nothing that was overwritten or deleted stand in the database's files any more, as far as we can.

        SQLite zeroes what it frees, but its write-ahead log has the pages as they were. PostgreSQL's old row versions
        go with its next vacuum.
        """
        if self.is_sqlite:
            pooled = self.engine.raw_connection()
            try:
                cast(Bare, pooled.driver_connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                pooled.close()

    def dispose(self) -> None:
        """Close every connection."""
        if self._bare is not None:
            self._bare.close()
            self._bare = None
        self.engine.dispose()


def _sqlite_engine(url: URL, *, create: bool) -> Engine:
    path = Path(url.database or "")
    if create and not path.exists():
        # It will hold every supporter's address: nobody else on this machine may read it. SQLite gives its
        # write-ahead log the same mode.
        path.touch(mode=0o600)

    def connect() -> sqlite3.Connection:
        # mode=rw never makes a file: a mistyped path must not become a second, empty database.
        mode = "rwc" if create else "rw"
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine(url, creator=connect, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def settle(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        bare = cast(Bare, connection.connection.driver_connection)
        _check_references(bare, connection.info, checked=not options.get("unchecked", False))
        sketching = options.get("sketching", False)
        _begin_sqlite(bare, connection.info, reading=options.get("read_only", False), sketching=sketching)

    return engine


def _check_references(connection: Bare, about: dict[Any, Any], *, checked: bool) -> None:
    """Let SQLite look up what new rows refer to, or not; `about` is what the pool keeps with the connection."""
    if about.get("checked", True) is not checked:
        connection.execute(f"PRAGMA foreign_keys={'ON' if checked else 'OFF'}")
        about["checked"] = checked


def _begin_sqlite(connection: Bare, about: dict[Any, Any], *, reading: bool, sketching: bool = False) -> None:
    """Begin a transaction; `about` is what the pool keeps with the connection."""
    if about.get("reading") is not reading:  # saying it again would make SQLite forget every prepared statement
        connection.execute(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
        about["reading"] = reading
    if reading or sketching:
        connection.execute("BEGIN")
        return
    # SQLite's own patience looks again after ever longer pauses, up to a tenth of a second: beside a sender that writes
    # most of the time, whoever presses a button would wait for seconds.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_AGAIN_S)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000:.0f}")


@contextmanager
def _told_plainly(place: str, driver: Any) -> Iterator[None]:
    """Turn what a driver says of a locked or absent database into a sentence for a person."""
    try:
        yield
    except PoolTimeout:
        raise DatabaseLocked from None  # every connection waits for somebody who holds it
    except (DatabaseError, driver.DatabaseError) as error:
        original = error.orig if isinstance(error, DatabaseError) else error
        operational = isinstance(error, OperationalError | driver.OperationalError)
        from_server = driver is not sqlite3 and isinstance(original, driver.OperationalError)
        if fault := _fault(str(original), place, operational=operational, from_server=from_server):
            raise fault from error
        raise


def _fault(said: str, place: str, *, operational: bool, from_server: bool) -> Fault | None:
    if not operational:
        wrong_file = "file is not a database" in said
        return DatabaseUnreachable(reason=f"{place} is not an SQLite database") if wrong_file else None
    if "database is locked" in said or "database table is locked" in said:
        return DatabaseLocked()
    if "unable to open database file" in said:
        return DatabaseMissing(place=place)
    if "disk is full" in said:
        return DatabaseUnreachable(reason=f"the disk that {place} is on is full; nothing was changed")
    # Whatever PostgreSQL's driver calls operational is about the server or the way to it.
    if from_server or "disk I/O error" in said:
        return DatabaseUnreachable(reason=said.strip().splitlines()[0])
    return None
