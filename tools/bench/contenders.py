"""Who runs: each sends the same number of mails of the same size over as many connections, to a server of its own."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from newsletter.delivery.model import Delivery, DeliveryState
from subscribers.database import Database
from tools.bench.newsletter_folder import Folder
from tools.bench.servers import Sink, sink

SAMPLE_S = 0.02
FROM, TO = "news@example.org", "rosa@example.org"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What one run came to.

    Attributes:
        mails: how many the server took; every one was asked for.
        seconds: from the first to the last.
        cpu_s: processor seconds of the sending process.
        memory_mb: the most that it had at once.
    """

    mails: int
    seconds: float
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
            command = ["smtp-source", "-d", "-s", str(self.connections), "-m", str(count), "-l", str(mail_bytes)]
            _out, seconds, cpu_s, memory_mb = _run(
                [*command, "-f", FROM, "-t", TO, f"127.0.0.1:{server.port}"], self.scratch, {}
            )
            return _figure(server, count, seconds, cpu_s, memory_mb)

    def plain(self, count: int, mail_bytes: int) -> Figure:
        """Run aiosmtplib as it comes."""
        with sink(self.scratch) as server:
            arguments = map(str, (server.port, count, self.connections, mail_bytes))
            out, _wall, cpu_s, memory_mb = _run([sys.executable, "-m", "tools.bench.plain", *arguments], Path.cwd(), {})
            return _figure(server, count, float(out), cpu_s, memory_mb)

    def newsletter(self, folder: Folder, **settings: str) -> Figure:
        """Run `newsletter send`: its own figure is from its first claim to its last record."""
        environment = folder.copy("run") | {
            "NEWSLETTER_SMTP_CONNECTIONS": str(self.connections),
            "NEWSLETTER_SMTP_HOST": "127.0.0.1",
            **settings,
        }
        with sink(self.scratch) as server:
            environment["NEWSLETTER_SMTP_PORT"] = str(server.port)
            out, _wall, cpu_s, memory_mb = _run(
                [sys.executable, "-m", "newsletter", "send", "--json"], folder.path, environment
            )
            said = json.loads(out)
            accepted = _accepted(environment["NEWSLETTER_DATABASE_URL"])
            if accepted != folder.count or said["outcomes"] != {"accepted": folder.count}:
                raise SystemExit(f"{folder.count} were to be sent, and the database has {accepted}: {said}")
            return _figure(server, folder.count, said["seconds"], cpu_s, memory_mb)


def _figure(server: Sink, count: int, seconds: float, cpu_s: float, memory_mb: float) -> Figure:
    if server.taken != count:
        raise SystemExit(f"{count} were to be sent, and the server took {server.taken}: no figure without proof.")
    return Figure(mails=count, seconds=seconds, cpu_s=cpu_s, memory_mb=memory_mb)


def _accepted(url: str) -> int:
    database = Database(url)
    with database.read() as session:
        found = session.scalar(select(func.count()).where(Delivery.state == DeliveryState.ACCEPTED))
    database.dispose()
    return found or 0


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[str, float, float, float]:
    """Run a program; gives its output, seconds, processor seconds and the most memory it had, in MB."""
    began = time.monotonic()
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as faults,
        subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=out, stderr=faults) as process,
    ):
        memory_kb = 0
        try:
            # Not the kernel's ru_maxrss: a child begins with what its parent had.
            while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                memory_kb = max(memory_kb, _peak_kb(process.pid))
                time.sleep(SAMPLE_S)
            _pid, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        faults.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {faults.read()[-2000:]}")
        return out.read(), seconds, usage.ru_utime + usage.ru_stime, memory_kb / 1000


def _peak_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) if found else 0
