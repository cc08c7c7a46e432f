"""Runs the bench, shows the table, keeps the history.

Rounds are interleaved: in each, everybody runs once, so that a machine that is slower for a while is slower for all.
Ratios are within a round; the table has their median.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console

from subscribers.preferences import Format
from tools.bench.alert import alert_rows
from tools.bench.answers import EACH, answer_rows
from tools.bench.appeals import appeal_rows
from tools.bench.contenders import Bench, Figure
from tools.bench.importing import import_row
from tools.bench.newsletter_folder import ROOT, Folder, command, make
from tools.bench.pages import PRESSES, page_rows
from tools.bench.planning import planning_rows
from tools.bench.report import (
    ED25519,
    PLAIN,
    POSTGRESQL,
    RSA,
    SOURCE,
    SQLITE,
    MemoryRow,
    SpeedRow,
    alert_table,
    answer_table,
    appeal_table,
    import_table,
    memory_table,
    page_table,
    planning_table,
    speed_table,
)
from tools.bench.servers import postgresql, server_binaries

HISTORY = ROOT / "docs" / "bench-history.jsonl"
SCRATCH = ROOT / "build" / "bench"
MEMORY_COUNTS = (100_000, 1_000_000)
MEMORY_BYTES = 2_000
PEOPLE = 1_000_000  # among whom some leave or choose otherwise
QUICK_SHARE = 0.1


@dataclass(frozen=True)
class Size:
    """One size of mail: the small one is of text alone, for in HTML our smallest digest is larger."""

    name: str
    mail_bytes: int
    mails: int
    form: Format = Format.HTML
    with_server: bool = True
    with_dkim: bool = False


SIZES = (
    Size("10 kB", 10_000, 50_000, Format.TEXT, with_dkim=True),
    Size("smallest HTML", 1, 50_000, with_server=False),
    Size("40 kB", 40_000, 25_000),
)


@dataclass
class Field:
    """Who runs, and what came of it."""

    bench: Bench
    mail_bytes: dict[str, int] = field(default_factory=dict)
    contenders: dict[tuple[str, str], Callable[[], Figure]] = field(default_factory=dict)
    runs: dict[tuple[str, str], list[Figure]] = field(default_factory=dict)

    def enter(self, size: Size, share: float, *, server: str | None, sqlite_only: bool) -> None:
        """Make what runs at this size."""
        mails = max(1, int(size.mails * share))
        _say(f"Making a newsletter with {mails:,} mails: {size.name} …")
        name = f"bench_{''.join(filter(str.isalnum, size.name)).lower()}"
        wanted = partial(make, count=mails, mail_bytes=size.mail_bytes, form=size.form)
        folder = wanted(self.bench.scratch / "sqlite" / name)
        self.mail_bytes[size.name] = folder.mail_bytes
        add = partial(self._add, size.name)
        add(SOURCE, partial(self.bench.smtp_source, mails, folder.mail_bytes))
        add(PLAIN, partial(self.bench.plain, mails, folder.mail_bytes))
        add(SQLITE, partial(self.bench.newsletter, folder))
        if server is not None and size.with_server:
            other = wanted(self.bench.scratch / "server" / name, server=server)
            add(POSTGRESQL, partial(self.bench.newsletter, other))
        if size.with_dkim and not sqlite_only:
            for kind, who in (("rsa", RSA), ("ed25519", ED25519)):
                if _signs(folder, kind):
                    add(who, partial(self.bench.newsletter, folder, NEWSLETTER_DKIM_SELECTOR=kind))

    def run(self, rounds: int) -> list[SpeedRow]:
        """Let everybody run once a round, in an order that moves on."""
        order = list(self.contenders)
        for number in range(rounds):
            start = number * len(order) // rounds
            for key in order[start:] + order[:start]:
                figure = self.contenders[key]()
                self.runs.setdefault(key, []).append(figure)
                _say(f"round {number + 1}  {key[0]:<13}  {key[1]:<22} {figure.rate:>8,.0f}/s")
        return [SpeedRow.of(size, who, self.runs, self.mail_bytes[size]) for size, who in order]

    def _add(self, size: str, who: str, run: Callable[[], Figure]) -> None:
        self.contenders[size, who] = run


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of mails")
    parser.add_argument(
        "--quick", action="store_true", help="to try the bench itself: one round of a tenth, no history"
    )
    parser.add_argument("--only", choices=list(SECTIONS), help="one of them alone")
    parser.add_argument("--sqlite-only", action="store_true", help="without PostgreSQL and DKIM")
    parser.add_argument("--no-history", action="store_true", help="don't add to docs/bench-history.jsonl")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the document there too")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.share, chosen.no_history = 1, QUICK_SHARE, True
        chosen.only = chosen.only or "speed"
    # So that the servers that were started are ended, whoever tells us to end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _told_to_end)
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    bench = Bench(scratch=SCRATCH, connections=chosen.connections)
    document = _circumstances(chosen.connections, chosen.rounds)
    try:
        for name, measure in SECTIONS.items():
            if chosen.only in {None, name}:
                document |= measure(bench, chosen)
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
    if not chosen.no_history:
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(document))


def _speed(bench: Bench, chosen: argparse.Namespace) -> dict[str, object]:
    with ExitStack() as stack:
        server = None if chosen.sqlite_only else stack.enter_context(postgresql(bench.scratch / "postgresql"))
        runners = Field(bench)
        for size in SIZES:
            runners.enter(size, chosen.share, server=server, sqlite_only=chosen.sqlite_only)
        rows = runners.run(chosen.rounds)
    _console().print(speed_table(rows, connections=bench.connections, rounds=chosen.rounds))
    return {"speed": [row.document() for row in rows]}


def _memory(bench: Bench, chosen: argparse.Namespace) -> dict[str, object]:
    rows: list[MemoryRow] = []
    smallest: Figure | None = None
    for count in MEMORY_COUNTS:
        mails = max(1, int(count * chosen.share))
        _say(f"Making a newsletter with {mails:,} mails …")
        folder = make(bench.scratch / f"memory_{mails}", count=mails, mail_bytes=MEMORY_BYTES, form=Format.TEXT)
        figure = bench.newsletter(folder)
        rows.append(MemoryRow.of(figure, folder.mail_bytes, smallest))
        smallest = smallest or figure
        shutil.rmtree(folder.path)
    _console().print(memory_table(rows))
    return {"memory": [row.document() for row in rows]}


def _pages(bench: Bench, chosen: argparse.Namespace) -> dict[str, object]:
    share = chosen.share
    people, presses = max(20_000, int(PEOPLE * share)), max(1_000, int(PRESSES * share))
    _say(f"Making a newsletter with {people:,} people …")
    folder = make(bench.scratch / "pages", count=people, mail_bytes=MEMORY_BYTES, form=Format.TEXT)
    imported = import_row(bench, folder)
    _console().print(import_table(imported))
    pages = page_rows(bench, folder, presses)
    _console().print(page_table(pages))
    shutil.rmtree(folder.path)
    answers = answer_rows(bench.scratch, each=max(100, int(EACH * share)))
    _console().print(answer_table(answers))
    return {
        "import": imported.document(),
        "pages": [row.document() for row in pages],
        "answers": [row.document() for row in answers],
    }


def _appeals(bench: Bench, _chosen: argparse.Namespace) -> dict[str, object]:
    rows = appeal_rows(bench.scratch / "appeals")
    _console().print(appeal_table(rows))
    return {"appeals": [row.document() for row in rows]}


def _planning(bench: Bench, chosen: argparse.Namespace) -> dict[str, object]:
    rows = planning_rows(bench.scratch / "planning", chosen.share, sqlite_only=chosen.sqlite_only)
    _console().print(planning_table(rows))
    return {"planning": [row.document() for row in rows]}


def _alerts(bench: Bench, chosen: argparse.Namespace) -> dict[str, object]:
    scratch = bench.scratch / "alert"
    rows = alert_rows(bench, scratch, chosen.share, chosen.rounds, sqlite_only=chosen.sqlite_only)
    _console().print(alert_table(rows))
    return {"alert": [row.document() for row in rows]}


SECTIONS: dict[str, Callable[[Bench, argparse.Namespace], dict[str, object]]] = {
    "speed": _speed,
    "memory": _memory,
    "pages": _pages,
    "appeals": _appeals,
    "planning": _planning,
    "alert": _alerts,
}


def _signs(folder: Folder, kind: str) -> bool:
    command(folder.path, "dkim", "create", "--type", kind, "--selector", kind)
    mails = folder.sample(NEWSLETTER_DKIM_SELECTOR=kind)
    signed = all(b"DKIM-Signature:" in mail.partition(b"\r\n\r\n")[0] for mail in mails)
    if not signed:
        _say(f"Left out: with a {kind} key set, mails carry no DKIM-Signature.")
    return signed


def _circumstances(connections: int, rounds: int) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _told_by("git", "rev-parse", "--short", "HEAD"),
        "changed_since": bool(_told_by("git", "status", "--porcelain", "--untracked-files=no")),
        "cores": os.cpu_count(),
        "connections": connections,
        "rounds": rounds,
        "versions": {
            "python": f"{platform.python_version()} ({platform.python_compiler()})",
            "uvloop": _installed("uvloop"),
            "aiosmtplib": _installed("aiosmtplib"),
            "sqlite": sqlite3.sqlite_version,
            "postfix": _told_by("dpkg-query", "-W", "-f", "${Version}", "postfix"),
            "postgresql": _told_by(str(binaries / "postgres"), "--version")
            if (binaries := server_binaries())
            else None,
        },
    }


def _told_by(*words: str) -> str | None:
    try:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return None
    return done.stdout.strip() or None


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _told_to_end(_number: int, _frame: object) -> None:
    raise SystemExit("Told to end.")


def _console() -> Console:
    console = Console(stderr=True)
    return console if console.is_terminal else Console(stderr=True, width=100)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
