"""Digests at each reader's hour: what was decided for whom, how far each cadence is planned, editions composed later."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

FAILED = "state IN ('refused', 'expired', 'cancelled', 'skipped') AND edition_id IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "digest_standings",
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("skip", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name="fk_digest_standings_subscriber_id_subscribers",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscriber_id", name="pk_digest_standings"),
    )
    op.create_table(
        "digest_runs",
        sa.Column("cadence", sa.String(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("releases", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cadence", name="pk_digest_runs"),
    )
    op.add_column("mailings", sa.Column("seen_move", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("mailings", sa.Column("nothing_new", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("editions", sa.Column("composed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE editions SET composed_at = (SELECT launched_at FROM mailings WHERE id = editions.mailing_id)")
    op.add_column("editions", sa.Column("more", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("edition_appeals", sa.Column("version_id", sa.Integer(), nullable=True))
    uncomposed = sa.text("composed_at IS NULL")
    op.create_index("ix_editions_waiting", "editions", ["id"], sqlite_where=uncomposed, postgresql_where=uncomposed)
    # Who has to be looked at in full: what they were to get did not come.
    op.create_index(
        "ix_deliveries_failed",
        "deliveries",
        ["edition_id", "subscriber_id"],
        sqlite_where=sa.text(FAILED),
        postgresql_where=sa.text(FAILED),
    )
