"""What a page tells machines of its article: JSON-LD (schema.org), OpenGraph, Dublin Core and other `<meta>`.

None of it is believed blindly: `article` weighs it against what the page shows.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

from newsletter.appeals.letters import fold, listed
from newsletter.appeals.sources.prose import one_line, untagged

_ARTICLES: Final = frozenset(
    listed(
        "Article NewsArticle BlogPosting ReportageNewsArticle OpinionNewsArticle AnalysisNewsArticle Report "
        "SocialMediaPosting LiveBlogPosting DiscussionForumPosting ScholarlyArticle AdvertiserContentArticle"
    )
)
_SITES: Final = frozenset(listed("WebSite Organization NewsMediaOrganization NGO Blog Corporation"))
_MOST_SCRIPTS: Final = 20
_SCRIPT_LONGEST: Final = 300_000
_MOST_NODES: Final = 2000
_TRAILING_COMMA: Final = re.compile(r",(?=\s{0,100}[}\]])")
_AROUND: Final = " \t\r\n;"

Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a page says of its article in machines' words; each is one plain line, or empty.

    Attributes:
        title, description, language, canonical, picture: as they are called.
        authors: persons and groups by name, not yet weighed.
        dates: when it was published, the most exact statement first.
        sites: how the site and its publisher are called.
    """

    title: str = ""
    description: str = ""
    language: str = ""
    canonical: str = ""
    picture: str = ""
    authors: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()


def claims_of(tree: LexborHTMLParser, base: str) -> Claims:
    """Gather what a page says for machines.

    Args:
        tree: the page.
        base: its address; of several articles in JSON-LD the one with this address counts.
    """
    meta = _meta(tree)
    nodes = _nodes(tree)
    by_id = {str(node["@id"]): node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    canonical = _href(tree, 'link[rel="canonical"]') or _first(meta, "og:url")
    article = _chosen(nodes, {base, canonical} - {""})
    said = [
        _line(article, "headline"),
        _line(article, "name"),
        *_each(meta, "og:title dc.title dcterms.title twitter:title"),
    ]
    return Claims(
        title=next((title for each in said if (title := untagged(each))), ""),
        description=untagged(
            _first(meta, "og:description description dc.description twitter:description")
            or _line(article, "description"),
            2000,
        ),
        language=_line(article, "inLanguage") or _first(meta, "og:locale dc.language content-language language"),
        canonical=canonical,
        picture=_first(meta, "og:image og:image:url twitter:image"),
        authors=tuple(_people(article.get("author", article.get("creator")), by_id))
        or tuple(untagged(each) for each in _each(meta, "article:author dc.creator dcterms.creator citation_author")),
        dates=tuple(
            filter(
                None,
                [
                    _line(article, "datePublished"),
                    *_each(meta, "article:published_time og:article:published_time dc.date.issued dcterms.issued"),
                    *_each(
                        meta,
                        "dc.date dcterms.date citation_publication_date parsely-pub-date sailthru.date pubdate date",
                    ),
                    _line(article, "dateCreated"),
                    *_each(meta, "dcterms.created dc.date.created"),
                ],
            )
        ),
        sites=tuple(
            dict.fromkeys(
                filter(
                    None,
                    [
                        *_each(meta, "og:site_name application-name"),
                        *_people(article.get("publisher"), by_id),
                        *(untagged(_line(node, "name")) for node in nodes if not _SITES.isdisjoint(_types(node))),
                    ],
                )
            )
        ),
    )


def meta_author(tree: LexborHTMLParser) -> str:
    """Give `<meta name="author">`, which many sites fill with the same words on every page."""
    return untagged(_first(_meta(tree), "author"))


def _meta(tree: LexborHTMLParser) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in tree.css("meta[content]")[:300]:
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("http-equiv") or ""
        if content := one_line((attributes.get("content") or "")[:10_000], 2000):
            found.setdefault(name.strip().lower(), []).append(content)
    return found


def _each(meta: dict[str, list[str]], names: str) -> list[str]:
    return [content for name in names.split() for content in meta.get(name, ())[:10]]


def _first(meta: dict[str, list[str]], names: str) -> str:
    return next(iter(_each(meta, names)), "")


def _href(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    return one_line(node.attributes.get("href") or "", 2000) if node is not None else ""


def _nodes(tree: LexborHTMLParser) -> list[Facts]:
    """Give all objects in a page's JSON-LD, whatever they stand in, in its order."""
    found: list[Facts] = []
    for script in tree.css('script[type="application/ld+json"]')[:_MOST_SCRIPTS]:
        waiting = [_loaded(script.text()[:_SCRIPT_LONGEST])]
        while waiting and len(found) < _MOST_NODES:
            each = waiting.pop(0)
            if isinstance(each, list):
                waiting = [*each[:_MOST_NODES], *waiting][:_MOST_NODES]
            elif isinstance(each, dict):
                found.append(each)
                inner = (each.get(name) for name in ("@graph", "mainEntity", "mainEntityOfPage", "isPartOf"))
                waiting += [held for held in inner if isinstance(held, dict | list)]
    return found


def _loaded(text: str) -> object:
    """Load JSON as people's templates write it: in comments, with line ends in strings, with commas too many."""
    text = text.strip(_AROUND).removeprefix("//<![CDATA[").removeprefix("<![CDATA[").removeprefix("<!--").strip(_AROUND)
    decoder = json.JSONDecoder(strict=False)
    for each in (text, _TRAILING_COMMA.sub("", text)):
        try:
            return decoder.raw_decode(each)[0]
        except (ValueError, RecursionError):
            continue
    return None


def _types(node: Facts) -> set[str]:
    said = node.get("@type")
    kinds = said if isinstance(said, list) else [said]
    return {kind.rpartition("/")[2] for kind in kinds if isinstance(kind, str)}


def _chosen(nodes: list[Facts], addresses: set[str]) -> Facts:
    """Choose the page's own article: the one with its address; else the first, unless there are many."""
    articles = [node for node in nodes if not _ARTICLES.isdisjoint(_types(node))]
    for node in articles:
        page = node.get("mainEntityOfPage")
        of_page = page if isinstance(page, str) else page.get("@id") if isinstance(page, dict) else None
        named = {
            each.partition("#")[0].rstrip("/")
            for each in (node.get("url"), node.get("@id"), of_page)
            if isinstance(each, str)
        }
        if not named.isdisjoint(address.partition("#")[0].rstrip("/") for address in addresses):
            return node
    return articles[0] if 1 <= len(articles) <= 2 else {}


def _line(node: Facts, key: str) -> str:
    value = node.get(key)
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    return one_line(value[:10_000], 2000) if isinstance(value, str) else ""


def _people(said: object, by_id: dict[str, Facts]) -> Iterator[str]:
    """Name the persons and groups of an `author`: a name, an object, a reference to one, or a list of these."""
    for each in (said if isinstance(said, list) else [said])[:10]:
        if isinstance(each, str):
            name = untagged(each[:2000])
        elif isinstance(each, dict):
            whole = by_id.get(str(each.get("@id")), {}) | each
            name = untagged(_line(whole, "name"))
        else:
            continue
        if name and fold(name) not in {"person", "organization"}:
            yield name
