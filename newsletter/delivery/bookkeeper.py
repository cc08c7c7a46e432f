"""What a worker asks of the database: the claims that it holds, and the editions that they need."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from newsletter.delivery.model import DeliveryState
from newsletter.delivery.outbox import Backlog, Claimed, Ended, Hold, Launched, Outbox, Turn, backlog
from newsletter.delivery.outcome import Accepted, Outcome
from newsletter.editions.message import Sender
from newsletter.editions.prepared import Prepared
from newsletter.editions.stored import stored_edition
from subscribers.database import Database

KEPT_EDITIONS = 256  # that a worker keeps, beside those that it is just sending; a mailing may have thousands


class Told(NamedTuple):
    """What a worker tells of its claims, in few bytes: it goes from one process to another.

    Attributes:
        accepted: claims, each with the server's reply.
        others: claims with what became of them otherwise; as in `Ended`.
    """

    accepted: list[tuple[Hold, str]]
    others: list[tuple[Hold, Outcome | None, datetime | None]]

    @classmethod
    def of(cls, ended: Iterable[Ended]) -> "Told":
        """Put what has ended into few words."""
        told = cls([], [])
        for claimed, outcome, until in ended:
            if type(outcome) is Accepted:
                told.accepted.append((claimed.hold, outcome.reply))
            else:
                told.others.append((claimed.hold, outcome, until))
        return told


class News(NamedTuple):
    """What a worker hears after a turn.

    Attributes:
        turn: what was claimed, and from which mailings.
        editions: those that the claims need and the worker has not.
        dropped: those that it needs no longer.
    """

    turn: Turn
    editions: Mapping[int, Prepared]
    dropped: Sequence[int]


class Bookkeeper:
    """Asks the database for one worker, from beside it; see `beside`."""

    def __init__(self, database: Database, outbox: Outbox, sender: Sender, *, signed: bool) -> None:
        """Take where everything is, who mails come from, and whether the worker signs them."""
        self._database = database
        self._outbox = outbox
        self._sender = sender
        self._signed = signed
        self._held: dict[Hold, Claimed] = {}  # every claim of this worker
        self._unsure = False  # the last turn failed, and nobody knows whether it was done
        self._editions: OrderedDict[int, None] = OrderedDict()  # that the worker has; the one used last at the end

    def enrol(self, *, now: datetime) -> tuple[Counter[DeliveryState], int]:
        """Enter the worker among the workers; gives what became of what others have left, and how many workers are."""
        return self._outbox.enrol(now=now), self._outbox.workers()

    def beat(self, *, now: datetime) -> tuple[bool, int]:
        """Show that the worker is alive; gives False if it was taken for gone, and how many workers there are."""
        return self._outbox.beat(now=now), self._outbox.workers()

    def look(self, *, now: datetime) -> tuple[Mapping[int, Launched], bool]:
        """Say which mailings may be sent from, and whether anything is due. See `Outbox.look`."""
        return self._outbox.look(now=now)

    def turn(self, told: Told, *, want: int, want_urgent: int = 0, allowance: int | None = None, now: datetime) -> News:
        """Record what has ended and claim what comes next; see `Outbox.turn`.

        Raises:
            DatabaseLocked, DatabaseUnreachable: it may have been done or not; what was told must be told again.
        """
        ended = self._ended(told)
        # After a failure what has ended is still the worker's own, until that is written down.
        known = self._held.keys() if self._unsure else None
        self._unsure = True
        turn = self._outbox.turn(ended, want=want, want_urgent=want_urgent, allowance=allowance, known=known, now=now)
        editions = self._needed(turn.claims)
        self._unsure = False
        self._let_go(ended)
        self._held.update((claimed.hold, claimed) for claimed in turn.claims)
        return News(turn, editions, self._drop())

    def finish(self, told: Told, *, now: datetime) -> Mapping[int, str]:
        """Record what has ended, take the worker off, and finish mailings; gives those that were paused for it."""
        # Whatever a turn claimed of which no answer came, nobody has sent.
        known = self._held.keys() if self._unsure else None
        paused = self._outbox.record(self._ended(told), known=known, now=now)
        self._outbox.retire()
        self._outbox.finish_mailings(now=now)
        return paused

    def finish_mailings(self, *, now: datetime) -> None:
        """Mark mailings of which nothing can go out any more."""
        self._outbox.finish_mailings(now=now)

    def backlog(self, *, now: datetime) -> Backlog:
        """Count what is still to be sent."""
        with self._database.read() as session:
            return backlog(session, now=now)

    def _ended(self, told: Told) -> list[Ended]:
        held = self._held
        ended = [Ended(held[hold], Accepted(reply), None) for hold, reply in told.accepted]
        ended += [Ended(held[hold], outcome, until) for hold, outcome, until in told.others]
        return ended

    def _let_go(self, ended: Iterable[Ended]) -> None:
        for one in ended:
            del self._held[one.claimed.hold]

    def _needed(self, claims: Iterable[Claimed]) -> dict[int, Prepared]:
        """Make ready what the worker has not."""
        wanted = {one.edition_id: one.mailing.launched_at for one in claims}
        missing = wanted.keys() - self._editions.keys()
        made: dict[int, Prepared] = {}
        if missing:
            with self._database.read() as session:
                for number in missing:
                    composed = stored_edition(session, number)
                    made[number] = Prepared(composed, self._sender, date=wanted[number], signed=self._signed)
        for number in wanted:
            self._editions[number] = None
            self._editions.move_to_end(number)
        return made

    def _drop(self) -> list[int]:
        """Choose which editions the worker may forget: those used longest ago, and none that it holds a claim of."""
        if len(self._editions) <= KEPT_EDITIONS:
            return []
        in_use = {claimed.edition_id for claimed in self._held.values()}
        unused = [number for number in self._editions if number not in in_use]
        dropped = unused[: len(self._editions) - KEPT_EDITIONS]
        for number in dropped:
            del self._editions[number]
        return dropped
