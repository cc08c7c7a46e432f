"""Reads RSS 0.90 to 2.0, RDF and Atom, well-formed or as sites write them."""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from lxml import etree

from newsletter.appeals.letters import listed
from newsletter.appeals.sources.blog import absolute
from newsletter.appeals.sources.byline import byline
from newsletter.appeals.sources.day import believed_day
from newsletter.appeals.sources.entry import (
    HTML_LONGEST,
    MOST_ENTRIES,
    NAME_LONGEST,
    Entry,
    Feed,
    FeedKind,
    language_tag,
)
from newsletter.appeals.sources.faults import FeedUnreadable
from newsletter.appeals.sources.prose import one_line, untagged
from newsletter.appeals.sources.wellformed import Element, parsed

_ROOT: Final = re.compile(r"<((?:[\w.-]{1,40}:)?(?:rss|feed|RDF))(?=[\s>/])")
_ROOT_ENDS: Final = re.compile(r"</(?:[\w.-]{1,40}:)?(?:rss|feed|RDF)\s{0,20}>")
_ENTRY: Final = re.compile(r"<(?:[\w.-]{1,40}:)?(?:item|entry)(?=[\s>/])")
_ENTRY_ENDS: Final = re.compile(r"</(?:[\w.-]{1,40}:)?(?:item|entry)\s{0,20}>")
_DATED: Final = re.compile(
    r"<(?:[\w.-]{1,40}:)?(?:pubDate|published|date|updated|issued|modified)>\s{0,20}([^<]{4,60})<"
)

# What namespaces are customarily abbreviated as, in small letters; '' is the feed's own.
_PREFIXES: Final = {
    "http://purl.org/rss/1.0": "",
    "http://my.netscape.com/rdf/simple/0.9": "",
    "http://channel.netscape.com/rdf/simple/0.9": "",
    "http://backend.userland.com/rss": "",
    "http://backend.userland.com/rss2": "",
    "http://backend.userland.com/rss091": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://purl.org/atom/ns#": "",
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/rss/1.0/modules/content": "content",
    "http://purl.org/dc/elements/1.1": "dc",
    "http://purl.org/dc/terms": "dcterms",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://www.w3.org/1999/xhtml": "xhtml",
}
_DATES: Final = listed("published pubdate issued dc:date dcterms:issued dc:created dcterms:created created date")
_CHANGED: Final = listed("updated modified dcterms:modified")
_TEXTS: Final = listed("content:encoded content xhtml:body description summary")
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_XML_BASE: Final = "{http://www.w3.org/XML/1998/namespace}base"
_RDF_ABOUT: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_NO_TOPIC: Final = frozenset(listed("uncategorized uncategorised"))
_MOST_TOPICS: Final = 50
_ANY_DAY: Final = date(9000, 1, 1)
_DEEPEST: Final = 100


class _Names(dict[object, str]):
    """Elements' names with their customary prefix, in small letters: `dc:creator`."""

    def __missing__(self, tag: object) -> str:
        name = ""
        if isinstance(tag, str):  # comments and the like have none
            namespace, brace, local = tag.rpartition("}")
            prefix = _PREFIXES.get(namespace.lstrip("{").lower().rstrip("/"), "?") if brace else ""
            name = f"{prefix}:{local.lower()}" if prefix else local.lower()
        if len(self) < 10_000:
            self[tag] = name
        return name


@dataclass(frozen=True, kw_only=True)
class _Around:
    """What holds for all entries of a feed."""

    place: str
    base: str
    language: str
    author: str
    atom: bool
    today: date


def looks_like_xml(text: str) -> bool:
    """Tell whether a text is an RSS, RDF or Atom document."""
    root = _ROOT.search(text, 0, 20_000)
    return root is not None and "<html" not in text[: root.start()].lower()


def read_xml(text: str, *, place: str, base: str, today: date) -> Feed:
    """Read a feed in XML; see `read_feed`."""
    text, complete = _whole(text, place)
    root, intact = parsed(text)
    if root is None:
        raise FeedUnreadable(place=place, reason="it is not XML that can be read")
    names = _Names()
    kind = _kind(root, names)
    if kind is None:
        raise FeedUnreadable(place=place, reason="it is neither RSS nor Atom")
    channel = next((child for child in root if names[child.tag] == "channel"), root)
    head = _children(channel, names)
    base = absolute(base, channel.get(_XML_BASE) or root.get(_XML_BASE) or "") or base
    links = list(_links(head, base))
    site = next((link for rel, link in links if rel == "alternate"), "")
    language = language_tag(
        _first(head, ("language", "dc:language")) or channel.get(_XML_LANG) or root.get(_XML_LANG) or ""
    )
    title = _title(head)
    around = _Around(
        place=place,
        base=base or site,
        language=language,
        author=_author(head, language, title),
        atom=kind in {FeedKind.ATOM_03, FeedKind.ATOM_10},
        today=today,
    )
    found = [element for element in root.iter(etree.Element) if names[element.tag] in {"item", "entry"}][:MOST_ENTRIES]
    return Feed(
        title=title,
        kind=kind,
        language=language,
        site=site,
        entries=tuple(_entry(each, number, names, around) for number, each in enumerate(found, start=1)),
        next_url=next((link for wanted in ("next", "prev-archive") for rel, link in links if rel == wanted), ""),
        complete=complete and (intact or len(found) >= len(_ENTRY.findall(text))),
    )


def _whole(text: str, place: str) -> tuple[str, bool]:
    """Cut away what is no part of a feed, or only a part of an entry; also tell whether all entries are left.

    What stands before the root goes, and the document type with it: it is where entities are declared.
    """
    begins = _ROOT.search(text)
    if begins is None:
        raise FeedUnreadable(place=place, reason="it is neither RSS nor Atom")
    text = text[begins.start() :]
    end = _last_end(_ROOT_ENDS, text)
    complete = end > 0 or text[:2000].rstrip().endswith("/>")
    if end:
        text = text[:end]
    elif not complete:
        entry = _ENTRY.search(text)
        whole = text[: _last_end(_ENTRY_ENDS, text) or (entry.start() if entry else len(text))]
        text = f"{whole}{'</channel>' if begins[1] == 'rss' else ''}</{begins[1]}>"
    starts = [found.start() for found in _ENTRY.finditer(text)]
    if len(starts) > MOST_ENTRIES:
        complete = False
        if _is_newer(text[starts[-1] :], text[starts[0] : starts[1]]):  # the oldest first
            text = text[: starts[0]] + text[starts[-MOST_ENTRIES] :]
        else:
            text = text[: starts[MOST_ENTRIES]] + text[_last_end(_ENTRY_ENDS, text) or starts[-1] :]
    return text, complete


def _last_end(pattern: re.Pattern[str], text: str) -> int:
    end = 0
    for found in pattern.finditer(text):
        end = found.end()
    return end


def _is_newer(one: str, other: str) -> bool:
    days = [
        believed_day(found[1], today=_ANY_DAY) if (found := _DATED.search(each[:200_000])) else None
        for each in (one, other)
    ]
    return days[0] is not None and days[1] is not None and days[0] > days[1]


def _kind(root: Element, names: _Names) -> FeedKind | None:
    name = names[root.tag].rpartition(":")[2]
    if name == "feed":
        return (
            FeedKind.ATOM_03 if "purl.org/atom" in str(root.tag) or root.get("version") == "0.3" else FeedKind.ATOM_10
        )
    if name == "rdf":
        inner = next((str(child.tag) for child in root if names[child.tag] in {"channel", "item"}), "")
        return FeedKind.RSS_090 if "netscape.com" in inner else FeedKind.RSS_10
    if name != "rss":
        return None
    version = (root.get("version") or "").strip()
    known = {"0.90": FeedKind.RSS_090, "0.91": FeedKind.RSS_091, "0.92": FeedKind.RSS_092, "0.93": FeedKind.RSS_092}
    return known.get(version, FeedKind.RSS_20)


def _children(element: Element, names: _Names) -> dict[str, list[Element]]:
    told: dict[str, list[Element]] = {}
    for child in element:
        told.setdefault(names[child.tag], []).append(child)
    return told


def _entry(element: Element, number: int, names: _Names, around: _Around) -> Entry:
    told = _children(element, names)
    language = language_tag(element.get(_XML_LANG) or _first(told, ("dc:language",))) or around.language
    base = absolute(around.base, element.get(_XML_BASE) or "") or around.base
    guid = one_line(
        _first(told, ("guid", "id")) or element.get(_RDF_ABOUT) or _first(told, ("dc:identifier",)), NAME_LONGEST
    )
    texts = [(text, each) for name in _TEXTS for each in told.get(name, ())[:3] if (text := _html(each, around))]
    main, source = texts[0] if texts else ("", None)
    written = one_line(_first(told, _DATES) or _first(told, _CHANGED), 100)
    links = dict(reversed(list(_links(told, base))))
    url = absolute(base, _first(told, ("feedburner:origlink",))) or links.get("alternate", "")
    if not url and told.get("guid") and (told["guid"][0].get("isPermaLink") or "true").lower() == "true":
        url = absolute(base if "/" in guid else "", guid)
    if source is not None:
        base = absolute(base, source.get(_XML_BASE) or "") or base
    return Entry(
        guid=guid,
        url=url,
        title=_title(told),
        byline=_author(told, language) or around.author,
        published_on=believed_day(written, language or "en", today=around.today) if written else None,
        written=written,
        html=main,
        summary=next((text for text, _ in texts if text != main), ""),
        base=base or url,
        full=source is not None and names[source.tag] in {"content:encoded", "content", "xhtml:body"},
        language=language,
        topics=_topics(told),
        place=f"{around.place}, entry {number}",
    )


def _text(element: Element) -> str:
    """All text within an element."""
    return (element.text or "") if not len(element) else "".join(element.itertext())


def _first(told: dict[str, list[Element]], names: tuple[str, ...]) -> str:
    return next((text for name in names for each in told.get(name, ()) if (text := _text(each).strip())), "")


def _title(told: dict[str, list[Element]]) -> str:
    """Make a line of a title, whichever way its HTML is escaped; Atom's `type=text` has none."""
    for name in ("title", "dc:title"):
        for each in told.get(name, ()):
            said = _text(each)
            if title := one_line(said) if each.get("type") == "text" else untagged(said):
                return title
    return ""


def _author(told: dict[str, list[Element]], language: str, site: str = "") -> str:
    for name in ("dc:creator", "author", "itunes:author"):
        found = (_name_in(each) for each in told.get(name, ())[:10])
        if signed := [name for said in found if (name := byline(said, language=language or "en", site=site))]:
            return ", ".join(dict.fromkeys(signed))
    return ""


def _name_in(author: Element) -> str:
    """Atom's authors have a name, an address and a page; RSS's are a line."""
    named = next((child for child in author if isinstance(child.tag, str) and child.tag.endswith("name")), None)
    return untagged(_text(author if named is None else named))


def _topics(told: dict[str, list[Element]]) -> tuple[str, ...]:
    words = [
        untagged(each.get("label") or each.get("term") or _text(each), 100)
        for each in [*told.get("category", ()), *told.get("dc:subject", ())][: 4 * _MOST_TOPICS]
        if "schemas.google.com/g/2005#kind" not in (each.get("scheme") or "")
    ]
    return tuple(dict.fromkeys(word for word in words if word and word.casefold() not in _NO_TOPIC))[:_MOST_TOPICS]


def _links(told: dict[str, list[Element]], base: str) -> Iterator[tuple[str, str]]:
    """Give an element's links with what each is: pages before what is in another format."""
    later = []
    for each in told.get("link", ())[:100]:
        relation = (each.get("rel") or "alternate").lower().removeprefix("http://www.iana.org/assignments/relation/")
        said = each.get("href") or _text(each)
        here = absolute(base, each.get(_XML_BASE) or "") or base
        if found := absolute(here, said):
            as_page = relation != "alternate" or each.get("type", "text/html").lower() in {
                "text/html",
                "application/xhtml+xml",
            }
            if as_page:
                yield relation, found
            else:
                later.append((relation, found))
    yield from later


def _html(element: Element, around: _Around) -> str:
    """Give a text as HTML, by what its element says that it is and by what it is."""
    kind = (element.get("type") or "").lower()
    mode = (element.get("mode") or "").lower()
    if mode == "base64":
        return _from_base64(_text(element))
    if len(element):
        return _bounded("".join(_inner(element)))
    text = _bounded(element.text or "")
    if not text.strip():
        return ""
    plain = around.atom and (kind in {"", "text", "text/plain"} and mode != "escaped")
    return html.escape(text, quote=False)[:HTML_LONGEST] if plain else text


def _bounded(text: str) -> str:
    return text[:HTML_LONGEST].strip()


def _from_base64(text: str) -> str:
    try:
        return _bounded(base64.b64decode(text[: 2 * HTML_LONGEST], validate=False).decode("utf-8", errors="replace"))
    except (binascii.Error, ValueError):
        return ""


def _inner(element: Element) -> Iterator[str]:
    """Write what an element holds as HTML. Its depth has an end, so this may call itself."""
    yield html.escape(element.text or "", quote=False)
    for child in element:
        if isinstance(child.tag, str):
            yield from _outer(child, 1)
        yield html.escape(child.tail or "", quote=False)


def _outer(element: Element, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    tag = element.tag.rpartition("}")[2].rpartition(":")[2]
    said = "".join(f' {name}="{html.escape(value)}"' for name, value in element.items() if "}" not in name)
    yield f"<{tag}{said}>{html.escape(element.text or '', quote=False)}"
    for child in element:
        if isinstance(child.tag, str):
            yield from _outer(child, depth + 1)
        yield html.escape(child.tail or "", quote=False)
    if tag not in {"br", "img", "hr", "wbr", "input"}:
        yield f"</{tag}>"
