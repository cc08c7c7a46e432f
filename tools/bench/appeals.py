"""How long a feed of 5,000 items takes to be looked at, and how quick the archive of 20,000 appeals answers."""

import http.server
import json
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import insert

from newsletter.appeals.appeal_text import AppealText, TextStatus
from newsletter.appeals.document import AppealDocument, TextDocument, hash_of
from newsletter.appeals.history import AppealVersion
from newsletter.appeals.labels import AppealLabel, labels_of
from newsletter.appeals.letters import listed
from newsletter.appeals.model import Appeal, AppealStatus
from newsletter.appeals.source import Source, SourceKind
from newsletter.appeals.urgency import Urgency
from newsletter.settings import Settings
from newsletter.wiring import Parts
from subscribers.database import Database
from tools.bench.newsletter_folder import command

ITEMS = 5_000
APPEALS = 20_000
ASKED = 50  # times each page
FEED_WANTED_S = 2.0
PAGE_WANTED_MS = 50.0
COUNTRIES = listed("TR IR KZ PE MA IT SV CO FR DE ES GB US MX BR AR CL BO EC EG TN DZ IN BD LK PK AF PH ID KR")
TOPICS = [f"topic {number}" for number in range(40)]
LANGUAGES = ("en", "ar", "es")
PAGES = (
    "/appeals?in=en",
    "/appeals?in=en&country=TR&topic=topic+3",
    "/appeals?in=en&page=900",
    "/appeals.atom",
    "/appeals/2026/00001?in=en",
)


@dataclass(frozen=True, kw_only=True)
class AppealRow:
    """What one of them took.

    Attributes:
        what: the feed, or a page's address.
        count: items or appeals.
        median_ms, most_ms: over all times that it was asked.
        wanted_ms: the most that the median ought to be.
    """

    what: str
    count: int
    median_ms: float
    most_ms: float
    wanted_ms: float

    @property
    def met(self) -> bool:
        """Whether it is as quick as it should be."""
        return self.median_ms < self.wanted_ms

    def document(self) -> dict[str, object]:
        """Give it for JSON."""
        return asdict(self) | {"met": self.met}


def appeal_rows(scratch: Path) -> list[AppealRow]:
    """Measure both on a newsletter made for it.

    Args:
        scratch: an empty folder.
    """
    scratch.mkdir(parents=True)
    command(scratch, "init")
    database = Database(f"sqlite:///{scratch / 'newsletter.db'}")
    rows = [_feed_row(scratch, database)]
    _fill(database)
    database.dispose()
    return rows + _page_rows(scratch)


def _feed_row(scratch: Path, database: Database) -> AppealRow:
    """Look at a feed: over HTTP, first as a whole, then with each item known, as every hour."""
    with _site(_feed()) as address:
        now = datetime.now(UTC)
        with database.write() as session:
            source = Source(
                location=f"{address}/feed.xml",
                kind=SourceKind.FEED,
                topics=[],
                selectors={},
                added_by="bench",
                added_at=now,
                next_poll_at=now,
            )
            session.add(source)
            session.flush()
            number = source.id
        settings = Settings.model_validate(
            {
                "database_url": f"sqlite:///{scratch / 'newsletter.db'}",
                "keys_file": scratch / "newsletter.keys",
                "fetch_allow": "127.0.0.1/32",
            }
        )
        parts = Parts(settings)
        # Without the second that politeness waits between robots.txt and the feed.
        poller = replace(parts.poller(), web=partial(parts.web_fetch, pause_s=0))
        taken = []
        for _ in range(5):
            begun = time.perf_counter()
            [polled] = poller.poll([number])
            taken.append((time.perf_counter() - begun) * 1000)
            if polled.failed:
                raise SystemExit(polled.faults[0])
        parts.close()
    return AppealRow(
        what="feed, looked at",
        count=ITEMS,
        median_ms=round(statistics.median(taken), 1),
        most_ms=round(max(taken), 1),
        wanted_ms=FEED_WANTED_S * 1000,
    )


def _page_rows(scratch: Path) -> list[AppealRow]:
    rows = []
    with _pages(scratch) as address, httpx.Client(base_url=address, trust_env=False) as client:
        for path in PAGES:
            client.get(path).raise_for_status()
            taken = []
            for _ in range(ASKED):
                begun = time.perf_counter()
                client.get(path).raise_for_status()
                taken.append((time.perf_counter() - begun) * 1000)
            rows.append(
                AppealRow(
                    what=path,
                    count=APPEALS,
                    median_ms=round(statistics.median(taken), 1),
                    most_ms=round(max(taken), 1),
                    wanted_ms=PAGE_WANTED_MS,
                )
            )
    return rows


@contextmanager
def _pages(scratch: Path) -> Iterator[str]:
    """Serve the newsletter's pages, as `newsletter web` does."""
    program = [sys.executable, "-m", "newsletter", "web", "--port", "0"]
    with subprocess.Popen(program, cwd=scratch, stdout=subprocess.PIPE, text=True, bufsize=1) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            yield line.partition(" at ")[2].partition(". ")[0].strip()
        finally:
            server.terminate()
            server.wait(20)


@contextmanager
def _site(feed: bytes) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/feed.xml"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/rss+xml")
            self.end_headers()
            self.wfile.write(feed if found else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _feed() -> bytes:
    words = "They are held without a trial, and their families have not heard from them since. " * 5
    items = "".join(
        f"<item><title>Free the strikers of yard {number}</title><link>https://example.org/appeals/{number}</link>"
        f"<guid isPermaLink='false'>tag:{number}</guid><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>"
        f"<dc:creator>Harbour Union</dc:creator><description>&lt;p&gt;{words}{number}&lt;/p&gt;</description></item>"
        for number in range(ITEMS)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>Appeals</title>{items}</channel></rss>"
    ).encode()


def _fill(database: Database) -> None:
    """Make appeals as they are once they were released, by the thousand."""
    chance = random.Random(1)  # noqa: S311 - the same appeals in every run
    newest = datetime(2026, 11, 23, tzinfo=UTC)
    for begin in range(0, APPEALS, 1_000):
        rows: dict[type, list[dict[str, object]]] = {Appeal: [], AppealText: [], AppealVersion: [], AppealLabel: []}
        for number in range(begin + 1, begin + 1_001):
            _make(rows, number, newest - timedelta(hours=number), chance)
        with database.write() as session:
            for kind, made in rows.items():
                session.execute(insert(kind), made)


def _make(rows: dict[type, list[dict[str, object]]], number: int, at: datetime, chance: random.Random) -> None:
    document = AppealDocument(
        reference=f"2026/{number:05d}",
        published_on=at.date(),
        deadline=None,
        urgency=Urgency.NORMAL,
        countries=tuple(chance.sample(COUNTRIES, chance.choice([1, 1, 2]))),
        topics=tuple(chance.sample(TOPICS, 2)),
        texts=tuple(
            TextDocument(
                language=language,
                title=f"Appeal number {number} [{language}]",
                byline="A committee",
                teaser="Eleven people are held. " * 8,
                body="They did nothing but strike. " * 100,
            )
            for language in LANGUAGES
        ),
    )
    content = json.loads(json.dumps(document.as_json))
    rows[Appeal].append(
        {
            "id": number,
            "reference": document.reference,
            "status": AppealStatus.RELEASED,
            "published_on": document.published_on,
            "countries": list(document.countries),
            "topics": list(document.topics),
            "created_at": at,
            "released_at": at,
            "approved_id": number,
            "public_id": number,
        }
    )
    rows[AppealText] += [
        {
            "appeal_id": number,
            "language": text.language,
            "title": text.title,
            "byline": text.byline,
            "teaser": text.teaser,
            "body": text.body,
            "status": TextStatus.RELEASED,
            "released_at": at,
        }
        for text in document.texts
    ]
    rows[AppealVersion].append(
        {"id": number, "appeal_id": number, "content_hash": hash_of(content), "content": content}
    )
    rows[AppealLabel] += [
        {
            "kind": label.kind,
            "value": label.value,
            "appeal_id": number,
            "published_on": document.published_on,
            "released_at": at,
        }
        for label in labels_of(document)
    ]
