"""Reads a source, whatever it turns out to be: a listing, a Joomla blog with its pages, or a Markdown file."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser

from newsletter.appeals.item import Item, same_thing
from newsletter.appeals.sources.article import read_article
from newsletter.appeals.sources.blog import absolute, base_of, read_blog
from newsletter.appeals.sources.charset import decode
from newsletter.appeals.sources.entry import Entry
from newsletter.appeals.sources.faults import NoAppeals, RedirectElsewhere, SchemeRefused
from newsletter.appeals.sources.feeds import is_feed, read_feed
from newsletter.appeals.sources.fetching import Fetch, Page, WebFetch, host, is_address, read_file
from newsletter.appeals.sources.guard import Network
from newsletter.appeals.sources.items import item_of
from newsletter.appeals.sources.listing import read_listing
from newsletter.appeals.sources.markdown import has_front_matter, read_markdown
from newsletter.appeals.sources.pagination import next_link
from newsletter.appeals.sources.prose import shown

_HTML: Final = re.compile(r"<(?:!doctype\s+html|html|head|body|table|div|article|section|h[1-6]|p)\b", re.IGNORECASE)

OnPage = Callable[[int, str], None]


def read_source(
    location: str,
    *,
    fetch: Fetch | None = None,
    allowed: Sequence[Network] = (),
    max_pages: int = 50,
    language: str | None = None,
    otherwise: str = "en",
    on_page: OnPage | None = None,
    article: bool = False,
    today: date | None = None,
) -> list[Item]:
    """Read all appeals of a source, in its order; one that is on two pages is taken once.

    What it is, its content tells: Markdown with front matter, HTML of a Joomla category blog, or a plain-text listing.
    A blog's further pages are followed: on the web on the same host, for a file as far as they lie beside it.

    Args:
        location: a file's path, or an http(s) address.
        fetch: gets pages of the web; by default as a browser does for a person: without robots.txt and pauses.
        allowed: networks that may be read from by default though they are not public.
        max_pages: at most so many pages of one listing; what lies behind is not read.
        language: BCP 47 tag of the text; without it the source tells.
        otherwise: BCP 47 tag for a Markdown file that doesn't tell either.
        on_page: is called before each page with its number, from 1, and its location.
        article: it is one article's own page.
        today: where the organisation is; what a feed or an article dates later than tomorrow has no date.

    Raises:
        SourceFault: it can't be read; one sentence says what to do. No other exception leaves this function but what
            `fetch` and `on_page` raise themselves.
    """
    tell = on_page or (lambda _number, _location: None)
    reader = _Reader(language, otherwise, today or datetime.now(UTC).date(), article=article)
    if not is_address(location):
        return _pages_of(location, read_file, _beside, max_pages, reader, tell)
    if location.partition(":")[0].lower() not in {"http", "https"}:
        raise SchemeRefused(place=shown(location))
    if fetch is not None:
        return _pages_of(location, fetch, next_page, max_pages, reader, tell)
    with WebFetch(allowed=allowed, robots=False, pause_s=0) as web:
        return _pages_of(location, web.source(), next_page, max_pages, reader, tell)


def _pages_of(
    location: str,
    get: Fetch,
    following: Callable[[Page, Page, str], str],
    max_pages: int,
    reader: "_Reader",
    tell: OnPage,
) -> list[Item]:
    items: list[Item] = []
    visited: set[str] = set()
    first: Page | None = None
    for number in range(1, max(1, max_pages) + 1):
        tell(number, location)
        page = get(location)
        first = first or page
        _refuse_other_host(first, page, location)
        visited |= {location, page.location}
        if (whole := reader.whole(page, shown(location))) is not None:
            return whole
        text = decode(page.content, place=shown(location), charset=page.charset)
        try:
            read = reader.listed(text, page, shown(location))
        except NoAppeals:
            if number == 1:
                raise
            break  # Joomla links to empty pages once articles were taken down
        fresh = _without_doubles(read, items)
        items += fresh
        location = following(first, page, next_link(text)) if _is_html(text) and fresh else ""
        if not location or location in visited:
            break
    return items


def _without_doubles(read: list[Item], before: list[Item]) -> list[Item]:
    kept: list[Item] = []
    by_name = {name: item.identities for item in before for name in item.identities}
    for item in read:
        if not any(name in by_name and same_thing(item.identities, by_name[name]) for name in item.identities):
            kept.append(item)
        by_name |= dict.fromkeys(item.identities, item.identities)
    return kept


class _Reader:
    """Reads pages of one source, each by what it is."""

    def __init__(self, language: str | None, otherwise: str, today: date, *, article: bool) -> None:
        self._language, self._otherwise, self._today, self._article = language, otherwise, today, article

    def whole(self, page: Page, place: str) -> list[Item] | None:
        """Read what is a source by itself: a feed, or one article; None where it is a listing."""
        base = page.location if is_address(page.location) else ""
        about: dict[str, Any] = {"place": place, "today": self._today, "base": base, "charset": page.charset}
        if self._article:
            article = read_article(page.content, language=self._language or "", **about)
            entries, article_of = [Entry(url=base, place=place)], {base: article}
        elif is_feed(page.content):
            entries, article_of = list(read_feed(page.content, **about).entries), {}
        else:
            return None
        if not entries:
            raise NoAppeals(place=place)
        return [
            item_of(
                entry,
                article_of.get(entry.url),
                today=self._today,
                language=self._language or "",
                source_guid_scope=host(base),
            )
            for entry in entries
        ]

    def listed(self, text: str, page: Page, place: str) -> list[Item]:
        """Read a page of a listing, a Markdown file, or a text."""
        if has_front_matter(text):
            return [read_markdown(text, place=place, language=self._language or self._otherwise)]
        if _is_html(text):
            base = page.location if is_address(page.location) else ""
            return read_blog(text, place=place, base=base, language=self._language)
        return read_listing(text, place=place, language=self._language)


def _is_html(text: str) -> bool:
    return not has_front_matter(text) and _HTML.search(text, 0, 20_000) is not None


def next_page(first: Page, page: Page, link: str) -> str:
    """Resolve the link to the next page; nothing if it leads to another site."""
    found = absolute(_base(page), link) if link else ""
    if not found or host(found) != host(first.location):
        return ""
    # Many a site that went over to https still has its old links; what began protected stays so.
    return found.replace("http://", "https://", 1) if first.location.startswith("https://") else found


def _base(page: Page) -> str:
    return base_of(LexborHTMLParser(page.content[:65_536]), page.location)


def _refuse_other_host(first: Page, page: Page, asked: str) -> None:
    """Refuse a further page whose server sends us to another site; the first page may say where it really is."""
    if page is not first and is_address(page.location) and host(page.location) != host(first.location):
        raise RedirectElsewhere(place=shown(asked), host=shown(host(page.location), 80))


def _beside(first: Page, page: Page, link: str) -> str:
    """Find the next page's file beside this one, as browsers and wget name what they save; nothing if there is none."""
    folder = Path(first.location).parent
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    name = unquote(parts.path).rpartition("/")[2]
    for candidate in (f"{name}?{parts.query}" if parts.query else name, name):
        if not candidate or candidate in {".", ".."} or not candidate.isprintable() or "/" in candidate:
            continue
        file = folder / candidate
        try:
            if file.is_file() and not file.samefile(page.location):
                return str(file)
        except OSError:
            continue
    return ""
