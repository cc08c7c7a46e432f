"""What is to be done beside the pages now and then: each time in a process that lives only as long as that takes."""

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from newsletter.delivery.beside import told_when_parent_ends
from subscribers.errors import Fault

log = logging.getLogger(__name__)

LOOK_S = 60.0  # between two questions whether there is something to do
END_S = 10.0
SAID_BYTES = 4_000  # of what a command that failed has said


@contextmanager
def chore(
    config: Path | None,
    *command: str,
    is_due: Callable[[], bool],
    on_fault: Callable[[str], None],
    look_s: float = LOOK_S,
) -> Iterator[None]:
    """Run a command whenever there is something for it to do, until the end of the block.

    It may take long, and what it reads may be untrusted; pages are answered from here, so it runs elsewhere.

    Args:
        config: the settings file, as `--config` names it.
        command: the words after `newsletter`.
        is_due: says whether there is something to do.
        on_fault: told what a command that failed has said, unless it said the same the last time.
        look_s: between two questions.
    """
    over = threading.Event()

    def watch() -> None:
        told = ""
        while not over.wait(look_s):
            try:
                if not is_due():
                    continue
            except Fault as fault:  # the database is away or busy: the next time, then
                log.warning("%s", fault)
                continue
            with TemporaryFile() as words:
                worker = _start(config, command, words)
                while worker.poll() is None:
                    if over.wait(0.2):
                        _end(worker)
                words.seek(0)
                said = words.read(SAID_BYTES).decode(errors="replace").strip() if worker.returncode else ""
            if said and said != told and not over.is_set():
                on_fault(said)
            told = said

    watcher = threading.Thread(target=watch, name=" ".join(command))
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _start(config: Path | None, command: Sequence[str], words: IO[bytes]) -> subprocess.Popen[bytes]:
    chosen = ["--config", str(config)] if config else []
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "newsletter", *chosen, *command],
        stdout=subprocess.DEVNULL,  # what came of it is kept in the database
        stderr=words,
        start_new_session=True,
        preexec_fn=partial(told_when_parent_ends, signal.SIGTERM),  # noqa: PLW1509 - one system call
    )


def _end(worker: subprocess.Popen[bytes]) -> None:
    """End it: what it has kept stays, the rest comes the next time."""
    worker.terminate()
    try:
        worker.wait(END_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
