"""How quick the pages are for those who leave or choose otherwise, while a mailing to a million runs.

The pages have one core for themselves; the sender, the mail server and those who press have the other. Who presses
does so at set moments, whether the answers to others have come or not, and their time counts from that moment: a page
that is held up makes everybody behind it late, too.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import quantiles
from urllib.parse import urlencode

from sqlalchemy import func, select

from newsletter.delivery.model import Delivery, DeliveryState
from subscribers.database import Database
from subscribers.keys import Keys
from subscribers.model import Status, Subscriber
from subscribers.tokens import Purpose, Tokens
from tools.bench.contenders import Bench
from tools.bench.newsletter_folder import THIS_PROGRAM, Folder
from tools.bench.servers import sink

RATE = 500  # who press, a second
PRESSES = 15_000
LINES = 64  # connections, as a proxy keeps them
UNDER_WAY = 5_000  # mails that were accepted before anybody presses
START_S = 120
P99_WANTED_MS = {"one-click": 50.0, "preferences": 100.0}


@dataclass(frozen=True, kw_only=True)
class PageRow:
    """What pressing one button came to.

    Attributes:
        what: which.
        people: subscribers in the database.
        rate: presses a second that were answered, from the first to the last.
        p50_ms, p99_ms, most_ms: how long an answer took, from the moment at which it was pressed.
        mails: that went out meanwhile, a second.
    """

    what: str
    people: int
    rate: float
    p50_ms: float
    p99_ms: float
    most_ms: float
    mails: float

    @property
    def met(self) -> bool:
        """Whether it is as quick as it should be."""
        return self.rate >= RATE * 0.99 and self.p99_ms < P99_WANTED_MS[self.what]

    def document(self) -> dict[str, object]:
        """Give it for JSON."""
        return asdict(self) | {"wanted_rate": RATE, "p99_wanted_ms": P99_WANTED_MS[self.what], "met": self.met}


def page_rows(bench: Bench, folder: Folder, presses: int = PRESSES) -> list[PageRow]:
    """Measure both buttons on a fresh copy of a newsletter with a planned digest.

    Args:
        bench: how a run is done.
        folder: the newsletter; SQLite.
        presses: how often each button is pressed, each by another subscriber.
    """
    environment = bench.settings(folder)
    database = Database(environment["NEWSLETTER_DATABASE_URL"])
    tokens = Tokens(Keys.load(folder.path / "newsletter.keys"))
    with database.read() as session:
        people = session.scalar(select(func.count()).select_from(Subscriber)) or 0
        # From the end: the digest goes out from the beginning.
        last = session.scalar(select(func.max(Subscriber.id))) or 0
    if people < 2 * presses:
        raise SystemExit(f"{2 * presses} are to press, and there are {people}.")
    rows = []
    own_cores = os.sched_getaffinity(0)
    with ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, own_cores)
        server = stack.enter_context(sink(bench.scratch))
        environment["NEWSLETTER_SMTP_PORT"] = str(server.port)
        stack.enter_context(_running(folder, environment, 1, "worker"))
        port = stack.enter_context(_web(folder, environment))
        _wait_for_mails(database, UNDER_WAY)
        os.sched_setaffinity(0, {1 % len(own_cores)})
        for what, first in (("one-click", last - presses), ("preferences", last - 2 * presses)):
            numbers = range(first + 1, first + 1 + presses)
            requests = [_request(tokens, what, number) for number in numbers]
            before = _accepted(database)
            seconds, took_ms = asyncio.run(_press(port, requests))
            mails = (_accepted(database) - before) / seconds
            _prove(database, what, numbers)
            cuts = quantiles(took_ms, n=100)
            rows.append(
                PageRow(
                    what=what,
                    people=people,
                    rate=len(requests) / seconds,
                    p50_ms=cuts[49],
                    p99_ms=cuts[98],
                    most_ms=max(took_ms),
                    mails=mails,
                )
            )
    database.dispose()
    return rows


# ── who press ────────────────────────────────────────────────────────────────────────────────────────────────────


def _request(tokens: Tokens, what: str, number: int) -> bytes:
    if what == "one-click":
        path = f"/unsubscribe/{tokens.issue(Purpose.UNSUBSCRIBE, subscriber_id=number, epoch=0)}"
        body = "List-Unsubscribe=One-Click"
    else:
        path = f"/preferences/{tokens.issue(Purpose.PREFERENCES, subscriber_id=number, epoch=0)}"
        mark = tokens.issue_form(path, at=datetime.now(UTC))
        chosen = {"form": mark, "cadence": "monthly", "alerts": "on", "hour": "9", "weekday": "3", "language1": "en"}
        body = urlencode(chosen | {"time_zone": "Europe/Berlin", "format": "html"})
    head = f"POST {path} HTTP/1.1\r\nHost: news.example.org\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def _press(port: int, requests: Sequence[bytes]) -> tuple[float, list[float]]:
    """Send each request at its moment; give the seconds that all took, and how long each did."""
    waiting: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    took_ms: list[float] = []
    began = time.monotonic() + 0.5

    async def line() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (one := await waiting.get()) is not None:
            due, request = one
            writer.write(request)
            status = await _answer(reader)
            took_ms.append((time.monotonic() - due) * 1000)
            if status not in {b"200", b"303"}:
                raise SystemExit(f"a press was answered with {status.decode()}")
        writer.close()

    async def clock() -> None:
        for place, request in enumerate(requests):
            due = began + place / RATE
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            waiting.put_nowait((due, request))
        for _ in range(LINES):
            waiting.put_nowait(None)

    async with asyncio.TaskGroup() as together:
        together.create_task(clock())
        for _ in range(LINES):
            together.create_task(line())
    return time.monotonic() - began, took_ms


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
    await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return head.split(b" ", 2)[1]


# ── what they press against ──────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _web(folder: Folder, environment: dict[str, str]) -> Iterator[int]:
    with _running(folder, environment, 0, "web", "--port", "0") as process:
        line = process.stdout.readline() if process.stdout else ""
        try:
            port = int(line.rstrip().removesuffix(". Ctrl-C ends it.").rpartition(":")[2])
        except ValueError:
            raise SystemExit(f"the pages did not start: {line}") from None
        yield port


@contextmanager
def _running(
    folder: Folder, environment: dict[str, str], core: int, *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a command on one core until the end of the block."""
    pinned = ["taskset", "-c", str(core)] if (os.cpu_count() or 1) > 1 else []
    with subprocess.Popen(
        [*pinned, sys.executable, "-m", "newsletter", *arguments],
        cwd=folder.path,
        env=os.environ | THIS_PROGRAM | environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for_mails(database: Database, count: int) -> None:
    deadline = time.monotonic() + START_S
    while _accepted(database) < count:
        if time.monotonic() > deadline:
            raise SystemExit("the mailing did not start")


def _accepted(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).where(Delivery.state == DeliveryState.ACCEPTED)) or 0


def _prove(database: Database, what: str, numbers: range) -> None:
    """No figure without proof: what was pressed is done."""
    done = Subscriber.status == Status.LEFT if what == "one-click" else Subscriber.digest_hour == 9
    among = Subscriber.id.between(numbers[0], numbers[-1])
    with database.read() as session:
        found = session.scalar(select(func.count()).where(among, done))
    if found != len(numbers):
        raise SystemExit(f"{len(numbers)} pressed {what}, and of {found} it was done.")
