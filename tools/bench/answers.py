"""Whether the time of an answer tells if an address is known: a rank-sum test over many answers, in random order."""

import asyncio
import math
import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from newsletter.settings import load_settings
from newsletter.web.app import create_app
from newsletter.web.limits import Ceiling
from newsletter.web.public.subscribe import PLACE, Ceilings
from newsletter.web.serving import listening, serve
from newsletter.wiring import Parts
from subscribers.addresses import parse_address
from subscribers.leaving import leave
from subscribers.model import LeftReason, Subscriber
from subscribers.preferences import Cadence, Profile, Reading
from subscribers.suppression import DECLINED
from tools.bench.newsletter_folder import command

EACH = 1_500  # answers for each kind of address
KINDS = ("new", "active", "left", "declined", "bounced")
SUSPICIOUS = (
    0.001  # of the smallest p of all comparisons together (Bonferroni): chance alone gives this once in 1,000 runs
)


@dataclass(frozen=True, kw_only=True)
class AnswerRow:
    """How answers for one kind of address compare with those for addresses that nobody knows.

    Attributes:
        kind: what is known of the address.
        median_ms: how long an answer took.
        ahead: the chance that an answer for it comes after one for a new address; 0.5 means no difference.
        p: of a difference as large by chance alone (Mann-Whitney, two-sided), over all comparisons.
    """

    kind: str
    median_ms: float
    ahead: float
    p: float

    @property
    def met(self) -> bool:
        """Whether no difference is found."""
        return self.p > SUSPICIOUS

    def document(self) -> dict[str, object]:
        """Give it for JSON."""
        return asdict(self) | {"suspicious": SUSPICIOUS, "met": self.met}


def answer_rows(scratch: Path, *, each: int = EACH, seed: int = 0) -> list[AnswerRow]:
    """Ask for every kind of address over a real server, and compare.

    Args:
        scratch: a folder for what is left over.
        each: answers for each kind.
        seed: of the order.
    """
    path = scratch / "answers"
    path.mkdir()
    command(path, "init")
    with closing(Parts(load_settings(path / "newsletter.toml"))) as parts:
        _people(parts, each)
        with _serving(path) as port:
            took = asyncio.run(_ask(parts, port, each, random.Random(seed)))  # noqa: S311 - an order, no secret
    new = took["new"]
    rows = []
    for kind in KINDS:
        ahead, p = (0.5, 1.0) if kind == "new" else rank_sum(took[kind], new)
        rows.append(AnswerRow(kind=kind, median_ms=median(took[kind]), ahead=ahead, p=min(1.0, p * (len(KINDS) - 1))))
    return rows


def rank_sum(some: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """Compare two samples by their ranks (Mann and Whitney 1947), with the normal approximation; ties share a rank.

    Returns:
        The chance that one of `some` is above one of `others`, and the two-sided p that they differ by chance alone.
    """
    both = sorted([(value, 0) for value in some] + [(value, 1) for value in others])
    ranks = [0.0, 0.0]
    ties = 0.0
    place = 0
    while place < len(both):
        end = place
        while end < len(both) and both[end][0] == both[place][0]:
            end += 1
        rank = (place + 1 + end) / 2
        for _value, whose in both[place:end]:
            ranks[whose] += rank
        ties += (end - place) ** 3 - (end - place)
        place = end
    n, m = len(some), len(others)
    above = ranks[0] - n * (n + 1) / 2
    total = n + m
    spread = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    z = (above - n * m / 2) / spread if spread else 0.0
    return above / (n * m), math.erfc(abs(z) / math.sqrt(2))


def _people(parts: Parts, each: int) -> None:
    now = parts.clock() - timedelta(days=30)
    with parts.database.write() as session:
        profile = Profile.of(session, Reading())
        for kind in ("active", "left", "bounced"):
            people = [
                Subscriber.new(
                    parse_address(f"{kind}.{number}@example.org"),
                    name="",
                    cadence=Cadence.WEEKLY,
                    profile=profile,
                    now=now,
                )
                for number in range(each)
            ]
            for one in people:
                one.confirm(now)
            session.add_all(people)
            session.flush()
            for one in people:
                if kind == "left":
                    leave(session, one.id, source="a bench", now=now)
                if kind == "bounced":
                    one.leave(LeftReason.BOUNCED, now)
                    parts.suppression.add(session, one.address_key, reason=LeftReason.BOUNCED, now=now)
        for number in range(each):
            parts.suppression.add(session, f"declined.{number}@example.org", reason=DECLINED, now=now)


@contextmanager
def _serving(path: Path) -> Iterator[int]:
    """Serve the real pages without ceilings, in a process of its own."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(path, theirs))
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.terminate()
        process.join()


def _serve(path: Path, told: "multiprocessing.connection.Connection") -> None:
    ceilings = Ceilings(**{name: Ceiling(10**9) for name in Ceilings.__dataclass_fields__})
    with closing(Parts(load_settings(path / "newsletter.toml"))) as parts:
        app = create_app(parts, ceilings=ceilings)
        with listening("127.0.0.1", 0) as (listener, _address):
            serve(app, listener, lambda: told.send(listener.getsockname()[1]))


async def _ask(parts: Parts, port: int, each: int, order: random.Random) -> dict[str, list[float]]:
    asked = [(kind, number) for kind in KINDS for number in range(each)]
    order.shuffle(asked)
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for kind, number in asked:
        mark = parts.tokens.issue_form(PLACE, at=datetime.now(UTC) - timedelta(seconds=10))
        body = urlencode({"form": mark, "email": f"{kind}.{number}@example.org", "cadence": "weekly"})
        head = f"POST {PLACE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        began = time.perf_counter_ns()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        took[kind].append((time.perf_counter_ns() - began) / 1e6)
        if not answer.startswith(b"HTTP/1.1 303"):
            raise SystemExit(f"not taken: {answer[:60]!r}")
    writer.close()
    return took
