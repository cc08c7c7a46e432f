"""Workers that show that they are alive, fences instead of leases, mailings that can be paused, daily counts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_WAITING = sa.text("state IN ('queued', 'deferred')")
_SENDING = sa.text("state = 'sending'")


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=80), nullable=False),
        sa.Column("machine", sa.String(length=120), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("worker_id", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "worker_id", name="pk_daily_counts"),
    )
    op.add_column("mailings", sa.Column("note", sa.String(length=500), nullable=True))
    op.drop_index("ix_deliveries_open", table_name="deliveries")
    op.drop_column("deliveries", "worker")
    op.drop_column("deliveries", "lease_until")
    # A row that was 'sending' then has no worker now: the next one makes it uncertain.
    op.add_column("deliveries", sa.Column("worker_id", sa.Integer(), nullable=True))
    op.add_column("deliveries", sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["mailing_id", "due_at", "id"],
        unique=False,
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "ix_deliveries_sending",
        "deliveries",
        ["mailing_id"],
        unique=False,
        sqlite_where=_SENDING,
        postgresql_where=_SENDING,
    )
