"""How long a weekly digest to a million takes to be planned and composed, on a realistic newsletter.

The mix: 12 languages, a third of the people read two of them; 40 topics, of which half chose none and the others one to
five; 30 countries, of which two thirds chose none; one in ten reads text alone, one in fifty discreetly; a few of the
wishes are shared by many (Zipf), in 20,000 profiles. Three in a thousand joined this week, one in a hundred is paused.
Of 200 open appeals 170 went out with the digests before.
"""

import json
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from premailer import Premailer
from sqlalchemy import insert, select, text

from newsletter.appeals.appeal_text import AppealText, TextStatus
from newsletter.appeals.history import AppealMove, AppealVersion, Move
from newsletter.appeals.letters import listed
from newsletter.appeals.model import Appeal, AppealStatus
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.composing import compose_waiting
from newsletter.settings import Settings
from newsletter.wiring import Parts
from subscribers.database import Database, table
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence, Format, Profile, Reading
from tools.bench.newsletter_folder import ROOT, command
from tools.bench.servers import administer, postgresql

PEOPLE = 1_000_000
PROFILES = 20_000
LANGUAGES = ("en", "de", "fr", "es", "tr", "ar", "fa", "ru", "it", "pt", "ku", "kk")
TOPICS = [f"topic {number}" for number in range(40)]
COUNTRIES = listed("TR IR KZ PE MA IT SV CO FR DE ES GB US MX BR AR CL BO EC EG TN DZ IN BD LK PK AF PH ID KR")
APPEALS, NEW = 200, 30
MOST = 100  # appeals in a digest: all that are new go into one
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


def _fill(database: Database, people: int, chance: random.Random) -> None:
    """Make people, their wishes, and appeals; 170 of them are older than the last digest."""
    with database.write() as session:
        session.execute(insert(Profile), [_profile(reading) for reading in _readings(chance)])
        profiles = session.scalars(select(Profile.id).order_by(Profile.id)).all()
        shares = [1 / (place + 1) ** 0.7 for place in range(len(profiles))]
        joined = NOW - timedelta(days=400)
        for start in range(0, people, 50_000):
            chosen = chance.choices(profiles, shares, k=min(50_000, people - start))
            rows = [
                {
                    "email": f"person{number}@domain{number % 500}.example",
                    "address_key": f"person{number}@domain{number % 500}.example",
                    "name": "",
                    "status": Status.ACTIVE,
                    "created_at": joined,
                    "joined_at": NOW - timedelta(days=5) if number % 333 == 0 else joined,
                    "cadence": Cadence.WEEKLY,
                    "alerts": True,
                    "digest_hour": 7,
                    "digest_weekday": 1,
                    "time_zone": "",
                    "alerts_while_paused": False,
                    "token_epoch": 0,
                    "paused_until": NOW + timedelta(days=3) if number % 100 == 1 else None,
                    "profile_id": profile,
                }
                for number, profile in enumerate(chosen, start=start)
            ]
            session.execute(insert(table(Subscriber)), rows)


def _add_appeals(database: Database, numbers: range, released: datetime, chance: random.Random) -> None:
    """Release appeals, each in English and some other languages."""
    with database.write() as session:
        for number in numbers:
            languages = ["en", *chance.sample(LANGUAGES[1:], chance.randint(2, 9))]
            made = Appeal(
                reference=f"2026/{number:05}",
                status=AppealStatus.RELEASED,
                published_on=released.date(),
                urgency=Urgency.NORMAL,
                countries=[chance.choice(COUNTRIES)],
                topics=chance.sample(TOPICS, 2),
                actions=[],
                picture="",
                picture_credit="",
                created_at=released,
                released_at=released,
                texts=[
                    AppealText(
                        language=language,
                        title=f"Appeal {number}: eleven strikers are held",
                        byline="Strike committee",
                        teaser="Eleven people are held. " * 8,
                        body="The strike began in May, and it goes on.\n\n" * 6,
                        url="",
                        background="",
                        demands=[],
                        picture_alt="",
                        status=TextStatus.RELEASED,
                        released_at=released,
                    )
                    for language in languages
                ],
            )
            session.add(made)
            session.flush()
            document = made.document()
            version = AppealVersion(appeal_id=made.id, content_hash=document.content_hash, content=document.as_json)
            session.add(version)
            session.flush()
            made.public_id = made.approved_id = version.id
            session.add(
                AppealMove(appeal_id=made.id, move=Move.RELEASED, by="bench", at=released, version_id=version.id)
            )


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


def _readings(chance: random.Random) -> Iterator[Reading]:
    seen: set[Reading] = set()
    weights = [40, 12, 8, 10, 8, 5, 5, 4, 3, 2, 2, 1]
    while len(seen) < PROFILES:
        first = chance.choices(LANGUAGES, weights)[0]
        others = [language for language in chance.choices(LANGUAGES, weights, k=1) if language != first]
        discreet = chance.random() < 0.02
        reading = Reading(
            languages=(first, *(others if chance.random() < 0.33 else [])),
            topics=frozenset(chance.sample(TOPICS, chance.randint(1, 5))) if chance.random() < 0.5 else frozenset(),
            countries=frozenset(chance.sample(COUNTRIES, chance.randint(1, 3) if chance.random() < 0.33 else 0)),
            format=Format.TEXT if chance.random() < 0.1 else Format.HTML,
            discreet=discreet,
        )
        if reading not in seen:
            seen.add(reading)
            yield reading


def _profile(reading: Reading) -> dict[str, object]:
    made = Profile.new(reading)
    return {column.name: getattr(made, column.name) for column in table(Profile).columns if column.name != "id"}


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
        _fill(parts.database, people, chance)
        old = (APPEALS - NEW) // WEEKS
        for week in range(WEEKS):
            at = NOW - timedelta(days=7 * (WEEKS - week))
            _add_appeals(parts.database, range(week * old, (week + 1) * old), at - timedelta(hours=30), chance)
            _planned(parts, at)
            _let_arrive(parts.database)
        _add_appeals(parts.database, range(WEEKS * old, APPEALS), NOW - timedelta(hours=30), chance)
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
