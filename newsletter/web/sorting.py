"""Runs the reception beside the pages: soon after something was asked for, and apart from any answer."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from subscribers.errors import Fault

TICK_S = 1.0  # what came within it is sorted together, so that no later answer tells by its time what a form led to
AGAIN_S = 5.0  # after a fault of the database
TIDY_S = 600.0  # between times at which old requests are forgotten

log = logging.getLogger(__name__)


class Sorting:
    """A thread that sorts when it is told to, and tidies now and then."""

    def __init__(self, *, sort: Callable[[], object], tidy: Callable[[], object]) -> None:
        """Take what it does."""
        self._sort = sort
        self._tidy = tidy
        self._asked = threading.Event()
        self._over = threading.Event()

    def soon(self) -> None:
        """Say that something was asked for."""
        self._asked.set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run until the end of the block; what waits from before is sorted at once."""
        self._over.clear()
        self._asked.set()
        thread = threading.Thread(target=self._run, name="sorting", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._asked.set()
            thread.join()

    def _run(self) -> None:
        tidy_at = time.monotonic()
        while True:
            self._asked.wait(max(0.0, tidy_at - time.monotonic()))
            self._over.wait(TICK_S)
            if self._over.is_set():
                return  # what waits is stored; it is sorted at the next start
            try:
                if time.monotonic() >= tidy_at:
                    tidy_at = time.monotonic() + TIDY_S
                    self._tidy()
                if self._asked.is_set():
                    self._asked.clear()
                    if self._over.is_set():
                        return  # that was the end's asking, which nobody repeats
                    self._sort()
            except Fault as fault:
                log.error("%s", fault)
                self._again()
            except Exception as bug:  # noqa: BLE001 - told, and looked at again: nothing is lost, it is all stored
                # Without the words of the fault: a database's may quote an address.
                where = "".join(traceback.format_tb(bug.__traceback__))
                log.error("Sign-ups can't be sorted: %s\n%s", type(bug).__name__, where)
                self._again()

    def _again(self) -> None:
        self._asked.set()
        self._over.wait(AGAIN_S)
