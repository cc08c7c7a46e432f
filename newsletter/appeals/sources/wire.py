"""What one page may cost in time and in bytes, counted where both go by: at the connection.

Counting there leaves nothing out. A server can drip, send headers or interim answers without end, or pad a body with
chunk sizes, and a limit on the body alone would never see it.
"""

import ssl
from collections.abc import Callable
from typing import Any, Final

import httpcore

# Headers, chunk sizes and the redirects before it: what a page of the greatest size may take beside itself.
BESIDE_BYTES: Final = 1_000_000


class TooMuch(Exception):
    """More came in than one page may have."""


class Allowance:
    """What one page, with its redirects, may still cost."""

    def __init__(self, *, total_s: float, size_bytes: int, clock: Callable[[], float]) -> None:
        """Start the time.

        Args:
            total_s: until when all must be there, from now on.
            size_bytes: how many bytes may come in.
            clock: monotonic, in seconds.
        """
        self._clock = clock
        self._ends = clock() + total_s
        self._left_bytes = size_bytes

    @property
    def left_s(self) -> float:
        """The time that is left."""
        return self._ends - self._clock()

    def give_back(self, spent_s: float) -> None:
        """Leave out time that we waited of our own accord."""
        self._ends += spent_s

    def within(self, timeout_s: float | None) -> float:
        """Say how long the next step may take.

        Raises:
            httpcore.ReadTimeout: no time is left.
        """
        left_s = self.left_s
        if left_s <= 0:
            raise httpcore.ReadTimeout
        return left_s if timeout_s is None else min(timeout_s, left_s)

    def take(self, size_bytes: int) -> None:
        """Count what came in.

        Raises:
            TooMuch: that is more than there may be.
        """
        self._left_bytes -= size_bytes
        if self._left_bytes < 0:
            raise TooMuch


class CountedStream(httpcore.NetworkStream):
    """A connection on which one page's allowance is spent."""

    def __init__(self, stream: httpcore.NetworkStream, allowance: Allowance) -> None:
        """Count on a connection."""
        self._stream = stream
        self._allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read, for as long as the page may still take."""
        data = self._stream.read(max_bytes, self._allowance.within(timeout))
        self._allowance.take(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, for as long as the page may still take."""
        self._stream.write(buffer, self._allowance.within(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go over to TLS, and count on what is inside it."""
        try:
            left_s = self._allowance.within(timeout)
        except httpcore.ReadTimeout:
            self.close()  # from here on nobody else would
            raise
        return CountedStream(self._stream.start_tls(ssl_context, server_hostname, left_s), self._allowance)

    def get_extra_info(self, info: str) -> Any:
        """Tell about the connection; see httpcore."""
        return self._stream.get_extra_info(info)
