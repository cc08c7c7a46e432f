"""Alerts whose people are frozen into deliveries bit by bit: from when on they go, and how far that went.

On PostgreSQL planning for many is quicker: it doesn't look up, and lock, what each new delivery refers to, which its own
transaction has read or made (decision 019); and what was decided last about somebody is overwritten in its place.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("mailings", sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mailings", sa.Column("frozen_to", sa.Integer(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        for name in ("fk_deliveries_mailing_id", "fk_deliveries_subscriber_id", "fk_deliveries_edition_id"):
            op.drop_constraint(name, "deliveries", type_="foreignkey")
        op.execute("ALTER TABLE digest_standings SET (fillfactor = 45)")
