"""Runs the reception beside the pages: soon after something was asked for, and apart from any answer."""

import logging
import threading
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
        tidy = True
        while not self._over.is_set():
            if self._asked.wait(TIDY_S):
                self._asked.clear()
            else:
                tidy = True
            if self._over.is_set():
                return  # what waits is stored; it is sorted at the next start
            try:
                if tidy:
                    self._tidy()
                    tidy = False
                self._sort()
            except Fault as fault:
                log.error("%s", fault)
                self._asked.set()  # nothing is lost: it is stored, and looked at again
                self._over.wait(AGAIN_S)
            except Exception:
                log.exception("Sign-ups can't be sorted")  # its text holds no address: see `hide_parameters`
                self._asked.set()
                self._over.wait(AGAIN_S)
            self._over.wait(TICK_S)
