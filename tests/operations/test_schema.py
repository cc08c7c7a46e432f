import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

import newsletter.appeals.deeds
import newsletter.appeals.names
import newsletter.appeals.pictures
import newsletter.appeals.source
import newsletter.wiring  # noqa: F401 - every table is in the metadata once everything is imported
from newsletter.appeals.item import kept
from newsletter.appeals.labels import Label, LabelKind, newest
from newsletter.appeals.model import Act, Appeal, AppealStatus
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
from tests.conftest import NOW


def test_migrations_make_exactly_the_tables_that_the_models_describe(database):
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        found = compare_metadata(context, Base.metadata)
    # What PostgreSQL leaves to the program: see migration 0010.
    left = [("add_fk", "deliveries", column) for column in ("edition_id", "mailing_id", "subscriber_id")]
    assert sorted((kind, key.parent.name, *key.column_keys) for kind, key in found) == (
        [] if database.is_sqlite else left
    )


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


def test_what_was_released_before_appeals_had_versions_has_a_page_afterwards(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'old.db'}", create=True)
    with database.write() as session:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "0004")
    with database.write() as session:
        for number, status in enumerate(("released", "closed", "draft"), start=1):
            session.execute(
                text(
                    "INSERT INTO appeals (id, reference, status, published_on, urgent, countries, topics, source,"
                    " created_at, released_at)"
                    " VALUES (:id, :reference, :status, '2026-11-20', 1, '[\"TR\"]', '[\"strikes\"]', '',"
                    " '2026-11-20', '2026-11-21 00:00:00')"
                ),
                {"id": number, "reference": f"2026/00{number}", "status": status},
            )
            session.execute(
                text(
                    "INSERT INTO appeal_texts (appeal_id, language, title, byline, teaser, body, url, source_hash,"
                    " released, edited, offered_hash)"
                    " VALUES (:id, 'en', 'Free them', 'B', 'They are held.', '', '', '', 1, 0, '')"
                ),
                {"id": number},
            )
        session.execute(text("INSERT INTO appeal_identities VALUES ('url:example.org/free-karim', 1)"))
    assert upgrade(database) is True
    with database.write() as session:
        first, second, third = session.scalars(select(Appeal).order_by(Appeal.id))
        assert first.public_document() == first.document()
        assert second.public_document() == second.document()
        assert third.public_document() is None
        assert (first.urgency, first.text.status, third.text.status) == ("urgent", "released", "draft")
        assert first.identities[0].name == kept("url:example.org/free-karim")
        assert newest(session, [Label(LabelKind.TOPIC, "strikes")], limit=9) == [2, 1]
        # They go on living.
        second.reopen(Act(by="Rosa", at=NOW))
        assert second.status is AppealStatus.RELEASED
        third.approve(Act(by="Rosa", at=NOW), second_look=True)
    database.dispose()
