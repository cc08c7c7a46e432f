"""Which sending processes are alive: a worker that is gone leaves mails of which nobody knows whether they went out."""

import math
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from newsletter.delivery.model import IS_SENDING, Delivery, DeliveryState, Mailing, WorkerRow
from newsletter.delivery.outcome import Uncertain
from newsletter.delivery.settle import settlement

BEAT_S = 5.0  # how often a worker shows that it is alive
SILENCE_S = 30.0  # without a beat for so long, by the clock of whoever watches, a worker is gone
LONG_SILENCE = timedelta(minutes=10)  # the same by the calendar, for watchers that themselves live only shortly


@dataclass(frozen=True)
class Process:
    """What tells one process from every other.

    Attributes:
        host: the machine's name.
        machine: the kernel's boot and the process namespace: two containers have two.
        pid: the process id.
        started: when it began, in the kernel's ticks since boot; 0 where there is no /proc.
    """

    host: str
    machine: str
    pid: int
    started: int

    @classmethod
    def this(cls) -> "Process":
        """Give this process."""
        return cls(host=socket.gethostname()[:80], machine=_machine(), pid=os.getpid(), started=_started(os.getpid()))

    def is_gone(self, *, same_machine_only: bool) -> bool:
        """Say whether it has certainly ended; False where that can't be seen from here.

        Args:
            same_machine_only: whether all workers run on this machine, as SQLite's do: then one that was on another
                boot of it is gone.
        """
        here = Process.this()
        if self.machine == here.machine:
            return _started(self.pid) != self.started
        return same_machine_only and self.host == here.host and _boot(self.machine) != _boot(here.machine)


@dataclass
class Watch:
    """Looks after workers, and settles what those that are gone have left.

    Attributes:
        same_machine_only: see `Process.is_gone`.
        monotonic: seconds of a clock that nobody sets.
    """

    same_machine_only: bool
    monotonic: Callable[[], float] = time.monotonic
    _beats: dict[int, tuple[int, float]] = field(default_factory=dict)
    _looked_at: float = field(default=-math.inf)

    def enrol(self, session: Session, process: Process, *, now: datetime) -> int:
        """Enter this process among the workers; gives its number."""
        row = WorkerRow(
            host=process.host,
            machine=process.machine,
            pid=process.pid,
            started=process.started,
            beats=0,
            started_at=now,
            seen_at=now,
        )
        session.add(row)
        session.flush()
        return row.id

    def beat(self, session: Session, worker_id: int, *, now: datetime) -> bool:
        """Show that a worker is alive; False if it was taken for gone, and its claims are no longer its own."""
        mine = update(WorkerRow).where(WorkerRow.id == worker_id)
        done = session.execute(mine.values(beats=WorkerRow.beats + 1, seen_at=now))
        return bool(done.rowcount == 1)  # type: ignore[attr-defined]

    def retire(self, session: Session, worker_id: int) -> None:
        """Take a worker off that has ended in order."""
        session.execute(delete(WorkerRow).where(WorkerRow.id == worker_id))

    def recover(self, session: Session, *, now: datetime) -> Counter[DeliveryState]:
        """Take off every worker that is gone, and settle what it was sending: nobody knows what became of that.

        A worker is gone if its process has ended on this machine; if it showed no life for `SILENCE_S` while this
        watch looked on; or if it was last seen `LONG_SILENCE` ago. One that wakes up after that finds the fence of
        its rows raised, and can write to none of them.

        Returns:
            How many deliveries became what: `uncertain`, or `deferred` where the mailing would rather send twice.
        """
        moment = self.monotonic()
        if moment - self._looked_at > 2 * BEAT_S:
            # It did not look on: the database was away, perhaps, and then nobody could show that it lives.
            self._beats = {number: (beats, moment) for number, (beats, _since) in self._beats.items()}
        self._looked_at = moment
        for row in session.scalars(select(WorkerRow)).all():
            if self._is_gone(row, now):
                session.delete(row)
        session.flush()
        return _settle_orphans(session, now)

    def _is_gone(self, row: WorkerRow, now: datetime) -> bool:
        process = Process(host=row.host, machine=row.machine, pid=row.pid, started=row.started)
        if process.is_gone(same_machine_only=self.same_machine_only):
            return True
        moment = self.monotonic()
        if row.id not in self._beats:
            # The calendar is asked only at first sight: a clock that is set right must not bury the living.
            self._beats[row.id] = (row.beats, moment)
            return now - row.seen_at > LONG_SILENCE
        beats, since = self._beats[row.id]
        if beats != row.beats:
            self._beats[row.id] = (row.beats, moment)
            return False
        return moment - since > SILENCE_S


def _settle_orphans(session: Session, now: datetime) -> Counter[DeliveryState]:
    decided: Counter[DeliveryState] = Counter()
    alive = exists().where(WorkerRow.id == Delivery.worker_id)
    rows = session.execute(
        select(Delivery, Mailing)
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(IS_SENDING, ~alive)
        .with_for_update(of=Delivery, skip_locked=True)
    ).all()
    for delivery, mailing in rows:
        settled = settlement(
            Uncertain("the worker that was sending it is gone"),
            attempts=delivery.attempts,
            on_uncertain=mailing.on_uncertain,
            expires_at=mailing.expires_at,
            now=now,
        )
        settled.apply(delivery)
        if settled.state is not DeliveryState.UNCERTAIN:
            delivery.fence += 1  # it may be claimed again: whoever had it before must not write to it any more
        decided[settled.state] += 1
    return decided


def _machine() -> str:
    boot = _read(Path("/proc/sys/kernel/random/boot_id")) or socket.gethostname()
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{boot} {namespace}".strip()[:120]


def _boot(machine: str) -> str:
    return machine.partition(" ")[0]


def _started(pid: int) -> int:
    """Say when a process began, in ticks since boot; -1 if there is none, or if it is dead and only not yet reaped."""
    stat = _read(Path(f"/proc/{pid}/stat"))
    if stat is None:
        if Path("/proc/self/stat").exists():
            return -1
        return 0 if _answers(pid) else -1
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return -1 if fields[0] in {"Z", "X"} else int(fields[19])


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
