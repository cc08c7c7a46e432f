"""What `newsletter send`, `worker` and `run` have in common: a worker that listens to signals, and its progress."""

import asyncio
import gc
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from newsletter.cli.screen import printable, warn
from newsletter.delivery.worker import SendReport, Worker

GARBAGE = 50_000  # new objects before cycles among them are looked for; a mail leaves none
NICENESS = 5  # pages, database and mail server on this machine go first: a sender that outruns them gains nothing
LINE_S = 10.0  # between plain lines, where there is no terminal
STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the last: its terminal was closed
SPAN_S = 5.0  # that the shown rate is about


class SendingProgress:
    """Shows rate, done, deferred and time left: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int | None) -> None:
        """Take how many mails there are to send; None where that goes on and on."""
        self._total = total
        self._outcomes: Counter[str] = Counter()
        self._marks: list[tuple[float, int]] = [(time.monotonic(), 0)]
        self._told_at = time.monotonic()
        console = Console(stderr=True)
        self._on_terminal = console.is_terminal
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("Sending"),
            *([BarColumn()] if total else []),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not self._on_terminal,
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        """Begin to show."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take the bar away."""
        self._bar.stop()

    def __call__(self, outcomes: Counter[str]) -> None:
        """Take the outcomes so far."""
        now = time.monotonic()
        done = outcomes.total()
        if now - self._marks[-1][0] >= SPAN_S / 10:
            self._marks = [*(mark for mark in self._marks if now - mark[0] < SPAN_S), (now, done)]
            self._outcomes = outcomes
            self._bar.update(self._task, completed=done, description=self.line(now))
            if not self._on_terminal and now - self._told_at >= LINE_S:
                self._told_at = now
                warn(self.line(now))

    def line(self, now: float) -> str:
        """Say how it goes, in one line."""
        done, deferred = self._outcomes.total(), self._outcomes["deferred"]
        (since, before) = self._marks[0]
        rate = (done - before) / (now - since) if now > since else 0.0
        said = [f"{done:,}" + (f" of {self._total:,}" if self._total else "") + " done"]
        if deferred:
            said.append(f"{deferred:,} deferred")
        said.append(f"{rate:,.0f}/s" if rate >= 1 else f"{rate * 60:,.0f}/min")
        if self._total and rate > 0 and done < self._total:
            said.append(f"{_span((self._total - done) / rate)} left")
        return " · ".join(said)


async def run_until_told(worker: Worker, *, for_ever: bool = False) -> SendReport:
    """Run a worker.

    SIGINT, SIGTERM and SIGHUP ask it to finish what is on the wire; a second one, to end at once.
    """
    loop = asyncio.get_running_loop()
    for number in STOP:
        loop.add_signal_handler(number, worker.stop)
    try:
        return await worker.run(for_ever=for_ever)
    finally:
        for number in STOP:
            loop.remove_signal_handler(number)


def run_worker(
    worker: Worker, progress: AbstractContextManager[object] | None = None, *, for_ever: bool = False
) -> SendReport:
    """Run a worker in a loop of its own; with uvloop, which is quicker, where that is installed.

    Args:
        worker: fresh.
        progress: shown meanwhile; with a thread of its own perhaps, so it begins after the worker has parted in two.
        for_ever: see `Worker.run`.
    """
    gc.set_threshold(GARBAGE)
    worker.prepare()  # the bookkeeper keeps its priority: while it writes, pages may wait for it
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    with progress or nullcontext(), asyncio.Runner(loop_factory=_event_loop()) as runner:
        return runner.run(run_until_told(worker, for_ever=for_ever))


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return uvloop.new_event_loop


def tell_pause(mailing: int, reply: str) -> None:
    """Say loudly that a mailing was paused because of what a server said about us."""
    warn(
        printable(
            f"PAUSED: mailing {mailing}. The mail server refuses us, not a recipient: {reply}\n"
            f"Nobody was taken off the list. Mend the cause, then: newsletter mailing resume {mailing}"
        )
    )


def tell_broken(broken: Mapping[int, str]) -> None:
    """Say loudly which mailings were paused because an edition of them can't be composed."""
    for mailing, fault in broken.items():
        warn(printable(f"PAUSED: mailing {mailing}. {fault}\nThen: newsletter mailing resume {mailing}"))


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
