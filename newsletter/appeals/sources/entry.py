"""What a feed or a listing tells of an article, before the article's own page is read. Nothing in it is trusted."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from newsletter.appeals.item import MAX_TAG
from newsletter.appeals.letters import locale

MOST_ENTRIES: Final = 5000  # of one feed or listing page
HTML_LONGEST: Final = 400_000  # characters of one article's HTML
URL_LONGEST: Final = 2000
NAME_LONGEST: Final = 600  # characters of a guid
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One article, as a feed or a listing announces it.

    Attributes:
        guid: the name that the feed gives it for good; empty where there is none, or where several articles share it.
        url: where it can be read, absolute http(s), or empty.
        title: one line of plain text; empty where there is none.
        byline: who wrote or sent it, one line; empty where that isn't said.
        published_on: the date as it is written there, whatever its zone; None where there is none, where it is not
            understood, or where it lies later than tomorrow.
        written: that date as it stands there, one line, for messages.
        html: the text, untrusted HTML of at most `HTML_LONGEST` characters; `carried` makes it fit for a mail.
        summary: a shorter text beside it, untrusted HTML; empty where there is only one.
        base: the address that relative links in both start from, or empty.
        full: whether `html` claims to be the whole text, and doesn't end in 'Read more'.
        language: BCP 47 tag, or empty where neither the entry nor its feed says.
        topics: the categories that the site put it in, in its order.
        place: where it stands, for messages: `https://example.org/feed, entry 3`.
    """

    guid: str = ""
    url: str = ""
    title: str = ""
    byline: str = ""
    published_on: date | None = None
    written: str = ""
    html: str = ""
    summary: str = ""
    base: str = ""
    full: bool = False
    language: str = ""
    topics: tuple[str, ...] = ()
    place: str = ""


class FeedKind(StrEnum):
    """The formats that are read, as they call themselves."""

    RSS_090 = "RSS 0.90"
    RSS_091 = "RSS 0.91"
    RSS_092 = "RSS 0.92"
    RSS_10 = "RSS 1.0"
    RSS_20 = "RSS 2.0"
    ATOM_03 = "Atom 0.3"
    ATOM_10 = "Atom 1.0"
    JSON_10 = "JSON Feed 1.0"
    JSON_11 = "JSON Feed 1.1"


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A feed, as far as it could be read.

    Attributes:
        title: one line of plain text, or empty.
        kind: its format.
        language: BCP 47 tag, or empty.
        site: the address of the site that it belongs to, or empty.
        entries: in the feed's order, each once; at most `MOST_ENTRIES`, the newest.
        next_url: where older entries are, absolute, or empty: Atom's `rel=next` and `rel=prev-archive` (RFC 5005), JSON
            Feed's `next_url`.
        complete: False where the feed was cut off, where entries were broken beyond reading, or where it had more than
            `MOST_ENTRIES`; what is missing is then no sign that it was taken down.
    """

    title: str = ""
    kind: FeedKind
    language: str = ""
    site: str = ""
    entries: tuple[Entry, ...] = ()
    next_url: str = ""
    complete: bool = True


def language_tag(said: str) -> str:
    """Tidy a language tag as sites write it (`en-us`, `pt_BR`, `English`); empty if it is none that is known."""
    said = said.strip().replace("_", "-")
    if len(said) > MAX_TAG or not _TAG.fullmatch(said) or locale(said) is None:
        return ""
    head, *subtags = said.split("-")
    return "-".join([head.lower(), *(tag.upper() if len(tag) == 2 else tag.title() for tag in subtags)])
