"""Runs the bench, shows the table, keeps the history.

Rounds are interleaved: in each, everybody runs once, so that a machine that is slower for a while is slower for all.
Ratios are within a round; the table has their median.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import cast

from rich.console import Console
from rich.table import Table

from tools.bench.contenders import Bench, Figure
from tools.bench.newsletter_folder import Folder, command, make
from tools.bench.servers import postgresql

HISTORY = Path("docs/bench-history.jsonl")
SCRATCH = Path("build/bench")
SIZES = {"10 kB": (10_000, 20_000), "40 kB": (40_000, 10_000)}  # bytes and mails
SOURCE, PLAIN = "smtp-source (C)", "aiosmtplib"
SQLITE, POSTGRESQL, RSA, ED25519 = "newsletter, SQLite", "newsletter, PostgreSQL", "…, DKIM RSA", "…, DKIM Ed25519"
WANTED = {("10 kB", SQLITE): 0.8, ("40 kB", SQLITE): 1.0, ("10 kB", POSTGRESQL): 0.6, ("40 kB", POSTGRESQL): 0.9}
WANTED_PLAIN = 3.0
WANTED_MEMORY_MB = 150.0
MEMORY_COUNTS = (100_000, 1_000_000)

Runs = dict[tuple[str, str], list[Figure]]


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of mails, for a quick look")
    parser.add_argument("--only", choices=["speed", "memory"], help="one of both alone")
    parser.add_argument("--sqlite-only", action="store_true", help="without PostgreSQL and DKIM")
    parser.add_argument("--no-history", action="store_true", help="don't add to docs/bench-history.jsonl")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the document there too")
    chosen = parser.parse_args()
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    bench = Bench(scratch=SCRATCH.absolute(), connections=chosen.connections)
    document = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **_circumstances(chosen.connections)}
    try:
        if chosen.only != "memory":
            document["speed"] = _speed(bench, chosen.rounds, chosen.share, sqlite_only=chosen.sqlite_only)
        if chosen.only != "speed":
            document["memory"] = _memory(bench, chosen.share)
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
    if not chosen.no_history:
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    print(json.dumps(document))


def _speed(bench: Bench, rounds: int, share: float, *, sqlite_only: bool) -> list[dict[str, object]]:
    runs: Runs = {}
    sizes: dict[str, int] = {}
    with ExitStack() as stack:
        server = None if sqlite_only else stack.enter_context(postgresql(bench.scratch / "postgresql"))
        contenders: dict[tuple[str, str], Callable[[], Figure]] = {}
        for size, (mail_bytes, count) in SIZES.items():
            mails = int(count * share)
            _say(f"Making a newsletter with {mails:,} mails of {size} …")
            name = f"bench_{size.split()[0]}"
            folder = make(bench.scratch / "sqlite" / name, count=mails, mail_bytes=mail_bytes)
            sizes[size] = folder.mail_bytes
            contenders[size, SOURCE] = lambda folder=folder: bench.smtp_source(folder.count, folder.mail_bytes)
            contenders[size, PLAIN] = lambda folder=folder: bench.plain(folder.count, folder.mail_bytes)
            contenders[size, SQLITE] = lambda folder=folder: bench.newsletter(folder)
            if size == "10 kB" and not sqlite_only:
                _add_signing(bench, contenders, folder)
            if server is not None:
                other = make(bench.scratch / "server" / name, count=mails, mail_bytes=mail_bytes, server=server)
                contenders[size, POSTGRESQL] = lambda folder=other: bench.newsletter(folder)
        order = list(contenders)
        for number in range(rounds):
            for key in order[number % len(order) :] + order[: number % len(order)]:
                figure = contenders[key]()
                runs.setdefault(key, []).append(figure)
                _say(f"round {number + 1}  {key[0]}  {key[1]:<24} {figure.rate:>8,.0f}/s")
    rows = [_row(size, who, runs, sizes[size]) for size, who in order]
    _show(rows, bench.connections, rounds)
    return rows


def _add_signing(bench: Bench, contenders: dict[tuple[str, str], Callable[[], Figure]], folder: Folder) -> None:
    for kind, who in (("rsa", RSA), ("ed25519", ED25519)):
        command(folder.path, "dkim", "create", "--type", kind, "--selector", kind)
        contenders["10 kB", who] = lambda kind=kind: bench.newsletter(folder, NEWSLETTER_DKIM_SELECTOR=kind)


def _row(size: str, who: str, runs: Runs, mail_bytes: int) -> dict[str, object]:
    figures = runs[size, who]
    against = [mine.rate / ceiling.rate for mine, ceiling in zip(figures, runs[size, SOURCE], strict=True)]
    plain = [mine.rate / other.rate for mine, other in zip(figures, runs[size, PLAIN], strict=True)]
    return {
        "size": size,
        "mail_bytes": mail_bytes,
        "who": who,
        "mails": figures[0].mails,
        "per_second": round(median(one.rate for one in figures)),
        "cpu_s_per_thousand": round(median(one.cpu_s / one.mails * 1000 for one in figures), 3),
        "memory_mb": round(max(one.memory_mb for one in figures), 1),
        "of_smtp_source": [round(value, 3) for value in (median(against), min(against), max(against))],
        "of_aiosmtplib": round(median(plain), 2),
        "wanted": WANTED.get((size, who)),
    }


def _show(rows: list[dict[str, object]], connections: int, rounds: int) -> None:
    table = Table(title=f"{connections} connections, median of {rounds} rounds", box=None, header_style="bold")
    for column in ("mail", "who", "mails/s", "CPU s/1,000", "MB", "of smtp-source", "wanted", "of aiosmtplib"):
        table.add_column(column, justify="left" if column in {"mail", "who"} else "right", no_wrap=True)
    for row in rows:
        middle, low, high = cast(list[float], row["of_smtp_source"])
        wanted = row["wanted"]
        ratio = cast(float, row["of_aiosmtplib"])
        told = (" met" if ratio >= WANTED_PLAIN else " MISSED") if row["who"] in {SQLITE, POSTGRESQL} else ""
        table.add_row(
            f"{row['mail_bytes']:,} B",
            str(row["who"]),
            f"{row['per_second']:,}",
            f"{row['cpu_s_per_thousand']:.3f}",
            f"{row['memory_mb']:.0f}",
            f"{middle:.2f} ({low:.2f}…{high:.2f})",
            "" if wanted is None else f"{wanted:.1f} {'met' if middle >= wanted else 'MISSED'}",
            f"{ratio:.1f}{told}",
        )
    Console(stderr=True, width=110).print(table)


def _memory(bench: Bench, share: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for count in MEMORY_COUNTS:
        mails = int(count * share)
        _say(f"Making a newsletter with {mails:,} mails …")
        folder = make(bench.scratch / f"memory_{mails}", count=mails, mail_bytes=1)
        figure = bench.newsletter(folder)
        rows.append({"mails": mails, "memory_mb": round(figure.memory_mb, 1), "per_second": round(figure.rate)})
        met = "met" if figure.memory_mb < WANTED_MEMORY_MB else "MISSED"
        wanted = f"wanted under {WANTED_MEMORY_MB:.0f}: {met}"
        _say(f"{mails:>9,} mails: {figure.memory_mb:.0f} MB, {wanted}; {figure.rate:,.0f}/s")
        shutil.rmtree(folder.path)
    return rows


def _circumstances(connections: int) -> dict[str, object]:
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False)
    return {
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "connections": connections,
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
