"""Reads a page that lists articles, whichever system made it: by CSS selectors that are given, or by finding out.

Without selectors, a Joomla category blog is read by its own reader, `blog`. On any other page what repeats is looked
for: articles and posts as systems mark them, then items of lists, rows of tables and blocks of any class that each hold
one link and a date or a heading.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from html import escape
from itertools import product
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.appeals.dates import DateImpossible, find_date, written_language
from newsletter.appeals.letters import KNOWN
from newsletter.appeals.sources.blog import absolute, base_of, read_blog
from newsletter.appeals.sources.byline import byline, is_signed
from newsletter.appeals.sources.day import believed_day
from newsletter.appeals.sources.entry import HTML_LONGEST, MOST_ENTRIES, Entry, language_tag
from newsletter.appeals.sources.faults import (
    NoListing,
    NothingSelected,
    SelectorBroken,
    SelectorUnknown,
    SourceFault,
)
from newsletter.appeals.sources.hidden import without_hidden
from newsletter.appeals.sources.mainbody import without_surroundings
from newsletter.appeals.sources.nesting import bearable
from newsletter.appeals.sources.prose import one_line, shown
from newsletter.appeals.sources.wording import is_read_more

_EXAMPLES: Final = {
    "item": "article.post",
    "title": "h2",
    "link": "h2 a",
    "date": "time",
    "byline": ".author",
    "teaser": ".summary",
}
_SELECTOR_LONGEST: Final = 300
_MARKED: Final = (
    ".h-entry",
    ".hentry",
    '[itemprop="blogPost"]',
    "article",
    ".post-card",
    ".blog-post",
    ".post",
    ".node--type-article",
    ".node-teaser",
    ".views-row",
    ".news-item",
    ".list-item",
    ".item",
    ".entry",
    ".teaser",
)
_REPEATED: Final = ("li", "tr", "dt", "div", "section", "p", "td")
_HEADINGS: Final = "h1, h2, h3, h4, h5, h6, .title, .entry-title, [itemprop=headline]"
_DATES: Final = (
    "time, .dt-published",
    ".published, .createdate, .created, .entry-date, .post-date, .posted-on, .list-date, .date, .submitted",
)
_AUTHORS: Final = '[itemprop="author"], [rel~="author"], .author, .byline, .createdby, .list-author'
_BLOG: Final = re.compile(
    r"""class\s*=\s*["'][^"'<>]{0,200}\b(?:blog|blog-featured|items-row|leading-0|contentheading|com-content-category-blog)\b"""
    r"""|itemprop\s*=\s*["']blogPost["']"""
)
_ELEMENT: Final = re.compile(r"[a-z][a-z0-9-]*")
_STRIPES: Final = re.compile(r"\d+|\b(?:odd|even|first|last|alt)\b|\s+")  # what tells a row from its neighbours
_ITEM_LONGEST: Final = 6000  # characters of text; what has more holds several articles
_FEWEST: Final = 2
_MOST: Final = 20_000


@dataclass(frozen=True, kw_only=True)
class Selectors:
    """Where a page has its articles, as CSS; what is empty is found out.

    Attributes:
        item: each article's element on the page; `dt` stands for itself and the `dd` that follows.
        title, link, date, byline, teaser: within it. A link may be on the item itself.
    """

    item: str = ""
    title: str = ""
    link: str = ""
    date: str = ""
    byline: str = ""
    teaser: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no CSS, before any page is read.

        Raises:
            SelectorBroken: one can't be read.
        """
        page = LexborHTMLParser("<p></p>")
        for name, selector in self.given().items():
            if len(selector) > _SELECTOR_LONGEST or not _is_css(page, selector):
                raise SelectorBroken(name=name, selector=shown(selector, 80), example=_EXAMPLES[name])

    def given(self) -> dict[str, str]:
        """Those that are not empty, by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name)}

    @classmethod
    def named(cls, given: dict[str, str]) -> "Selectors":
        """Make selectors of names and CSS, as a person writes them.

        Raises:
            SelectorUnknown: there is none of that name.
            SelectorBroken: one can't be read.
        """
        for name in given:
            if name not in _EXAMPLES:
                near = difflib.get_close_matches(name[:60].lower(), _EXAMPLES, n=1, cutoff=0.6)
                hint = f"did you mean “{near[0]}”?" if near else f"these are known: {', '.join(_EXAMPLES)}."
                raise SelectorUnknown(name=shown(name, 60), hint=hint)
        return cls(**{name: selector.strip() for name, selector in given.items()})


def read_entries(
    text: str, *, place: str, today: date, base: str = "", language: str = "", selectors: Selectors | None = None
) -> list[Entry]:
    """Read a listing page.

    Args:
        text: the page's HTML.
        place: how to name it to a person.
        today: where the organisation is; what is dated later than tomorrow counts as undated.
        base: its address, against which links are resolved.
        language: BCP 47 tag; without it `<html lang>` tells.
        selectors: where things stand on it; without them that is found out.

    Raises:
        NothingSelected: no element matches the selector for items, or none of these has a title or a link.
        NoListing: there is no listing to be found on it.
    """
    given = selectors or Selectors()
    html = bearable(text)
    if not given.given() and (found := _of_blog(html, place, today, base, language)):
        return found
    raw = LexborHTMLParser(html)
    page = raw.css_first("html")
    tag = language_tag(language) or language_tag((page.attributes.get("lang") or "") if page is not None else "")
    tree = LexborHTMLParser(without_hidden(html))
    if not given.item:
        without_surroundings(tree)
    entries = _entries(tree, _Reading(given, base_of(raw, base), tag, today, place))
    if not tag and (tongue := _tongue(entries)):  # which decides on 3/2/2003
        entries = _entries(tree, _Reading(given, base_of(raw, base), tongue, today, place))
    if given.item and not entries:
        raise NothingSelected(place=place, selector=shown(given.item, 80), name="item")
    if not entries:
        raise NoListing(place=place)
    return entries


def _of_blog(text: str, place: str, today: date, base: str, language: str) -> list[Entry]:
    """Read a Joomla category blog by the reader that knows it; nothing where it is none, or not a whole one."""
    if not _BLOG.search(text):
        return []
    try:
        items = read_blog(text, place=place, base=base, language=language or None)
    except SourceFault:
        return []
    return [
        Entry(
            url=item.url,
            title=item.title,
            byline=item.byline,
            published_on=item.published_on if item.published_on <= today + timedelta(days=1) else None,
            written=item.published_on.isoformat(),
            html=escape(item.teaser, quote=False),
            base=item.url or base,
            language=item.language,
            place=item.place,
        )
        for item in items
    ]


def _entries(tree: LexborHTMLParser, reading: "_Reading") -> list[Entry]:
    """Read the items that were asked for, or else those that have dates, or else those that have headings."""
    if selector := reading.by.item:
        return list(reading.entries(tree.css(selector)))
    for candidates in _groups(tree):
        entries = list(reading.entries(candidates))
        if len(entries) >= _FEWEST and sum(entry.published_on is not None for entry in entries) * 2 >= len(entries):
            return entries
    for candidates in _groups(tree):
        entries = list(reading.entries(each for each in candidates if each.css_first(_HEADINGS) is not None))
        if len(entries) >= _FEWEST:
            return entries
    return []


def _tongue(entries: list[Entry]) -> str:
    """Tell in which language a page names months."""
    tongues = (written_language(entry.written, KNOWN) for entry in entries)
    return next((tongue for tongue in tongues if tongue != KNOWN[0]), "")


def _is_css(page: LexborHTMLParser, selector: str) -> bool:
    try:
        page.css(selector)
    except Exception:  # noqa: BLE001  selectolax raises its own and plain ones, by version
        return False
    return True


def _groups(tree: LexborHTMLParser) -> Iterator[list[LexborNode]]:
    """Give elements that might be the articles, the surest first: those that a system marks, then any that repeat."""
    for selector in _MARKED:
        if len(found := [node for node in tree.css(selector)[:MOST_ENTRIES] if _may_be_item(node)]) >= _FEWEST:
            yield found
    for tag in _REPEATED:
        groups: dict[tuple[int, str], list[LexborNode]] = {}
        for node in tree.css(tag)[:_MOST]:
            holder = node.parent
            if holder is not None and _may_be_item(node):
                classes = _STRIPES.sub("", node.attributes.get("class") or "")
                groups.setdefault((holder.mem_id, classes), []).append(node)
        yield from sorted((each for each in groups.values() if len(each) >= _FEWEST), key=len, reverse=True)[:5]


def _may_be_item(node: LexborNode) -> bool:
    return (
        node.css_first("a[href]") is not None
        and _ELEMENT.fullmatch(node.tag or "") is not None  # what a broken page makes up is no selector
        and all(each.mem_id == node.mem_id for each in node.css(node.tag or "")[:2])
        and len(node.text()) <= _ITEM_LONGEST
    )


class _Reading:
    """Reads one page's items."""

    def __init__(self, selectors: Selectors, base: str, language: str, today: date, place: str) -> None:
        self.by = selectors
        self._base, self._language, self._today, self._place = base, language, today, place

    def entries(self, nodes: Iterable[LexborNode]) -> Iterator[Entry]:
        """Read items that have a title and lead somewhere, each place once."""
        seen: set[tuple[str, str]] = set()
        for node in nodes:
            entry = self._entry(node, len(seen) + 1)
            name = (entry.url, "" if entry.url else entry.title)
            if entry.title and (entry.url or entry.published_on) and name not in seen and len(seen) < MOST_ENTRIES:
                seen.add(name)
                yield entry

    def _entry(self, node: LexborNode, number: int) -> Entry:
        parts = list(_parts(node))
        titled = self._found(parts, self.by.title, _HEADINGS)
        link = self._link(parts, titled)
        title = one_line(
            titled.text(separator=" ") if titled is not None else link.text(separator=" ") if link is not None else ""
        )
        written, day = self._dated(parts, title)
        return Entry(
            url=absolute(self._base, (link.attributes.get("href") or "") if link is not None else ""),
            title=title,
            byline=self._signed(parts),
            published_on=day,
            written=written,
            html=self._teaser(parts),
            base=self._base,
            language=self._language,
            place=f"{self._place}, entry {number}",
        )

    def _found(self, parts: list[LexborNode], selector: str, otherwise: str) -> LexborNode | None:
        return next((found for part in parts if (found := part.css_first(selector or otherwise)) is not None), None)

    def _link(self, parts: list[LexborNode], titled: LexborNode | None) -> LexborNode | None:
        """Find where an item leads: what was asked for, its title's link, or its first with words."""
        if self.by.link:
            found = self._found(parts, self.by.link, "a[href]")
            return found if found is None or found.tag == "a" else found.css_first("a[href]")
        if titled is not None:
            inner = titled if titled.tag == "a" else titled.css_first("a[href]")
            around = titled.parent
            if inner is not None or (around is not None and around.tag == "a"):
                return inner if inner is not None else around
        links = [link for part in parts for link in ([part] if part.tag == "a" else part.css("a[href]")[:50])]
        worded = (
            link for link in links if absolute(self._base, link.attributes.get("href") or "") and link.text().strip()
        )
        return next((link for link in worded if not is_read_more(link.text())), links[0] if links else None)

    def _dated(self, parts: list[LexborNode], title: str) -> tuple[str, date | None]:
        language = self._language or "en"
        for part, selector in product(parts, (self.by.date,) if self.by.date else _DATES):
            for node in part.css(selector)[:5]:
                for said in (node.attributes.get("datetime") or "", " ".join(node.text(separator=" ").split())):
                    if said and (day := believed_day(said, language, today=self._today)):
                        return one_line(said, 100), day
        if self.by.date:
            return "", None
        around = " ".join(" ".join(part.text(separator=" ").split()) for part in parts).replace(title, " ", 1)
        try:
            found = find_date(around, language)
        except DateImpossible:
            return "", None
        if found is None:
            return "", None
        written = one_line(around[found.start : found.end], 100)
        return written, believed_day(written, language, today=self._today)

    def _signed(self, parts: list[LexborNode]) -> str:
        language = self._language or "en"
        for part in parts:
            for node in part.css(self.by.byline or _AUTHORS)[:3]:
                if name := byline(" ".join(node.text(separator=" ").split())[:400], language=language):
                    return name
            for node in [] if self.by.byline else part.css("p, div, span, td, dd, li, small, em")[:30]:
                line = " ".join(node.text(separator=" ").split())
                if len(line) < 200 and is_signed(line) and (name := byline(line, language=language)):
                    return name
        return ""

    def _teaser(self, parts: list[LexborNode]) -> str:
        if self.by.teaser:
            found = self._found(parts, self.by.teaser, "p")
            return (found.html or "")[:HTML_LONGEST] if found is not None else ""
        marked = self._found(parts, ".p-summary, .summary, .entry-summary, .excerpt", "p")
        said = [marked] if marked is not None else [node for part in parts for node in part.css("p")[:20]]
        kept = [node for node in said if len(node.text().strip()) > 40 and not is_signed(node.text().strip()[:400])]
        return "".join(node.html or "" for node in kept[:5])[:HTML_LONGEST]


def _parts(node: LexborNode) -> Iterator[LexborNode]:
    """Give an item's elements: itself, and for a `<dt>` what is said of it."""
    yield node
    following = node.next if node.tag == "dt" else None
    while following is not None and following.tag in {"-text", "dd"}:
        if following.tag == "dd":
            yield following
        following = following.next
