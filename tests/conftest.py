"""The real parts that tests stand on: both databases, a mail server, keys, a clock that only we move."""

import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from newsletter.operations.schema import upgrade
from subscribers.database import Database
from subscribers.keys import Keys
from tests.mailserver import MailServer
from tools.pictures import CHROMIUM, QUIET

# A slow machine must not fail a test that is right; the same examples every time, so that a red run can be repeated.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("steady")

POSTGRESQL_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # a Monday


# Files that take long begin first, each in a worker of its own, so that none of them is left for the end.
LONG = ("scenarios/", "in_browser", "faults/", "over_time", "test_worker", "real_relays", "test_spam", "test_importing")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not any(part in item.nodeid for part in LONG))  # else as the plugins have shuffled them


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def keys() -> Keys:
    return Keys.generate()


@pytest.fixture
def mailserver() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. For one module at a time: while it is open, no test may start an event loop of its own."""
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed (Debian: chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of our own on a free port; gives the start of its URLs."""
    found = shutil.which("initdb")
    binaries = Path(found).parent if found else next(iter(POSTGRESQL_BINARIES), None)
    if binaries is None:
        pytest.skip("PostgreSQL's server binaries are not installed (Debian: postgresql)")
    # Not in pytest's own folder, which nobody but its user may enter.
    folder = Path(tempfile.mkdtemp(prefix="newsletter-postgresql-"))
    as_user = _as_postgres_user(folder)
    port = free_port()
    data = folder / "data"

    def run(program: str, *arguments: object) -> None:
        command = [binaries / program, "-D", data, *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, preexec_fn=as_user)

    run("initdb", "-A", "trust", "-U", "test", "--no-sync", "-E", "UTF8")
    # Durability is the database's own promise; its own tests keep it. Here a lost power supply may lose the test.
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=50"
    run("pg_ctl", "-o", options, "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql://test@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> str:
    """The same, with a template that has all tables."""
    with psycopg.connect(f"{postgresql}/postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE migrated")
    database = Database(f"{postgresql}/migrated")
    upgrade(database)
    database.dispose()
    return postgresql


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{path}", create=True)
    upgrade(database)
    database.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # so that the one file is the whole database
    connection.close()
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "newsletter.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(migrated_postgresql: str) -> Iterator[str]:
    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(f"{migrated_postgresql}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
        yield f"{migrated_postgresql}/{name}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _as_postgres_user(folder: Path):
    """PostgreSQL won't run as root: as root, hand the folder to `postgres` and become it for each call."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)

    def become() -> None:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    return become
