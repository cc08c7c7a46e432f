import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError

from subscribers.database import Database, insert_rows
from subscribers.errors import DatabaseLocked, DatabaseUnreachable
from subscribers.preferences import Profile, Reading
from subscribers.suppression import Suppression


def test_a_reading_transaction_can_change_nothing(database):
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), database.read() as session:
        session.execute(text("DELETE FROM subscribers"))


def test_a_writing_transaction_after_a_reading_one_can_write_again(database):
    with database.read() as session:
        session.execute(text("SELECT 1"))
    with database.write() as session:
        Profile.of(session, Reading())
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM profiles")) == 1


def test_a_sketch_leaves_nothing_and_keeps_nobody_from_writing(database):
    with database.sketch() as session:
        session.execute(text("CREATE TEMPORARY TABLE sketched (id INTEGER)"))
        session.execute(text("INSERT INTO sketched SELECT 7"))
        with database.write() as other:
            Profile.of(other, Reading())
        assert session.scalar(text("SELECT id FROM sketched")) == 7
    with database.sketch() as session:
        session.execute(text("CREATE TEMPORARY TABLE sketched (id INTEGER)"))
        session.execute(text("DELETE FROM profiles"))
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM profiles")) == 1


def test_an_exception_takes_everything_back(database):
    with pytest.raises(RuntimeError), database.write() as session:
        Profile.of(session, Reading())
        raise RuntimeError
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM profiles")) == 0


def test_moments_come_back_in_utc_whatever_zone_they_were_in(database):
    kabul = timezone(timedelta(hours=4, minutes=30))
    with database.write() as session:
        session.add(Suppression(hash=b"x", reason="left", at=datetime(2026, 3, 1, 12, 0, tzinfo=kabul)))
    with database.read() as session:
        found = session.get_one(Suppression, b"x")
        assert found.at == datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
        assert found.at.utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused(database):
    with pytest.raises(StatementError, match="without a zone"), database.write() as session:
        session.add(Suppression(hash=b"x", reason="left", at=datetime(2026, 3, 1, 12, 0)))  # noqa: DTZ001 - the mistake
        session.flush()


def test_a_database_that_another_program_holds_is_said_to_be_locked(sqlite_url, monkeypatch):
    monkeypatch.setattr("subscribers.database.BUSY_TIMEOUT_S", 0.01)
    database = Database(sqlite_url)
    other = sqlite3.connect(database.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseLocked), database.write() as session:
        session.execute(text("SELECT 1"))
    other.close()
    database.dispose()


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_reached_is_one_sentence(url):
    with pytest.raises(DatabaseUnreachable) as told, Database(url).read() as session:
        session.execute(text("SELECT 1"))
    assert "\n" not in str(told.value)


def test_what_was_overwritten_stands_in_no_file_any_more(sqlite_url):
    database = Database(sqlite_url)
    path = Path(database.place)

    def said():
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))

    with database.write() as session:
        session.execute(text("CREATE TABLE notes (words TEXT)"))
        session.execute(text("INSERT INTO notes VALUES ('Karim Ahmadi')"))
    with database.write() as session:
        session.execute(text("UPDATE notes SET words = '-'"))
    assert b"Karim Ahmadi" in said(), "the log has it"
    database.forget()
    assert b"Karim Ahmadi" not in said()
    with database.read() as session:
        assert session.scalar(text("SELECT words FROM notes")) == "-"
    database.dispose()


def test_only_the_transaction_that_asks_for_it_writes_without_looking_up_what_rows_refer_to(sqlite_url):
    database = Database(sqlite_url)
    checks = text("PRAGMA foreign_keys")
    with database.write(of_rows_just_read=True) as session:
        assert session.scalar(checks) == 0
    with database.write_bare() as connection:
        assert connection.execute("PRAGMA foreign_keys").fetchall() == [(1,)]
    with database.write(of_rows_just_read=True):
        pass
    with database.read() as session:
        assert session.scalar(checks) == 1
    with pytest.raises(RuntimeError), database.write(of_rows_just_read=True):
        raise RuntimeError("the light went out")
    with database.write() as session:
        assert session.scalar(checks) == 1
    database.dispose()


def test_many_rows_go_in_as_they_are(database):
    rows = [(number, f"Zürich\t{number}\n\\N", None if number % 2 else "2026-11-23") for number in range(3)]
    with database.write() as session:
        session.execute(text("CREATE TEMPORARY TABLE some_rows (id INTEGER, words TEXT, day TEXT)"))
        insert_rows(session, "some_rows", ("id", "words", "day"), iter(rows))
        assert session.execute(text("SELECT id, words, day FROM some_rows ORDER BY id")).all() == rows
