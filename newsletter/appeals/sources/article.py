"""Reads an article's own page: for byline, date and full text, which feeds often lack.

What is believed, in this order:

- title: JSON-LD, OpenGraph and Dublin Core; the page's own heading where it says the same in full; `<title>`.
- byline: JSON-LD, `article:author`, Dublin Core; what is marked in the article (microdata, `rel=author`, the classes of
  Joomla, WordPress, Drupal, Ghost, Blogger); 'Written by' in any language that `wording` knows; `<meta name=author>`.
- date: JSON-LD, `article:published_time`, Dublin Core; what is marked in the article, `<time>` first; a line near the
  title with a date in it; a short last line with one.

Only what stands in the article counts, not what stands beside it; the site's own name is nobody's byline, unless a line
'Written by' says it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from newsletter.appeals.dates import written_language
from newsletter.appeals.letters import KNOWN, fold
from newsletter.appeals.sources.blog import absolute, base_of
from newsletter.appeals.sources.byline import byline
from newsletter.appeals.sources.carried import carried, without_ways_out
from newsletter.appeals.sources.charset import decode_doubting
from newsletter.appeals.sources.claims import Claims, claims_of, meta_author
from newsletter.appeals.sources.day import believed_day
from newsletter.appeals.sources.entry import language_tag
from newsletter.appeals.sources.faults import ArticleUnreadable
from newsletter.appeals.sources.head import Head, head_of
from newsletter.appeals.sources.hidden import without_hidden
from newsletter.appeals.sources.identity import same_site
from newsletter.appeals.sources.mainbody import text_of, without_head_and_foot, without_surroundings
from newsletter.appeals.sources.nesting import bearable
from newsletter.appeals.sources.pictures import Picture
from newsletter.appeals.sources.prose import one_line, paragraphs

_MARKS: Final = (" - ", " – ", " — ", " | ", " :: ", " · ", " » ", " • ")


@dataclass(frozen=True, kw_only=True)
class Article:
    """An article as its own page has it. Nothing in it is trusted.

    Attributes:
        title: one line of plain text.
        byline: one line; empty where the page doesn't say.
        published_on: None where the page doesn't say, or not believably.
        language: BCP 47 tag; empty where the page doesn't say.
        url: its canonical address if that is on the same site, else the one that it was read from, or empty.
        teaser: the paragraphs that the body begins with, in plain text, apart by an empty line.
        body: the whole text as Markdown, the teaser's paragraphs included.
        pictures: what the text shows, and before that what the page shows of itself elsewhere.
        description: what the page says of itself in a line; often cut off.
    """

    title: str
    byline: str = ""
    published_on: date | None = None
    language: str = ""
    url: str = ""
    teaser: str = ""
    body: str = ""
    pictures: tuple[Picture, ...] = ()
    description: str = ""


def read_article(
    content: bytes, *, place: str, today: date, base: str = "", charset: str = "", language: str = ""
) -> Article:
    """Read one article's page.

    Args:
        content: the page.
        place: how to name it to a person.
        today: where the organisation is; an article from after tomorrow has no date.
        base: the address that it was read from.
        charset: what the HTTP header says, or nothing.
        language: BCP 47 tag, where it is known; it goes before what the page says.

    Raises:
        ArticleUnreadable: there is neither title nor text on it.
        SourceEmpty, SourceNotText: as they say.
    """
    html = bearable(decode_doubting(content, place=place, charset=charset))
    raw = LexborHTMLParser(html)
    claims = claims_of(raw, base)
    tag = language_tag(language) or _language(raw, claims)
    tree = LexborHTMLParser(without_hidden(html))
    without_surroundings(tree)
    text = text_of(tree)
    if text is None:
        raise ArticleUnreadable(place=place, reason="there is no text on it")
    window = _window(raw)
    head = head_of(tree, text, (claims.title, window, *_parts(window)), tag or "en", today)
    title = _title(window, claims, head)
    published_on = _published_on(claims, tag or "en", today) or head.day
    signed = _byline(raw, claims, head, tag or "en")
    without_head_and_foot(text, [title, head.title, *head.lines])
    start = base_of(raw, base)
    whole = without_ways_out(carried(text.html or "", base=start, title=title))
    if not title and not whole.markdown:
        raise ArticleUnreadable(place=place, reason="there is no text on it")
    return Article(
        title=title or one_line(whole.opening[0] if whole.opening else "", 100),
        byline=signed,
        published_on=published_on,
        language=tag or _tongue(head),
        url=_own_address(claims.canonical, base),
        teaser=paragraphs("\n\n".join(whole.opening)),
        body=whole.markdown,
        pictures=_pictures(claims, start, whole.pictures),
        description=claims.description,
    )


def _language(tree: LexborHTMLParser, claims: Claims) -> str:
    html = tree.css_first("html")
    said = (html.attributes.get("lang") or html.attributes.get("xml:lang") or "") if html is not None else ""
    return language_tag(said) or language_tag(claims.language.split(",")[0])


def _tongue(head: Head) -> str:
    """Tell a page's language by the month in its date, where nothing else does."""
    tongues = (written_language(line, KNOWN) for line in head.lines)
    return next((tongue for tongue in tongues if tongue != KNOWN[0]), "")


def _own_address(canonical: str, base: str) -> str:
    """Take a page's word for its own address only within its site: it might call itself another's."""
    found = absolute(base, canonical) if canonical else ""
    return found if found and (not base or same_site(found, base)) else base


def _pictures(claims: Claims, base: str, shown: tuple[Picture, ...]) -> tuple[Picture, ...]:
    """Put the picture that a page shows of itself elsewhere first."""
    main = absolute(base, claims.picture) if claims.picture else ""
    return (Picture(url=main), *shown) if main and main not in {each.url for each in shown} else shown


def _published_on(claims: Claims, language: str, today: date) -> date | None:
    days = (believed_day(said, language, today=today) for said in claims.dates)
    return next((day for day in days if day is not None), None)


def _window(tree: LexborHTMLParser) -> str:
    node = tree.css_first("title")
    return one_line(node.text()) if node is not None else ""


def _parts(window: str) -> list[str]:
    """Split a window's title, of which one part is the article's and another the site's."""
    return sorted(
        (part.strip() for mark in _MARKS for part in window.split(mark) if mark in window), key=len, reverse=True
    )


def _title(window: str, claims: Claims, head: Head) -> str:
    """Take the claimed title without the site's name; the page's heading where the claim was cut off from it."""
    for said in (claims.title, head.title, window):
        if title := _without_site(said, claims.sites):
            begun = fold(title.rstrip(" .…"))
            return head.title if fold(head.title).startswith(begun) else title
    return ""


def _without_site(title: str, sites: tuple[str, ...]) -> str:
    known = {fold(site) for site in sites}
    for mark in _MARKS:
        before, _, after = title.rpartition(mark)
        if before and fold(after.strip()) in known:
            return before.strip()
    return title


def _byline(tree: LexborHTMLParser, claims: Claims, head: Head, language: str) -> str:
    if claimed := _names(claims.authors, claims, language):
        return claimed
    if head.byline and (head.signed or not _is_site(head.byline, claims)):
        return head.byline
    return _names((meta_author(tree),), claims, language)


def _names(said: tuple[str, ...], claims: Claims, language: str) -> str:
    names = [name for each in said if (name := byline(each, language=language)) and not _is_site(name, claims)]
    return one_line(", ".join(dict.fromkeys(names)))


def _is_site(name: str, claims: Claims) -> bool:
    return fold(name) in {fold(site) for site in claims.sites}
