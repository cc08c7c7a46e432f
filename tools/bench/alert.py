"""How long the first mail of an alert takes to the wire, launched by another process while a digest is being sent."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from newsletter.delivery.model import (
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingKind,
    MailingState,
    OnUncertain,
)
from subscribers.database import Database
from tools.bench.contenders import RUN_S, Bench
from tools.bench.newsletter_folder import THIS_PROGRAM, Folder
from tools.bench.servers import sink

UNDER_WAY = 2_000  # mails of the digest that were accepted when the alert is launched
PEOPLE = 500  # who get the alert
LOOK_S = 0.01
FIRST_WANTED_S = 1.0


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """What launching an alert in the middle of a digest came to, over all rounds.

    Attributes:
        who: which database.
        first_s: seconds from the launch's commit until the first mail was on record as accepted; the median, and
            the most in any round.
        last_s: the same for the last of its mails; the median.
        alerts: how many people got the alert in each round.
        overtaken: how many of the digest's mails were accepted between the alert's first and last; the most in any
            round. Those were on the wire or announced when it came.
    """

    who: str
    first_s: float
    first_most_s: float
    last_s: float
    alerts: int
    overtaken: int

    @property
    def met(self) -> bool:
        """Whether the slowest first mail was in time."""
        return self.first_most_s < FIRST_WANTED_S

    def document(self) -> dict[str, object]:
        """Give it for JSON."""
        return asdict(self) | {"wanted_s": FIRST_WANTED_S, "met": self.met}


@dataclass(frozen=True)
class _Once:
    first_s: float
    last_s: float
    overtaken: int


def alert_row(bench: Bench, folder: Folder, who: str, rounds: int) -> AlertRow:
    """Launch an alert while a digest runs, so many times over."""
    runs = [_once(bench, folder) for _ in range(rounds)]
    return AlertRow(
        who=who,
        first_s=round(median(run.first_s for run in runs), 3),
        first_most_s=round(max(run.first_s for run in runs), 3),
        last_s=round(median(run.last_s for run in runs), 3),
        alerts=min(PEOPLE, folder.count),
        overtaken=max(run.overtaken for run in runs),
    )


def _once(bench: Bench, folder: Folder) -> _Once:
    environment = bench.settings(folder)
    database = Database(environment["NEWSLETTER_DATABASE_URL"])
    try:
        with sink(bench.scratch) as server:
            with _sending(folder, environment | {"NEWSLETTER_SMTP_PORT": str(server.port)}) as sender:
                _wait(database, sender, min(UNDER_WAY, folder.count // 4))
                with database.write() as session:
                    alert = _launch(session)
                launched_at = datetime.now(UTC)
            with database.read() as session:
                return _told(session, alert, launched_at, min(PEOPLE, folder.count))
    finally:
        database.dispose()


@contextmanager
def _sending(folder: Folder, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Let `newsletter send` run beside what happens here; leaves when it is done."""
    with subprocess.Popen(
        [sys.executable, "-m", "newsletter", "send", "--json"],
        cwd=folder.path,
        env=os.environ | THIS_PROGRAM | environment,
        stdout=subprocess.DEVNULL,
    ) as sender:
        try:
            yield sender
            status = sender.wait(RUN_S)
        except BaseException:
            sender.kill()
            raise
    if status:
        raise SystemExit(f"newsletter send ended with {status}")


def _wait(database: Database, sender: subprocess.Popen[bytes], mails: int) -> None:
    accepted = select(func.count()).where(Delivery.state == DeliveryState.ACCEPTED)
    while sender.poll() is None:
        with database.read() as session:
            if (session.scalar(accepted) or 0) >= mails:
                return
        time.sleep(LOOK_S)
    raise SystemExit("The digest was over before the alert could be launched: no figure.")


def _launch(session: Session) -> int:
    """Queue an alert to the first people, with an edition that is there already; gives its number."""
    digest = session.scalars(select(Mailing)).one()
    alert = Mailing(
        kind=MailingKind.DIGEST,
        cadence=digest.cadence,
        state=MailingState.RUNNING,
        lane=Lane.ALERT,
        on_uncertain=OnUncertain.RETRY,
        nonce=secrets.token_bytes(16),
        message_domain=digest.message_domain,
        launched_at=datetime.now(UTC),
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    session.add(alert)
    session.flush()
    columns = ["mailing_id", "subscriber_id", "edition_id", "state", "attempts", "due_at"]
    people = (
        select(
            literal(alert.id),
            Delivery.subscriber_id,
            Delivery.edition_id,
            literal(DeliveryState.QUEUED, Delivery.state.type),
            literal(0),
            literal(alert.launched_at, Delivery.due_at.type),
        )
        .where(Delivery.mailing_id == digest.id, Delivery.edition_id.is_not(None))
        .order_by(Delivery.id)
        .limit(PEOPLE)
    )
    session.execute(insert(Delivery).from_select(columns, people))
    return alert.id


def _told(session: Session, alert: int, launched_at: datetime, people: int) -> _Once:
    accepted = Delivery.state == DeliveryState.ACCEPTED
    count, first, last = session.execute(
        select(func.count(), func.min(Delivery.settled_at), func.max(Delivery.settled_at)).where(
            Delivery.mailing_id == alert, accepted
        )
    ).one()
    if count != people or first is None or last is None:
        raise SystemExit(f"{people} alerts were to be sent, and the database has {count}: no figure without proof.")
    overtaken = session.scalar(
        select(func.count()).where(
            Delivery.mailing_id != alert, accepted, Delivery.settled_at > first, Delivery.settled_at < last
        )
    )
    return _Once(
        first_s=(first - launched_at).total_seconds(),
        last_s=(last - launched_at).total_seconds(),
        overtaken=overtaken or 0,
    )
