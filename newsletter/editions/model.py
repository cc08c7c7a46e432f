"""Editions and the parts that they are composed of, as they are kept."""

import hashlib
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

import newsletter.appeals.model  # noqa: F401 - its tables are referred to
from subscribers.database import Base, word
from subscribers.preferences import Format


class Part(Base):
    """A piece of a mail, rendered and inlined once, then frozen; stored by what it holds."""

    __tablename__ = "parts"

    id: Mapped[int] = mapped_column(primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(64), unique=True)
    content: Mapped[str] = mapped_column(Text)

    @classmethod
    def of(cls, session: Session, content: str) -> "Part":
        """Find the part that holds exactly this, or add it."""
        content_hash = hashlib.sha256(content.encode()).hexdigest()
        same = select(cls).where(cls.content_hash == content_hash)
        found = session.scalar(same)
        if found is None:
            found = cls(content_hash=content_hash, content=content)
            try:
                with session.begin_nested():
                    session.add(found)
            except IntegrityError:
                found = session.scalars(same).one()  # on PostgreSQL somebody else may have composed the same
        return found


_UNCOMPOSED = text("composed_at IS NULL")


class Edition(Base):
    """What one group of a mailing's recipients gets. Never changed once it is made.

    Attributes:
        mail: whose templates it is written by: a folder in `templates/email`.
        language: BCP 47 tag of everything around the appeals.
        subject, preheader, intro: one line each, as frozen at planning.
        shell_html_id: None where the edition is text alone.
        more: how many appeals were new to its readers beside those in it.
        composed_at: when its words and parts were put together; before that it has none and can't go out.
        withdrawn_at: when it was found to say what must not be said: none of it goes out any more.
    """

    __tablename__ = "editions"
    __table_args__ = (
        Index("ix_editions_mailing_id", "mailing_id"),
        Index("ix_editions_waiting", "id", sqlite_where=_UNCOMPOSED, postgresql_where=_UNCOMPOSED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"))
    mail: Mapped[str] = mapped_column(String(32), default="digest", server_default="digest")
    language: Mapped[str] = mapped_column(String(16))
    format: Mapped[Format] = mapped_column(word(Format))
    discreet: Mapped[bool]
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    intro: Mapped[str] = mapped_column(Text)
    shell_text_id: Mapped[int] = mapped_column(ForeignKey("parts.id"))
    shell_html_id: Mapped[int | None] = mapped_column(ForeignKey("parts.id"))
    more: Mapped[int] = mapped_column(default=0, server_default="0")
    composed_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    @classmethod
    def reserve_numbers(cls, session: Session, count: int) -> list[int]:
        """Take numbers for so many editions that are about to be inserted.

        Args:
            session: a writing transaction; on SQLite nobody else writes meanwhile.
            count: how many.
        """
        if session.get_bind().dialect.name == "postgresql":
            taken = text("SELECT nextval(pg_get_serial_sequence('editions', 'id')) FROM generate_series(1, :count)")
            return list(session.scalars(taken, {"count": count}))
        last = session.scalar(select(func.max(cls.id))) or 0
        return list(range(last + 1, last + 1 + count))

    shell_text: Mapped[Part] = relationship(foreign_keys=[shell_text_id])
    shell_html: Mapped[Part | None] = relationship(foreign_keys=[shell_html_id])
    appeals: Mapped[list["EditionAppeal"]] = relationship(order_by="EditionAppeal.position")


class EditionAppeal(Base):
    """One appeal in an edition, at its place; with the deliveries, this is the ledger of who got what.

    Attributes:
        version_id: what it said at launch; see `AppealVersion`.
        card_text_id, card_html_id: of an empty part until the edition is composed.
    """

    __tablename__ = "edition_appeals"

    edition_id: Mapped[int] = mapped_column(ForeignKey("editions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), index=True)
    language: Mapped[str] = mapped_column(String(16))
    version_id: Mapped[int | None]
    card_text_id: Mapped[int] = mapped_column(ForeignKey("parts.id"))
    card_html_id: Mapped[int | None] = mapped_column(ForeignKey("parts.id"))

    card_text: Mapped[Part] = relationship(foreign_keys=[card_text_id])
    card_html: Mapped[Part | None] = relationship(foreign_keys=[card_html_id])
