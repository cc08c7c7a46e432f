"""Finds the page that follows, in the ways that Joomla's layouts link to it."""

import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.appeals.letters import fold
from newsletter.appeals.sources.nesting import bearable
from newsletter.appeals.sources.wording import NEXT

_PLAIN: Final = (
    "li.pagination-next a[href]",  # 3, 4, 5, and 2.5
    'a[rel~="next"][href]',
    'link[rel="next"][href]',
    ".pagination .next a[href]",
    "a.pagenav.next[href]",
)
_AROUND: Final = ".com-content-category-blog__pagination, .pagination, .pagination__wrapper, .pagenav, #pagenav"


def next_link(text: str) -> str:
    """Find the link to the next page, as it is written in the page's HTML; empty on the last one.

    It is looked for by Joomla's own marks, then by its words ('Next', 'Suivant', …) or its sign, and last by the number
    after the current page's.
    """
    tree = LexborHTMLParser(bearable(text))
    for selector in _PLAIN:
        node = tree.css_first(selector)
        if node is not None and (link := _link(node)):
            return link
    links = [node for around in tree.css(_AROUND)[:20] for node in _links_in(around)]
    for node in links:
        words = (node.text(), node.attributes.get("title") or "", node.attributes.get("aria-label") or "")
        if any(_says_next(each) for each in words):
            return _link(node)
    return _by_number(tree, links)


def _links_in(around: LexborNode) -> list[LexborNode]:
    return [around] if around.tag == "a" else list(around.css("a[href]"))[:200]


def _link(node: LexborNode) -> str:
    link = (node.attributes.get("href") or "").strip()
    return "" if link.startswith(("#", "javascript:")) else link


def _says_next(words: str) -> bool:
    return fold(words).strip(" .>»›\n\t\xa0") in NEXT or words.strip() in {">", "»", "›"}


def _by_number(tree: LexborHTMLParser, links: list[LexborNode]) -> str:
    """Follow the number after the current page's: works in every language."""
    for current in tree.css(".pagination .active, .pagination strong, .pagination [aria-current], span.pagenav")[:50]:
        number = re.fullmatch(r"\s*(\d{1,5})\s*", current.text())
        if number:
            wanted = str(int(number[1]) + 1)
            return next((_link(node) for node in links if node.text().strip() == wanted), "")
    return ""
