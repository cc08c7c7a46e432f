"""A program that has a bookkeeper in a process of its own and does one thing with it; see test_beside.

python -m tests.delivery.asking WHAT
"""

import asyncio
import os
import signal
import sys

from newsletter.delivery.beside import BookkeeperGone, InProcess, InThread, beside
from subscribers.errors import DatabaseUnreachable


class Parrot:
    """A bookkeeper with other books; the way to it is the same."""

    def say(self, words: str, *, times: int = 1) -> str:
        return words * times

    def whoami(self) -> int:
        return os.getpid()

    def fail(self) -> None:
        raise DatabaseUnreachable(reason="it rains")

    def stumble(self) -> None:
        raise KeyError("where")


async def answers(books: InProcess) -> None:
    several = [books.ask(Parrot.say, f"{number} ", times=number) for number in range(5)]
    print(
        await asyncio.gather(*several, books.ask(Parrot.say, "x" * 3_000_000))
        == ["", "1 ", "2 2 ", "3 3 3 ", "4 4 4 4 ", "x" * 3_000_000]
    )
    print(await books.ask(Parrot.whoami) != os.getpid())
    try:
        await books.ask(Parrot.fail)
    except DatabaseUnreachable as fault:
        print(fault, fault.facts)
    try:
        await books.ask(Parrot.stumble)
    except KeyError as bug:
        print(bug, "in stumble" in bug.__notes__[0])


async def killed(books: InProcess) -> None:
    os.kill(await books.ask(Parrot.whoami), signal.SIGKILL)
    for _ in range(2):
        try:
            await books.ask(Parrot.whoami)
        except BookkeeperGone as gone:
            print(gone)


async def told(books: InProcess) -> None:
    child = await books.ask(Parrot.whoami)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(child, number)
    print(await books.ask(Parrot.say, "still here"))


async def waits(books: InProcess) -> None:
    print(await books.ask(Parrot.whoami), flush=True)
    sys.stdin.read()


async def run(act, books: InProcess) -> None:
    try:
        await act(books)
    finally:
        await books.close()


async def inside() -> None:
    print(isinstance(beside(Parrot), InThread))


if __name__ == "__main__":
    made = beside(Parrot)
    assert isinstance(made, InProcess)
    asyncio.run(run(globals()[sys.argv[1]], made))
    asyncio.run(inside())
