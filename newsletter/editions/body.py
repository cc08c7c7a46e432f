"""An appeal's full text: from untrusted Markdown to what a mail can carry, as HTML and as plain text."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from urllib.parse import quote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from newsletter.editions.slots import clean

_TAGS = {"p", "br", "h2", "h3", "h4", "strong", "em", "ul", "ol", "li", "blockquote", "hr", "a", "code", "pre"}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto", "tel"}
_ENCODED = {ord(character): quote(character) for character in '<>"`{}|\\^'}
_LINKS = frozenset({"link_open", "link_close"})
_EMPHASIS_OPENS = frozenset({"em_open", "strong_open"})
_EMPHASIS_CLOSES = frozenset({"em_close", "strong_close"})
_DEEPEST_EMPHASIS = 4
_AS_TEXT = {
    "strong_open": "*",
    "strong_close": "*",
    "em_open": "_",
    "em_close": "_",
    "softbreak": " ",
    "hardbreak": "\n",
}
_KEPT = 128  # texts of which the HTML is kept: pages and feeds show the same few again and again
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


@lru_cache(maxsize=_KEPT)
def body_html(markdown: str, *, top: int = 3) -> str:
    """Write Markdown as HTML without scripts, styles, forms or images.

    Args:
        markdown: from outside.
        top: the level of its highest headings, whatever they are in there: below the appeal's title, which in a mail
            is an h2. There are two levels at the most.
    """
    tokens = _parse(markdown)
    levels = sorted({token.tag for token in tokens if token.tag in _HEADINGS})
    for token in tokens:
        if token.tag in _HEADINGS:
            token.tag = f"h{top + min(levels.index(token.tag), 1)}"
    return nh3.clean(
        _reader().renderer.render(tokens, _reader().options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_absolute_links,
        url_schemes=_SCHEMES,
        link_rel=None,
    ).strip()


def body_text(markdown: str) -> str:
    """Write Markdown as plain text to be read: no line is wrapped, and every link shows its address."""
    tokens = _parse(markdown)
    for token in tokens:
        if token.type == "inline":
            token.content = _inline(token.children or ())
            token.children = None
    return "\n".join(_stacked(SyntaxTreeNode(tokens).children))


def links_left_out(markdown: str) -> list[str]:
    """Give where links would lead that lead nowhere from a mail; of those only the words are shown."""
    tokens = _reader().parse(clean(markdown))
    links = (child.attrGet("href") for token in tokens for child in token.children or () if child.type == "link_open")
    return [str(link) for link in links if not _is_absolute(str(link or ""), _SCHEMES)]


def web_address(url: str) -> str:
    """The address if it is absolute http or https and in one piece, else nothing.

    What RFC 3986 knows nothing of is percent-encoded, so that it ends neither an attribute nor a link in plain text.
    """
    url = url.strip()
    return url.translate(_ENCODED) if _is_absolute(url, {"http", "https"}) else ""


@cache
def _reader() -> MarkdownIt:
    # Raw HTML is shown as the text that it is; nh3 afterwards is the second lock on the same door.
    return MarkdownIt("commonmark", {"html": False})


def _parse(markdown: str) -> list[Token]:
    tokens = _reader().parse(clean(markdown))
    for token in tokens:
        if token.children is not None:
            token.children = list(_carried(token.children))
    return tokens


def _carried(children: Sequence[Token]) -> Iterator[Token]:
    """Inline tokens without pictures, which would tell a server who opened the mail: their words stand in.

    So do those of a link that leads nowhere from here.

    Emphasis inside emphasis ends at a depth that no writer means; lxml gives up a page that is nested 256 deep.
    """
    depth = 0
    leads = True  # whether the link that is open leads anywhere; there is none inside another
    for token in children:
        depth -= token.type in _EMPHASIS_CLOSES
        if token.type == "link_open":
            leads = _is_absolute(str(token.attrGet("href") or ""), _SCHEMES)
        if token.type == "image":
            yield Token("text", "", 0, content=token.content)
        elif token.type in _LINKS and not leads:
            continue
        elif depth < _DEEPEST_EMPHASIS or token.type not in _EMPHASIS_OPENS | _EMPHASIS_CLOSES:
            yield token
        depth += token.type in _EMPHASIS_OPENS


def _absolute_links(_tag: str, attribute: str, value: str) -> str | None:
    return value if attribute != "href" or _is_absolute(value, _SCHEMES) else None


def _is_absolute(url: str, schemes: set[str]) -> bool:
    if any(character.isspace() or not character.isprintable() for character in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme not in schemes:
        return False
    if parts.scheme == "tel":
        return any(character.isdigit() for character in parts.path)
    return bool(parts.hostname) if parts.scheme != "mailto" else "@" in parts.path


def _stacked(blocks: Sequence[SyntaxTreeNode]) -> list[str]:
    """The lines of blocks, with an empty line between two, or none where a list is tight."""
    lines: list[str] = []
    for number, block in enumerate(blocks):
        if number and not blocks[number - 1].hidden:
            lines.append("")
        lines += _lines(block)
    return lines


def _lines(block: SyntaxTreeNode) -> list[str]:
    match block.type:
        case "paragraph" | "heading":
            return block.children[0].content.split("\n")
        case "blockquote":
            return [f"> {line}".rstrip() for line in _stacked(block.children)]
        case "bullet_list" | "ordered_list":
            return _listed(block)
        case "fence" | "code_block":
            return [f"    {line}".rstrip() for line in block.content.rstrip("\n").split("\n")]
        case "hr":
            return ["* * *"]
        case _:
            return []


def _listed(block: SyntaxTreeNode) -> list[str]:
    lines: list[str] = []
    first = int(block.attrs.get("start", 1))
    for number, item in enumerate(block.children, start=first):
        bullet = f"{number}. " if block.type == "ordered_list" else "- "
        if lines and not (item.children and item.children[0].hidden):
            lines.append("")
        for place, line in enumerate(_stacked(item.children) or [""]):
            lines.append(((" " * len(bullet) if place else bullet) + line).rstrip())
    return lines


def _inline(tokens: Sequence[Token]) -> str:
    """The words of one block; a link is its words and then its address, or the address alone where they agree."""
    written: list[str] = []
    links: list[tuple[str, int]] = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline":
                written.append(token.content)
            case "link_open":
                links.append((str(token.attrs.get("href", "")), len(written)))
            case "link_close":
                href, start = links.pop()
                words = "".join(written[start:])
                address = href.removeprefix("mailto:")
                if words in {href, address}:
                    written[start:] = [address]
                elif _is_absolute(href, _SCHEMES):
                    written.append(f" <{address}>")
            case kind:
                written.append(_AS_TEXT.get(kind, ""))
    return "".join(written)
