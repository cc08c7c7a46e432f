"""What an article shows above its text: title, author and date, as systems mark them or as people write them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.appeals.dates import DateImpossible, find_date
from newsletter.appeals.letters import fold, listed
from newsletter.appeals.sources.byline import byline, is_signed
from newsletter.appeals.sources.day import believed_day
from newsletter.appeals.sources.mainbody import scope_of
from newsletter.appeals.sources.prose import one_line
from newsletter.appeals.sources.wording import is_updated, signature

_HEADINGS: Final = (
    '[itemprop="headline"]',
    ".contentheading",
    ".entry-title",
    ".post-title",
    ".article-title",
    ".page-header h1",
    ".page-header h2",
    "article h1",
    ".item-page h1",
    ".item-page h2",
    "h1",
    '[itemprop="name"]',
    "h2",
)
_AUTHORS: Final = (
    '[itemprop="author"] [itemprop="name"]',
    '[itemprop="author"]',
    ".createdby",
    ".createby",
    ".p-author",
    ".h-card .p-name",
    '[rel~="author"]',
    ".author .fn",
    ".byline",
    ".entry-author",
    ".post-author",
    ".gh-article-author-name",
    ".author-name",
    ".wp-block-post-author-name",
    ".author",
    ".node__submitted",
    ".submitted",
    ".posted-by",
    ".article-info .small",
    ".small",
)
_ONLY_SIGNED: Final = frozenset({".small", ".article-info .small", ".submitted", ".node__submitted", ".posted-by"})
_DATES: Final = (
    'time[itemprop="datePublished"]',
    '[itemprop="datePublished"]',
    "time[pubdate]",
    "time.published",
    "time.entry-date",
    "abbr.published",
    ".dt-published",
    ".published",
    "time[datetime]",
    ".createdate",
    ".create",
    ".created",
    ".field--name-created",
    ".date-header",
    ".entry-date",
    ".post-date",
    ".posted-on",
    ".dateline",
    ".node__submitted",
    ".submitted",
    ".date",
    ".byline",
    ".article-info",
    ".entry-meta",
    ".post-meta",
    ".small",
)
_BLOCKS: Final = frozenset(
    listed(
        "p div li ul ol table tr td th blockquote section article header h1 h2 h3 h4 h5 h6 dl dd dt hr center br "
        "address"
    )
)
_LINE: Final = 200  # characters of a line that may say who and when
_BESIDE_DATE: Final = 60  # characters that may stand beside a date in a line of its own
_BEFORE: Final = 3  # lines before the title that are looked at
_AFTER: Final = 8
_LAST: Final = 3
_FIRST: Final = 60  # lines in which a title may stand
_TITLE_SHORTEST: Final = 8
_ABOVE: Final = 4  # elements around an article
_MOST_LINES: Final = 5000


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands above a text.

    Attributes:
        title: one line, or empty.
        byline: one line, or empty.
        signed: whether a line says 'Written by', in whichever language; then even the site may be its author.
        day: when it was published, or None.
        lines: those that say author and date, as they stand there: they are no part of the text.
    """

    title: str = ""
    byline: str = ""
    signed: bool = False
    day: date | None = None
    lines: tuple[str, ...] = ()


def head_of(tree: LexborHTMLParser, text: LexborNode, titles: tuple[str, ...], language: str, today: date) -> Head:
    """Read the head of an article.

    Args:
        tree: its page, without what stands around the article.
        text: the element that holds the article's text.
        titles: what the page claims that its title is, the likeliest first.
        language: BCP 47 tag of the page.
        today: see `believed_day`.
    """
    scope = scope_of(text)
    lines = list(_lines(scope))
    heading = _heading(scope, tree, lines, titles)
    near = _near(lines, heading)
    said, name = _marked_author(scope, language) or _line_with_author(near, language) or ("", "")
    dated, day = (
        _marked_day(scope, language, today)
        or _line_with_day(near, language, today)
        or _day_above(scope, language, today)
        or _line_with_day(lines[-_LAST:], language, today)
        or ("", None)
    )
    return Head(
        title=heading,
        byline=name,
        signed=signature(said) is not None,
        day=day,
        lines=tuple(each for each in (said, dated) if each),
    )


def _heading(scope: LexborNode, tree: LexborHTMLParser, lines: list[str], titles: tuple[str, ...]) -> str:
    """Find the title that is shown: the heading or the line that says what the page claims, or the first by rank."""
    found = [
        line
        for selector in _HEADINGS
        for node in [*scope.css(selector)[:5], *tree.css(selector)[:5]]
        if (line := one_line(node.text(separator=" ") if node.tag != "meta" else ""))
    ]
    for title in titles:
        wanted = fold(title.rstrip(" .…"))
        likely = [*found, *(line for line in lines[:_FIRST] if len(line) <= _LINE)]
        if len(wanted) >= _TITLE_SHORTEST and (
            line := next((each for each in likely if fold(each).startswith(wanted)), "")
        ):
            return one_line(line)
    return found[0] if found else ""


def _lines(scope: LexborNode) -> Iterator[str]:
    """Give a page's lines: what stands between the ends of blocks."""
    parts: list[str] = []
    count = 0
    for node in scope.traverse(include_text=True):
        tag = node.tag or ""
        if tag == "-text":
            parts.append(node.text_content or "")
        elif tag in _BLOCKS and parts:
            if line := " ".join("".join(parts).split()):
                yield line
                count += 1
            parts = []
            if count >= _MOST_LINES:
                return
    if line := " ".join("".join(parts).split()):
        yield line


def _near(lines: list[str], title: str) -> list[str]:
    """Give the lines after a title, then those before it; the first of all where it isn't found."""
    wanted = fold(title)
    at = next((number for number, line in enumerate(lines) if wanted and fold(line) == wanted), -1)
    return [*lines[at + 1 : at + 1 + _AFTER], *lines[max(0, at - _BEFORE) : max(0, at)]]


def _marked_author(scope: LexborNode, language: str) -> tuple[str, str] | None:
    for selector in _AUTHORS:
        for node in scope.css(selector)[:3]:
            said = " ".join((node.attributes.get("content") or node.text(separator=" ")).split())
            if not said or len(said) > _LINE or (selector in _ONLY_SIGNED and not is_signed(said)):
                continue
            if name := byline(said, language=language):
                return said, name
    return None


def _line_with_author(lines: list[str], language: str) -> tuple[str, str] | None:
    for line in lines:
        if len(line) <= _LINE and is_signed(line) and (name := byline(line, language=language)):
            return line, name
    return None


def _marked_day(scope: LexborNode, language: str, today: date) -> tuple[str, date] | None:
    for selector in _DATES:
        for node in scope.css(selector)[:3]:
            classes = (node.attributes.get("class") or "").split()
            line = " ".join(node.text(separator=" ").split())
            if is_updated(line) or ({"updated", "modified"} & set(classes) and "published" not in classes):
                continue
            for said in (*(node.attributes.get(name) or "" for name in ("datetime", "content", "title")), line[:_LINE]):
                if said and (day := believed_day(said, language, today=today)):
                    return line, day
    return None


def _day_above(scope: LexborNode, language: str, today: date) -> tuple[str, date] | None:
    """Read the date of a day's articles, as Blogger prints it above them."""
    around = scope.parent
    for _ in range(_ABOVE):
        if around is None or len(around.css(".hentry, article, .post")[:3]) > 1:
            return None
        if found := _marked_day(around, language, today):
            return found
        around = around.parent
    return None


def _line_with_day(lines: list[str], language: str, today: date) -> tuple[str, date] | None:
    for line in lines:
        if len(line) > _LINE or is_updated(line):
            continue
        try:
            found = find_date(line, language)
        except DateImpossible:
            continue
        if found is None or len(line) - (found.end - found.start) > _BESIDE_DATE:
            continue
        if day := believed_day(line[found.start : found.end], language, today=today):
            return line, day
    return None
