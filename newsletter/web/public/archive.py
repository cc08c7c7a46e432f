"""All released appeals, by country and topic; and the same for machines: Atom, JSON Feed, a sitemap."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from newsletter.appeals.archive import PublicAppeal, every_reference, find_newest
from newsletter.appeals.labels import EVERY, Label, LabelKind, counts
from newsletter.appeals.sources.prose import one_line
from newsletter.editions.view import appeal_path
from newsletter.languages import country_name, country_names, words
from newsletter.web.pages import Pages, accepted_languages, page_language
from newsletter.web.public.appeal import showing_now
from newsletter.web.public.appeal_view import ShownAppeal
from newsletter.web.public.choosing import Option
from newsletter.web.security import PUBLIC
from newsletter.wiring import Parts

ON_PAGE = 20
IN_FEED = 50
IN_SITEMAP = 50_000  # more no sitemap may hold (sitemaps.org)
MOST_PAGES = 5_000
LONGEST = 120
_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
# What search engines may look at; everything else leads to people's own pages.
_ROBOTS = "User-agent: *\nAllow: /appeals\nAllow: /pictures/\nAllow: /static/\nAllow: /$\nDisallow: /\n"


@dataclass(frozen=True, kw_only=True)
class Narrowed:
    """What somebody wants to see.

    Attributes:
        country: ISO 3166 alpha-2, or empty.
        topic: one of the organisation's words, or empty.
    """

    country: str
    topic: str

    @classmethod
    def by(cls, request: Request) -> "Narrowed":
        """Read it from an address: `?country=TR&topic=strikes`."""
        asked = request.query_params
        return cls(
            country=one_line(asked.get("country", ""), LONGEST).upper(),
            topic=one_line(asked.get("topic", ""), LONGEST).casefold(),
        )

    @property
    def labels(self) -> list[Label]:
        """The labels that it means."""
        found = []
        if self.topic:
            found.append(Label(LabelKind.TOPIC, self.topic))
        if self.country:
            found.append(Label(LabelKind.COUNTRY, self.country))
        return found or [EVERY]

    def query(self, **further: str) -> str:
        """Write it as the end of an address."""
        asked = {"country": self.country, "topic": self.topic, **further}
        chosen = {name: value for name, value in asked.items() if value}
        return "?" + urlencode(chosen) if chosen else ""


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    def feed(request: Request, media_type: str, write: Callable[["_Feed"], bytes]) -> Response:
        """Answer with a feed; what it would say is told from a few facts, before any text is made."""
        narrowed, language = Narrowed.by(request), page_language(request)
        languages = accepted_languages(request)
        with parts.database.read() as session:
            showing = showing_now(parts, session)
            found = find_newest(session, narrowed.labels, limit=IN_FEED, by_release=True)
        facts = [(appeal.id, appeal.document.content_hash, appeal.changed_at, appeal.ending) for appeal in found]
        said = repr((facts, showing.register.state, showing.today, narrowed, language, languages, media_type))
        tag = _tag(said.encode())
        if _has(request, tag):
            return Response(status_code=304, headers={**PUBLIC, "ETag": tag})
        shown = [(each, showing.shown(each, showing.text_for(each, languages))) for each in found]
        content = write(_Feed(parts=parts, narrowed=narrowed, language=language, found=shown))
        return Response(content, media_type=media_type, headers={**PUBLIC, "ETag": tag})

    @routes.get("/appeals")
    def show(request: Request, page: str = "1") -> Response:
        narrowed, language = Narrowed.by(request), page_language(request)
        number = min(int(page[:9]), MOST_PAGES) if page.isdecimal() and page.isascii() else 1
        number = max(number, 1)
        languages = accepted_languages(request)
        with parts.database.read() as session:
            showing = showing_now(parts, session)
            # One more than is shown says whether there is another page.
            found = find_newest(session, narrowed.labels, limit=ON_PAGE + 1, offset=(number - 1) * ON_PAGE)
            countries, topics = _offered(session, narrowed, language)
        shown = [showing.shown(each, showing.text_for(each, languages), brief=True) for each in found[:ON_PAGE]]
        asked = {"in": request.query_params.get("in", "")} if request.query_params.get("in") in languages else {}
        return pages.page(
            "archive.html",
            language,
            headers=PUBLIC,
            appeals=shown,
            countries=countries,
            topics=topics,
            narrowed=narrowed,
            number=number,
            before=f"/appeals{narrowed.query(**asked, page=str(number - 1))}" if number > 1 else "",
            after=f"/appeals{narrowed.query(**asked, page=str(number + 1))}" if len(found) > ON_PAGE else "",
            atom=f"/appeals.atom{narrowed.query(**{'in': language})}",
            json_feed=f"/appeals.json{narrowed.query(**{'in': language})}",
        )

    @routes.get("/appeals.atom")
    def atom(request: Request) -> Response:
        return feed(request, "application/atom+xml", _atom)

    @routes.get("/appeals.json")
    def json_feed(request: Request) -> Response:
        return feed(request, "application/feed+json", _json_feed)

    @routes.get("/sitemap.xml")
    def sitemap(request: Request) -> Response:
        root = ET.Element("urlset", xmlns=_SITEMAP)
        with parts.database.read() as session:
            for reference, day in every_reference(session, limit=IN_SITEMAP):
                entry = ET.SubElement(root, "url")
                ET.SubElement(entry, "loc").text = parts.settings.base_url + appeal_path(reference)
                ET.SubElement(entry, "lastmod").text = day.isoformat()
        return _kept(request, _xml(root), "application/xml")

    @routes.get("/robots.txt")
    def robots() -> Response:
        text = f"{_ROBOTS}Sitemap: {parts.settings.base_url}/sitemap.xml\n"
        return Response(text, media_type="text/plain", headers=PUBLIC)

    return routes


def _offered(session: Session, narrowed: Narrowed, language: str) -> tuple[list[Option], list[Option]]:
    """List what can be chosen, with how many there are of each."""
    countries = [
        Option(value=code, label=f"{country_name(code, language)} ({number})", chosen=code == narrowed.country)
        for code, number in counts(session, LabelKind.COUNTRY).items()
    ]
    topics = [
        Option(value=topic, label=f"{topic} ({number})", chosen=topic == narrowed.topic)
        for topic, number in counts(session, LabelKind.TOPIC).items()
    ]
    return sorted(countries, key=lambda option: option.label), topics


@dataclass(frozen=True, kw_only=True)
class _Feed:
    """What a feed is made of."""

    parts: Parts
    narrowed: Narrowed
    language: str
    found: Sequence[tuple[PublicAppeal, ShownAppeal]]

    @property
    def base(self) -> str:
        return self.parts.settings.base_url

    @property
    def title(self) -> str:
        narrowed, language = self.narrowed, self.language
        about = [country_names([narrowed.country], language)] if narrowed.country else []
        about += [narrowed.topic] if narrowed.topic else []
        title = f"{self.parts.settings.organisation}: {words(language).gettext('Appeals for solidarity')}"
        return f"{title} · {', '.join(about)}" if about else title

    def address(self, kind: str) -> str:
        return f"{self.base}/appeals.{kind}{self.narrowed.query(**{'in': self.language})}"


def _atom(feed: _Feed) -> bytes:
    """Write an Atom feed (RFC 4287)."""
    base, found = feed.base, feed.found
    root = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": feed.language})
    ET.SubElement(root, "id").text = f"{base}/appeals{feed.narrowed.query()}"
    ET.SubElement(root, "title").text = feed.title
    changed = max((appeal.changed_at for appeal, _ in found), default=feed.parts.clock())
    ET.SubElement(root, "updated").text = changed.isoformat(timespec="seconds")
    ET.SubElement(root, "link", rel="self", href=feed.address("atom"))
    ET.SubElement(root, "link", rel="alternate", type="text/html", href=f"{base}/appeals{feed.narrowed.query()}")
    author = ET.SubElement(root, "author")
    ET.SubElement(author, "name").text = feed.parts.settings.organisation
    for appeal, shown in found:
        entry = ET.SubElement(root, "entry", {"xml:lang": shown.language})
        ET.SubElement(entry, "id").text = base + shown.path
        ET.SubElement(entry, "title").text = shown.title
        ET.SubElement(entry, "link", rel="alternate", type="text/html", href=shown.url)
        ET.SubElement(entry, "published").text = appeal.released_at.isoformat(timespec="seconds")
        ET.SubElement(entry, "updated").text = appeal.changed_at.isoformat(timespec="seconds")
        if shown.byline:
            ET.SubElement(ET.SubElement(entry, "author"), "name").text = shown.byline
        for topic in shown.topics:
            ET.SubElement(entry, "category", term=topic)
        ET.SubElement(entry, "summary").text = shown.summary
        if shown.body:
            ET.SubElement(entry, "content", type="html").text = str(shown.body)
    return _xml(root)


def _json_feed(feed: _Feed) -> bytes:
    """Write a JSON Feed (version 1.1)."""
    base = feed.base
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": f"{base}/appeals{feed.narrowed.query()}",
        "feed_url": feed.address("json"),
        "language": feed.language,
        "items": [
            {
                "id": base + shown.path,
                "url": shown.url,
                "title": shown.title,
                "summary": shown.summary,
                "content_html": str(shown.body) or shown.summary,
                "date_published": appeal.released_at.isoformat(timespec="seconds"),
                "date_modified": appeal.changed_at.isoformat(timespec="seconds"),
                "language": shown.language,
                "tags": list(shown.topics),
                **({"authors": [{"name": shown.byline}]} if shown.byline else {}),
            }
            for appeal, shown in feed.found
        ],
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _xml(root: ET.Element) -> bytes:
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _kept(request: Request, content: bytes, media_type: str) -> Response:
    """Answer with what changes seldom."""
    tag = _tag(content)
    headers = {**PUBLIC, "ETag": tag}
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _has(request: Request, tag: str) -> bool:
    """Say whether somebody has this already (RFC 9110 13.1.2)."""
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return tag in known or "*" in known
