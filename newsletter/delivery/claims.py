"""What a worker has claimed and not yet written down: which goes next, and what became of the rest."""

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.delivery.claimed import Hold, Launched, Told
from newsletter.delivery.courier import Line, RelayAway, RelayRefuses
from newsletter.delivery.letters import Envelope, Letter, Mailroom
from newsletter.delivery.model import Lane
from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused, Uncertain, Why
from newsletter.delivery.pace import Pace

FRESH_S = 20.0  # a claim older than this is looked at again before it is sent; well under `workers.SILENCE_S`
PATIENT_S = 1.0  # what its domain's pace holds back for longer goes back to the queue
HELD_FOR_ONE_DOMAIN = 4  # of what waits longer than that for a mail to its domain to end, so that others get a turn
AWAY_S = 30.0  # how long such a mail stays away
TRIES = 8  # times that a mail is announced anew after a line broke before its text, or had carried all it may
URGENT = (Lane.SERVICE, Lane.ALERT)
_NAMES = {kind: kind.__name__.lower() for kind in (Accepted, Deferred, Refused, Uncertain)}
UNWANTED = 5  # mails in a row that were refused after they were seen: it is what they say, not whom they go to


@dataclass(kw_only=True)
class Claims:
    """The work that lines take from and report to; see `courier.Work`.

    Attributes:
        mailroom: makes whole mails of letters.
        pace: how fast.
        clock: gives the moment, in UTC.
        on_news: called when something ended, so that it is written down soon.
        on_unwanted: called with the reply where the server wants nothing of what we send.
        on_parted: called when a line is gone.
        on_bug: called with a fault of our own.
        monotonic: seconds of a clock that nobody sets.
    """

    mailroom: Mailroom
    pace: Pace
    clock: Callable[[], datetime]
    on_news: Callable[[], None]
    on_unwanted: Callable[[str], None]
    on_parted: Callable[[Line, RelayAway | RelayRefuses | None], None]
    on_bug: Callable[[Exception], None]
    monotonic: Callable[[], float] = time.monotonic

    running: Mapping[int, Launched] = field(default_factory=dict)
    spent: Collection[int] = ()  # editions that must not go out any more: an appeal was closed, a name withdrawn
    closed: bool = False  # nothing more is given out
    outcomes: Counter[str] = field(default_factory=Counter)
    _ready: dict[Lane, deque[Letter]] = field(default_factory=lambda: {lane: deque() for lane in Lane})
    _taken_at: dict[Hold, float] = field(default_factory=dict)  # every claim that this worker holds
    _tries: Counter[Hold] = field(default_factory=Counter)
    _told: Told = field(default_factory=Told.nothing)
    _unwanted: int = 0
    away_until: float = 0.0  # when the last of those that the pace sent away may be claimed again

    # ── what the worker asks ─────────────────────────────────────────────────────────────────────────────────────

    def add(self, letters: Iterable[Letter]) -> None:
        """Take over what was claimed, as letters."""
        now = self.monotonic()
        for letter in letters:
            self._taken_at[letter.hold] = now
            self._ready[letter.mailing.lane].append(letter)

    def drain(self) -> Told:
        """Give what has ended and is to be written down."""
        told, self._told = self._told, Told.nothing()
        return told

    def bring_again(self, told: Told) -> None:
        """Keep what could not be written down."""
        self._told.accepted[:0] = told.accepted
        self._told.others[:0] = told.others

    @property
    def held(self) -> int:
        """How many rows are `sending` for this worker, apart from those that have ended."""
        return len(self._taken_at)

    @property
    def held_urgent(self) -> int:
        """How many of those are service mails and alerts that no line has taken yet."""
        return sum(len(self._ready[lane]) for lane in URGENT)

    def waits_since(self, now: float, lanes: Iterable[Lane] = tuple(Lane)) -> float:
        """Say for how many seconds the first of some lanes has been waiting for a line; 0 if nothing is."""
        first = [self._ready[lane][0] for lane in lanes if self._ready[lane]]
        return max((now - self._taken_at.get(letter.hold, now) for letter in first), default=0.0)

    @property
    def news(self) -> int:
        """How much is to be written down."""
        return self._told.total

    def waiting(self) -> int:
        """Count those that no line has taken yet."""
        return sum(map(len, self._ready.values()))

    def hand_back_waiting(self) -> None:
        """Hand back what no line has taken."""
        for queue in self._ready.values():
            for letter in queue:
                self._release(letter, None)
            queue.clear()

    def disown(self) -> None:
        """Let go of everything: others took this worker for gone, and have decided about all that it held."""
        self.hand_back_waiting()  # told, so that it is forgotten; the fence keeps it from being written
        self._taken_at.clear()

    # ── what lines ask: see `courier.Work` ───────────────────────────────────────────────────────────────────────

    def take(self) -> Envelope | None:
        """Give the most urgent mail that may go now."""
        now = self.monotonic()
        if self.closed or self.pace.bucket.wait(now):
            return None
        for queue in self._ready.values():
            if queue and not self.closed and (envelope := self._first(queue, now)) is not None:
                return envelope
        return None

    def may_go(self, envelope: Envelope) -> bool:
        """Say whether nothing has changed since the mail was announced."""
        letter = envelope.letter
        taken_at = self._taken_at.get(letter.hold)
        return (
            taken_at is not None
            and not self.closed
            and letter.mailing.id in self.running
            and letter.edition_id not in self.spent
            and self.clock() < letter.mailing.expires_at
            # A process that was held up for long may have been given up by others.
            and self.monotonic() - taken_at < FRESH_S + PATIENT_S
        )

    def ended(self, envelope: Envelope, outcome: Outcome) -> None:
        """Take the outcome of one mail."""
        letter = envelope.letter
        self.pace.ended(letter.domain, outcome, self.monotonic())
        match outcome:
            case Accepted():
                self._unwanted = 0
            case Refused(reply, after_dot=True):
                self._unwanted += 1
                if self._unwanted >= UNWANTED:
                    # A person has to look at the mailing. Whoever it went to last is not to blame.
                    self._unwanted = 0
                    outcome = Deferred(reply, Why.BARRED)
        self._finish(letter, outcome)
        if isinstance(outcome, Deferred) and outcome.why.stops_run:
            self.on_unwanted(outcome.reply)

    def untouched(self, envelope: Envelope) -> None:
        """Take back a mail of which no byte was sent; it goes over another line."""
        letter = envelope.letter
        self.pace.withdrawn(letter.domain)
        if letter.hold not in self._taken_at:
            self._release(letter, None)  # others have decided about it; see `disown`
            return
        self._tries[letter.hold] += 1
        if self.closed or not self._may_wait(letter, self.clock()):
            self._release(letter, None)
        elif self._tries[letter.hold] >= TRIES:
            self._send_away(letter, AWAY_S)
        else:
            self._ready[letter.mailing.lane].appendleft(letter)
            self.on_news()

    def parted(self, line: Line, fault: RelayAway | RelayRefuses | None) -> None:
        """Hear that a line is gone."""
        self.on_parted(line, fault)

    # ── one claim's way ──────────────────────────────────────────────────────────────────────────────────────────

    def _first(self, queue: deque[Letter], now: float) -> Envelope | None:
        """Give the first of a lane that may go; hand back what has waited too long or would have to."""
        blocked: dict[str, int] = {}
        moment = self.clock()
        for _ in range(len(queue)):
            letter = queue.popleft()
            taken_at = self._taken_at.get(letter.hold, -math.inf)
            if now - taken_at > FRESH_S or not self._may_wait(letter, moment):
                if letter.hold in self._taken_at:
                    self._release(letter, None)  # the next turn sees why, and does what follows
                continue
            domain = letter.domain
            wait = self.pace.ask(domain, now)
            if wait == 0.0:
                envelope = self._whole(letter)
                if envelope is not None:
                    return envelope
                self.pace.withdrawn(domain)
                continue
            blocked[domain] = blocked.get(domain, 0) + 1
            in_hand = now - taken_at
            if wait <= PATIENT_S or (
                wait == math.inf and (in_hand <= PATIENT_S or blocked[domain] <= HELD_FOR_ONE_DOMAIN)
            ):
                queue.append(letter)
            else:
                self._send_away(letter, min(AWAY_S, wait))
        return None

    def _whole(self, letter: Letter) -> Envelope | None:
        try:
            envelope = self.mailroom.envelope(letter)
        except Exception as bug:  # noqa: BLE001 - told to the worker, which ends with it
            self._release(letter, None)
            self.closed = True
            self.on_bug(bug)
            return None
        return envelope

    def _may_wait(self, letter: Letter, moment: datetime) -> bool:
        mailing = letter.mailing
        return (
            letter.hold in self._taken_at
            and mailing.id in self.running
            and letter.edition_id not in self.spent
            and moment < mailing.expires_at
        )

    def _send_away(self, letter: Letter, seconds: float) -> None:
        self.away_until = self.monotonic() + seconds
        self._release(letter, None, self.clock() + timedelta(seconds=seconds))

    def _finish(self, letter: Letter, outcome: Outcome) -> None:
        self.outcomes[_NAMES[type(outcome)]] += 1
        self._release(letter, outcome)

    def _release(self, letter: Letter, outcome: Outcome | None, until: datetime | None = None) -> None:
        hold = letter.hold
        self._taken_at.pop(hold, None)
        if self._tries:
            self._tries.pop(hold, None)
        self._told.add(hold, outcome, until)
        self.on_news()
