"""An appeal, its texts, and the states that it goes through."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.errors import NewsletterError
from subscribers.database import Base, word


class AppealStatus(StrEnum):
    """Where an appeal stands: `draft → released → closed`; an edit leads back to `draft`."""

    DRAFT = "draft"
    RELEASED = "released"
    CLOSED = "closed"


class AppealClosed(NewsletterError):
    """Appeal {reference} is closed; it goes into no further mail."""


class AppealIncomplete(NewsletterError):
    """Appeal {reference} can't be approved: it has no {missing}. Add it with `newsletter appeal edit {reference}`."""


class Appeal(Base):
    """One call for solidarity. Its status moves only through the methods below.

    Attributes:
        reference: `2026/014`, the year that it is dated and a number; never given twice.
        countries: ISO 3166 alpha-2, in order of weight.
        urgent: what organisers decided; import only proposes it.
        released_at: when it was first released; later approvals of an edited text don't move it.
    """

    __tablename__ = "appeals"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(32), unique=True)
    status: Mapped[AppealStatus] = mapped_column(word(AppealStatus), default=AppealStatus.DRAFT)
    published_on: Mapped[date]
    deadline: Mapped[date | None]
    urgent: Mapped[bool] = mapped_column(default=False)
    countries: Mapped[list[str]]
    topics: Mapped[list[str]]
    source: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    released_at: Mapped[datetime | None] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]

    texts: Mapped[list["AppealText"]] = relationship(
        back_populates="appeal", order_by="AppealText.id", cascade="all, delete-orphan"
    )
    identities: Mapped[list["AppealIdentity"]] = relationship(cascade="all, delete-orphan")

    @property
    def text(self) -> "AppealText":
        """The text that it came with; translations follow it."""
        return self.texts[0]

    @property
    def waits_for_approval(self) -> bool:
        """Whether an approval would change anything."""
        unreleased = any(not text.released for text in self.texts)
        return self.status is AppealStatus.DRAFT or (self.status is AppealStatus.RELEASED and unreleased)

    def approve(self, now: datetime) -> bool:
        """Release the appeal with all its texts.

        Returns:
            Whether this changed anything: approving what is released is fine.

        Raises:
            AppealClosed: it is closed.
            AppealIncomplete: a text has nothing to read.
        """
        if self.status is AppealStatus.CLOSED:
            raise AppealClosed(reference=self.reference)
        if not self.waits_for_approval:
            return False
        if not all(text.teaser or text.body for text in self.texts):
            raise AppealIncomplete(reference=self.reference, missing="teaser")
        self.status = AppealStatus.RELEASED
        self.released_at = self.released_at or now
        for text in self.texts:
            text.released = True
        return True

    def reopen_for_edit(self) -> None:
        """Lead a released appeal back to `draft`: what was approved is no longer what stands here.

        Raises:
            AppealClosed: it is closed.
        """
        if self.status is AppealStatus.CLOSED:
            raise AppealClosed(reference=self.reference)
        self.status = AppealStatus.DRAFT

    def close(self, now: datetime) -> bool:
        """Move to `closed`: it goes into no further mail.

        Returns:
            Whether this changed anything.
        """
        if self.status is AppealStatus.CLOSED:
            return False
        self.status = AppealStatus.CLOSED
        self.closed_at = now
        return True


class AppealText(Base):
    """An appeal's words in one language.

    Attributes:
        teaser: plain text, paragraphs apart by an empty line.
        body: Markdown, or empty.
        url: where it can be read in full in this language, or empty.
        source_hash: `Item.content_hash` of what was last taken from the source; empty if written here.
        released: whether this text was approved; a translation that comes later waits for its own approval.
        edited: whether an organiser changed it since; then the source overwrites nothing.
        offered: what the source says now, where that differs and was not taken: `Item.said`.
        offered_hash: the `Item.content_hash` of `offered`.
    """

    __tablename__ = "appeal_texts"
    __table_args__ = (UniqueConstraint("appeal_id", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    byline: Mapped[str] = mapped_column(Text, default="")
    teaser: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")
    source_hash: Mapped[str] = mapped_column(String(64), default="")
    released: Mapped[bool] = mapped_column(default=False)
    edited: Mapped[bool] = mapped_column(default=False)
    offered: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    offered_hash: Mapped[str] = mapped_column(String(64), default="")

    appeal: Mapped[Appeal] = relationship(back_populates="texts")


class AppealIdentity(Base):
    """A name under which a source's item is known again; see `Item.identities`."""

    __tablename__ = "appeal_identities"

    name: Mapped[str] = mapped_column(String(600), primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="CASCADE"), index=True)


def topics_in_use(session: Session) -> list[str]:
    """Give every topic of an appeal that is or was public, in alphabetical order."""
    return _in_use(session, "topics")


def countries_in_use(session: Session) -> list[str]:
    """Give every country (ISO 3166 alpha-2) that such an appeal is about, in alphabetical order."""
    return _in_use(session, "countries")


def _in_use(session: Session, column: str) -> list[str]:
    each = "json_each" if session.get_bind().dialect.name == "sqlite" else "json_array_elements_text"
    public = f"SELECT DISTINCT value FROM appeals, {each}(appeals.{column}) WHERE status <> 'draft'"  # noqa: S608 - our own words
    return sorted(session.scalars(sql(public)))
