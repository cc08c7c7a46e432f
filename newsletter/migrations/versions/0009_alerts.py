"""Alerts: whom one goes to, who asked for it and who agreed; editions say by which templates they are written.

Deliveries that are tried again although an earlier attempt may have arrived say so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

FOLDERS = {"confirmation": "confirm", "already": "already", "move": "address-change", "moved": "address-changed"}


def upgrade() -> None:
    op.add_column("mailings", sa.Column("selection", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("mailings", sa.Column("left_out", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("mailings", sa.Column("proposed_by", sa.String(length=100), nullable=True))
    op.add_column("mailings", sa.Column("approved_by", sa.String(length=100), nullable=True))
    op.add_column("editions", sa.Column("mail", sa.String(length=32), nullable=False, server_default="digest"))
    op.add_column("deliveries", sa.Column("perhaps_sent", sa.Boolean(), nullable=False, server_default=sa.false()))
    for kind, folder in FOLDERS.items():
        op.execute(
            f"UPDATE editions SET mail = '{folder}' WHERE mailing_id IN (SELECT id FROM mailings WHERE kind = '{kind}')"
        )
