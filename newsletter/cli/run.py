"""`newsletter run`: pages and sender under one command; the sender is a process of its own, for quick pages."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import say, warn
from newsletter.delivery.beside import told_when_parent_ends
from newsletter.web.app import create_app
from newsletter.web.serving import listening, serve

END_S = 15.0  # a sender that is told to stop needs 10 at the most
AGAIN_S = 5.0  # before a sender that broke is started anew


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; put a TLS proxy before it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@pass_context
def run(context: Context, host: str, port: int) -> None:
    """Serve the pages and send whatever becomes due, until it is stopped. Ctrl-C or SIGTERM stops both in order."""
    app = create_app(context.parts)
    with listening(host, port) as (listener, address), _sending(context.config):
        serve(app, listener, lambda: say(f"Serving {context.settings.base_url} at {address}. Ctrl-C ends it."))


@contextmanager
def _sending(config: Path | None) -> Iterator[None]:
    """Keep a sender running beside; end it in order."""
    over = threading.Event()
    sender = _start(config)
    told: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        nonlocal sender
        while True:
            status = sender.wait()
            if over.is_set():
                return
            warn(f"The sender ended ({status}); it is started anew.")
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
