"""What was done with an appeal: each move with who, when and what text."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from subscribers.database import Base, word


class Move(StrEnum):
    """What was done."""

    IMPORTED = "imported"  # a text came in, as the appeal's first or as a translation
    EDITED = "edited"
    UPDATED = "updated"  # what the source says now was taken
    APPROVED = "approved"
    RELEASED = "released"
    CLOSED = "closed"
    REOPENED = "reopened"
    NAMED = "named"  # a name that stands in it is hidden, or may be said, from then on


# Whoever made one of these moves wrote what stands there, and can't be the one who approves it.
WRITING = (Move.IMPORTED, Move.EDITED, Move.UPDATED)


class AppealVersion(Base):
    """What an appeal said at some moment: an `AppealDocument`. Never changed, but for names that must not be said.

    Attributes:
        content_hash: of the content; one that was there before is not kept twice.
    """

    __tablename__ = "appeal_versions"
    __table_args__ = (UniqueConstraint("appeal_id", "content_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="CASCADE"))
    content_hash: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


class AppealMove(Base):
    """One move of an appeal.

    Attributes:
        by: an organiser's name, `operator` or `source`; see `organisers`.
        version_id: what it said then.
        note: in the mover's words, or how it ended.
    """

    __tablename__ = "appeal_moves"

    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="CASCADE"), index=True)
    move: Mapped[Move] = mapped_column(word(Move))
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    version_id: Mapped[int] = mapped_column(ForeignKey("appeal_versions.id"))
    note: Mapped[str] = mapped_column(Text, default="")

    version: Mapped[AppealVersion] = relationship()
