"""Reads a feed, whichever of nine formats it is in: RSS 0.90 to 2.0, Atom 0.3 and 1.0, JSON Feed 1.0 and 1.1."""

import re
from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Final

from newsletter.appeals.sources.charset import decode_doubting
from newsletter.appeals.sources.entry import Entry, Feed
from newsletter.appeals.sources.faults import FeedUnreadable, SourceFault, SourceTooLarge
from newsletter.appeals.sources.feedxml import looks_like_xml, read_xml
from newsletter.appeals.sources.jsonfeed import looks_like_json, read_json
from newsletter.appeals.sources.prose import untagged
from newsletter.appeals.sources.wording import is_read_more

_LARGEST: Final = 20_000_000
_BLOCK_ENDS: Final = re.compile(r"</(?:p|div|li)>|<br\s*/?>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>")


def read_feed(content: bytes, *, place: str, today: date, base: str = "", charset: str = "") -> Feed:
    """Read a feed. Texts stay HTML as they are: what is wanted of them `carried` converts, one by one.

    What is broken is read as far as it is whole, and `Feed.complete` then says that this isn't all. Of more than 5,000
    entries the newest are kept. An entry that stands there twice is taken once; a guid that several articles share
    names none of them. Entities are never expanded beyond HTML's own letters, and nothing is fetched.

    Args:
        content: at most 20 MB.
        place: how to name it to a person.
        today: where the organisation is; an entry that is dated later than tomorrow counts as undated.
        base: the feed's address, against which links are resolved where the feed doesn't say better.
        charset: what the HTTP header says, or nothing.

    Raises:
        FeedUnreadable: it is no feed.
        SourceEmpty, SourceNotText, SourceTooLarge: as they say.
    """
    if len(content) > _LARGEST:
        raise SourceTooLarge(place=place, limit_mb=_LARGEST // 1_000_000)
    text = decode_doubting(content, place=place, charset=charset)
    if looks_like_json(text):
        feed = read_json(text, place=place, base=base, today=today)
    elif looks_like_xml(text):
        feed = read_xml(text, place=place, base=base, today=today)
    else:
        raise FeedUnreadable(place=place, reason="it is neither RSS nor Atom nor JSON Feed")
    return replace(feed, entries=tuple(_each_once(feed.entries)))


def is_feed(content: bytes) -> bool:
    """Tell a feed by how it begins, whatever its server calls it."""
    try:
        text = decode_doubting(content[:40_000], place="", charset="")
    except SourceFault:
        return False
    return looks_like_json(text) or looks_like_xml(text)


def _each_once(entries: tuple[Entry, ...]) -> list[Entry]:
    """Take each article once. Feeds repeat entries, and some give one guid to all."""
    by_guid: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        by_guid[entry.guid].add(entry.url or entry.title)
    seen: set[tuple[str, str, str]] = set()
    kept: list[Entry] = []
    for entry in entries:
        name = (entry.guid, entry.url, "" if entry.url else entry.title)
        if name in seen or not (entry.title or entry.url or entry.html):
            continue
        seen.add(name)
        kept.append(
            replace(
                entry,
                guid=entry.guid if len(by_guid[entry.guid]) == 1 else "",
                full=entry.full and not _breaks_off(entry.html),
            )
        )
    return kept


def _breaks_off(html: str) -> bool:
    """Tell a text that ends in 'Read more', `[…]` or an ellipsis: the rest is on the article's page."""
    lines = [line for each in _BLOCK_ENDS.split(html[-600:]) if (line := untagged(_TAG.sub(" ", each)))]
    last = lines[-1] if lines else ""
    return last.endswith(("[…]", "[...]", "(…)", "…", "...")) or is_read_more(last)
