"""An appeal's words in one language, and where they stand."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.appeals.document import TextDocument
from subscribers.database import Base, word

if TYPE_CHECKING:
    from newsletter.appeals.model import Appeal


class TextStatus(StrEnum):
    """Where one of its texts stands; a translation that comes later goes the same way by itself."""

    DRAFT = "draft"
    APPROVED = "approved"
    RELEASED = "released"


class AppealText(Base):
    """An appeal's words in one language.

    Attributes:
        teaser: plain text, paragraphs apart by an empty line.
        body: Markdown, or empty.
        background: Markdown: what one should know to understand it; or empty.
        demands: one line each.
        url: where it can be read in full in this language, or empty.
        picture_alt: what the picture shows.
        pictures: those that its source shows, as `{"url": …, "alt": …}`; listed, never fetched by themselves.
        status: where it stands; a translation that comes later waits for its own approval.
        released_at: when it was first released.
        source_hash: `Item.content_hash` of what was last taken from the source; empty if written here.
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
    background: Mapped[str] = mapped_column(Text, default="", server_default="")
    demands: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    url: Mapped[str] = mapped_column(Text, default="")
    picture_alt: Mapped[str] = mapped_column(Text, default="", server_default="")
    pictures: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list, server_default="[]")
    status: Mapped[TextStatus] = mapped_column(word(TextStatus), default=TextStatus.DRAFT, server_default="draft")
    released_at: Mapped[datetime | None]
    source_hash: Mapped[str] = mapped_column(String(64), default="")
    edited: Mapped[bool] = mapped_column(default=False)
    offered: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    offered_hash: Mapped[str] = mapped_column(String(64), default="")

    appeal: Mapped["Appeal"] = relationship(back_populates="texts")

    @property
    def document(self) -> TextDocument:
        """Give it as one value."""
        return TextDocument(
            language=self.language,
            title=self.title,
            byline=self.byline,
            teaser=self.teaser,
            body=self.body,
            background=self.background or "",
            demands=tuple(self.demands or ()),
            url=self.url,
            picture_alt=self.picture_alt or "",
        )
