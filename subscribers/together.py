"""Many people's small writings in one transaction: they would wait for one another and for the disk, each by itself.

After a mailing hundreds press a button in one second. SQLite has one writer at a time, and the sender is another one;
whoever comes within a few milliseconds goes with the others. Who is refused is told so, and the others go once more
without them. Nobody is answered before all of it is on disk.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from subscribers.database import Database
from subscribers.errors import DatabaseLocked, DatabaseUnreachable

GATHER_S = 0.006  # that the first one waits for others
# On PostgreSQL: how long a row that another transaction holds is waited for, before the others go on without that one.
TOGETHER_S, PATIENCE_S = 0.5, 5.0
MOST = 50  # writings in one transaction, so that the sender gets its turn
Result = TypeVar("Result")


class _Asked(NamedTuple):
    do: Callable[[Session], Any]
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop

    def tell(self, came: Any) -> None:
        """Answer, from whichever thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody is there any more to be answered
            self.loop.call_soon_threadsafe(_tell, self.answer, came)


class Together:
    """Writes for many; from any event loop, in a thread of its own that begins with the first who asks."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database
        self._asked: deque[_Asked | None] = deque()
        self._some = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    async def write(self, do: Callable[[Session], Result]) -> Result:
        """Do something in a writing transaction, and give what came of it once that is on disk.

        Args:
            do: gets the transaction, which it may share with others: it writes what it has to by statements and keeps
                nothing of the session. It may be called again, after a transaction that failed.

        Raises:
            Fault: what `do` raises; then nothing of it was written.
            DatabaseLocked, DatabaseUnreachable: as `Database.write`.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._start()
        self._asked.append(_Asked(do, answer, loop))
        self._some.release()
        return await answer

    def close(self) -> None:
        """Finish what was asked for, and end the thread."""
        if self._thread is not None:
            self._asked.append(None)
            self._some.release()
            self._thread.join()
            self._thread = None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._some.acquire()
            together = [self._asked.popleft()]
            if together[0] is not None:
                time.sleep(GATHER_S)
            while len(together) < MOST and together[-1] is not None and self._some.acquire(blocking=False):
                together.append(self._asked.popleft())
            people = [one for one in together if one is not None]
            while people:
                people = self._serve(people)
            if together[-1] is None:
                return

    def _serve(self, people: Sequence[_Asked]) -> list[_Asked]:
        """Write for some people; gives those whose turn is still to come, since one before them was refused."""
        turn: _Asked | None = None
        came = []
        try:
            with self._database.write() as session:
                self._database.hurry(session, PATIENCE_S if len(people) == 1 else TOGETHER_S)
                for turn in people:
                    came.append(turn.do(session))
                    session.flush()
                turn = None
        except Exception as fault:  # noqa: BLE001 - told to whom it concerns
            of_database = isinstance(fault, SQLAlchemyError | DatabaseLocked | DatabaseUnreachable)
            if turn is not None and not of_database:
                turn.tell(fault)
                return [one for one in people if one is not turn]
            if len(people) > 1 and (turn is not None or came):
                # One of them may have broken it, or PostgreSQL has chosen it to end a deadlock: each by themselves.
                for one in people:
                    self._serve([one])
            else:
                for one in people:
                    one.tell(fault)
            return []
        for one, result in zip(people, came, strict=True):
            one.tell(result)
        return []


def _tell(answer: asyncio.Future[Any], result: Any) -> None:
    if answer.cancelled():  # whoever asked has hung up; it was done nevertheless
        return
    if isinstance(result, BaseException):
        answer.set_exception(result)
    else:
        answer.set_result(result)
