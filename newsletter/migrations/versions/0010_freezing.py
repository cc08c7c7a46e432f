"""Alerts whose people are frozen into deliveries bit by bit: from when on they go, and how far that went."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("mailings", sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mailings", sa.Column("frozen_to", sa.Integer(), nullable=True))
