"""How long the first mail of an alert takes to the wire, by the command as an organiser gives it.

A digest to a million is being sent meanwhile. The people are those of `people`; an alert goes to some 100,000 of them,
those who read two of the languages. Two times are taken in each round, with an appeal of its own each: from an
organiser's 'y' at a terminal, once it has shown whom it goes to; and from the start of `newsletter alert --yes`, with
Python and all libraries to be loaded.
"""

import os
import pty
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import func, select

from newsletter.appeals.urgency import Urgency
from newsletter.delivery.composing import compose_waiting
from newsletter.delivery.model import Delivery, DeliveryState, Lane, Mailing
from newsletter.settings import Settings
from newsletter.wiring import Parts
from subscribers.database import Database
from subscribers.preferences import Cadence
from tools.bench.contenders import RUN_S, Bench
from tools.bench.newsletter_folder import THIS_PROGRAM, command
from tools.bench.people import PEOPLE, add_appeals, fill
from tools.bench.servers import administer, postgresql, sink

IN_DIGEST = 30  # appeals that it holds
UNDER_WAY = 2_000  # mails of the digest that were accepted when an alert is launched
READ_BY = ("en", "fr")  # so that an alert goes to about a tenth of all
LOOK_S = 0.01
FIRST_WANTED_S = 1.0
ALERT_S = 600  # then something hangs


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """What launching alerts in the middle of a digest came to, over all rounds.

    Attributes:
        database: which.
        people: to how many people the digest goes.
        alerts: how many get each alert.
        from_yes_s, from_yes_most_s: seconds from an organiser's 'y' until the first mail was on record as accepted; the
            median, and the most in any round.
        from_start_s, from_start_most_s: the same from the start of the command with `--yes`.
        frozen_s: from the start of that command to its end: all its people are in the queue; the median.
        last_s: from 'y' until the last of an alert's mails was accepted; the median.
        overtaken: how many of the digest's mails were accepted between an alert's first and last; most in any round.
    """

    database: str
    people: int
    alerts: int
    from_yes_s: float
    from_yes_most_s: float
    from_start_s: float
    from_start_most_s: float
    frozen_s: float
    last_s: float
    overtaken: int

    @property
    def met(self) -> bool:
        """Whether the slowest first mail after a 'y' was in time."""
        return self.from_yes_most_s < FIRST_WANTED_S

    def document(self) -> dict[str, object]:
        """Give it for JSON."""
        return asdict(self) | {"wanted_s": FIRST_WANTED_S, "met": self.met}


@dataclass(frozen=True)
class _Once:
    alerts: int
    first_s: float
    last_s: float
    ended_s: float
    overtaken: int


def alert_rows(bench: Bench, scratch: Path, share: float, rounds: int, *, sqlite_only: bool) -> list[AlertRow]:
    """Launch alerts while a digest runs, on both databases.

    Args:
        bench: how mail is sent.
        scratch: a folder that is not there yet.
        share: of a million people.
        rounds: how often each of the two ways.
        sqlite_only: whether PostgreSQL is left out.
    """
    scratch.mkdir(parents=True)
    people = int(PEOPLE * share)
    folder = scratch / "sqlite"
    rows = [_row(bench, "SQLite", f"sqlite:///{folder / 'newsletter.db'}", folder, people, rounds)]
    if not sqlite_only:
        with postgresql(scratch / "server") as server:
            administer(server, "CREATE DATABASE alerts")
            rows.append(_row(bench, "PostgreSQL", f"{server}/alerts", scratch / "postgresql", people, rounds))
    return rows


def _row(bench: Bench, name: str, url: str, folder: Path, people: int, rounds: int) -> AlertRow:
    folder.mkdir()
    environment = {"NEWSLETTER_DATABASE_URL": url, "NEWSLETTER_SECOND_LOOK": "false"}
    print(f"Making a newsletter with {people:,} people and a digest …", file=sys.stderr)
    command(folder, "init", **environment)
    command(folder, "organiser", "add", "Bench", **environment)
    settings = Settings.model_validate(
        {"database_url": url, "keys_file": folder / "newsletter.keys", "digest_most": IN_DIGEST}
    )
    with closing(Parts(settings)) as parts:
        _make(parts, people, appeals=2 * rounds)
    references = [f"2026/{number:05}" for number in range(IN_DIGEST, IN_DIGEST + 2 * rounds)]
    typed: list[_Once] = []
    started: list[_Once] = []
    with sink(bench.scratch) as server:
        environment |= {
            "NEWSLETTER_SMTP_PORT": str(server.port),
            "NEWSLETTER_SMTP_CONNECTIONS": str(bench.connections),
        }
        database = Database(url)
        with _sending(folder, environment) as sender:
            _wait_for_mails(database, sender, min(UNDER_WAY, people // 4))
            for reference in references:
                by_hand = len(typed) <= len(started)
                launched = _typed if by_hand else _started
                at, ended = launched(folder, environment, reference)
                (typed if by_hand else started).append(_once(database, sender, at, ended))
        database.dispose()
    firsts, starts = [run.first_s for run in typed], [run.first_s for run in started]
    return AlertRow(
        database=name,
        people=people,
        alerts=round(median(run.alerts for run in typed + started)),
        from_yes_s=round(median(firsts), 3),
        from_yes_most_s=round(max(firsts), 3),
        from_start_s=round(median(starts), 3),
        from_start_most_s=round(max(starts), 3),
        frozen_s=round(median(run.ended_s for run in started), 3),
        last_s=round(median(run.last_s for run in typed), 3),
        overtaken=max(run.overtaken for run in typed + started),
    )


def _make(parts: Parts, people: int, *, appeals: int) -> None:
    """Make people, a digest that waits to be sent, and appeals that came after it."""
    chance = random.Random(7)  # noqa: S311 - the same for all
    now = parts.clock()
    fill(parts.database, people, chance, now=now)
    add_appeals(parts.database, range(IN_DIGEST), now - timedelta(hours=30), chance)
    planner = parts.planner()
    with parts.database.write(of_rows_just_read=True) as session:
        planner.plan_digest(session, Cadence.WEEKLY, now=now)
    compose_waiting(parts.database, planner.press, now=now)
    # A life is at risk, for else nobody gets it while it is night where the bench runs.
    numbers = range(IN_DIGEST, IN_DIGEST + appeals)
    add_appeals(parts.database, numbers, now, chance, languages=READ_BY, urgency=Urgency.LIFE_AT_RISK)


@contextmanager
def _sending(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Let `newsletter worker` run beside what happens here; it is told to end with it."""
    with subprocess.Popen(
        [sys.executable, "-m", "newsletter", "worker"],
        cwd=folder,
        env=os.environ | THIS_PROGRAM | environment,
        stdout=subprocess.DEVNULL,
    ) as sender:
        try:
            yield sender
            sender.send_signal(signal.SIGTERM)
            sender.wait(RUN_S)
        except BaseException:
            sender.kill()
            raise


def _wait_for_mails(database: Database, sender: subprocess.Popen[bytes], mails: int) -> None:
    some = select(Delivery.id).where(Delivery.state == DeliveryState.ACCEPTED).limit(mails)
    while sender.poll() is None:
        with database.read() as session:
            if len(session.scalars(some).all()) >= mails:
                return
        time.sleep(LOOK_S)
    raise SystemExit("The digest was over before the alert could be launched: no figure.")


def _words(reference: str) -> list[str]:
    languages = [word for language in READ_BY for word in ("--language", language)]
    return [sys.executable, "-m", "newsletter", "alert", reference, *languages, "--as", "Bench", "--undo", "0"]


def _started(folder: Path, environment: dict[str, str], reference: str) -> tuple[datetime, datetime]:
    """Launch an alert by a command that asks nothing; gives the moment of its start, and of its end."""
    at = datetime.now(UTC)
    subprocess.run(
        [*_words(reference), "--yes", "--json"],
        cwd=folder,
        env=os.environ | THIS_PROGRAM | environment,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=ALERT_S,
    )
    return at, datetime.now(UTC)


def _typed(folder: Path, environment: dict[str, str], reference: str) -> tuple[datetime, datetime]:
    """Launch an alert at a terminal; gives the moment when 'y' was typed, and that of its end."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        _words(reference),
        cwd=folder,
        env=os.environ | THIS_PROGRAM | environment | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = b""
        while b"[y/N]" not in seen:
            seen += os.read(ours, 4096)
        at = datetime.now(UTC)
        os.write(ours, b"y\n")
        try:
            while os.read(ours, 4096):
                pass
        except OSError:  # its end of the terminal is closed
            pass
        if process.wait(ALERT_S):
            raise SystemExit(f"newsletter alert ended with {process.returncode}: {seen.decode(errors='replace')}")
    os.close(ours)
    return at, datetime.now(UTC)


def _once(database: Database, sender: subprocess.Popen[bytes], at: datetime, ended: datetime) -> _Once:
    """Wait until the last of an alert's mails has gone."""
    with database.read() as session:
        alert = session.scalars(select(Mailing.id).order_by(Mailing.id.desc())).first()
    of_alert = select(func.count()).where(Delivery.mailing_id == alert)
    open_ones = of_alert.where(Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.SENDING)))
    until = time.monotonic() + ALERT_S
    while True:
        if sender.poll() is not None or time.monotonic() > until:
            raise SystemExit("The alert was not sent: no figure.")
        with database.read() as session:
            if not session.scalar(open_ones):
                break
        time.sleep(LOOK_S)
    with database.read() as session:
        accepted = Delivery.state == DeliveryState.ACCEPTED
        count, first, last = session.execute(
            select(func.count(), func.min(Delivery.settled_at), func.max(Delivery.settled_at)).where(
                Delivery.mailing_id == alert, accepted
            )
        ).one()
        if first is None or last is None:
            raise SystemExit("Nobody got the alert: no figure.")
        overtaken = session.scalar(
            select(func.count(Delivery.id))
            .join(Mailing, Mailing.id == Delivery.mailing_id)
            .where(Mailing.lane == Lane.REST, accepted, Delivery.settled_at > first, Delivery.settled_at < last)
        )
    return _Once(
        alerts=count,
        first_s=(first - at).total_seconds(),
        last_s=(last - at).total_seconds(),
        ended_s=(ended - at).total_seconds(),
        overtaken=overtaken or 0,
    )
