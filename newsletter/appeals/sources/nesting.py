"""Keeps HTML to what parsers can bear.

Elements that are never closed, hundreds of thousands deep, or one tag with as many attributes, cost every parser that
follows the standard time that grows with their square: 400 kB of `<div>` took libraries in C and Rust half a minute.
Neither is in a page that somebody wrote. So they are left out before a page is parsed.
"""

import re
from collections import Counter
from typing import Final

from newsletter.appeals.letters import listed

PAGE_LONGEST: Final = 3_000_000  # characters of a page that are looked at
_DEEPEST: Final = 600  # elements that are open at a time
_DEEPEST_OF_A_KIND: Final = 100
_TAG_LONGEST: Final = 10_000
_MOST_WORDS: Final = 250  # in one tag: attributes, or classes
_WORD: Final = re.compile(r"""[\s/"']+[^\s/"'=]""")
_PIECE: Final = re.compile(r"<(?:!--|(/?)([A-Za-z][^\s/<>]{0,60})[^<>]*>?)")
# These end by themselves where the next begins, or have no end at all.
_ENDING: Final = frozenset(
    listed(
        "p a li td th tr dd dt tbody thead tfoot colgroup rp rt area base br col embed hr img input link meta param "
        "source track wbr html head body"
    )
)
_LISTS: Final = frozenset({"select", "option", "optgroup", "datalist"})  # of a form; thousands of them are costly, too
_RAW: Final = frozenset({"script", "style", "textarea", "title", "noscript", "iframe", "xmp", "noembed", "noframes"})


def bearable(text: str, longest: int = PAGE_LONGEST) -> str:
    """Leave out tags that would be nested too deeply or are too long; give back the rest as it is.

    Args:
        text: HTML of any kind.
        longest: what is longer is cut.
    """
    text = text[:longest]
    parts: list[str] = []
    opened: Counter[str] = Counter()
    endless: set[str] = set()
    depth, kept, at = 0, 0, 0
    while (found := _PIECE.search(text, at)) is not None:
        at = found.end()
        closing, name = found[1], (found[2] or "").lower()
        whole = not closing and (name in _RAW or name in _LISTS)
        if whole or not name:
            ending = f"</{name}" if whole else "-->"
            end = -1 if ending in endless else text.find(ending, at)
            if end >= 0:
                at = end
            else:
                endless.add(ending)
            if name in _LISTS:
                parts.append(text[kept : found.start()])
                kept = at
        elif closing:
            if opened[name] > 0:
                opened[name] -= 1
                depth -= 1
        elif _is_too_long(found[0]) or depth >= _DEEPEST or opened[name] >= _DEEPEST_OF_A_KIND:
            parts.append(text[kept : found.start()])
            kept = at
        elif name not in _ENDING and not (found[0].endswith("/>") and (opened["svg"] or opened["math"])):
            opened[name] += 1
            depth += 1
    return "".join([*parts, text[kept:]]) if parts else text


def _is_too_long(tag: str) -> bool:
    return len(tag) > _TAG_LONGEST or (len(tag) > 2 * _MOST_WORDS and len(_WORD.findall(tag)) > _MOST_WORDS)
