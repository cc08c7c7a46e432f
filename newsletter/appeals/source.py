"""Sources that are watched, and what was found at each: so that nothing comes twice, and nothing in a flood."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.errors import NewsletterError
from subscribers.database import Base, word

HOLD_ABOVE = 10
INTERVAL_MINUTES = 60
LEAST_INTERVAL_MINUTES = 15


class NoSuchSource(NewsletterError):
    """There is no source {number}. `newsletter source list` shows them all."""


class SourceThere(NewsletterError):
    """Source {number} watches {location} already."""


class SourceKind(StrEnum):
    """How a source is read."""

    FEED = "feed"  # RSS, Atom, JSON Feed
    LISTING = "listing"  # a web page that lists articles
    FOLDER = "folder"  # Markdown files
    TEXT = "text"  # a plain-text listing


class EntryState(StrEnum):
    """What became of something that was found at a source."""

    KNOWN = "known"  # it was there when the source was added
    HELD = "held"  # too many came at once: an organiser decides
    TAKEN = "taken"  # it is an appeal here
    DISMISSED = "dismissed"  # an organiser didn't want it


class Source(Base):
    """A place that is looked at again and again.

    Attributes:
        location: a web address, or a folder's path.
        title: as it calls itself, one line; may be empty.
        language: BCP 47 tag of its texts; empty where each tells.
        topics: that its appeals get.
        selectors: CSS by name, for listings; see `selecting.Selectors`.
        reads_articles: whether articles' own pages are read for what the source lacks.
        hold_above: more new ones at once than this are held for an organiser.
        interval_minutes: between two looks.
        polled_at: when it was last read; None before the first time.
        next_poll_at: when it is looked at next.
        etag, last_modified: of what was read, once all of it was kept.
        failures: how often in a row it could not be read.
        fault: why not, in a sentence; empty while all is well.
    """

    __tablename__ = "sources"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - guids belong to a number

    id: Mapped[int] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(Text)
    kind: Mapped[SourceKind] = mapped_column(word(SourceKind))
    title: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(16), default="")
    topics: Mapped[list[str]]
    selectors: Mapped[dict[str, str]]
    reads_articles: Mapped[bool] = mapped_column(default=True)
    hold_above: Mapped[int] = mapped_column(default=HOLD_ABOVE)
    interval_minutes: Mapped[int] = mapped_column(default=INTERVAL_MINUTES)
    added_by: Mapped[str] = mapped_column(String(100))
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]
    next_poll_at: Mapped[datetime] = mapped_column(index=True)
    etag: Mapped[str] = mapped_column(Text, default="")
    last_modified: Mapped[str] = mapped_column(Text, default="")
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(Text, default="")


class SourceEntry(Base):
    """Something that was found at a source.

    Attributes:
        title, url, published_on: as it was announced.
        said_hash: SHA-256 in hex of what was announced; another one means that it was changed there.
        content: what was announced, while it is held: JSON, sealed, since it may say names.
        appeal_id: what it became.
    """

    __tablename__ = "source_entries"
    __table_args__ = (Index("ix_source_entries_source_id_state", "source_id", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    state: Mapped[EntryState] = mapped_column(word(EntryState))
    title: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    published_on: Mapped[date | None]
    seen_at: Mapped[datetime]
    said_hash: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id", ondelete="SET NULL"))

    names: Mapped[list["SourceName"]] = relationship(cascade="all, delete-orphan")


class SourceName(Base):
    """A name under which an entry is known again, hashed: see `item.kept`."""

    __tablename__ = "source_names"

    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(300), primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("source_entries.id", ondelete="CASCADE"), index=True)


def find_source(session: Session, number: int) -> Source:
    """Find a source that is watched.

    Raises:
        NoSuchSource: there is none of this number, or it was removed.
    """
    found = session.get(Source, number)
    if found is None or found.removed_at is not None:
        raise NoSuchSource(number=number)
    return found


def due_sources(session: Session, now: datetime) -> list[int]:
    """Give the numbers of sources that are to be looked at, the longest due first."""
    query = select(Source.id).where(Source.removed_at.is_(None), Source.next_poll_at <= now)
    return list(session.scalars(query.order_by(Source.next_poll_at, Source.id)))
