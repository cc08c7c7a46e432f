"""Unpacks what a server sent packed, in steps, so that a bomb never takes more memory than one step.

httpx unpacks each piece that comes in at once: 64 kB of zeros, packed, are 64 MB before anybody can say no.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

ACCEPTED: Final = "gzip, deflate"
_STEP_BYTES: Final = 65_536


class PackingUnknown(Exception):
    """A body is packed in a way that we don't unpack, or more than once."""


class PackingBroken(Exception):
    """What came is not what it says, or ends too early."""


class Unpacker(Protocol):
    """Takes a body piece by piece."""

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Give what is in the next piece, at most 64 kB at a time.

        Raises:
            PackingBroken: that can't be unpacked.
        """

    def finish(self) -> None:
        """Say that this was all.

        Raises:
            PackingBroken: something is missing.
        """


def unpacker(codings: Sequence[str]) -> Unpacker:
    """Choose by what `Content-Encoding` says (RFC 9110, 8.4).

    Args:
        codings: all that is listed. More than one has no good reason: each unpacks a thousandfold.

    Raises:
        PackingUnknown: with their names.
    """
    applied = [name for coding in codings if (name := coding.strip().lower()) not in {"", "identity"}]
    match applied:
        case []:
            return _Plain()
        case ["gzip" | "x-gzip"]:
            return _Packed(zlib.MAX_WBITS | 16)
        case ["deflate"]:
            return _Packed(None)
    raise PackingUnknown(", ".join(applied))


class _Plain:
    def feed(self, packed: bytes) -> Iterator[bytes]:
        yield packed

    def finish(self) -> None:
        pass


class _Packed:
    def __init__(self, window: int | None) -> None:
        self._window = window  # None: to be seen from the first two bytes
        self._start = b""
        self._inflate: zlib._Decompress | None = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            self._start += packed
            if len(self._start) < 2:
                return
            packed = self._start
            self._inflate = zlib.decompressobj(_window(packed) if self._window is None else self._window)
        more = True
        while more and not self._inflate.eof:  # what follows the end is left aside, as browsers do
            try:
                step = self._inflate.decompress(packed, _STEP_BYTES)
            except zlib.error as error:
                raise PackingBroken(str(error)) from None
            packed = self._inflate.unconsumed_tail
            # A full step can have left something inside, though all that came in is taken.
            more = bool(packed) or len(step) == _STEP_BYTES
            yield step

    def finish(self) -> None:
        if self._start and not (self._inflate and self._inflate.eof):
            raise PackingBroken("it ends too early")


def _window(start: bytes) -> int:
    """Tell deflate as it is meant, in a zlib wrapping (RFC 1950), from the bare one that some servers send."""
    wrapped = start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start[:2]) % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
