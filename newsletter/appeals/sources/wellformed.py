"""Parses XML as feeds have it: well-formed, or mended first.

libxml2 parses, without entities, external files or deep nesting. What is mended: control characters, HTML's entities,
bare ampersands, HTML that stands unescaped in a description.
"""

import html
import re
from html.entities import html5
from typing import Any, Final

from lxml import etree

from newsletter.appeals.letters import listed

_TO_MEND: Final = re.compile(
    r"<!\[CDATA\[|<!--|<(description|content:encoded|summary|title|content)(?:\s[^<>]*)?(?<!/)>|&(?:#?\w{1,40};)?"
)
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_OWN: Final = frozenset(listed("&amp; &lt; &gt; &quot; &apos;"))


Element = Any  # lxml ships no types


def parsed(text: str) -> tuple[Element, bool]:
    """Parse a document, mended if need be; also tell whether it was well-formed as it came.

    Returns:
        The root, or None where nothing can be made of it.
    """
    for mend in (False, True):
        parser = etree.XMLParser(
            recover=True,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            root = etree.fromstring(_mended(text) if mend else text, parser)
        except (etree.XMLSyntaxError, ValueError, UnicodeError):
            root = None
        if root is not None and not len(parser.error_log):
            return root, not mend
    return root, False


def _mended(text: str) -> str:
    """Write what isn't well-formed in the way that XML has it."""
    text = _NO_XML.sub("", text)
    parts: list[str] = []
    without_end: set[str] = set()
    at = 0
    while (found := _TO_MEND.search(text, at)) is not None:
        parts.append(text[at : found.start()])
        piece, end = found[0], found.end()
        if piece.startswith("&"):
            piece = _reference(piece)
        elif piece in {"<![CDATA[", "<!--"}:
            closing = "]]>" if piece == "<![CDATA[" else "-->"
            closes = text.find(closing, end)
            inner = text[end:] if closes < 0 else text[end:closes]
            end = len(text) if closes < 0 else closes + 3
            piece = f"{piece}{inner}{closing}" if closing == "]]>" else ""
        elif (name := found[1]) not in without_end:
            closes = text.find(f"</{name}", end)
            if closes < 0:
                without_end.add(name)
            elif _has_tags(inner := text[end:closes]):
                piece = f"{piece}<![CDATA[{inner.replace(']]>', ']]]]><![CDATA[>')}]]>"
                end = closes
        parts.append(piece)
        at = end
    return "".join([*parts, text[at:]])


def _has_tags(inner: str) -> bool:
    return "<" in inner and "<![CDATA[" not in inner


def _reference(written: str) -> str:
    """Write a reference as XML knows it; an ampersand that begins none becomes one."""
    if written in _OWN:
        return written
    if written.startswith("&#"):
        letter = html.unescape(written)
        return html.escape(_NO_XML.sub("", letter)) if letter != written else html.escape(written)
    return html.escape(html5[written[1:]]) if written[1:] in html5 else html.escape(written)
