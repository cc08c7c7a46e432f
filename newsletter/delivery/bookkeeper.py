"""What a worker asks of the database: the claims that it holds, as letters, and the editions around them."""

import contextlib
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from newsletter.delivery.claimed import Claimed, Ended, Hold, Launched, Told
from newsletter.delivery.letters import Letter
from newsletter.delivery.model import DeliveryState, Lane
from newsletter.delivery.outbox import Outbox
from newsletter.delivery.outcome import Accepted
from newsletter.delivery.report import Backlog, backlog
from newsletter.delivery.stamp import Stamp
from newsletter.editions.message import Sender
from newsletter.editions.prepared import Frame, Places, prepare
from newsletter.editions.stored import stored_edition
from subscribers.database import Database

KEPT_EDITIONS = 256  # that a worker keeps, beside those that it is just sending; a mailing may have thousands


class News(NamedTuple):
    """What a worker hears after a turn.

    Attributes:
        letters: what was claimed.
        frames: of the editions that the letters need and the worker has not.
        dropped: those that it needs no longer.
        running, paused, dry, held_by_limit, spent: as in `Turn`.
    """

    letters: Sequence[Letter]
    frames: Mapping[int, Frame]
    dropped: Sequence[int]
    running: Mapping[int, Launched]
    paused: Mapping[int, str]
    dry: bool
    held_by_limit: bool
    spent: Collection[int]


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
        # Of the editions whose frames the worker has; the one used last at the end.
        self._places: OrderedDict[int, Places] = OrderedDict()

    def enrol(self, *, now: datetime) -> tuple[Counter[DeliveryState], int]:
        """Enter the worker among the workers; gives what became of what others have left, and how many workers are."""
        return self._outbox.enrol(now=now), self._outbox.workers()

    def beat(self, *, now: datetime) -> tuple[bool, int]:
        """Show that the worker is alive; gives False if it was taken for gone, and how many workers there are."""
        self._stamp.refresh()
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
        letters = _Letters(self._stamp, self._places)
        turn = self._outbox.turn(
            ended,
            want=want,
            want_urgent=want_urgent,
            allowance=allowance,
            known=known,
            held={claimed.edition_id for claimed in self._held.values()},
            # SQLite does nothing meanwhile, and keeps others from writing.
            meanwhile=(lambda _claims: None) if self._database.is_sqlite else letters.begin,
            now=now,
        )
        frames = self._prepare(turn.claims)
        written = letters.finish(turn.claims)
        self._unsure = False
        for one in ended:
            del self._held[one.claimed.hold]
        for claimed in turn.claims:
            self._held[claimed.hold] = claimed
            self._places.move_to_end(claimed.edition_id)
        return News(
            written,
            frames,
            self._drop(),
            turn.running,
            turn.paused,
            turn.dry,
            turn.held_by_limit,
            tuple(turn.spent),
        )

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

    def _prepare(self, claims: Iterable[Claimed]) -> dict[int, Frame]:
        """Prepare the editions that the worker has not; gives their frames, which it has from now on."""
        wanted = {one.edition_id: one.mailing for one in claims}
        missing = wanted.keys() - self._places.keys()
        if not missing:
            return {}
        with self._database.read() as session:
            composed = {
                number: stored_edition(session, number, service=wanted[number].lane is Lane.SERVICE)
                for number in missing
            }
        frames: dict[int, Frame] = {}
        for number, edition in composed.items():
            frames[number], self._places[number] = prepare(
                edition, self._sender, date=wanted[number].launched_at, signed=self._signed
            )
        return frames

    def _drop(self) -> list[int]:
        """Choose which editions the worker may forget: those used longest ago, and none that it holds a claim of."""
        if len(self._places) <= KEPT_EDITIONS:
            return []
        in_use = {claimed.edition_id for claimed in self._held.values()}
        unused = [number for number in self._places if number not in in_use]
        dropped = unused[: len(self._places) - KEPT_EDITIONS]
        for number in dropped:
            del self._places[number]
        return dropped


class _Letters:
    """The letters of one turn: begun while PostgreSQL works, as far as their editions are known, and finished after."""

    def __init__(self, stamp: Stamp, places: Mapping[int, Places]) -> None:
        self._stamp = stamp
        self._places = places
        self._written: dict[Hold, Letter] = {}

    def begin(self, claims: Iterable[Claimed]) -> None:
        # What fails here fails again in `finish`, where what the turn recorded is on disk.
        with contextlib.suppress(Exception):
            for claimed in claims:
                if (places := self._places.get(claimed.edition_id)) is not None:
                    self._written[claimed.hold] = self._stamp.letter(claimed, places)

    def finish(self, claims: Iterable[Claimed]) -> list[Letter]:
        return [
            self._written.get(claimed.hold) or self._stamp.letter(claimed, self._places[claimed.edition_id])
            for claimed in claims
        ]
