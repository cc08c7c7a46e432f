"""Listens, says where once it does, serves, and ends well when it is told to."""

import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from newsletter.errors import NewsletterError

SWITCH_S = 0.001  # between the thread that answers and the one that writes; usually it is five times as long


class CannotListen(NewsletterError):
    """Can't listen at {host}:{port} ({reason}). Give another with --port, or 0 for a free one."""


@contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """Take a port before anything else is set up, so that a taken one is told at once.

    Args:
        host: an address of this machine.
        port: 0 takes a free one.

    Returns:
        The socket, and its address as http URL.

    Raises:
        CannotListen: somebody else has it, or we may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise CannotListen(host=host, port=port, reason=(error.strerror or str(error)).lower()) from None
        name = f"[{host}]" if family == socket.AF_INET6 else host
        yield listener, f"http://{name}:{listener.getsockname()[1]}"


def serve(app: ASGIApp, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, which are the ordinary ends.

    Args:
        app: what to serve.
        listener: from `listening`.
        announce: called once it answers, not before: what is printed can be opened.
    """
    gc.collect()
    gc.freeze()  # what was loaded stays for good: looking through it again and again would hold up answers
    sys.setswitchinterval(SWITCH_S)
    # No access log: the addresses of our pages hold tokens.
    config = uvicorn.Config(app, access_log=False, log_level="warning", server_header=False)
    # uvicorn raises the signal that ended it once more when it is done; by then it has been heard.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _Announcing(config, announce).run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()
