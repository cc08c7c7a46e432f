"""An SMTP server that keeps a ledger of its own of every mail that it took, and misbehaves when it is told to.

It speaks pipelined SMTP (RFC 2920): commands in one packet, the next mail's directly after the final dot. What it does
wrong it does by a plan and a seed, so that the same plan meets the same mails at the same points again.

    python -m tests.faults.ledgerserver ledger.txt '{"faults": [{"at": "data", "every": 50, "drop": true}]}'
"""

import argparse
import asyncio
import json
import os
import random
import re
import select
import signal
import socket
import sys
import time
import zlib
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

WAIT_FOR_DEATH_MS = 10_000
HOSTNAME = "ledger.test"


class Point(StrEnum):
    """Where a conversation can be, in the order of one mail's way."""

    CONNECT = "connect"
    EHLO = "ehlo"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # DATA has come; 354 is not written
    GO = "go"  # 354 is written
    BODY = "body"  # the first bytes of the mail are here
    DOT = "dot"  # the final dot is here; whether to take the mail is not decided
    TAKEN = "taken"  # it stands in the ledger; the client doesn't know yet
    ANSWERED = "answered"  # 250 is written


# From here on a client that hears nothing more can't know what became of the mail.
IN_DOUBT = (Point.GO, Point.BODY, Point.DOT, Point.TAKEN, Point.ANSWERED)
_WELL_FORMED = re.compile(r"[2-5]\d\d(?: [^\r\n]*)?\r\n")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong at a point.

    Attributes:
        at: where.
        every: once in so many times, on average; 1 is each time.
        times: how often at most; None is no limit.
        slow_s: think for so long first.
        reply: then say this in place of the right answer, as it goes over the wire; empty means the right answer.
        drop: then end the connection: without a word if there is no reply, in order if there is one.
    """

    at: Point
    every: int = 1
    times: int | None = None
    slow_s: float = 0.0
    reply: str = ""
    drop: bool = False

    @property
    def leaves_doubt(self) -> bool:
        """Whether the client can't know afterwards what became of the mail."""
        wrong = bool(self.reply) and not _WELL_FORMED.fullmatch(self.reply)
        return self.at in IN_DOUBT and (wrong or (self.drop and not self.reply))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a server behaves.

    Attributes:
        faults: what goes wrong; of several at one point the first that is due happens.
        seed: for the choice of victims.
        pipelining: whether it is offered.
        greylist: whether each recipient is told to come again, once.
        refuse: pattern of recipients that don't exist.
        receive_buffer: bytes that the kernel takes in for a connection; 0 leaves that to the kernel.
    """

    faults: tuple[Fault, ...] = ()
    seed: int = 0
    pipelining: bool = True
    greylist: bool = False
    refuse: str = ""
    receive_buffer: int = 0

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a plan; a fault's keys are those of `Fault`."""
        values = json.loads(text)
        faults = tuple(Fault(**(fault | {"at": Point(fault["at"])})) for fault in values.pop("faults", ()))
        return cls(faults=faults, **values)


@dataclass(frozen=True, kw_only=True)
class Take:
    """One mail for one recipient that the server took responsibility for.

    Attributes:
        serial: the server's number for it, which stands in its reply.
        data_at: when its DATA command was read, in seconds since 1970.
        taken_at: when the server decided to answer 250.
        message_id, recipient: whose it is.
        checksum: CRC-32 of the message as it was on the wire.
        answered: whether 250 was written to a connection that was still open.
    """

    serial: int
    data_at: float
    taken_at: float
    message_id: str
    recipient: str
    checksum: int
    answered: bool


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What a server wrote down.

    Attributes:
        takes: every mail that it took, in order.
        doubts: recipients of mails of which it left the client in doubt, once for each time; with the point.
        violations: what the client did against the protocol.
        reached: how often the planned faults and kills happened, by point.
    """

    takes: tuple[Take, ...]
    doubts: tuple[tuple[Point, str], ...]
    violations: tuple[str, ...]
    reached: Counter[str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file; a half line at its end, of a server that is still writing, is left out."""
        takes: dict[int, list[dict[str, Any]]] = {}
        doubts: list[tuple[Point, str]] = []
        violations: list[str] = []
        reached: Counter[str] = Counter()
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            word, *rest = line.rstrip("\n").split("\t")
            match word:
                case "taken":
                    serial, data_at, taken_at, checksum, message_id, recipient = rest
                    facts = {
                        "serial": int(serial),
                        "data_at": float(data_at),
                        "taken_at": float(taken_at),
                        "checksum": int(checksum),
                        "message_id": message_id,
                        "recipient": recipient,
                        "answered": False,
                    }
                    takes.setdefault(int(serial), []).append(facts)
                case "answered":
                    for facts in takes[int(rest[0])]:
                        facts["answered"] = True
                case "doubt":
                    doubts.append((Point(rest[0]), rest[1]))
                case "violation":
                    violations.append(rest[0])
                case "fault" | "kill":
                    reached[f"{word} {rest[0]}"] += 1
        every = (facts for group in takes.values() for facts in group)
        return cls(
            takes=tuple(Take(**facts) for facts in every),
            doubts=tuple(doubts),
            violations=tuple(violations),
            reached=reached,
        )


class _Cut(Exception):
    """The connection ends here."""

    def __init__(self, *, politely: bool) -> None:
        self.politely = politely


@dataclass
class _Watch:
    """Waits for the n-th time from now that a point is reached."""

    at: Point
    nth: int
    delay_s: float = 0.0
    process: int = -1  # a pidfd: a number of a process that has ended may be given to somebody else's


@dataclass
class LedgerServer:
    """Listens on a free port of 127.0.0.1 in the running event loop.

    Attributes:
        path: the ledger's file; it is appended to.
        plan: how to behave.
        held: whether every 250 after a dot waits until this is lifted; see `release`.
        notify: told the point when a watch set by `tell` comes true.
    """

    path: Path
    plan: Plan = field(default_factory=Plan)
    held: bool = False
    notify: Any = None

    def __post_init__(self) -> None:
        self._random = random.Random(self.plan.seed)  # noqa: S311 - a plan that can be repeated
        self._due: dict[Fault, int] = {}
        self._happened: Counter[Fault] = Counter()
        self._known: set[str] = set()
        self._refused = re.compile(self.plan.refuse) if self.plan.refuse else None
        self._kill: _Watch | None = None
        self._tell: _Watch | None = None
        self._serials = 0
        self.waiting: list[_Conversation] = []

    async def __aenter__(self) -> Self:
        """Open the ledger and the port."""
        self._ledger = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if self.plan.receive_buffer:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.plan.receive_buffer)
        listening.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Conversation(self), sock=listening, backlog=512)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Take no more."""
        self._server.close()
        os.close(self._ledger)

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────

    def kill(self, pid: int, *, at: Point, nth: int, delay_s: float = 0.0) -> None:
        """Send SIGKILL to a process when a point is reached for the n-th time from now; its end is waited for."""
        self.forget_kill()
        self._kill = _Watch(at=at, nth=nth, delay_s=delay_s, process=os.pidfd_open(pid))

    def forget_kill(self) -> None:
        if self._kill is not None:
            os.close(self._kill.process)
            self._kill = None

    def tell(self, *, at: Point, nth: int) -> None:
        """Call `notify` when a point is reached for the n-th time from now."""
        self._tell = _Watch(at=at, nth=nth)

    def release(self) -> None:
        """Give the answers that were held."""
        self.held = False
        waiting, self.waiting = self.waiting, []
        for conversation in waiting:
            conversation.go_on()

    # ── for conversations ────────────────────────────────────────────────────────────────────────────────────────

    def pass_point(self, point: Point, conversation: "_Conversation") -> None:
        """Take note that a conversation has come here."""
        if (tell := self._tell) is not None and tell.at is point:
            tell.nth -= 1
            if tell.nth == 0:
                self._tell = None
                self.notify(point)
        if (kill := self._kill) is not None and kill.at is point:
            kill.nth -= 1
            if kill.nth == 0:
                self._kill = None
                conversation.flush()
                if kill.delay_s:
                    asyncio.get_running_loop().call_later(kill.delay_s, self._end, kill)
                else:
                    self._end(kill)

    def _end(self, kill: _Watch) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(kill.process, signal.SIGKILL)
            self.note("kill", kill.at)
        gone = select.poll()
        gone.register(kill.process, select.POLLIN)
        gone.poll(WAIT_FOR_DEATH_MS)  # whatever is answered from here on, the client does not hear it
        os.close(kill.process)

    def fault(self, point: Point) -> Fault | None:
        """Give what goes wrong here and now."""
        for fault in self.plan.faults:
            if fault.at is not point or (fault.times is not None and self._happened[fault] >= fault.times):
                continue
            if fault not in self._due:
                self._due[fault] = self._random.randint(1, fault.every)
            self._due[fault] -= 1
            if self._due[fault] == 0:
                self._due[fault] = self._random.randint(1, 2 * fault.every - 1)
                self._happened[fault] += 1
                self.note("fault", point)
                return fault
        return None

    def verdict(self, recipient: str) -> bytes:
        """Answer RCPT."""
        if self._refused is not None and self._refused.search(recipient):
            return b"550 5.1.1 No such user here"
        if self.plan.greylist and recipient not in self._known:
            self._known.add(recipient)
            return b"450 4.7.1 Greylisted, come again"
        return b"250 2.1.5 Recipient fine"

    def take(self, data: bytes, recipients: Iterable[str], data_at: float) -> int:
        """Take responsibility for a mail."""
        self._serials += 1
        facts = (self._serials, f"{data_at:.6f}", f"{time.time():.6f}", zlib.crc32(data), message_id(data))
        for recipient in recipients:
            self.note("taken", *facts, recipient)
        return self._serials

    def note(self, *words: object) -> None:
        """Write a line into the ledger, at once."""
        os.write(self._ledger, ("\t".join(map(str, words)) + "\n").encode())


_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>\s]*>)", re.IGNORECASE | re.MULTILINE)


def message_id(data: bytes) -> str:
    """Find a message's Message-ID; empty if it has none."""
    found = _MESSAGE_ID.search(data, 0, max(0, data.find(b"\r\n\r\n")))
    return found[1].decode("ascii", "replace") if found else ""


_HOLD = object()
_Steps = Generator[object, None, Any]


class _Conversation(asyncio.Protocol):
    """One connection. The conversation is a generator that yields where it waits.

    It yields None for more bytes, a number of seconds for a pause, and `_HOLD` until the server releases it.
    """

    def __init__(self, server: LedgerServer) -> None:
        self._server = server
        self._buffer = bytearray()
        self._out = bytearray()
        self._waits_for_bytes = False
        self._over = False
        self._recipients: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        # Replies leave at once, as a mail server's do: else each waits 40 ms for the acknowledgement of the one before.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._steps = self._conversation()
        self.go_on()

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._buffer += data
        if self._waits_for_bytes:
            self.go_on()

    def connection_lost(self, _error: Exception | None) -> None:
        self._over = True

    def flush(self) -> None:
        """Write what was said."""
        if self._out and not self._transport.is_closing():
            self._transport.write(bytes(self._out))
        self._out.clear()

    def go_on(self) -> None:
        """Go on until the conversation has to wait."""
        self._waits_for_bytes = False
        try:
            wait = next(self._steps)
        except StopIteration:
            self.flush()
            self._transport.close()
            self._over = True
            return
        except _Cut as cut:
            self._over = True
            self.flush()
            if cut.politely:
                # Closing with unread commands in the buffer would reset the connection and lose the reply.
                if self._transport.can_write_eof():
                    self._transport.write_eof()
            else:
                self._transport.abort()
            return
        self.flush()
        if wait is None:
            self._waits_for_bytes = True
        elif wait is _HOLD:
            self._server.waiting.append(self)
        else:
            asyncio.get_running_loop().call_later(wait, self.go_on)

    # ── the conversation, from the top ───────────────────────────────────────────────────────────────────────────

    def _conversation(self) -> _Steps:
        yield from self._at(Point.CONNECT, f"220 {HOSTNAME} ESMTP".encode())
        while True:
            line = yield from self._line()
            verb = line[:4].upper()
            if verb != b"DATA" and self._buffer and not self._server.plan.pipelining:
                self._server.note("violation", "commands in one packet, though PIPELINING is not offered")
            match verb:
                case b"EHLO" | b"HELO":
                    yield from self._at(Point.EHLO, self._greeting())
                case b"MAIL":
                    self._recipients = []
                    self._sender = yield from self._at(Point.MAIL, b"250 2.1.0 Sender fine")
                case b"RCPT":
                    yield from self._recipient(line)
                case b"DATA" if self._recipients:
                    yield from self._data()
                case b"DATA":
                    self._say(b"554 5.5.1 No valid recipients")
                case b"RSET" | b"NOOP":
                    self._recipients = []
                    self._say(b"250 2.0.0 Fine")
                case b"QUIT":
                    self._say(b"221 2.0.0 Bye")
                    return
                case _:
                    self._server.note("violation", f"unknown command {line[:40]!r}")
                    self._say(b"500 5.5.2 Unknown command")

    def _recipient(self, line: bytes) -> _Steps:
        if not self._sender:
            self._say(b"503 5.5.1 MAIL first")
            return
        recipient = line[line.find(b"<") + 1 : line.rfind(b">")].decode()
        verdict = self._server.verdict(recipient)
        fine = yield from self._at(Point.RCPT, verdict)
        if fine and verdict.startswith(b"250"):
            self._recipients.append(recipient)

    def _data(self) -> _Steps:
        data_at = time.time()
        recipients, self._recipients = self._recipients, []
        go = yield from self._at(Point.DATA, b"354 Go on")
        if self._buffer:
            self._server.note("violation", "did not wait for the reply to DATA")
        if not go:
            return
        self.flush()
        yield from self._at(Point.GO, recipients=recipients)
        while not self._buffer:
            yield None
        yield from self._at(Point.BODY, recipients=recipients)
        data = yield from self._body()
        if not (yield from self._at(Point.DOT, recipients=recipients)):
            return
        serial = self._server.take(data, recipients, data_at)
        if self._server.held:
            self.flush()
            yield _HOLD
        taken = yield from self._at(Point.TAKEN, f"250 2.0.0 Taken as {serial}".encode(), recipients=recipients)
        if taken and not self._over:
            self._server.note("answered", serial)
            yield from self._at(Point.ANSWERED, recipients=recipients)

    def _body(self) -> Generator[object, None, bytes]:
        if not self._buffer.startswith(b".\r\n"):
            searched = 0
            while (end := self._buffer.find(b"\r\n.\r\n", searched)) < 0:
                searched = max(0, len(self._buffer) - 4)
                yield None
            data = bytes(self._buffer[: end + 2])
            del self._buffer[: end + 5]
            return data
        del self._buffer[:3]
        return b""

    def _at(self, point: Point, reply: bytes = b"", *, recipients: Iterable[str] = ()) -> Generator[object, None, bool]:
        """Come to a point: misbehave if it is time for that, else say `reply`; gives whether all went right."""
        if point is Point.ANSWERED:
            self.flush()
        self._server.pass_point(point, self)
        fault = self._server.fault(point)
        if fault is not None:
            if fault.slow_s:
                self.flush()
                yield fault.slow_s
            if fault.leaves_doubt:
                for recipient in recipients:
                    self._server.note("doubt", point, recipient)
            if fault.reply:
                self._out += fault.reply.encode("latin-1")
            if fault.drop:
                raise _Cut(politely=bool(fault.reply))
            if fault.reply:
                return False
        if reply:
            self._say(reply)
        return True

    def _say(self, reply: bytes) -> None:
        self._out += reply + b"\r\n"

    def _line(self) -> Generator[object, None, bytes]:
        while (end := self._buffer.find(b"\n")) < 0:
            yield None
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line

    def _greeting(self) -> bytes:
        words = [HOSTNAME, "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self._server.plan.pipelining:
            words.append("PIPELINING")
        return "\r\n".join([*(f"250-{word}" for word in words), "250 SIZE 104857600"]).encode()


# ── in a process of its own ──────────────────────────────────────────────────────────────────────────────────────────


def serve(orders: Connection, path: Path, plan: Plan) -> None:
    """Serve until told `stop`, or until whoever gave orders is gone.

    Sends its port, then `("done", …)` after each order and `("reached", point)` for each `tell`. An order is a method's
    name with its keyword arguments.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve(orders, path, plan))


async def _serve(orders: Connection, path: Path, plan: Plan) -> None:
    over = asyncio.Event()
    async with LedgerServer(path, plan) as server:
        server.notify = lambda point: orders.send(("reached", point))

        def obey() -> None:
            try:
                name, arguments = orders.recv()
            except EOFError:
                over.set()
                return
            if name == "stop":
                over.set()
            elif name == "hold":
                server.held = True
            else:
                # The process may have ended meanwhile of its own: then there is nobody to kill.
                with suppress(ProcessLookupError):
                    getattr(server, name)(**arguments)
            orders.send(("done", name))

        loop = asyncio.get_running_loop()
        loop.add_reader(orders.fileno(), obey)
        orders.send(server.port)
        await over.wait()
        loop.remove_reader(orders.fileno())


async def _stand_alone(path: Path, plan: Plan) -> None:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with LedgerServer(path, plan) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await over.wait()


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("ledger", type=Path, help="the file to append to")
    command.add_argument("plan", nargs="?", default="{}", help=f"JSON; keys are {', '.join(asdict(Plan()))}")
    given = command.parse_args()
    asyncio.run(_stand_alone(given.ledger, Plan.from_json(given.plan)))
