"""Makes of untrusted HTML what a mail can carry: Markdown for `newsletter.editions.body`, and a list of its pictures.

Scripts, styles, forms, embedded pages, tracking pixels and whatever is hidden are out; links are absolute or gone;
pictures are listed and never fetched. The Markdown says the same words with the same links, lists, emphasis, headings
and quotes, and nothing in a text is taken for Markdown that wasn't meant so.
"""

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.appeals.letters import listed
from newsletter.appeals.sources.blocks import RULE, Blocks
from newsletter.appeals.sources.blog import absolute
from newsletter.appeals.sources.entry import HTML_LONGEST
from newsletter.appeals.sources.hidden import without_hidden
from newsletter.appeals.sources.nesting import bearable
from newsletter.appeals.sources.pictures import Picture, alternative, emoji, is_caption, picture
from newsletter.appeals.sources.prose import plain
from newsletter.appeals.sources.runs import Run

_MOST_PICTURES: Final = 50
_DEEPEST: Final = 200
_MOST_RUNS: Final = 20_000  # of one paragraph
_KEPT: Final = set(
    listed(
        "p div section article main aside header footer figure figcaption address center details summary br hr "
        "h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code kbd samp tt "
        "table caption thead tbody tfoot tr td th a b strong i em cite var dfn span font big small u s sub sup q abbr "
        "mark time ins del img picture"
    )
)
_GONE: Final = set(
    listed(
        "script style noscript template iframe object embed applet button select textarea svg math audio video canvas "
        "head title map dialog"
    )
)
_ATTRIBUTES: Final = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "class", "data-src", "data-lazy-src", "data-original", "srcset"},
    "ol": {"start"},
}
_BLOCKS: Final = frozenset(
    listed(
        "p div section article main aside header footer figure address center details summary ul ol dl dt dd table "
        "caption thead tbody tfoot tr td th blockquote li"
    )
)
_HEADINGS: Final = frozenset(listed("h1 h2 h3 h4 h5 h6"))
_ALONE: Final = frozenset({"br", "img", "hr", "pre"})
_STRONG: Final = frozenset({"b", "strong"})
_EM: Final = frozenset({"i", "em", "cite", "var", "dfn"})
_CODE: Final = frozenset({"code", "kbd", "samp", "tt"})
_EMPHASES: Final = _STRONG | _EM | _CODE
_PICTURE_FILE: Final = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg|bmp)(?:\?|$)", re.IGNORECASE)
_WAYS: Final = re.compile(r"(?:\[[^\[\]\n]{1,40}\]\([^()\s]*\)(?:[\s|·•/>-]{1,5}|\Z)){1,6}")


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What a mail can carry of a text.

    Attributes:
        markdown: at most as long as a body may be; empty if the text has no words.
        opening: the paragraphs that it begins with, one plain line each; the Markdown's first blocks say the same.
        plain: the beginning of the text, of whatever kind its blocks are, as plain paragraphs.
        pictures: in the text's order, each once.
    """

    markdown: str
    opening: tuple[str, ...] = ()
    plain: str = ""
    pictures: tuple[Picture, ...] = ()


def carried(html: str, *, base: str = "", title: str = "") -> Carried:
    """Turn HTML into Markdown and a list of pictures.

    Args:
        html: anything; what is longer than an article's text is cut.
        base: the address that relative links start from; without it they are dropped, and their words stay.
        title: what is known to be the text's title; a first line that only says it again is left out.
    """
    if "<" not in html:  # plain text: an empty line ends a paragraph
        html = "".join(f"<p>{each.replace(chr(10), '<br>')}</p>" for each in re.split(r"\n\s*\n", html.strip()))
    visible = without_hidden(bearable(html, HTML_LONGEST))
    clean = nh3.clean(
        visible,
        tags=_KEPT,
        clean_content_tags=_GONE,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
        strip_comments=True,
    )
    tree = LexborHTMLParser(clean)
    walk = _Walk(base, title)
    if tree.body is not None:
        walk.over(tree.body)
    return Carried(
        markdown=walk.blocks.markdown(),
        opening=tuple(walk.blocks.opening),
        plain="\n\n".join(walk.blocks.said),
        pictures=tuple(walk.pictures.values()),
    )


def without_ways_out(text: Carried) -> Carried:
    """Leave out links that stand alone at the beginning, and below a rule at the end: 'Back', 'Home | Archive'."""
    blocks, opening = text.markdown.split("\n\n"), list(text.opening)
    while len(blocks) > 1 and _WAYS.fullmatch(blocks[0]):
        blocks, opening = blocks[1:], opening[1:]
    end = len(blocks)
    while end > 1 and (_WAYS.fullmatch(blocks[end - 1]) or blocks[end - 1] == RULE):
        end -= 1
        if blocks[end] == RULE:
            blocks = blocks[:end]
    return replace(text, markdown="\n\n".join(blocks), opening=tuple(opening))


class _Walk:
    """Goes through a text once, in its order, without recursion; writes a block whenever one ends."""

    def __init__(self, base: str, title: str) -> None:
        self.blocks = Blocks(title)
        self.pictures: dict[str, Picture] = {}
        self._base = base
        self._runs: list[Run] = []
        self._strong = self._em = self._code = self._heading = 0
        self._href = ""
        self._link_depth = -1
        self._data_table = -1  # the depth of a table whose rows are lines

    def over(self, root: LexborNode) -> None:
        """Walk through an element and all that it holds."""
        depth, node = 0, root
        while True:
            child = node.child if self._enter(node, depth) else None
            if child is not None:
                depth, node = depth + 1, child
                continue
            while True:
                self._leave(node, depth)
                if depth == 0 or self.blocks.is_full:
                    self._end_block()
                    return
                if (following := node.next) is not None:
                    node = following
                    break
                parent = node.parent
                if parent is None:
                    return
                depth, node = depth - 1, parent

    def _enter(self, node: LexborNode, depth: int) -> bool:
        """Take in an element; tell whether to go into it."""
        tag = node.tag or ""
        if tag == "-text":
            self._say(node.text_content or "")
            return False
        if tag.startswith(("-", "_", "!")) or depth > _DEEPEST:
            return False
        if tag in _ALONE:
            self._stand_alone(node, tag)
            return False
        if tag == "figcaption" and is_caption(node):
            return False
        if tag == "a":
            self._link(node, depth)
        elif tag in _EMPHASES:
            self._emphasise(tag, 1)
        elif tag in _HEADINGS:
            self._end_block()
            self._heading = int(tag[1])
        elif tag in _BLOCKS:
            self._begin_block(node, tag, depth)
        return True

    def _stand_alone(self, node: LexborNode, tag: str) -> None:
        """Take in an element that is taken whole."""
        if tag == "br":
            self._break()
            return
        if tag == "img":
            self._picture(node)
            return
        self._end_block()
        if tag == "hr":
            self.blocks.rule()
        else:
            self.blocks.fence(node.text())

    def _leave(self, node: LexborNode, depth: int) -> None:
        tag = node.tag or ""
        if depth > _DEEPEST:
            return
        if tag in _EMPHASES:
            self._emphasise(tag, -1)
        elif tag == "a" and depth == self._link_depth:
            self._href, self._link_depth = "", -1
        elif tag in _BLOCKS:
            self._end_element(tag, depth)
        elif tag in _HEADINGS:
            self._end_block()
            self._heading = 0

    def _end_element(self, tag: str, depth: int) -> None:
        if self._data_table >= 0 and self._data_table != depth:
            self._cell_or_row(tag)
            return
        self._end_block()
        if self._data_table == depth:
            self._data_table = -1
        self.blocks.end(depth, item=tag == "li")

    # Words

    def _say(self, text: str) -> None:
        if text and len(self._runs) < _MOST_RUNS:
            run = Run(
                text=plain(text.replace("\n", " ")).replace("\n", " "),
                strong=self._strong > 0,
                em=self._em > 0,
                code=self._code > 0,
                href=self._href,
            )
            self._runs.append(run)

    def _emphasise(self, tag: str, by: int) -> None:
        if tag in _STRONG:
            self._strong += by
        elif tag in _EM:
            self._em += by
        else:
            self._code += by

    def _break(self) -> None:
        """End a line; two breaks in a row end a paragraph, as they did before there were paragraphs."""
        last = next((run for run in reversed(self._runs) if run.text.strip(" ")), None)
        if last is not None and last.text == "\n" and self._data_table < 0:
            self._end_block()
        elif last is not None:
            self._runs.append(Run(text=" " if self._heading or self._data_table >= 0 else "\n"))

    def _link(self, node: LexborNode, depth: int) -> None:
        href = address(self._base, node.attributes.get("href") or "")
        if not href or self._link_depth >= 0:
            return
        self._href, self._link_depth = href, depth
        shown = None if node.text().strip() else node.css_first("img")
        if shown is not None:  # a picture that links: what it shows are the link's words, or where it leads
            self._say(alternative(shown) or ("" if _PICTURE_FILE.search(href) else href))

    def _picture(self, node: LexborNode) -> None:
        if letter := emoji(node):
            self._say(letter)
        elif (found := picture(node, self._base)) and len(self.pictures) < _MOST_PICTURES:
            self.pictures.setdefault(found.url, found)

    # Blocks

    def _begin_block(self, node: LexborNode, tag: str, depth: int) -> None:
        if self._data_table >= 0:
            last = next((run for run in reversed(self._runs) if run.text.strip(" ")), None)
            if tag in {"td", "th"} and last is not None and last.text != "\n":
                self._runs.append(Run(text=" | "))
            return
        self._end_block()
        if tag in {"ul", "ol"}:
            self.blocks.begin_list(depth, ordered=tag == "ol", start=node.attributes.get("start") or "1")
        elif tag == "li":
            self.blocks.begin_item(depth)
        elif tag == "blockquote":
            self.blocks.begin_quote(depth)
        elif tag == "table" and _has_data(node):
            self._data_table = depth

    def _cell_or_row(self, tag: str) -> None:
        self._runs.append(Run(text="\n" if tag in {"tr", "caption"} else " "))

    def _end_block(self) -> None:
        runs, self._runs = self._runs, []
        self.blocks.paragraph(runs, heading=self._heading, table=self._data_table >= 0)


def address(base: str, link: str) -> str:
    """Resolve a link to what a mail may lead to: a page of the web, or a mail address; empty if it is neither."""
    link = link.strip()
    if link[:7].lower() == "mailto:":
        target = "".join(letter for letter in link[7:] if letter.isprintable() and not letter.isspace())
        return f"mailto:{target}" if "@" in target and len(target) <= 500 else ""
    found = absolute(base, link)
    if found and "#" in link and not link.startswith("#"):
        try:
            return f"{found}#{plain(urlsplit(link).fragment)}"[:2000].rstrip("#")
        except ValueError:
            return found
    return found


def _has_data(table: LexborNode) -> bool:
    """Tell a table of facts from one that sets a page's layout: that one holds blocks, or is one column."""
    if len(table.css("table")[:2]) > 1:  # itself, and another in it
        return False
    cells = table.css("td, th")[:500]
    held = "ul, ol, blockquote, pre, h1, h2, h3, h4, h5, h6, p + p, div + div, br + br"
    return len(table.css("tr")) < len(cells) and not any(cell.css_first(held) for cell in cells)
