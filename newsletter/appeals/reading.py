"""Finds out what is at a place, and reads what it announces: a feed, a listing page, a folder of Markdown, a text."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from newsletter.appeals.item import Item, kept
from newsletter.appeals.letters import primary
from newsletter.appeals.source import SourceKind
from newsletter.appeals.sources.article import read_article
from newsletter.appeals.sources.charset import decode, decode_doubting
from newsletter.appeals.sources.entry import Entry
from newsletter.appeals.sources.faults import FeedUnreadable, FolderEmpty, NoAppeals, NoListing, PageBusy, SourceFault
from newsletter.appeals.sources.feeds import is_feed, read_feed
from newsletter.appeals.sources.fetching import Page, Unchanged, WebFetch, is_address, read_file
from newsletter.appeals.sources.identity import identities, without_tracking
from newsletter.appeals.sources.items import item_of
from newsletter.appeals.sources.links import FeedLink, feed_links
from newsletter.appeals.sources.listing import read_listing
from newsletter.appeals.sources.markdown import has_front_matter, read_markdown
from newsletter.appeals.sources.pagination import next_link
from newsletter.appeals.sources.prose import shown
from newsletter.appeals.sources.selecting import Selectors, read_entries
from newsletter.appeals.sources.source import next_page

_MOST_FILES: Final = 5_000
_MARKDOWN: Final = frozenset({".md", ".markdown"})


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where and how to read; see `Source`.

    Attributes:
        scope: whose guids they are: the source's number, as text.
    """

    location: str
    kind: SourceKind
    scope: str
    language: str = ""
    topics: tuple[str, ...] = ()
    selectors: Selectors = Selectors()  # noqa: RUF009 - a frozen value
    reads_articles: bool = True
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One article, as the place announces it: an entry whose own page may say more, or an item that is whole."""

    entry: Entry | None = None
    item: Item | None = None
    scope: str = ""

    @property
    def title(self) -> str:
        """One line."""
        return self.entry.title if self.entry else self.whole.title

    @property
    def url(self) -> str:
        """Where it can be read, or empty."""
        return self.entry.url if self.entry else self.whole.url

    @property
    def published_on(self) -> date | None:
        """Its date, where it has one."""
        return self.entry.published_on if self.entry else self.whole.published_on

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What it is known by, as it is kept."""
        if self.entry is None:
            return tuple(kept(name) for name in self.whole.identities)
        entry = self.entry
        known_as = identities(
            title=entry.title,
            published_on=entry.published_on,
            url=without_tracking(entry.url),
            guid=entry.guid,
            scope=self.scope,
        )
        return tuple(kept(name) for name in known_as)

    @property
    def weak_name(self) -> str:
        """Its date and title, as a name: what is left of it on a site that was rebuilt; empty without a date."""
        return next((name for name in self.names if name.startswith("dated:")), "")

    @cached_property
    def said_hash(self) -> str:
        """SHA-256 in hex of what is announced, but for where it stands."""
        said = self.content
        for part in said.values():
            part.pop("place", None)
        return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    @property
    def content(self) -> dict[str, Any]:
        """It as JSON; `from_content` reads it."""
        if self.entry is not None:
            return {"entry": _ENTRY.dump_python(self.entry, mode="json")}
        return {"item": _ITEM.dump_python(self.whole, mode="json")}

    @classmethod
    def from_content(cls, content: dict[str, Any], scope: str) -> "Found":
        """Read what `content` gave."""
        if "entry" in content:
            return cls(entry=_ENTRY.validate_python(content["entry"]), scope=scope)
        return cls(item=_ITEM.validate_python(content["item"]), scope=scope)

    @property
    def whole(self) -> Item:
        """The item, where it is one."""
        assert self.item is not None
        return self.item


_ENTRY = TypeAdapter(Entry)
_ITEM = TypeAdapter(Item)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a place announced.

    Attributes:
        found: in its order.
        title: as the place calls itself; may be empty.
        fault: what could not be read of it; empty where all could.
        etag, last_modified: to ask with the next time.
        page: what was read, for a listing's further pages.
    """

    found: tuple[Found, ...]
    title: str = ""
    fault: str = ""
    etag: str = ""
    last_modified: str = ""
    page: Page | None = None


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """What is at a place.

    Attributes:
        place: how to read it from now on; a page that names a feed is read by that.
        reading: what it announces now.
        feeds: all that the page names, where there is one.
    """

    place: Place
    reading: Reading
    feeds: tuple[FeedLink, ...] = ()


def discover(place: Place, web: WebFetch, *, today: date, only: SourceKind | None = None) -> Discovered:
    """Find out what is there.

    Args:
        place: where to look; its kind is not asked.
        web: gets pages.
        today: where the organisation is.
        only: read it as this and nothing else.

    Raises:
        SourceFault: it can't be read.
    """
    if not is_address(place.location):
        kind = SourceKind.FOLDER if Path(place.location).is_dir() else SourceKind.TEXT
        known = replace(place, kind=only or kind)
        return Discovered(place=known, reading=read_place(known, web, today=today, always=True))
    page = web.get(place.location)
    assert isinstance(page, Page)  # nobody asked whether it has changed
    if only is not None:
        known = replace(place, kind=only)
        return Discovered(place=known, reading=_read_page(page, known, today))
    if is_feed(page.content):
        known = replace(place, kind=SourceKind.FEED, location=page.location)
        return Discovered(place=known, reading=_read_page(page, known, today))
    return _of_page(page, place, web, today)


def _of_page(page: Page, place: Place, web: WebFetch, today: date) -> Discovered:
    """Prefer a feed that the page names, as long as it has something; else read the page as a listing, or as a text."""
    text = decode_doubting(page.content, place=shown(page.location), charset=page.charset)
    feeds = tuple(feed_links(text, base=page.location)) if not place.selectors.given() else ()
    for feed in feeds[:3]:
        known = replace(place, kind=SourceKind.FEED, location=feed.url)
        try:
            reading = read_place(known, web, today=today, always=True)
        except PageBusy:
            raise
        except SourceFault:
            continue  # the next one, or the page itself: what it names needs not be there
        if reading.found:
            return Discovered(place=known, reading=reading, feeds=feeds)
    try:
        known = replace(place, kind=SourceKind.LISTING, location=page.location)
        return Discovered(place=known, reading=_read_page(page, known, today), feeds=feeds)
    except NoListing:
        if "<" in text[:2_000]:
            raise
        known = replace(place, kind=SourceKind.TEXT, location=page.location)
        return Discovered(place=known, reading=_read_page(page, known, today))


def read_place(place: Place, web: WebFetch, *, today: date, always: bool = False) -> Reading:
    """Read what a place announces.

    Args:
        place: where and how.
        web: gets pages.
        today: where the organisation is.
        always: also where it is the same as the last time.

    Returns:
        What was found; nothing, with the validators as they are, where it is the same as the last time.

    Raises:
        SourceFault: it can't be read.
    """
    if place.kind is SourceKind.FOLDER:
        return _read_folder(place)
    if not is_address(place.location):
        return _read_page(read_file(place.location), place, today)
    asked_with = {} if always else {"etag": place.etag, "last_modified": place.last_modified}
    page = web.get(place.location, **asked_with)
    if isinstance(page, Unchanged):
        return Reading(found=(), etag=place.etag, last_modified=place.last_modified)
    return _read_page(page, place, today)


def read_backwards(place: Place, listing: str, web: WebFetch, *, today: date, max_pages: int) -> Iterator[Reading]:
    """Read a listing's pages one after the other: what a feed doesn't reach back to.

    Args:
        place: whose articles they are.
        listing: the address of its first page.
        web: gets pages.
        today: where the organisation is.
        max_pages: at most so many.

    Raises:
        SourceFault: one of them can't be read.
    """
    known = replace(place, kind=SourceKind.LISTING, location=listing)
    get = web.source()
    visited: set[str] = set()
    first: Page | None = None
    for _number in range(max_pages):
        page = get(known.location)
        first = first or page
        visited |= {known.location, page.location}
        try:
            reading = _read_page(page, known, today)
        except NoListing:
            if page is first:
                raise
            return
        yield reading
        text = decode_doubting(page.content, place=shown(page.location), charset=page.charset)
        following = next_page(first, page, next_link(text))
        if not following or following in visited:
            return
        known = replace(known, location=following)


def complete(found: Found, place: Place, web: WebFetch, *, today: date) -> tuple[Item, SourceFault | None]:
    """Make an item of what was found, with what its own page says where the place lacks it.

    Args:
        found: as the place announces it.
        place: where.
        web: gets the page.
        today: where the organisation is.

    Returns:
        The item, and why its page could not be read; None where it could, or was not needed.

    Raises:
        PageBusy: the site wants to be left alone for now.
    """
    if found.entry is None:
        item = found.whole
        return replace(item, topics=tuple(dict.fromkeys((*item.topics, *place.topics)))), None
    entry, article = found.entry, None
    fault: SourceFault | None = None
    whole = entry.full and entry.byline and entry.published_on and (place.language or entry.language)
    if place.reads_articles and is_address(entry.url) and not whole:
        try:
            page = web(entry.url)
            article = read_article(
                page.content,
                place=shown(entry.url),
                today=today,
                base=page.location,
                charset=page.charset,
                language=place.language,
            )
        except PageBusy:
            raise
        except SourceFault as refused:
            fault = refused
    item = item_of(entry, article, today=today, language=place.language, source_guid_scope=place.scope)
    # Categories of a site are its own words; an organiser says which topics they are here.
    return replace(item, topics=place.topics), fault


def _read_page(page: Page, place: Place, today: date) -> Reading:
    where = shown(page.location)
    found: Iterable[Found]
    title = ""
    fault = ""
    if place.kind is SourceKind.FEED:
        feed = read_feed(page.content, place=where, today=today, base=page.location, charset=page.charset)
        if not feed.entries and not feed.complete:
            raise FeedUnreadable(place=where, reason="it breaks off before its first entry")
        found, title = _entries(feed.entries, place), feed.title
        fault = "" if feed.complete else f"{where} is not whole: what could be read of it was."
    elif place.kind is SourceKind.LISTING:
        text = decode_doubting(page.content, place=where, charset=page.charset)
        entries = read_entries(
            text,
            place=where,
            today=today,
            base=page.location,
            language=place.language,
            selectors=place.selectors,
        )
        found = _entries(entries, place)
    else:
        text = decode(page.content, place=where, charset=page.charset)
        items = (
            [read_markdown(text, place=where, language=place.language or "en")]
            if has_front_matter(text)
            else read_listing(text, place=where, language=primary(place.language) if place.language else None)
        )
        found = [Found(item=item, scope=place.scope) for item in items]
    return Reading(
        found=tuple(found), title=title, fault=fault, etag=page.etag, last_modified=page.last_modified, page=page
    )


def _entries(entries: Iterable[Entry], place: Place) -> list[Found]:
    # What has neither title nor address is nothing that anybody could decide about.
    return [Found(entry=entry, scope=place.scope) for entry in entries if entry.title or entry.url]


def _read_folder(place: Place) -> Reading:
    folder = Path(place.location)
    try:
        files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _MARKDOWN and file.is_file())
    except OSError:
        files = []
    if not files:
        raise FolderEmpty(place=shown(place.location))
    found: list[Found] = []
    faults: list[str] = []
    for file in files[:_MOST_FILES]:
        # A link that leads out of the folder would make an appeal of whatever this account may read.
        if not file.resolve().is_relative_to(folder.resolve()):
            continue
        try:
            page = read_file(str(file))
            text = decode(page.content, place=shown(file), charset="")
            item = read_markdown(text, place=shown(file), language=place.language or "en")
        except (SourceFault, NoAppeals) as fault:
            faults.append(str(fault))
        else:
            found.append(Found(item=item, scope=place.scope))
    more = f" So are {len(faults) - 1} more files." if len(faults) > 1 else ""
    return Reading(found=tuple(found), title=folder.name, fault=faults[0] + more if faults else "")
