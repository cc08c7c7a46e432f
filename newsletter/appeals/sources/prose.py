"""Text as it may come in from anywhere, made plain: nothing in it is trusted."""

import functools
import html
import re
import unicodedata
from typing import Final

TITLE_LONGEST: Final = 300
TEASER_LONGEST: Final = 20_000
BODY_LONGEST: Final = 200_000

# Persian, Kurdish and Indic words need the joiners, mixed lines the two marks; other invisible signs only mislead.
_KEPT_INVISIBLE: Final = frozenset("\u200c\u200d\u200e\u200f")
_LINE_ENDS: Final = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")


def plain(text: str) -> str:
    """Drop control, private-use, unassigned and misleading invisible characters; keep lines."""
    text = _LINE_ENDS.sub("\n", text)
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", text.translate(_visible()))


class _Visible(dict[int, str | None]):
    """A table for `str.translate` that fills itself with the letters that it meets."""

    def __missing__(self, code: int) -> str | None:
        letter = chr(code)
        visible = unicodedata.category(letter)[0] != "C" or letter in _KEPT_INVISIBLE
        self[code] = letter if visible or letter in "\n\t" else None
        return self[code]


@functools.cache
def _visible() -> _Visible:
    return _Visible()


def one_line(text: str, longest: int = TITLE_LONGEST) -> str:
    """Make one line of a text, with single spaces."""
    return shortened(" ".join(plain(text).split()), longest)


def paragraphs(text: str, longest: int = TEASER_LONGEST) -> str:
    """Make paragraphs of one line each, apart by one empty line."""
    blocks = re.split(r"\n[^\S\n]*\n\s*", plain(text))
    return shortened("\n\n".join(line for block in blocks if (line := " ".join(block.split()))), longest)


def lines(text: str, longest: int = BODY_LONGEST) -> str:
    """Keep a Markdown text's lines and indents, without what trails."""
    kept = [line.expandtabs(4).rstrip() for line in plain(text).split("\n")]
    return shortened(re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n"), longest)


def shortened(text: str, longest: int) -> str:
    """Cut a text that is too long at a space, and show that it was cut."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    at = max(cut.rfind(" "), cut.rfind("\n"))
    return (cut[:at] if at > longest // 2 else cut).rstrip() + "…"


def shown(value: object, longest: int = 300) -> str:
    """Put something from a source into a sentence: one short line."""
    return one_line(str(value), longest)


_LINE_TAG: Final = re.compile(
    r"</?(?:a|abbr|acronym|b|big|br|cite|code|del|div|em|font|h[1-6]|i|img|ins|mark|p|q|s|small|span|strike|strong|sub|sup"
    r"|tt|u|wbr|nobr)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)


def untagged(text: str, longest: int = TITLE_LONGEST) -> str:
    """Make one plain line of what may be HTML, even escaped twice; `a < b` and `<Workers>` are words and stay."""
    text = text[: 20 * longest]
    for _ in range(2):
        if "<" in text:
            text = _LINE_TAG.sub(lambda tag: " " if tag[0][1:3].lower() in {"br", "p>", "/p"} else "", text)
        if "&" not in text:
            break
        text = html.unescape(text)
    return one_line(text, longest)
