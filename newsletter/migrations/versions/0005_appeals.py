"""Appeals with actions, follow-ups and a history; names that must not be said; organisers; what pages need."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_RELEASED = "('released', 'closed')"


def upgrade() -> None:
    op.create_table(
        "organisers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_organisers"),
        sa.UniqueConstraint("key", name="uq_organisers_key"),
    )
    op.create_table(
        "protected_names",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_note", sa.Text(), nullable=False),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_protected_names"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pictures",
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", name="pk_pictures"),
    )
    _appeals()
    _history()
    _what_pages_need()
    op.add_column("editions", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    connection = op.get_bind()
    _hash_identities(connection)
    _record_what_is_public(connection)


def _appeals() -> None:
    for column in (
        sa.Column("urgency", sa.String(length=32), nullable=False, server_default="normal"),
        sa.Column("actions", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("picture", sa.String(length=64), nullable=False, server_default=""),
        sa.Column("picture_credit", sa.Text(), nullable=False, server_default=""),
        sa.Column("follow_up", sa.String(length=32), nullable=True),
        sa.Column("audience", sa.String(length=32), nullable=False, server_default="everyone"),
        sa.Column("ending", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("approved_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.Integer(), nullable=True),
    ):
        op.add_column("appeals", column)
    original = sa.ForeignKey("appeals.id", name="fk_appeals_original_id_appeals")
    if op.get_bind().dialect.name == "sqlite":  # which adds a key with its column, and no other way
        op.execute("ALTER TABLE appeals ADD COLUMN original_id INTEGER REFERENCES appeals (id)")
    else:
        op.add_column("appeals", sa.Column("original_id", sa.Integer(), original, nullable=True))
    op.create_index("ix_appeals_original_id", "appeals", ["original_id"], unique=False)
    op.execute(sa.text("UPDATE appeals SET urgency = 'urgent' WHERE urgent"))
    op.execute(sa.text("UPDATE appeals SET ending = 'over' WHERE status = 'closed'"))
    op.drop_column("appeals", "urgent")
    for column in (
        sa.Column("background", sa.Text(), nullable=False, server_default=""),
        sa.Column("demands", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("picture_alt", sa.Text(), nullable=False, server_default=""),
        sa.Column("status", sa.String(length=32), nullable=False, server_default="draft"),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("appeal_texts", column)
    op.execute(
        sa.text(
            "UPDATE appeal_texts SET status = 'released', released_at = (SELECT a.released_at FROM appeals a"
            f" WHERE a.id = appeal_id) WHERE released AND appeal_id IN (SELECT id FROM appeals WHERE status IN {_RELEASED}"
            " AND released_at IS NOT NULL)"
        )
    )
    op.drop_column("appeal_texts", "released")


def _history() -> None:
    op.create_table(
        "appeal_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name="fk_appeal_versions_appeal_id_appeals", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_appeal_versions"),
        sa.UniqueConstraint("appeal_id", "content_hash", name="uq_appeal_versions_appeal_id_content_hash"),
    )
    op.create_table(
        "appeal_moves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("move", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name="fk_appeal_moves_appeal_id_appeals", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["appeal_versions.id"], name="fk_appeal_moves_version_id_appeal_versions"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_appeal_moves"),
    )
    op.create_index("ix_appeal_moves_appeal_id", "appeal_moves", ["appeal_id"], unique=False)


def _what_pages_need() -> None:
    op.create_table(
        "appeal_labels",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=120), nullable=False),
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name="fk_appeal_labels_appeal_id_appeals", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("kind", "value", "appeal_id", name="pk_appeal_labels"),
    )
    op.create_index("ix_appeal_labels_published", "appeal_labels", ["kind", "value", "published_on", "appeal_id"])
    op.create_index("ix_appeal_labels_released", "appeal_labels", ["kind", "value", "released_at", "appeal_id"])
    op.create_index("ix_appeal_labels_appeal_id", "appeal_labels", ["appeal_id"])
    op.create_table(
        "deeds",
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name="fk_deeds_appeal_id_appeals", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("appeal_id", "action", name="pk_deeds"),
    )
    op.create_table(
        "deed_names",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name="fk_deed_names_appeal_id_appeals", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deed_names"),
    )
    op.create_index("ix_deed_names_appeal_id", "deed_names", ["appeal_id"])


def _hash_identities(connection: sa.Connection) -> None:
    """Keep what items are known by as hashes: titles and addresses may say names."""
    rename = sa.text("UPDATE appeal_identities SET name = :kept WHERE name = :name")
    for (name,) in connection.execute(sa.text("SELECT name FROM appeal_identities")).fetchall():
        kind, _, rest = name.partition(":")
        kept = f"{kind}:{hashlib.sha256(rest.encode('utf-8', 'surrogatepass')).hexdigest()}"
        connection.execute(rename, {"kept": kept, "name": name})


def _record_what_is_public(connection: sa.Connection) -> None:
    """Give what was released before a version of its own, and the labels that its page is found by."""
    appeals = sa.table(
        "appeals",
        sa.column("id"),
        sa.column("reference"),
        sa.column("status"),
        sa.column("published_on", sa.Date()),
        sa.column("deadline", sa.Date()),
        sa.column("urgency"),
        sa.column("countries", sa.JSON()),
        sa.column("topics", sa.JSON()),
        sa.column("released_at", sa.DateTime(timezone=True)),
        sa.column("approved_id"),
        sa.column("public_id"),
    )
    texts = sa.table(
        "appeal_texts",
        *(sa.column(name) for name in ("id", "appeal_id", "language", "title", "byline", "teaser", "body", "url")),
        sa.column("status"),
    )
    versions = sa.table(
        "appeal_versions",
        sa.column("id"),
        sa.column("appeal_id"),
        sa.column("content_hash"),
        sa.column("content", sa.JSON()),
    )
    labels = sa.table(
        "appeal_labels",
        sa.column("kind"),
        sa.column("value"),
        sa.column("appeal_id"),
        sa.column("published_on", sa.Date()),
        sa.column("released_at", sa.DateTime(timezone=True)),
    )
    released = appeals.c.status.in_(["released", "closed"]) & appeals.c.released_at.is_not(None)
    for appeal in connection.execute(sa.select(appeals).where(released)).fetchall():
        said = connection.execute(
            sa.select(texts)
            .where(texts.c.appeal_id == appeal.id, texts.c.status == "released")
            .order_by(texts.c.id)
        ).fetchall()
        content = {
            "reference": appeal.reference,
            "published_on": appeal.published_on.isoformat(),
            "deadline": appeal.deadline.isoformat() if appeal.deadline else None,
            "urgency": appeal.urgency,
            "countries": appeal.countries,
            "topics": appeal.topics,
            "texts": [
                {
                    **{name: getattr(text, name) for name in ("language", "title", "byline", "teaser", "body")},
                    "background": "",
                    "demands": [],
                    "url": text.url,
                    "picture_alt": "",
                }
                for text in said
            ],
            "actions": [],
            "picture": "",
            "picture_credit": "",
        }
        digest = hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
        connection.execute(versions.insert().values(appeal_id=appeal.id, content_hash=digest, content=content))
        number = connection.execute(
            sa.select(versions.c.id).where(versions.c.appeal_id == appeal.id, versions.c.content_hash == digest)
        ).scalar_one()
        connection.execute(
            appeals.update().where(appeals.c.id == appeal.id).values(approved_id=number, public_id=number)
        )
        found = {
            ("all", ""),
            *(("country", code) for code in appeal.countries),
            *(("topic", topic[:120]) for topic in appeal.topics),
            *(("language", text.language) for text in said),
        }
        for kind, value in sorted(found):
            connection.execute(
                labels.insert().values(
                    kind=kind,
                    value=value,
                    appeal_id=appeal.id,
                    published_on=appeal.published_on,
                    released_at=appeal.released_at,
                )
            )
