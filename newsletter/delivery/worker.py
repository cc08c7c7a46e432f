"""Sends what is due: claims, stamps, hands over, records, until nothing is left to do."""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime

from newsletter.delivery.courier import Courier, RelayAway, RelayRefuses
from newsletter.delivery.outbox import Backlog, Claimed, Outbox, backlog
from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused
from newsletter.delivery.stamp import Stamp
from subscribers.database import Database

CLAIMS_PER_CONNECTION = 2  # what is claimed is what a crash makes uncertain: keep it small
ABOUT_US = re.compile(r"^5\d\d 5\.7\.")  # RFC 3463: policy. It speaks of the sender, not of the mailbox
REFUSALS_IN_A_ROW = 10


@dataclass(frozen=True, kw_only=True)
class SendReport:
    """What a run came to.

    Attributes:
        outcomes: how many of each, by the outcome's name in lower case.
        left: what is still to be sent.
        fault: why it ended early, or None.
    """

    outcomes: dict[str, int]
    left: Backlog
    fault: RelayAway | RelayRefuses | None


@dataclass(kw_only=True)
class Worker:
    """One sending process.

    Attributes:
        database, outbox, stamp: where work comes from and is made into mails.
        courier: makes a courier; each is one connection.
        connections: how many at once.
        clock: gives the moment, in UTC.
        on_progress: told the outcomes so far, by name, after each group.
    """

    database: Database
    outbox: Outbox
    stamp: Stamp
    courier: Callable[[], Courier]
    connections: int
    clock: Callable[[], datetime]
    on_progress: Callable[[Counter[str]], None] = field(default=lambda _outcomes: None)

    def __post_init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._policy_refusals = 0
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish what is on the wire, record it, and end."""
        self._stopping.set()

    async def run(self) -> SendReport:
        """Send until nothing is due, the relay is gone, or `stop`.

        Nothing is claimed before there is a connection: a relay that is away leaves every row as it was.
        """
        self.outbox.recover(now=self.clock())
        fault: RelayAway | RelayRefuses | None = None
        if self._backlog().due:
            try:
                async with AsyncExitStack() as stack:
                    await self._send(stack)
            except (RelayAway, RelayRefuses) as error:
                fault = error
        self.outbox.finish_mailings(now=self.clock())
        return SendReport(outcomes=dict(self._outcomes), left=self._backlog(), fault=fault)

    async def _send(self, stack: AsyncExitStack) -> None:
        couriers = [await stack.enter_async_context(self.courier())]
        while not self._stopping.is_set():
            wanted = CLAIMS_PER_CONNECTION * len(couriers)
            claims = self.outbox.claim(wanted, now=self.clock())
            if not claims:
                return
            couriers = await self._hand_over(couriers, claims)
            # A short queue needs no further connection; a relay that grants only one is good enough.
            if len(claims) == wanted and len(couriers) < self.connections:
                try:
                    couriers.append(await stack.enter_async_context(self.courier()))
                except (RelayAway, RelayRefuses):
                    self.connections = len(couriers)

    async def _hand_over(self, couriers: Sequence[Courier], claims: Sequence[Claimed]) -> list[Courier]:
        """Share the claims among the couriers; give back those that are still connected."""
        waiting = deque(claims)
        outcomes: dict[Claimed, Outcome] = {}

        async def carry(courier: Courier) -> None:
            while waiting:
                claimed = waiting.popleft()
                try:
                    envelope = self.stamp.envelope(claimed)
                    if envelope is None:
                        outcomes[claimed] = Refused("the stored address can't be written to")
                    else:
                        outcomes[claimed] = self._judged(await courier.deliver(envelope))
                except Exception:
                    # A courier raises only where the mail was not handed over; what it can't know, it returns.
                    waiting.append(claimed)
                    raise

        try:
            ends = await asyncio.gather(*(carry(courier) for courier in couriers), return_exceptions=True)
        finally:
            self._record(outcomes)
            if waiting:
                self.outbox.hand_back(list(waiting))
        for end in ends:
            if end is not None and not isinstance(end, RelayAway | RelayRefuses):
                raise end
        alive = [courier for courier, end in zip(couriers, ends, strict=True) if end is None]
        if not alive:
            raise next(end for end in ends if end is not None)
        self._stop_if_unwanted(outcomes)
        return alive

    def _judged(self, outcome: Outcome) -> Outcome:
        """Read a refusal of us as such: nobody is lost because our server isn't allowed to send yet."""
        if isinstance(outcome, Refused) and ABOUT_US.match(outcome.reply):
            self._policy_refusals += 1
            return Deferred(outcome.reply)
        if isinstance(outcome, Accepted):
            self._policy_refusals = 0
        return outcome

    def _record(self, outcomes: dict[Claimed, Outcome]) -> None:
        if outcomes:
            self.outbox.record(outcomes, now=self.clock())
            self._outcomes.update(type(outcome).__name__.lower() for outcome in outcomes.values())
            self.on_progress(self._outcomes)

    def _stop_if_unwanted(self, outcomes: dict[Claimed, Outcome]) -> None:
        """End a run in which the relay takes nothing: asking on would only make it angrier."""
        replies = [o.reply for o in outcomes.values() if isinstance(o, Deferred)]
        if self._policy_refusals >= REFUSALS_IN_A_ROW:
            raise RelayRefuses(server="that is set", reply=replies[-1] if replies else "policy (5.7)")
        if outcomes and all(isinstance(o, Deferred) and not o.costs_attempt for o in outcomes.values()):
            raise RelayAway(server="that is set", reason=replies[-1])

    def _backlog(self) -> Backlog:
        with self.database.read() as session:
            return backlog(session, now=self.clock())
