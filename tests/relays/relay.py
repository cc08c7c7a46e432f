"""A real mail server in a folder of its own, which takes our mail and hands it on to the tests' mail server."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import ClassVar, Self

import pytest

from tests.conftest import free_port

HOST_NAME = "relay.example"
PATIENCE_S = 20  # how long a server may take to start, to hand everything on or to stop, on a slow machine


class Event(Enum):
    """What a server's log tells."""

    LISTENS = auto()
    CLIENT_CAME = auto()
    CLIENT_LEFT = auto()
    TAKEN = auto()  # a mail is in its queue; with the id that it got there
    HANDED_ON = auto()  # a mail has left its queue; with the same id


class Relay:
    """Started on a free port of 127.0.0.1; everything that it takes goes to one next hop.

    What it does is known from its own log, which it writes into a pipe: nothing here asks twice or sleeps, and the
    end of the pipe is the end of the last of its processes.

    Attributes:
        port: where it listens.
        package: Debian's.
        queue_id: finds a mail's id in the reply to its final dot.
        events: how its log tells them; the id is the pattern's one group.
    """

    package: ClassVar[str]
    queue_id: ClassVar[re.Pattern[str]]
    events: ClassVar[Mapping[Event, re.Pattern[str]]]

    def __init__(self, *, hop_port: int, knows: Collection[str] | None = None, also: Sequence[str] = ()) -> None:
        """Take what it relays to and for.

        Args:
            hop_port: the next hop's, on 127.0.0.1.
            knows: the recipients that it takes mail for; None for all.
            also: further lines of its configuration.
        """
        self.port = free_port()
        self._hop_port = hop_port
        self._knows = knows
        self._also = also
        self._log: list[str] = []
        self._seen: dict[Event, list[str]] = defaultdict(list)
        self._news = threading.Condition()
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            pytest.skip(f"only root can start {self.package}: it becomes other users")
        # Not in pytest's own folder, which nobody but its user may enter.
        self._folder = Path(tempfile.mkdtemp(prefix=f"newsletter-{self.package}-"))
        self._folder.chmod(0o755)
        try:
            self._start(self._prepare())
            self._wait(lambda: self._seen[Event.LISTENS], "to listen")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()
        assert self._ended, f"{self.package} left processes behind; its log:\n{''.join(self._log)}"

    def handed_on(self, ids: Collection[str]) -> list[str]:
        """Wait until it has handed these mails on and every client has left; give the ids of all that it took."""
        seen, wanted = self._seen, set(ids)
        self._wait(
            lambda: (
                wanted <= set(seen[Event.HANDED_ON]) and len(seen[Event.CLIENT_CAME]) == len(seen[Event.CLIENT_LEFT])
            ),
            f"to hand on {len(wanted)} mails",
        )
        with self._news:
            return list(seen[Event.TAKEN])

    def _prepare(self) -> list[str]:
        """Lay out the folder; give the command that runs the server in the foreground."""
        raise NotImplementedError

    def _stop(self) -> None:
        self._process.terminate()

    def _start(self, command: list[str]) -> None:
        # A pipe with a name, for Exim opens its log again and again. Whoever still holds it open, still runs.
        pipe = self._folder / "logs" / "mainlog"
        pipe.parent.mkdir()
        pipe.parent.chmod(0o777)
        os.mkfifo(pipe)
        pipe.chmod(0o666)
        ours = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        theirs = os.open(pipe, os.O_WRONLY)
        os.set_blocking(ours, True)
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reader.start()

    def _end(self) -> None:
        try:
            if self._process is not None:
                self._stop()
                self._process.wait(PATIENCE_S)
                self._reader.join(PATIENCE_S)
        finally:
            shutil.rmtree(self._folder)

    def _read(self, pipe: int) -> None:
        with open(pipe, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                with self._news:
                    self._log.append(line)
                    for event, pattern in self.events.items():
                        if found := pattern.search(line):
                            self._seen[event].append(found[pattern.groups])
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _wait(self, done, what) -> None:
        with self._news:
            self._news.wait_for(lambda: done() or self._ended, PATIENCE_S)
            assert done(), f"waited for {self.package} {what}; its log:\n{''.join(self._log)}"
