"""Makes an `Item` of what a feed or listing tells of an article and what the article's own page says.

Of each fact the better one is taken:

- title and byline: the feed's; the page's where the feed has none, or where the feed's title was cut off.
- date: the page's where the two are at most a day apart, for feeds are in UTC and pages where people live; otherwise
  the feed's, then the page's. Without any it is today's, which is then no part of the names that it is known by.
- text: the feed's if it is whole; otherwise the page's. It doesn't repeat the teaser, unless that would lose a link.
- teaser: the feed's summary, unless that is only the text's beginning, cut off; otherwise the first paragraphs.
- language: the source's, if an organiser set one; then the page's, the feed's, English.
"""

import re
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from newsletter.appeals.item import Item
from newsletter.appeals.letters import fold, primary
from newsletter.appeals.sources.article import Article
from newsletter.appeals.sources.carried import Carried, carried
from newsletter.appeals.sources.entry import Entry
from newsletter.appeals.sources.identity import identities, without_tracking
from newsletter.appeals.sources.nesting import bearable
from newsletter.appeals.sources.pictures import Picture
from newsletter.appeals.sources.prose import one_line, paragraphs, shortened

_MOST_PICTURES: Final = 20
_TEASER_SHORTEST: Final = 80  # characters; a shorter paragraph is hardly one
_TEASER_LONGEST: Final = 1200
_TEASER_PARAGRAPHS: Final = 3
_MAIL: Final = re.compile(r"<[^<>\s@]+@[^<>\s]+>")
_CUT: Final = "…. []()"


def item_of(
    entry: Entry, article: Article | None = None, *, today: date, language: str = "", source_guid_scope: str
) -> Item:
    """Join what is known of an article.

    Args:
        entry: what a feed or listing tells.
        article: what its page says, if that was read.
        today: where the organisation is; the date of what has none.
        language: BCP 47 tag of the source, where an organiser set one.
        source_guid_scope: a short name of the source; guids of other sources are others.
    """
    page = article or Article(title="")
    teaser, body = _texts(entry, page, _title(entry.title, page.title))
    title = _title(entry.title, page.title) or one_line(teaser, 100)
    published_on = _published_on(entry, page)
    url = without_tracking(entry.url or page.url)
    known_as = identities(title=title, published_on=published_on, url=url, guid=entry.guid, scope=source_guid_scope)
    return Item(
        identities=(*known_as, *(name for name in _canonical(page.url, url) if name not in known_as)),
        title=title,
        byline=entry.byline or page.byline,
        published_on=published_on or today,
        teaser=teaser,
        body=body,
        language=primary(language or page.language or entry.language or "en"),
        url=url,
        topics=entry.topics,
        pictures=tuple((picture.url, picture.alt) for picture in _pictures(entry, page)),
        place=entry.place,
    )


def _pictures(entry: Entry, page: Article) -> tuple[Picture, ...]:
    """List the pictures of whichever text has some."""
    if page.pictures or not entry.html:
        return page.pictures[:_MOST_PICTURES]
    return carried(entry.html, base=entry.base or entry.url).pictures[:_MOST_PICTURES]


def _title(told: str, shown: str) -> str:
    cut = told.endswith(("…", "...")) and fold(shown).startswith(fold(told.rstrip(_CUT)))
    return shown if cut or not told else told


def _published_on(entry: Entry, page: Article) -> date | None:
    if entry.published_on is None or page.published_on is None:
        return entry.published_on or page.published_on
    return page.published_on if abs(entry.published_on - page.published_on).days <= 1 else entry.published_on


def _canonical(own: str, url: str) -> tuple[str, ...]:
    """Name an item by its page's own address, too: unless that is what stands above it, as where a template says on
    all pages that they are the front page.
    """
    if not own or not url or own == url:
        return ()
    try:
        path, own_path = urlsplit(url).path, urlsplit(own).path.rstrip("/")
    except ValueError:
        return ()
    if path.startswith(f"{own_path}/") or not own_path:
        return ()
    return tuple(name for name in identities(title="", published_on=None, url=own) if name.startswith("url:"))


def _texts(entry: Entry, page: Article, title: str) -> tuple[str, str]:
    """Give the teaser in plain text, and the body as Markdown without it."""
    told = carried(_own(entry.html), base=entry.base or entry.url, title=title) if entry.html else Carried(markdown="")
    summary = _plain(entry.summary, entry)
    if entry.full and len(told.markdown) * 2 > len(page.body):
        body, opening = told.markdown, list(told.opening)
    elif page.body:
        body, opening = page.body, page.teaser.split("\n\n") if page.teaser else []
        summary = summary or paragraphs("\n\n".join(told.opening) or told.plain)
    else:
        body, opening = told.markdown, list(told.opening)
    if summary and not _begins(summary, opening) and len(summary) <= _TEASER_LONGEST:
        return paragraphs(summary), body
    blocks = body.split("\n\n")
    count = _lead(opening, blocks)
    if not count:
        return shortened(summary or one_line(told.plain or page.description, 300), _TEASER_LONGEST), body
    # A teaser is plain text: where its words are links, they stay in the body as well.
    kept = blocks if _has_link(blocks[0]) else blocks[count:]
    return paragraphs("\n\n".join(opening[:count])), "\n\n".join(kept)


def _own(html: str) -> str:
    """Take the body out of what Drupal prints in feeds: title, author and date come before it."""
    if "field--name-body" not in html and "field-name-body" not in html:
        return html
    body = LexborHTMLParser(bearable(html)).css_first(".field--name-body, .field-name-body")
    return html if body is None else body.html or html


def _plain(html: str, entry: Entry) -> str:
    if not html:
        return ""
    text = carried(html, base=entry.base or entry.url)
    return paragraphs("\n\n".join(text.opening) or text.plain)


def _lead(opening: list[str], blocks: list[str]) -> int:
    """Count the paragraphs that make a teaser: one, and further ones without links while that says too little."""
    count = min(1, len(opening))
    while count < min(_TEASER_PARAGRAPHS, len(opening)) and sum(map(len, opening[:count])) < _TEASER_SHORTEST:
        if _has_link(blocks[0]) or _has_link(blocks[count]):
            break
        count += 1
    return count


def _has_link(block: str) -> bool:
    return "](" in block or "<http" in block or "<mailto:" in block or _MAIL.search(block) is not None


def _begins(summary: str, opening: list[str]) -> bool:
    """Tell whether a summary is only how the text begins."""
    text = fold(" ".join(opening))
    said = fold(" ".join(summary.split())).rstrip(_CUT)
    return bool(said) and text.startswith(said[: max(20, len(said) - 10)])
