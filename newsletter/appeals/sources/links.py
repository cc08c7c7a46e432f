"""Finds the feeds that a page names, so that a site's address is enough to begin with."""

from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from newsletter.appeals.sources.blog import absolute, base_of
from newsletter.appeals.sources.nesting import bearable
from newsletter.appeals.sources.prose import one_line

_TYPES: Final = {
    "application/rss+xml": "RSS",
    "application/atom+xml": "Atom",
    "application/rdf+xml": "RSS",
    "application/feed+json": "JSON Feed",
    "application/json": "JSON Feed",
}
_OTHERS: Final = ("wp-json", "oembed", "/comments/")  # WordPress calls its interface an alternate, too
_MOST: Final = 50


@dataclass(frozen=True, kw_only=True)
class FeedLink:
    """A feed that a page names.

    Attributes:
        url: absolute http(s).
        title: as the page calls it, one line; may be empty.
        type: `RSS`, `Atom` or `JSON Feed`.
    """

    url: str
    title: str
    type: str


def feed_links(text: str, *, base: str = "") -> list[FeedLink]:
    """List the feeds that a page names in `<link rel=alternate>`, in its order, each once.

    Args:
        text: the page's HTML.
        base: its address.
    """
    tree = LexborHTMLParser(bearable(text))
    start = base_of(tree, base)
    found: dict[str, FeedLink] = {}
    for node in tree.css("link[href][rel][type]")[:1000]:
        attributes = node.attributes
        kind = _TYPES.get((attributes.get("type") or "").partition(";")[0].strip().lower())
        url = absolute(start, attributes.get("href") or "")
        relations = (attributes.get("rel") or "").lower().split()
        if kind and url and {"alternate", "feed"} & set(relations) and not any(each in url for each in _OTHERS):
            found.setdefault(url, FeedLink(url=url, title=one_line(attributes.get("title") or ""), type=kind))
    return list(found.values())[:_MOST]
