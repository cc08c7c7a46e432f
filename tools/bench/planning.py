"""How long a weekly digest to a million takes to be planned and composed, on a realistic newsletter.

Of 200 open appeals 170 went out with the digests before.
"""

import json
import random
import resource
import shutil
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from premailer import Premailer
from sqlalchemy import text

from newsletter.delivery.composing import compose_waiting
from newsletter.settings import Settings
from newsletter.wiring import Parts
from subscribers.database import Database
from subscribers.preferences import Cadence
from tools.bench.newsletter_folder import ROOT, command
from tools.bench.people import PEOPLE, add_appeals, fill
from tools.bench.servers import administer, postgresql

APPEALS, NEW = 200, 30
MOST = 30  # appeals in a digest: all that are new go into one
WEEKS = 6  # digests before, in which the others went out
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class PlanningRow:
    """One planning.

    Attributes:
        people, mails, editions: how many people were looked at, and get a mail, in how many editions.
        plan_s: until everybody's delivery is written.
        wanted_s: the most that this ought to take.
        compose_s: until every edition is composed.
        peak_mb: of the process that planned and composed.
        inlined: how often premailer ran: once for each card in HTML in each language, and for each language.
    """

    database: str
    people: int
    mails: int
    editions: int
    plan_s: float
    wanted_s: float
    compose_s: float
    peak_mb: int
    inlined: int

    def document(self) -> dict[str, object]:
        """Give it for JSON."""
        return asdict(self)


def _planned(parts: Parts, now: datetime) -> tuple[int, int, float]:
    """Plan one weekly digest; gives deliveries, editions and seconds."""
    begun = time.perf_counter()
    with parts.database.write(of_rows_just_read=True) as session:
        made = parts.planner().plan_digest(session, Cadence.WEEKLY, now=now)
    return made.deliveries, made.editions, time.perf_counter() - begun


def _let_arrive(database: Database) -> None:
    """Let what was planned have arrived, and be composed without being rendered: nobody reads it."""
    with database.write() as session:
        session.execute(text("UPDATE deliveries SET state = 'accepted', settled_at = due_at WHERE state = 'queued'"))
        session.execute(text("UPDATE mailings SET state = 'finished'"))
        session.execute(text("UPDATE editions SET composed_at = (SELECT min(launched_at) FROM mailings)"))


def planning_rows(scratch: Path, share: float, *, sqlite_only: bool) -> list[PlanningRow]:
    """Plan for half as many and for all, on both databases: so it can be seen how time grows.

    Args:
        scratch: a folder that is not there yet.
        share: of a million people.
        sqlite_only: whether PostgreSQL is left out.
    """
    scratch.mkdir(parents=True)
    people = int(PEOPLE * share)
    rows = []
    for count in (people // 2, people):
        folder = scratch / f"sqlite{count}"
        folder.mkdir()
        wanted_s = 10 if count == PEOPLE else 0
        rows.append(_measured(f"sqlite:///{folder / 'newsletter.db'}", folder, count, wanted_s=wanted_s))
        shutil.rmtree(folder)
    if not sqlite_only:
        with postgresql(scratch / "server") as server:
            administer(server, "CREATE DATABASE planning")
            folder = scratch / "postgresql"
            folder.mkdir()
            rows.append(_measured(f"{server}/planning", folder, people, wanted_s=20 if share >= 1 else 0))
    return rows


def _measured(url: str, folder: Path, people: int, *, wanted_s: float) -> PlanningRow:
    """Make a newsletter, and let a process of its own plan the digest after the last."""
    print(f"Making a newsletter with {people:,} people and {WEEKS} digests …", file=sys.stderr)
    command(folder, "init", NEWSLETTER_DATABASE_URL=url)
    chance = random.Random(7)  # noqa: S311 - the same for all
    with closing(_parts(url, folder)) as parts:
        fill(parts.database, people, chance, now=NOW)
        old = (APPEALS - NEW) // WEEKS
        for week in range(WEEKS):
            at = NOW - timedelta(days=7 * (WEEKS - week))
            add_appeals(parts.database, range(week * old, (week + 1) * old), at - timedelta(hours=30), chance)
            _planned(parts, at)
            _let_arrive(parts.database)
        add_appeals(parts.database, range(WEEKS * old, APPEALS), NOW - timedelta(hours=30), chance)
    program = [sys.executable, "-m", "tools.bench.planning", url, str(folder)]
    last = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return PlanningRow(people=people, wanted_s=wanted_s, **json.loads(last.stdout))


def _last(url: str, folder: Path) -> None:
    """Plan the digest after the last, and compose it; prints what it took."""
    inlined = 0
    transform = Premailer.transform

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal inlined
        inlined += 1
        return transform(*arguments, **named)

    with closing(_parts(url, folder)) as parts, patch.object(Premailer, "transform", counted):
        mails, editions, plan_s = _planned(parts, NOW)
        begun = time.perf_counter()
        compose_waiting(parts.database, parts.press(), now=NOW)
        row = {
            "database": "PostgreSQL" if url.startswith("postgresql") else "SQLite",
            "mails": mails,
            "editions": editions,
            "plan_s": round(plan_s, 2),
            "compose_s": round(time.perf_counter() - begun, 2),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "inlined": inlined,
        }
        print(json.dumps(row))


def _parts(url: str, folder: Path) -> Parts:
    return Parts(
        Settings.model_validate({"database_url": url, "keys_file": folder / "newsletter.keys", "digest_most": MOST})
    )


if __name__ == "__main__":
    _last(sys.argv[1], Path(sys.argv[2]))
