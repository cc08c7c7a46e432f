import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import newsletter.wiring  # noqa: F401 - every table is in the metadata once everything is imported
from newsletter.operations.schema import (
    MIGRATIONS,
    DatabaseEmpty,
    DatabaseNewer,
    DatabaseOlder,
    require_current,
    revisions,
    upgrade,
)
from subscribers.database import Base, Database
from subscribers.errors import DatabaseMissing


def test_migrations_make_exactly_the_tables_that_the_models_describe(database):
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_a_current_database_changes_nothing(database):
    assert upgrade(database) is False
    require_current(database)


def test_a_database_of_a_newer_program_is_refused_and_left_alone(database):
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseNewer, match="9999"):
        require_current(database)
    with pytest.raises(DatabaseNewer):
        upgrade(database)
    with database.read() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_file_without_tables_asks_for_init(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}", create=True)
    with pytest.raises(DatabaseEmpty, match="newsletter init"):
        require_current(database)
    database.dispose()


def test_a_missing_file_is_named_and_never_made(tmp_path):
    with pytest.raises(DatabaseMissing, match=r"no\.db"):
        require_current(Database(f"sqlite:///{tmp_path / 'no.db'}"))
    assert not (tmp_path / "no.db").exists()


def test_an_older_database_asks_for_an_upgrade(database, monkeypatch):
    newer = [*revisions(), "9999"]
    monkeypatch.setattr("newsletter.operations.schema.revisions", lambda: newer)
    with pytest.raises(DatabaseOlder, match="newsletter database upgrade"):
        require_current(database)


def test_migrations_files_name_the_revisions_in_their_order():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert revisions() == [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]
