"""Reads JSON Feed 1.0 and 1.1, also one that was cut off: https://www.jsonfeed.org/version/1.1/."""

import html
import json
import re
from dataclasses import dataclass
from datetime import date
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import Any, Final

from newsletter.appeals.sources.blog import absolute
from newsletter.appeals.sources.byline import byline
from newsletter.appeals.sources.day import believed_day
from newsletter.appeals.sources.entry import (
    HTML_LONGEST,
    MOST_ENTRIES,
    NAME_LONGEST,
    Entry,
    Feed,
    FeedKind,
    language_tag,
)
from newsletter.appeals.sources.faults import FeedUnreadable
from newsletter.appeals.sources.prose import one_line, untagged

_SAYS_SO: Final = re.compile(r'\s*\{[^{}\[\]]{0,2000}?"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org')
_ITEMS: Final = re.compile(r'"items"\s*:\s*\[\s*')
_MOST_TOPICS: Final = 50

Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Around:
    """What holds for all entries of a feed."""

    place: str
    base: str
    language: str
    author: str
    today: date


def looks_like_json(text: str) -> bool:
    """Tell whether a text is a JSON Feed."""
    return text.lstrip()[:1] == "{" and ("jsonfeed.org/version" in text[:5000].replace("\\/", "/") or '"items"' in text)


def read_json(text: str, *, place: str, base: str, today: date) -> Feed:
    """Read a JSON Feed; see `read_feed`."""
    facts, complete = _loaded(text, place)
    version = _line(facts, "version", 100)
    items = facts.get("items")
    if "jsonfeed.org" not in version or not isinstance(items, list):
        raise FeedUnreadable(place=place, reason="it is JSON, but no JSON Feed")
    told = [each for each in items if isinstance(each, dict)]
    base = absolute(base, _line(facts, "feed_url")) or base
    site = absolute(base, _line(facts, "home_page_url"))
    language = language_tag(_line(facts, "language", 40))
    title = untagged(_line(facts, "title"))
    around = _Around(
        place=place,
        base=site or base,
        language=language,
        author=_author(facts, language, title),
        today=today,
    )
    kept = _newest(told, today)
    return Feed(
        title=title,
        kind=FeedKind.JSON_10 if version.rstrip("/").endswith("/1") else FeedKind.JSON_11,
        language=language,
        site=site,
        entries=tuple(_entry(each, number, around) for number, each in enumerate(kept, start=1)),
        next_url=absolute(base, _line(facts, "next_url")),
        complete=complete and len(kept) == len(items),
    )


def _loaded(text: str, place: str) -> tuple[Facts, bool]:
    """Load the feed, or what is whole of it; also tell whether it was whole."""
    try:
        facts = json.loads(text)
        if isinstance(facts, dict):
            return facts, True
    except (ValueError, RecursionError):
        if facts := _salvaged(text):
            return facts, False
    raise FeedUnreadable(place=place, reason="it is not JSON that can be read")


def _salvaged(text: str) -> Facts:
    """Take the items that are whole of a feed that breaks off after some."""
    found = _ITEMS.search(text)
    if found is None:
        return {}
    items: list[object] = []
    at = found.end()
    decoder = json.JSONDecoder()
    try:
        facts = json.loads(text[: found.end()] + "]}")
        while True:
            item, at = decoder.raw_decode(text, at)
            items.append(item)
            at = WHITESPACE.match(text, at).end()
            if text[at : at + 1] != ",":
                break
            at = WHITESPACE.match(text, at + 1).end()
    except (ValueError, RecursionError):
        pass
    if not items:
        return {}
    return (facts if isinstance(facts, dict) else {}) | {"items": items}


def _newest(told: list[Facts], today: date) -> list[Facts]:
    if len(told) <= MOST_ENTRIES:
        return told
    first, last = (believed_day(_line(each, "date_published"), today=today) for each in (told[0], told[-1]))
    return told[-MOST_ENTRIES:] if first and last and last > first else told[:MOST_ENTRIES]


def _entry(facts: Facts, number: int, around: _Around) -> Entry:
    language = language_tag(_line(facts, "language", 40)) or around.language
    written = _line(facts, "date_published", 100) or _line(facts, "date_modified", 100)
    url = absolute(around.base, _line(facts, "url")) or absolute(around.base, _line(facts, "external_url"))
    guid = _line(facts, "id", NAME_LONGEST)
    whole = _text(facts, "content_html") or html.escape(_text(facts, "content_text"), quote=False)
    summary = html.escape(_text(facts, "summary"), quote=False)
    return Entry(
        guid=guid,
        url=url or absolute("", guid),
        title=untagged(_line(facts, "title")),
        byline=_author(facts, language) or around.author,
        published_on=believed_day(written, language or "en", today=around.today) if written else None,
        written=written,
        html=(whole or summary)[:HTML_LONGEST],
        summary=summary[:HTML_LONGEST] if whole else "",
        base=url or around.base,
        full=bool(whole),
        language=language,
        topics=_topics(facts),
        place=f"{around.place}, entry {number}",
    )


def _text(facts: Facts, key: str) -> str:
    value = facts.get(key)
    if not isinstance(value, str):
        return ""
    # Half a pair (`\ud800`) is no letter, and nothing can write it.
    return value[:HTML_LONGEST].encode("utf-8", errors="ignore").decode().strip()


def _line(facts: Facts, key: str, longest: int = 2000) -> str:
    value = facts.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)[:longest] if abs(value) < 1e30 else ""  # ids that are numbers
    return one_line(value[: 4 * longest], longest) if isinstance(value, str) else ""


def _author(facts: Facts, language: str, site: str = "") -> str:
    """1.1 has `authors`, 1.0 `author`."""
    listed = facts.get("authors")
    people = listed if isinstance(listed, list) and listed else [facts.get("author")]
    said = [untagged(_line(each, "name", 300)) for each in people[:10] if isinstance(each, dict)]
    names = [name for each in said if (name := byline(each, language=language or "en", site=site))]
    return ", ".join(dict.fromkeys(names))


def _topics(facts: Facts) -> tuple[str, ...]:
    tags = facts.get("tags")
    words = (
        [untagged(tag, 100) for tag in tags[:_MOST_TOPICS] if isinstance(tag, str)] if isinstance(tags, list) else []
    )
    return tuple(dict.fromkeys(word for word in words if word))
