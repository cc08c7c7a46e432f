"""One mailing, senders that die, a server that keeps its own ledger, and the comparison of both in the end."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from newsletter.delivery.model import Delivery, DeliveryState, Lane, Mailing, OnUncertain
from newsletter.delivery.stamp import message_id
from subscribers.addresses import wire_form
from subscribers.database import Database
from subscribers.model import Subscriber
from tests.faults.ledgerserver import Ledger, Plan, Point, serve
from tools.bench.newsletter_folder import Folder

ROOT = Path(__file__).parents[2]
WAIT_S = 120
HOUR_S = 3600.0
CONNECTIONS = 4
FINAL = {
    DeliveryState.ACCEPTED,
    DeliveryState.REFUSED,
    DeliveryState.UNCERTAIN,
    DeliveryState.SKIPPED,
    DeliveryState.CANCELLED,
    DeliveryState.EXPIRED,
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the comparison says.

    Attributes:
        lost: deliveries that the database calls accepted and the server never took, or that are not settled at all;
            for a mailing that retries, also those that the server never took.
        twice: mails that the server took more than once, each time after the first counted.
        unknown: mails that the server took and of which the database says neither accepted nor uncertain.
        uncertain_events: how often nobody could know what became of a mail.
        uncertain: rows that are uncertain now.
        taken, rows: how many there are of each.
    """

    lost: int
    twice: int
    unknown: int
    uncertain_events: int
    uncertain: int
    taken: int
    rows: int


@dataclass
class Campaign:
    """A mailing with its database and its server.

    Attributes:
        environment: names the database and the server to senders.
        orders: to the server's process; see `ledgerserver.serve`.
        ledger_path: what the server writes.
        choice: what happens to uncertain deliveries.
        senders: processes that were started.
    """

    environment: dict[str, str]
    orders: Any
    ledger_path: Path
    choice: OnUncertain
    folder: Path
    senders: list[subprocess.Popen[str]] = field(default_factory=list)

    # ── what a story tells ───────────────────────────────────────────────────────────────────────────────────────

    def start(
        self, *, ahead_s: float = 0.0, jump_every_s: float = 0.0, wrap: Sequence[str] = ()
    ) -> "subprocess.Popen[str]":
        """Start a sender."""
        process = subprocess.Popen(
            [*wrap, sys.executable, "-m", "tests.faults.sender", str(ahead_s), str(jump_every_s)],
            cwd=self.folder,
            env=os.environ | self.environment | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.senders.append(process)
        return process

    def finish(self, process: "subprocess.Popen[str]") -> str:
        """Wait for a sender's end; gives what it said."""
        said, _ = process.communicate(timeout=WAIT_S)
        self.senders.remove(process)
        return said

    def send(self, **how: Any) -> str:
        """Run a sender to its end."""
        return self.finish(self.start(**how))

    def send_until_done(self, *, hours: int = 12) -> None:
        """Run senders, each an hour later, until nothing waits any more."""
        for hour in range(hours):
            self.send(ahead_s=hour * HOUR_S)
            if not self.waiting():
                return
        raise AssertionError(f"{self.waiting()} deliveries still wait after {hours} runs: {self.states()}")

    def order(self, name: str, **arguments: object) -> None:
        """Tell the server something, and wait until it has heard."""
        self.orders.send((name, arguments))
        while self.orders.recv()[0] != "done":
            pass  # a point that was reached before

    def wait_for(self, at: Point, nth: int) -> None:
        """Wait until the server's conversations have come to a point so many times from now."""
        self.order("tell", at=at, nth=nth)
        assert self.orders.poll(WAIT_S), f"{at} was not reached"
        assert self.orders.recv()[0] == "reached"

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open the mailing's database."""
        database = Database(self.environment["NEWSLETTER_DATABASE_URL"])
        yield database
        database.dispose()

    def states(self) -> Counter[DeliveryState]:
        """Count deliveries by state."""
        with self.database() as database, database.read() as session:
            rows = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all()
        return Counter({row[0]: row[1] for row in rows})

    def waiting(self) -> int:
        """Count deliveries that are not settled."""
        return sum(count for state, count in self.states().items() if state not in FINAL)

    # ── the comparison ───────────────────────────────────────────────────────────────────────────────────────────

    def verdict(self) -> Verdict:
        """Compare the server's ledger with the database."""
        ledger = Ledger.read(self.ledger_path)
        assert ledger.violations == ()
        taken = Counter((take.message_id, take.recipient) for take in ledger.takes)
        checksums: dict[str, set[int]] = {}
        for take in ledger.takes:
            checksums.setdefault(take.message_id, set()).add(take.checksum)
        assert all(len(found) == 1 for found in checksums.values()), "a second attempt is the same mail, byte for byte"
        lost = unknown = events = uncertain = rows = 0
        with self.database() as database, database.read() as session:
            mailing = session.scalars(select(Mailing)).one()
            found = session.execute(select(Delivery, Subscriber).join(Subscriber)).all()
            for delivery, person in found:
                rows += 1
                mail = (message_id(mailing, delivery.id), wire_form(person.email, person.address_key))
                times = taken.pop(mail, 0)
                settled = delivery.state in {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN}
                lost += delivery.state not in FINAL or (delivery.state is DeliveryState.ACCEPTED and not times)
                lost += self.choice is OnUncertain.RETRY and delivery.state is DeliveryState.UNCERTAIN
                lost += delivery.state in {DeliveryState.REFUSED, DeliveryState.EXPIRED}  # no server here says so
                unknown += bool(times) and not settled
                uncertain += delivery.state is DeliveryState.UNCERTAIN
                events += delivery.attempts - (delivery.state is DeliveryState.ACCEPTED)
        assert not taken, f"mails that belong to no delivery: {taken}"
        return Verdict(
            lost=lost,
            twice=len(ledger.takes) - len({take.message_id for take in ledger.takes}),
            unknown=unknown,
            uncertain_events=events,
            uncertain=uncertain,
            taken=len(ledger.takes),
            rows=rows,
        )


@contextmanager
def campaign(
    folder: Folder,
    scratch: Path,
    *,
    choice: OnUncertain = OnUncertain.LEAVE,
    plan: Plan | None = None,
    connections: int = CONNECTIONS,
) -> Iterator[Campaign]:
    """Set a mailing and a server up; every process that is left ends with it."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, scratch / "ledger", plan or Plan()), daemon=True
    )
    server.start()
    environment = folder.copy("story") | {
        "NEWSLETTER_SMTP_HOST": "127.0.0.1",
        "NEWSLETTER_SMTP_PORT": str(ours.recv()),
        "NEWSLETTER_SMTP_CONNECTIONS": str(connections),
    }
    made = Campaign(environment, ours, scratch / "ledger", choice, folder.path)
    with made.database() as database, database.write() as session:
        lane = Lane.ALERT if choice is OnUncertain.RETRY else Lane.REST
        session.execute(update(Mailing).values(on_uncertain=choice, lane=lane))
    try:
        yield made
    finally:
        for process in made.senders:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        ours.send(("stop", {}))
        server.join(WAIT_S)
        ours.close()


def now() -> datetime:
    """Give the moment."""
    return datetime.now(UTC)
