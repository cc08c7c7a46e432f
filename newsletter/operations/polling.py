"""Looks at sources whose time has come, beside the pages: in a process that lives only as long as there is one."""

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from newsletter.delivery.beside import told_when_parent_ends
from subscribers.errors import Fault

log = logging.getLogger(__name__)

LOOK_S = 60.0  # between two questions whether a source is due
END_S = 10.0


@contextmanager
def polling(config: Path | None, *, is_due: Callable[[], bool], look_s: float = LOOK_S) -> Iterator[None]:
    """Look at sources until the end of the block.

    What they hold is untrusted and may take long to read, and pages are answered from here: so it is read elsewhere.

    Args:
        config: the settings file, as `--config` names it.
        is_due: says whether a source's time has come.
        look_s: between two questions.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(look_s):
            try:
                if not is_due():
                    continue
            except Fault as fault:  # the database is away or busy: the next time, then
                log.warning("%s", fault)
                continue
            reader = _start(config)
            while reader.poll() is None:
                if over.wait(0.2):
                    _end(reader)

    watcher = threading.Thread(target=watch, name="sources")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _start(config: Path | None) -> subprocess.Popen[bytes]:
    chosen = ["--config", str(config)] if config else []
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "newsletter", *chosen, "source", "poll", "--due"],
        stdout=subprocess.DEVNULL,  # what could not be read is kept with the source
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=partial(told_when_parent_ends, signal.SIGTERM),  # noqa: PLW1509 - one system call
    )


def _end(reader: subprocess.Popen[bytes]) -> None:
    """End a reader: what it has kept stays, the rest comes the next time."""
    reader.terminate()
    try:
        reader.wait(END_S)
    except subprocess.TimeoutExpired:
        reader.kill()
        reader.wait()
