"""Where a worker's bookkeeper works: in a process of its own, or in a thread.

The interpreter runs one thread at a time, and database and lines each keep one busy. So where that can be had, the
bookkeeper gets a process of its own; it is a copy of this one (fork), alone holds the connection to the database, and
never outlives the worker.
"""

import asyncio
import ctypes
import gc
import os
import pickle
import signal
import socket
import struct
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, NoReturn, ParamSpec, Protocol, TypeVar, cast

from newsletter.delivery.bookkeeper import Bookkeeper
from newsletter.errors import NewsletterError
from subscribers.errors import Fault

LENGTH = struct.Struct("!I")  # before each message: how many bytes it has
PR_SET_PDEATHSIG = 1  # prctl(2)

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
Question = Callable[Concatenate[Bookkeeper, Asked], Answer]


class BookkeeperGone(NewsletterError):
    """The process that keeps the sender's books has ended. What was on the wire is uncertain; nothing else is lost.
    Look whether memory ran out, and send again.
    """


class Beside(Protocol):
    """The way to a bookkeeper."""

    async def ask(self, question: Question[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        """Have the bookkeeper do something, and wait for its answer; raises what it raised.

        Args:
            question: one of `Bookkeeper`'s methods.
            args: for that method.
            kwargs: for that method.

        Raises:
            BookkeeperGone: its process has ended.
        """

    def abandon(self) -> None:
        """Wait for no answer any more."""

    async def close(self) -> None:
        """Let it go."""


def beside(make: Callable[[], Bookkeeper]) -> Beside:
    """Get a bookkeeper: in a process of its own where this one can be copied safely, else in a thread.

    Args:
        make: makes it, from what is safe to have twice: no open connection.
    """
    copies_well = sys.platform == "linux" and threading.active_count() == 1 and not _in_a_loop()
    return InProcess(make) if copies_well else InThread(make)


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class InThread:
    """A bookkeeper in a thread."""

    def __init__(self, make: Callable[[], Bookkeeper]) -> None:
        """Make it."""
        self._bookkeeper = make()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bookkeeper")

    async def ask(self, question: Question[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        """See `Beside.ask`."""
        act = partial(question, self._bookkeeper, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def abandon(self) -> None:
        """A thread can't be left: its answer is waited for."""

    async def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()


class InProcess:
    """A bookkeeper in a process of its own. Made before a loop of events runs; used in one."""

    def __init__(self, make: Callable[[], Bookkeeper]) -> None:
        """Start the process."""
        self._ours, theirs = socket.socketpair()
        gc.freeze()  # what both have is not looked through again, and so stays one in memory
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._ours.close()
            _live(make, theirs, parent)
        theirs.close()
        self._line: _Answers | None = None
        self._connecting = asyncio.Lock()

    async def ask(self, question: Question[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        """See `Beside.ask`."""
        line = self._line or await self._connected()
        return cast(Answer, await line.ask((question.__name__, args, kwargs)))

    async def _connected(self) -> "_Answers":
        async with self._connecting:
            if self._line is None:
                loop = asyncio.get_running_loop()
                _transport, self._line = await loop.create_connection(_Answers, sock=self._ours)
            return self._line

    def abandon(self) -> None:
        """End the process, whatever it does; every question ends with `BookkeeperGone`."""
        os.kill(self._pid, signal.SIGKILL)

    async def close(self) -> None:
        """Let the process end, and wait for that."""
        if self._line is not None:
            await self._line.close()
        self._ours.close()
        await asyncio.get_running_loop().run_in_executor(None, os.waitpid, self._pid, 0)


class _Answers(asyncio.Protocol):
    """The worker's end of the connection: questions go out one after the other, answers come in that order."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[object]] = deque()
        self._received: list[bytes] = []
        self._size = 0
        self._missing = LENGTH.size  # until there is something to look at
        self._gone = asyncio.Event()

    async def ask(self, question: object) -> object:
        if self._gone.is_set():
            raise BookkeeperGone
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._transport.write(_packed(question))
        return await answer

    async def close(self) -> None:
        if not self._gone.is_set():
            self._transport.write_eof()
            await self._gone.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._size += len(data)
        while self._size >= self._missing:
            joined = b"".join(self._received)
            (length,) = LENGTH.unpack_from(joined)
            end = LENGTH.size + length
            if len(joined) < end:
                self._received, self._missing = [joined], end
                return
            self._received, self._size, self._missing = [joined[end:]], len(joined) - end, LENGTH.size
            self._hear(joined[LENGTH.size : end])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._gone.set()
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(BookkeeperGone())

    def _hear(self, message: bytes) -> None:
        done, said = pickle.loads(message)  # noqa: S301 - our own process wrote it
        answer = self._waiting.popleft()
        if answer.done():  # nobody waits for it any more
            return
        if done:
            answer.set_result(said)
        else:
            answer.set_exception(said)


# ── the bookkeeper's process ─────────────────────────────────────────────────────────────────────────────────────


def _live(make: Callable[[], Bookkeeper], to_worker: socket.socket, parent: int) -> NoReturn:
    """Answer until the worker has let go; never comes back into the program that was copied."""
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a terminal tells both processes; the worker decides
        if _dies_with(parent):
            _serve(make(), to_worker)
            status = 0
    except BaseException:  # noqa: BLE001 - nobody above would tell
        traceback.print_exc()
    finally:
        os._exit(status)


def _dies_with(parent: int) -> bool:
    """Have the kernel end this process with its worker; False if that has ended already.

    A bookkeeper that was left alone in the middle of a turn would claim mails for a worker that is no more.
    """
    told_when_parent_ends(signal.SIGKILL)
    return os.getppid() == parent


def told_when_parent_ends(number: signal.Signals) -> None:
    """Have the kernel send a signal here when the process that started this one ends, however it does (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _serve(bookkeeper: Bookkeeper, to_worker: socket.socket) -> None:
    with to_worker, to_worker.makefile("rwb") as stream:
        while len(head := stream.read(LENGTH.size)) == LENGTH.size:
            name, args, kwargs = pickle.loads(stream.read(*LENGTH.unpack(head)))  # noqa: S301 - our own process
            stream.write(_packed(_answer(getattr(bookkeeper, name), args, kwargs)))
            stream.flush()


def _answer(act: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[bool, object]:
    try:
        return True, act(*args, **kwargs)
    except Fault as fault:
        return False, fault
    except Exception as bug:  # noqa: BLE001 - raised again in the worker
        where = "".join(traceback.format_exception(bug))  # is lost on the way
        bug.add_note(where)
        try:
            pickle.loads(pickle.dumps(bug))  # noqa: S301 - ours
        except Exception:  # noqa: BLE001 - some exceptions don't bear the way
            return False, RuntimeError(where)
        return False, bug


def _packed(message: object) -> bytes:
    packed = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(packed)) + packed
