"""The other programs of the bench: Postfix's smtp-sink, and PostgreSQL with everything as it is delivered."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

WAIT_S = 30.0


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
    command = [_program("smtp-sink"), *as_user, "-c", f"127.0.0.1:{port}", "1024"]
    with counters.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield Sink(port, counters)
        finally:
            process.terminate()
            process.wait(WAIT_S)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run PostgreSQL with its own settings, durable as it comes; gives the start of its URLs."""
    binaries = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
    if binaries is None:
        raise SystemExit("PostgreSQL's server is not installed (Debian: postgresql).")
    folder.mkdir()
    port, data, become = free_port(), folder / "data", None
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)

        def become() -> None:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)

    def run(program: str, *arguments: object) -> None:
        command = [str(part) for part in (binaries / program, "-D", data, *arguments)]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, preexec_fn=become)

    run("initdb", "-A", "trust", "-U", "bench", "-E", "UTF8")
    run("pg_ctl", "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1", "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql://bench@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-m", "fast", "stop")
        shutil.rmtree(folder)


def administer(server: str, statement: str) -> None:
    """Have a PostgreSQL server do something that concerns databases as a whole."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _program(name: str) -> str:
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
