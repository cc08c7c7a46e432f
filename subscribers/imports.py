"""Every import is kept as one row, so that a wrong one can be undone as a whole."""

from datetime import datetime, timedelta

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.database import Base

UNDO_WITHIN = timedelta(days=7)
MAX_FILE = 200  # characters of a file's name


class Import(Base):
    """One file that was taken in.

    Attributes:
        file: its name, without the folder.
        consent: what was said of everybody in it; empty where each row said it.
        taken: how many people came by it.
        undo_until: the last moment at which it can be undone.
        undone_at: when it was.
    """

    __tablename__ = "imports"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it; a number is never given twice

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    file: Mapped[str] = mapped_column(String(MAX_FILE))
    consent: Mapped[str] = mapped_column(Text)
    taken: Mapped[int] = mapped_column(default=0)
    undo_until: Mapped[datetime]
    undone_at: Mapped[datetime | None]
