"""What a worker asks of the database: the claims that it holds, and the editions that they need."""

from collections import ChainMap, Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from newsletter.delivery.claimed import Claimed, Ended, Hold, Launched
from newsletter.delivery.letters import Letter
from newsletter.delivery.model import DeliveryState
from newsletter.delivery.outbox import Outbox
from newsletter.delivery.outcome import Accepted, Outcome
from newsletter.delivery.report import Backlog, backlog
from newsletter.delivery.stamp import Stamp
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
    def nothing(cls) -> "Told":
        """Begin a list."""
        return cls([], [])

    def add(self, hold: Hold, outcome: Outcome | None, until: datetime | None = None) -> None:
        """Take what became of one claim."""
        if type(outcome) is Accepted:
            self.accepted.append((hold, outcome.reply))
        else:
            self.others.append((hold, outcome, until))

    @property
    def total(self) -> int:
        """How many claims it tells of."""
        return len(self.accepted) + len(self.others)


class News(NamedTuple):
    """What a worker hears after a turn.

    Attributes:
        letters: what was claimed.
        editions: those that the letters need and the worker has not.
        dropped: those that it needs no longer.
        running, paused, dry, held_by_limit: as in `Turn`.
    """

    letters: Sequence[Letter]
    editions: Mapping[int, Prepared]
    dropped: Sequence[int]
    running: Mapping[int, Launched]
    paused: Mapping[int, str]
    dry: bool
    held_by_limit: bool


class Bookkeeper:
    """Asks the database for one worker, from beside it; see `beside`."""

    def __init__(self, database: Database, outbox: Outbox, stamp: Stamp, sender: Sender, *, signed: bool) -> None:
        """Take where everything is, what writes letters, who they come from, and whether the worker signs them."""
        self._database = database
        self._outbox = outbox
        self._stamp = stamp
        self._sender = sender
        self._signed = signed
        self._held: dict[Hold, Claimed] = {}  # every claim of this worker
        self._unsure = False  # the last turn failed, and nobody knows whether it was done
        self._editions: OrderedDict[int, Prepared] = OrderedDict()  # the worker has them too; used last: last

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
        made: dict[int, Prepared] = {}
        letters: list[Letter] = []

        def write(claims: Sequence[Claimed]) -> None:
            made.update(self._make_ready(claims))
            editions = ChainMap(made, self._editions)
            letters.extend(self._stamp.letter(claimed, editions[claimed.edition_id]) for claimed in claims)

        turn = self._outbox.turn(
            ended, want=want, want_urgent=want_urgent, allowance=allowance, known=known, write=write, now=now
        )
        self._unsure = False
        self._editions.update(made)
        self._let_go(ended)
        for claimed in turn.claims:
            self._held[claimed.hold] = claimed
            self._editions.move_to_end(claimed.edition_id)
        return News(letters, made, self._drop(), turn.running, turn.paused, turn.dry, turn.held_by_limit)

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

    def _make_ready(self, claims: Iterable[Claimed]) -> dict[int, Prepared]:
        """Make ready the editions that the worker has not, and give them."""
        wanted = {one.edition_id: one.mailing.launched_at for one in claims}
        missing = wanted.keys() - self._editions.keys()
        made: dict[int, Prepared] = {}
        if missing:
            with self._database.read() as session:
                for number in missing:
                    composed = stored_edition(session, number)
                    made[number] = Prepared(composed, self._sender, date=wanted[number], signed=self._signed)
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
