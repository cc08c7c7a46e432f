"""How protected names were written, so that they can be said again as they were."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "name_spellings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name_id"],
            ["protected_names.id"],
            name="fk_name_spellings_name_id_protected_names",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_name_spellings"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_name_spellings_name_id", "name_spellings", ["name_id"])
