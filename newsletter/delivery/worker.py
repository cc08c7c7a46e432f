"""Sends what is due: claims, hands over, records, until nothing is left to do or it is told to stop.

One loop of events carries the lines to the relay; beside it, in a process of its own where that can be had, the
bookkeeper asks the database. A turn records what has ended and claims what comes next in one transaction, so that few
rows are `sending` at any moment: they are what a crash would make uncertain.
"""

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from newsletter.delivery.beside import Beside, BookkeeperGone
from newsletter.delivery.bookkeeper import Bookkeeper, News
from newsletter.delivery.claims import URGENT, Claims
from newsletter.delivery.courier import Courier, Line, RelayAway, RelayRefuses
from newsletter.delivery.letters import Mailroom
from newsletter.delivery.pace import Pace
from newsletter.delivery.report import Backlog
from newsletter.delivery.workers import BEAT_S
from subscribers.errors import DatabaseLocked, DatabaseUnreachable

CLAIMS_PER_LINE = 3  # on the wire, announced, being written down: what a crash makes uncertain, so no more
RESERVE = 2  # times what goes out during a turn: with no more left it is time for one, before lines run dry
GATHER_S = 0.01  # outcomes that come within so long are written down together, unless lines are about to run dry
TICK_S = 0.2  # how long a pause, a cancel or an alert may go unnoticed
IDLE_S = 10.0  # a line that had nothing to carry for so long is closed
EXTRA_LINES = 2  # for alerts, where every line waits for an answer
STUCK_S = 0.4  # after so long an alert gets one of them
PATIENT_S = 0.05  # for so long what waits may be left to a line that is busy
OPENING_SHARE = 4  # lines are opened several at a time: one, and a quarter of those that are there
GROWTH_MAILS = 100  # taken in a row before one more line is opened after a fault
GRACE_S = 8.0  # after being told to stop, for what is on the wire
HURRY_S = 2.0  # after being told twice, for the database
IDLE_LOOK_S = 5.0  # between looks for mailings of which nothing is left
PATIENCE_S = 120.0  # for a database that does not answer; a worker that runs for ever has more
FIRST_REST_S, LONGEST_REST_S = 5.0, 60.0  # for ever: after a fault of the relay

# Seconds of a clock that nobody sets and that goes on while the machine sleeps.
moment: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)

Trouble = (DatabaseLocked, DatabaseUnreachable)


@dataclass(frozen=True, kw_only=True)
class SendReport:
    """What a run came to.

    Attributes:
        outcomes: how many of each, by the outcome's name in lower case.
        left: what is still to be sent.
        paused: the mailings that were paused because of what servers said about us, with the reply.
        limited: whether the daily limit held mails back.
        recovered: what became of mails that senders which are gone were sending, by the state's word.
        seconds: from the first claim to the last record.
        fault: why it ended early, or None.
    """

    outcomes: dict[str, int]
    left: Backlog
    paused: Mapping[int, str]
    limited: bool
    recovered: Mapping[str, int]
    seconds: float
    fault: RelayAway | RelayRefuses | None


@dataclass(kw_only=True)
class Worker:
    """One sending process; for one run.

    Attributes:
        hire: gets the bookkeeper, who asks the database.
        mailroom: makes whole mails of letters.
        courier: opens lines.
        pace: how fast.
        connections: how many lines at once.
        clock: gives the moment, in UTC.
        allowance: how many mails may go out on the day of a moment; None means any number.
        on_progress: told the outcomes so far, by name.
        on_fault: told what keeps a worker that runs for ever from sending, and for how many seconds it rests.
        on_pause: told which mailing was paused because of what a server said about us.
    """

    hire: Callable[[], Beside]
    mailroom: Mailroom
    courier: Courier
    pace: Pace
    connections: int
    clock: Callable[[], datetime]
    allowance: Callable[[datetime], int | None] = field(default=lambda _now: None)
    on_progress: Callable[[Counter[str]], None] = field(default=lambda _outcomes: None)
    on_fault: Callable[[Exception, float], None] = field(default=lambda _fault, _rest_s: None)
    on_pause: Callable[[int, str], None] = field(default=lambda _mailing, _reply: None)

    def __post_init__(self) -> None:
        self._news = asyncio.Event()
        self._dry = asyncio.Event()
        self._claims = Claims(
            mailroom=self.mailroom,
            pace=self.pace,
            clock=self.clock,
            on_news=self._heard,
            on_unwanted=self._unwanted,
            on_parted=self._parted,
            on_bug=self._broken,
            monotonic=moment,
        )
        self._lines: set[Line] = set()
        self._opening: dict[asyncio.Task[None], bool] = {}  # and whether it is an extra one
        self._limit = self.connections
        self._grown_at = 0  # how many mails had been accepted when the limit was last changed
        self._paused: dict[int, str] = {}
        self._limited = False
        self._fault: RelayAway | RelayRefuses | None = None
        self._bug: Exception | None = None
        self._beside: Beside | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._extras: set[Line] = set()  # lines beyond the limit, for alerts alone
        self._idle_at = -math.inf  # when mailings were last looked through with nothing to do
        self._reserve = 0  # how many mails lines should still find when a turn begins
        self._skipping = False  # all that the last turn found was to be skipped, and there may be more
        self._unsure = False  # the last turn failed, and nobody knows whether it was done
        self._stopping = self._hurrying = False

    def prepare(self) -> None:
        """Get the bookkeeper: before there are threads or a loop of events it can have a process of its own."""
        self._beside = self._beside or self.hire()

    def stop(self) -> None:
        """Finish what is on the wire, record it, hand the rest back, and end; asked twice, end at once."""
        self._hurrying = self._stopping
        self._stopping = self._claims.closed = True
        self._news.set()
        if self._hurrying and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.call_later, HURRY_S, self._let_go)

    def _let_go(self) -> None:
        """Wait no longer for a database that does not answer: what it was not told is uncertain."""
        if self._beside is not None:
            self._beside.abandon()

    # ── what the claims tell ─────────────────────────────────────────────────────────────────────────────────────

    def _heard(self) -> None:
        """Hear that something is to be written down."""
        self._news.set()
        if self._claims.waiting() <= self._reserve:
            self._dry.set()

    def _parted(self, line: Line, fault: RelayAway | RelayRefuses | None) -> None:
        """Hear that a line is gone; whether the relay is, the next attempt to open one will tell."""
        self._lines.discard(line)
        self._extras.discard(line)
        self.courier.parted(line, fault)
        if fault is not None:
            self._allow_lines(len(self._lines))
        self._news.set()

    def _broken(self, bug: Exception) -> None:
        self._bug = self._bug or bug
        self._news.set()

    def _unwanted(self, reply: str) -> None:
        server = next((line.server for line in self._lines), "that is set")
        self._fault = self._fault or RelayRefuses(server=server, reply=reply)
        self._claims.closed = True
        self._news.set()

    # ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, for_ever: bool = False) -> SendReport:
        """Send until nothing is due (or for ever), the relay is gone, or `stop`.

        Nothing is claimed before there is a line: a relay that is away leaves every row as it was.

        Raises:
            DatabaseLocked, DatabaseUnreachable: the database did not answer for long. What was on the wire then will
                be uncertain.
            BookkeeperGone: the same.
        """
        began = time.monotonic()
        self.prepare()
        self._loop = asyncio.get_running_loop()
        try:
            recovered, workers = await self._books.ask(Bookkeeper.enrol, now=self.clock())
            self.pace.bucket.share(workers)
            await self._go(for_ever=for_ever)
            seconds = time.monotonic() - began
            left = await self._books.ask(Bookkeeper.backlog, now=self.clock())
        finally:
            self._loop = None
            await self._books.close()
        return SendReport(
            outcomes=dict(self._claims.outcomes),
            left=left,
            paused=self._paused,
            limited=self._limited,
            recovered={state.value: count for state, count in recovered.items()},
            seconds=seconds,
            fault=self._fault,
        )

    async def _go(self, *, for_ever: bool) -> None:
        tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._watch())]
        for task in tasks:
            task.add_done_callback(self._ended_early)
        rest_s = FIRST_REST_S
        try:
            while True:
                before = self._claims.outcomes["accepted"]
                await self._send(for_ever=for_ever)
                await self._drain()
                if self._bug is not None:
                    raise self._bug
                if self._fault is None or self._stopping or not for_ever:
                    break
                rest_s = FIRST_REST_S if self._claims.outcomes["accepted"] > before else min(LONGEST_REST_S, rest_s * 2)
                await self._rest(rest_s)
        except BookkeeperGone:
            self._hurrying = True  # nothing can be written down any more, so nothing must be sent
            raise
        finally:
            await self._come_to_an_end(tasks)

    def _ended_early(self, task: asyncio.Task[None]) -> None:
        """Hear that a task has ended that goes on for as long as the run does: without it nothing would be safe."""
        if not task.cancelled() and isinstance(bug := task.exception(), Exception):
            self._broken(bug)

    async def _send(self, *, for_ever: bool) -> None:
        trouble_since: float | None = None
        while not self._ending:
            try:
                if not await self._step(for_ever=for_ever):
                    return
                trouble_since = None
            except Trouble as trouble:
                trouble_since = trouble_since or moment()
                if not for_ever and moment() - trouble_since > PATIENCE_S:
                    raise
                self.on_fault(trouble, 1.0)
                await self._wait(1.0)

    async def _step(self, *, for_ever: bool) -> bool:
        """Do what is to be done now, or wait a little; False if nothing is left to do."""
        if not self._claims.held and not self._claims.news and not self._unsure:
            if not await self._due():
                if not for_ever and moment() >= self._claims.away_until:
                    return False
                await self._wait()
                return True
            if not self._lines and not await self._first_line():
                return True  # the fault ends it
        if self._claims.news and self._claims.waiting() > self._reserve:
            await self._gather()
        ended = self._claims.news
        news = await self._turn()
        self._wake_lines()
        self._grow()
        if news.held_by_limit and news.dry and not self._claims.held and not self._claims.news:
            self._limited = True
            await self._wait(1.0)
            return for_ever
        if not self._claims.news and (self._claims.held or not (ended or self._skipping)):
            await self._wait()
        return True

    @property
    def _ending(self) -> bool:
        return self._stopping or self._fault is not None or self._bug is not None

    async def _due(self) -> bool:
        self._claims.running, due = await self._books.ask(Bookkeeper.look, now=self.clock())
        if not due and moment() - self._idle_at > IDLE_LOOK_S:
            await self._books.ask(Bookkeeper.finish_mailings, now=self.clock())
            self._idle_at = moment()
        return due

    async def _turn(self) -> News:
        claims = self._claims
        told = claims.drain()
        before = claims.outcomes.total()
        places = len(self._lines) * CLAIMS_PER_LINE  # without a line nothing is claimed
        soon = self.pace.bucket.room(moment(), within_s=TICK_S)
        want = max(0, min(places - claims.held, soon - claims.waiting()))
        now = self.clock()
        try:
            news = await self._books.ask(
                Bookkeeper.turn,
                told,
                want=want,
                want_urgent=max(0, min(places, soon) - claims.held_urgent),
                allowance=self.allowance(now),
                now=now,
            )
        except BaseException:
            claims.bring_again(told)  # what the server said is written down in the next turn, or at the end
            self._unsure = True
            raise
        self._unsure = False
        self._skipping = want > 0 and not news.letters and not news.dry
        self._reserve = (claims.outcomes.total() - before) * RESERVE
        self._idle_at = -math.inf
        self.mailroom.learn(news.frames, news.dropped)
        claims.running, claims.spent = news.running, news.spent
        claims.add(news.letters)
        for mailing, reply in news.paused.items():
            self._paused[mailing] = reply
            self.on_pause(mailing, reply)
        if told.total:
            self.on_progress(claims.outcomes)
        return news

    def _wake_lines(self) -> None:
        """Wake lines for what waits, but not for what busy ones take along.

        Behind the body of one mail the next goes out without a word of its own (see `conversation`): half the work.
        """
        idle = [line for line in self._lines if line.idle]
        busy = len(self._lines) - len(idle)
        claims = self._claims
        at_once = claims.held_urgent or claims.waits_since(moment()) > PATIENT_S
        for line in idle:
            if not at_once and claims.waiting() <= busy:
                break
            line.wake()
            busy += 1

    async def _gather(self) -> None:
        """Let more outcomes come in while lines still have something to carry: a transaction costs, not its rows."""
        self._dry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                await self._dry.wait()

    async def _wait(self, seconds: float = TICK_S) -> None:
        """Wait until there is something to write down or to look at."""
        self._news.clear()
        if self._ending:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _first_line(self) -> bool:
        """Open a line where there is none; False, with the fault noted, if none can be had."""
        if not self._opening:
            self._open()
        while self._opening and not self._lines and not self._ending:
            await asyncio.wait(self._opening, timeout=TICK_S)
        return bool(self._lines)

    def _grow(self) -> None:
        """Open more lines where there is work for them, and where the server has kept up for a while."""
        if self._ending:
            return
        if self._claims.outcomes["accepted"] - self._grown_at >= GROWTH_MAILS:
            self._allow_lines(self._limit + 1)
        opening, lines = len(self._opening), len(self._lines)
        if self._claims.waiting() and lines + opening < self._limit and opening <= lines // OPENING_SHARE:
            self._open()
        elif (
            sum(self._opening.values()) < EXTRA_LINES
            and lines + opening < self.connections + EXTRA_LINES
            and self._claims.waits_since(moment(), URGENT) > STUCK_S
        ):
            self._open(extra=lines + opening >= self._limit)

    def _open(self, *, extra: bool = False) -> None:
        task = asyncio.create_task(self._opened(extra=extra))
        self._opening[task] = extra
        task.add_done_callback(self._opening.pop)

    async def _opened(self, *, extra: bool) -> None:
        try:
            line = await self.courier.open(self._claims)
        except (RelayAway, RelayRefuses) as fault:
            if self._lines:
                self._allow_lines(len(self._lines))  # a relay that grants only so many is good enough
            else:
                self._fault = self._fault or fault
        except Exception as bug:  # noqa: BLE001 - the run ends with it
            self._broken(bug)
        else:
            self._lines.add(line)
            if extra:
                self._extras.add(line)
            line.wake()
        self._news.set()

    def _allow_lines(self, limit: int) -> None:
        self._limit = max(1, min(limit, self.connections))
        self._grown_at = self._claims.outcomes["accepted"]

    async def _watch(self) -> None:
        """Give up what takes too long; close lines that have nothing to do."""
        idle_since: dict[Line, float] = {}
        while True:
            await asyncio.sleep(TICK_S)
            now = asyncio.get_running_loop().time()
            for line in list(self._lines):
                line.watch(now)
            idle_since = {line: idle_since.get(line, now) for line in self._lines if line.idle}
            for line, since in idle_since.items():
                if now - since > IDLE_S:
                    line.finish()
            if not self._claims.held_urgent:
                for line in list(self._extras):
                    line.finish()  # else it would carry other mails when the next alert comes
            self._grow()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            with contextlib.suppress(*Trouble):
                alive, workers = await self._books.ask(Bookkeeper.beat, now=self.clock())
                self.pace.bucket.share(workers)
                if not alive:
                    self._claims.disown()

    # ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _drain(self) -> None:
        """Let what is on the wire end, and hand back the rest."""
        self._claims.closed = True
        self._claims.hand_back_waiting()
        for task in list(self._opening):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for line in list(self._lines):
            line.finish()
        until = time.monotonic() + GRACE_S
        while self._lines and time.monotonic() < until and not self._hurrying:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), TICK_S)
        for line in list(self._lines):
            line.abandon("the sender was stopped while it waited for an answer")
        self._claims.hand_back_waiting()

    async def _rest(self, seconds: float) -> None:
        """After a fault of the relay: write down what there is, wait, and start afresh."""
        if self._fault is not None:
            self.on_fault(self._fault, seconds)
        until = moment() + seconds
        while moment() < until and not self._stopping:
            with contextlib.suppress(*Trouble):
                await self._turn()
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), 1.0)
        self._fault = None
        self._limit = self.connections
        self._claims.closed = self._stopping

    async def _come_to_an_end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # their faults have been heard
        if self._lines:
            await self._drain()
        self._claims.hand_back_waiting()
        told = self._claims.drain()
        self._paused.update(await self._books.ask(Bookkeeper.finish, told, now=self.clock()))

    @property
    def _books(self) -> Beside:
        if self._beside is None:
            raise AssertionError("nobody keeps the books")
        return self._beside
