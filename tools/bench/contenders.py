"""Who runs: each sends the same number of mails of the same size over as many connections, to a server of its own."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Event, Thread, Timer

from sqlalchemy import func, select

from newsletter.delivery.model import Delivery, DeliveryState
from subscribers.database import Database
from tools.bench.newsletter_folder import THIS_PROGRAM, Folder
from tools.bench.servers import Sink, program, sink, size_taken

SAMPLE_S = 0.1
RUN_S = 3600  # then something hangs
FROM, TO = "news@example.org", "rosa@example.org"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What one run came to.

    Attributes:
        mails: how many the server took; every one was asked for.
        seconds: from the first to the last.
        wall_s: of the whole command, with its start.
        cpu_s: processor seconds of the sending processes, with their start.
        memory_mb: the most that they had at once, what they share counted once.
    """

    mails: int
    seconds: float
    wall_s: float
    cpu_s: float
    memory_mb: float

    @property
    def rate(self) -> float:
        """Mails a second."""
        return self.mails / self.seconds


@dataclass(frozen=True, kw_only=True)
class Bench:
    """How a run is done.

    Attributes:
        scratch: a folder for what is left over.
        connections: how many at once, for everybody.
    """

    scratch: Path
    connections: int

    def smtp_source(self, count: int, mail_bytes: int) -> Figure:
        """Run Postfix's load generator, in C: no database, one mail for all."""
        with sink(self.scratch) as server:
            ran = self._source(server.port, count, mail_bytes - self._source_headers, self.connections)
            return _figure(server, count, ran, ran.wall_s)

    def plain(self, count: int, mail_bytes: int) -> Figure:
        """Run aiosmtplib as it comes."""
        with sink(self.scratch) as server:
            arguments = map(str, (server.port, count, self.connections, mail_bytes))
            ran = run_program([sys.executable, "-m", "tools.bench.plain", *arguments], self.scratch, {})
            return _figure(server, count, ran, float(ran.out))

    def newsletter(self, folder: Folder, **settings: str) -> Figure:
        """Run `newsletter send`: its own figure is from its first claim to its last record."""
        environment = self.settings(folder) | settings
        with sink(self.scratch) as server:
            environment["NEWSLETTER_SMTP_PORT"] = str(server.port)
            ran = run_program([sys.executable, "-m", "newsletter", "send", "--json"], folder.path, environment)
            said = json.loads(ran.out)
            accepted = _accepted(environment["NEWSLETTER_DATABASE_URL"])
            if accepted != folder.count or said["outcomes"] != {"accepted": folder.count}:
                raise SystemExit(f"{folder.count} were to be sent, and the database has {accepted}: {said}")
            return _figure(server, folder.count, ran, said["seconds"])

    def settings(self, folder: Folder) -> dict[str, str]:
        """Make a fresh database for a run; gives the environment for it, but for the server's port."""
        return folder.copy("run") | {
            "NEWSLETTER_SMTP_CONNECTIONS": str(self.connections),
            "NEWSLETTER_SMTP_HOST": "127.0.0.1",
        }

    @cached_property
    def _source_headers(self) -> int:
        # smtp-source counts its body alone.
        return size_taken(lambda port: self._source(port, 1, 1_000, 1)) - 1_000

    def _source(self, port: int, count: int, body_bytes: int, connections: int) -> "Ran":
        sizes = ("-s", str(connections), "-m", str(count), "-l", str(body_bytes))
        return run_program(
            [program("smtp-source"), "-d", *sizes, "-f", FROM, "-t", TO, f"127.0.0.1:{port}"], self.scratch, {}
        )


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a program said, and what it took."""

    out: str
    wall_s: float
    cpu_s: float
    memory_mb: float


def _figure(server: Sink, count: int, ran: Ran, seconds: float) -> Figure:
    if server.taken != count:
        raise SystemExit(f"{count} were to be sent, and the server took {server.taken}: no figure without proof.")
    if not 0 < seconds <= ran.wall_s:
        raise SystemExit(f"It says {seconds} s, and was there for {ran.wall_s:.3f} s.")
    return Figure(mails=count, seconds=seconds, wall_s=ran.wall_s, cpu_s=ran.cpu_s, memory_mb=ran.memory_mb)


def _accepted(url: str) -> int:
    database = Database(url)
    with database.read() as session:
        found = session.scalar(select(func.count()).where(Delivery.state == DeliveryState.ACCEPTED))
    database.dispose()
    return found or 0


def run_program(command: list[str], folder: Path, environment: dict[str, str]) -> Ran:
    """Run a program to its end.

    Its time is taken by a call that waits, and its memory looked at from beside it.
    """
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as faults,
        subprocess.Popen(
            command, cwd=folder, env=os.environ | THIS_PROGRAM | environment, stdout=out, stderr=faults
        ) as process,
    ):
        began = time.monotonic()
        try:
            with _watched(process) as memory_kb:
                _pid, status, usage = os.wait4(process.pid, 0)
                wall_s = time.monotonic() - began
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        faults.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {faults.read()[-2000:]}")
        return Ran(
            out=out.read(), wall_s=wall_s, cpu_s=usage.ru_utime + usage.ru_stime, memory_mb=max(memory_kb) / 1000
        )


@contextmanager
def _watched(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Note the most memory that a process and those that it started have had, in kB; end it should it hang."""
    ended, peaks = Event(), [0]

    def look() -> None:
        while not ended.wait(SAMPLE_S):
            peaks[0] = max(peaks[0], _memory_kb(process.pid))

    watcher, patience = Thread(target=look, daemon=True), Timer(RUN_S, process.kill)
    watcher.start()
    patience.start()
    try:
        yield peaks
    finally:
        patience.cancel()
        ended.set()
        watcher.join()


def _memory_kb(pid: int) -> int:
    """Give the memory of a process and those that it started: pages that several have are shared out (Pss, proc(5))."""
    try:
        found = re.search(
            r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8"), re.MULTILINE
        )
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except OSError:  # it has ended
        return 0
    return (int(found[1]) if found else 0) + sum(_memory_kb(int(child)) for child in children)
