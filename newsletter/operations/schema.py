"""Brings a database to this program's tables, and refuses one that isn't there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from newsletter.errors import NewsletterError
from subscribers.database import Database


class DatabaseEmpty(NewsletterError):
    """The database at {place} has no tables yet. Run `newsletter init`."""


class DatabaseOlder(NewsletterError):
    """The database at {place} was made by an older version. Copy it, then run `newsletter database upgrade`."""


class DatabaseNewer(NewsletterError):
    """The database at {place} was made by a newer version of this program ({revision}). Install that."""


def upgrade(database: Database) -> bool:
    """Bring the database to this program's tables; on a current one nothing happens.

    Returns:
        Whether anything changed.

    Raises:
        DatabaseNewer: it knows a revision that this program doesn't.
    """
    scripts = ScriptDirectory.from_config(_config())
    before = _revision(database)
    if before is not None and before not in {script.revision for script in scripts.walk_revisions()}:
        raise DatabaseNewer(place=database.place, revision=before)
    if before == scripts.get_current_head():
        return False
    with database.write() as session:
        config = _config()
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")
    return True


def require_current(database: Database) -> None:
    """Refuse to work on a database that isn't exactly at this program's tables.

    Raises:
        DatabaseEmpty, DatabaseOlder, DatabaseNewer: with what to do.
    """
    scripts = ScriptDirectory.from_config(_config())
    revision = _revision(database)
    if revision is None:
        raise DatabaseEmpty(place=database.place)
    if revision == scripts.get_current_head():
        return
    if revision in {script.revision for script in scripts.walk_revisions()}:
        raise DatabaseOlder(place=database.place)
    raise DatabaseNewer(place=database.place, revision=revision)


def is_in_use(database: Database) -> bool:
    """Say whether somebody is, or was, written to from this database: then it belongs to certain keys."""
    if _revision(database) is None:
        return False
    with database.read() as session:
        somebody = text("SELECT 1 FROM subscribers UNION ALL SELECT 1 FROM suppressions LIMIT 1")
        return session.execute(somebody).first() is not None


def _revision(database: Database) -> str | None:
    with database.read() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations").replace("%", "%%"))
    return config
