"""The other programs of the bench: Postfix's smtp-sink, and PostgreSQL with everything as it is delivered."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

WAIT_S = 30.0
SERVER_S = 120.0  # for PostgreSQL to be made, to start or to stop


class Sink:
    """A server that takes mail and counts it."""

    def __init__(self, port: int, counters: Path) -> None:
        """Take where it listens, and the file that it counts in."""
        self.port = port
        self._counters = counters

    @property
    def taken(self) -> int:
        """How many mails it has taken so far."""
        found = re.findall(rb"mesg=(\d+)", self._counters.read_bytes())
        return int(found[-1]) if found else 0


@contextmanager
def sink(folder: Path) -> Iterator[Sink]:
    """Run smtp-sink on a free port."""
    port = free_port()
    counters = folder / f"sink-{port}"
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [program("smtp-sink"), *as_user, "-c", f"127.0.0.1:{port}", "1024"]
    with counters.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield Sink(port, counters)
        finally:
            _end(process)


def size_taken(send: Callable[[int], object]) -> int:
    """Let `send` hand one mail to the port that it gets; say how many bytes arrived, without the final dot."""
    sizes: list[int] = []

    class Scales:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
            sizes.append(len(envelope.original_content or b""))
            return "250 OK"

    scales = Controller(Scales(), hostname="127.0.0.1", port=free_port())
    scales.start()
    try:
        send(scales.port)
    finally:
        scales.stop()
    return sizes[0]


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run PostgreSQL with its own settings, durable as it comes; gives the start of its URLs."""
    binaries = server_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL's server is not installed (Debian: postgresql).")
    folder.mkdir(parents=True)
    port, data, become = free_port(), folder / "data", None
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        if not _reachable(folder):
            raise SystemExit(f"The user postgres can't enter {folder}: run the bench from a folder open to others.")

        def become() -> None:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)

    def run(program: str, *arguments: object) -> None:
        command = [str(part) for part in (binaries / program, "-D", data, *arguments)]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, preexec_fn=become, timeout=SERVER_S)

    run("initdb", "-A", "trust", "-U", "bench", "-E", "UTF8")
    run("pg_ctl", "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1", "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql://bench@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-m", "fast", "-w", "stop")
        shutil.rmtree(folder)


def server_binaries() -> Path | None:
    """Find the folder of PostgreSQL's newest server; None if there is none."""
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


def administer(server: str, statement: str, *, database: str = "postgres") -> None:
    """Have a PostgreSQL server do something that is no part of a transaction."""
    with psycopg.connect(f"{server}/{database}", autocommit=True) as connection:
        connection.execute(statement.encode())


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def program(name: str) -> str:
    """Find a program of Postfix's, also where only root's PATH has it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed (Debian: postfix).")
    return found


def _wait_for(port: int) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise SystemExit("smtp-sink did not start.")


def _reachable(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in folder.absolute().parents)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
