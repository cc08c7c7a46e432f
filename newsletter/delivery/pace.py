"""How fast: a token bucket over everything, and for each recipient domain as many at once as it bears.

A domain's concurrency grows by one when as many mails were taken as it has room for, and halves when mails are put off,
as Postfix's scheduler does (its SCHEDULER_README, "less-than-1 feedback").
"""

import math
import sys
from collections import OrderedDict
from dataclasses import dataclass

from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused, Uncertain, Why

FIRST_WINDOW = 5  # mails at once to a domain of which nothing is known; Postfix's initial_destination_concurrency
FIRST_PAUSE_S = 2.0  # after "slow down"; doubles with each that follows
LONGEST_PAUSE_S = 600.0
KEPT_DOMAINS = 10_000
BURST_S = 1.0  # what was not used can be caught up with for so long


class Bucket:
    """So many mails a second and no more (a token bucket)."""

    def __init__(self, per_second: float | None) -> None:
        """Take the rate; None means as fast as it goes."""
        self._whole = self._per_second = per_second
        self._depth = max(1.0, (per_second or 0.0) * BURST_S)
        self._tokens = 1.0
        self._at: float | None = None

    def share(self, among: int) -> None:
        """Take one part of the rate: so many senders use the same server."""
        if self._whole is not None:
            self._per_second = self._whole / max(1, among)

    def wait(self, now: float) -> float:
        """Say how many seconds from `now` (monotonic) the next mail may go; 0 means at once."""
        if self._per_second is None:
            return 0.0
        if self._at is not None:
            self._tokens = min(self._depth, self._tokens + max(0.0, now - self._at) * self._per_second)
        self._at = now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self._per_second

    def room(self, now: float, *, within_s: float) -> int:
        """Say how many mails may go within the next seconds."""
        if self._per_second is None:
            return sys.maxsize
        self.wait(now)
        return int(self._tokens + self._per_second * within_s)

    def spend(self) -> None:
        """Count a mail."""
        self._tokens -= 1.0

    def refund(self) -> None:
        """Take a mail back that did not go."""
        self._tokens = min(self._depth, self._tokens + 1.0)


@dataclass(slots=True)
class _Domain:
    window: float
    under_way: int = 0
    closed_until: float = -math.inf
    pause_s: float = 0.0
    old: int = 0  # mails that were under way when it last halved: their replies are about the time before


class Pace:
    """What may go at this moment."""

    def __init__(self, *, per_second: float | None, concurrency: int) -> None:
        """Take the limits.

        Args:
            per_second: mails a second over everything; None means no limit.
            concurrency: mails at once to one domain at the most.
        """
        self.bucket = Bucket(per_second)
        self._limit = max(1, concurrency)
        self._domains: OrderedDict[str, _Domain] = OrderedDict()

    def ask(self, domain: str, now: float) -> float:
        """Ask for a place for one mail; every place that is given must be given back by `ended` or `withdrawn`.

        Args:
            domain: the recipient's, in small letters.
            now: monotonic seconds.

        Returns:
            0 if it may go; else the seconds until the domain may be asked again; `inf` when one to it has to
            end first.
        """
        state = self._domains.get(domain)
        if state is None:
            state = self._domains[domain] = _Domain(window=min(FIRST_WINDOW, self._limit))
            if len(self._domains) > KEPT_DOMAINS:
                self._forget(now)
        if now < state.closed_until:
            return state.closed_until - now
        if state.under_way >= int(state.window):
            return math.inf
        state.under_way += 1
        self.bucket.spend()
        return 0.0

    def withdrawn(self, domain: str) -> None:
        """Give back a place from which nothing was sent."""
        self.bucket.refund()
        state = self._domains.get(domain)
        if state is not None:
            state.under_way = max(0, state.under_way - 1)

    def ended(self, domain: str, outcome: Outcome, now: float) -> None:
        """Give a place back, and learn from what became of the mail."""
        state = self._domains.get(domain)
        if state is None:
            return
        state.under_way = max(0, state.under_way - 1)
        from_before = state.old > 0
        state.old = max(0, state.old - 1)
        match outcome:
            case Accepted() | Refused():  # both mean that the server keeps up
                state.pause_s = 0.0
                state.window = min(self._limit, state.window + 1.0 / state.window)
            case Deferred(why=Why.SLOW_DOWN):
                if not from_before:
                    self._halve(state)
                    state.pause_s = min(LONGEST_PAUSE_S, state.pause_s * 2 or FIRST_PAUSE_S)
                    state.closed_until = now + state.pause_s
            case Deferred(why=Why.SOFT | Why.GREYLISTED):
                if not from_before:
                    self._halve(state)
            case Deferred() | Uncertain():
                pass  # about us, the line or one mailbox, not about the domain

    def _halve(self, state: _Domain) -> None:
        state.window = max(1.0, state.window / 2)
        state.old = state.under_way

    def _forget(self, now: float) -> None:
        """Drop the domain that has been known longest and has nothing under way nor a pause to keep."""
        for domain, state in self._domains.items():
            if not state.under_way and state.closed_until <= now:
                del self._domains[domain]
                return
