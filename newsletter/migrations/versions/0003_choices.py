"""When a digest comes, whether alerts do, why somebody left, and the record of what people changed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for name, kind, default in (
        ("alerts", sa.Boolean(), sa.true()),
        ("digest_hour", sa.Integer(), "7"),
        ("digest_weekday", sa.Integer(), "1"),
        ("time_zone", sa.String(length=64), ""),
        ("alerts_while_paused", sa.Boolean(), sa.false()),
    ):
        op.add_column("subscribers", sa.Column(name, kind, nullable=False, server_default=default))
    op.add_column("subscribers", sa.Column("left_why", sa.String(length=32), nullable=True))
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_changes_subscriber_id_subscribers", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
    )
    op.create_index("ix_changes_subscriber_id", "changes", ["subscriber_id"], unique=False)
