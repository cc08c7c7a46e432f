"""Brings a database to this program's tables, and refuses one that isn't there."""

from pathlib import Path

from sqlalchemy import inspect, text

from newsletter.errors import NewsletterError
from subscribers.database import Database

MIGRATIONS = Path(__file__).parent.parent / "migrations"


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
    # Every command looks at the revision; what changes it takes longer to load than most commands run.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    before, known = _revision(database), revisions()
    if before is not None and before not in known:
        raise DatabaseNewer(place=database.place, revision=before)
    if before == known[-1]:
        return False
    with database.write() as session:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")
    return True


def require_current(database: Database) -> None:
    """Refuse to work on a database that isn't exactly at this program's tables.

    Raises:
        DatabaseEmpty, DatabaseOlder, DatabaseNewer: with what to do.
    """
    revision, known = _revision(database), revisions()
    if revision is None:
        raise DatabaseEmpty(place=database.place)
    if revision == known[-1]:
        return
    if revision in known:
        raise DatabaseOlder(place=database.place)
    raise DatabaseNewer(place=database.place, revision=revision)


def revisions() -> list[str]:
    """Give the revisions that this program knows, the oldest first: a migration's file is named after its own."""
    return sorted(script.name.partition("_")[0] for script in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def is_in_use(database: Database) -> bool:
    """Say whether somebody is, or was, written to from this database: then it belongs to certain keys."""
    if _revision(database) is None:
        return False
    with database.read() as session:
        somebody = text("SELECT 1 FROM subscribers UNION ALL SELECT 1 FROM suppressions LIMIT 1")
        return session.execute(somebody).first() is not None


def _revision(database: Database) -> str | None:
    with database.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        return session.execute(text("SELECT version_num FROM alembic_version")).scalar()
