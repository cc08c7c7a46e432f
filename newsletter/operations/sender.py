"""Keeps a sender running beside the pages: a process of its own, so that both stay quick."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from newsletter.delivery.beside import told_when_parent_ends

END_S = 15.0  # a sender that is told to stop needs 10 at the most
AGAIN_S = 5.0  # before a sender that broke is started anew


@contextmanager
def sending(config: Path | None, *, on_end: Callable[[int], None]) -> Iterator[None]:
    """Keep a sender running until the end of the block, and end it in order.

    Args:
        config: the settings file, as `--config` names it.
        on_end: told the status of a sender that ended by itself; it is started anew.
    """
    over = threading.Event()
    sender = _start(config)
    told: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        nonlocal sender
        while True:
            status = sender.wait()
            if over.is_set():
                return
            on_end(status)
            if over.wait(AGAIN_S):
                return
            sender = _start(config)

    keeper = threading.Thread(target=keep, name="sender")
    keeper.start()
    try:
        yield
    finally:
        over.set()
        until = time.monotonic() + END_S
        while keeper.is_alive():  # which may just be starting another one
            # Told once: a second signal would tell it to end at once. After the time what was on the wire is uncertain.
            if time.monotonic() > until:
                sender.kill()
            elif sender not in told:
                told.append(sender)
                sender.send_signal(signal.SIGTERM)
            keeper.join(0.1)


def _start(config: Path | None) -> subprocess.Popen[bytes]:
    chosen = ["--config", str(config)] if config else []
    # In a session of its own: Ctrl-C is meant for both, but a second signal would tell it to end at once. If the pages
    # end without a word (killed, or their terminal closed), the kernel tells it to end.
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "newsletter", *chosen, "worker"],
        start_new_session=True,
        preexec_fn=partial(told_when_parent_ends, signal.SIGTERM),  # noqa: PLW1509 - one system call
    )
