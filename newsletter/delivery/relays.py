"""Several mail servers in order: the first that works is used, and one that fails is left alone for a while."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from newsletter.delivery.courier import Line, RelayAway, RelayRefuses, Work

FAULTS = 3  # in a row, then it is left alone
FIRST_REST_S = 30.0
LONGEST_REST_S = 600.0


class Dialler(Protocol):
    """Opens lines to one server; see `smtp.SmtpCourier`."""

    @property
    def server(self) -> str:
        """`host:port`."""

    async def open(self, work: Work) -> Line:
        """See `courier.Courier.open`."""


@dataclass
class Breaker:
    """Whether a server is asked at all (a circuit breaker): closed, open, and half open for one attempt."""

    faults: int = 0
    rest_s: float = 0.0
    until: float = 0.0
    heard_at: float = -math.inf  # when the last fault was counted

    def fault(self, now: float, *, asked_at: float) -> None:
        """Count a fault; the third in a row, and each one after a rest, begins a rest.

        Several attempts at once that fail together are one fault.

        Args:
            now: monotonic seconds.
            asked_at: when the attempt began.
        """
        if asked_at < self.heard_at:
            return
        self.heard_at = now
        self.faults += 1
        if self.faults >= FAULTS and now >= self.until:
            self.rest_s = min(LONGEST_REST_S, self.rest_s * 2 or FIRST_REST_S)
            self.until = now + self.rest_s

    def fine(self) -> None:
        """Forget all faults."""
        self.faults = 0
        self.rest_s = self.until = 0.0


class Relays:
    """A courier over several servers."""

    def __init__(self, diallers: Sequence[Dialler], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take the servers, the preferred one first."""
        self._diallers = tuple(diallers)
        self._breakers = {dialler.server: Breaker() for dialler in diallers}
        self._monotonic = monotonic

    async def open(self, work: Work) -> Line:
        """Open a line to the first server that can be had; see `courier.Courier.open`.

        Raises:
            RelayAway, RelayRefuses: none can; the fault of the first one that was asked.
        """
        first: RelayAway | RelayRefuses | None = None
        for dialler in self._diallers:
            breaker = self._breakers[dialler.server]
            if self._monotonic() < breaker.until:
                first = first or RelayAway(server=dialler.server, reason=f"it failed {breaker.faults} times in a row")
                continue
            asked_at = self._monotonic()
            try:
                return await dialler.open(work)
            except (RelayAway, RelayRefuses) as fault:
                breaker.fault(self._monotonic(), asked_at=asked_at)
                first = first or fault
        if first is None:
            raise AssertionError("no relay is set")
        raise first

    def parted(self, line: Line, fault: RelayAway | RelayRefuses | None) -> None:
        """Learn from the end of a line: one that took mails before it broke proves that the server works."""
        breaker = self._breakers.get(line.server)
        if breaker is None:
            return
        if line.carried or fault is None:
            breaker.fine()
        if fault is not None:
            now = self._monotonic()
            breaker.fault(now, asked_at=now)
