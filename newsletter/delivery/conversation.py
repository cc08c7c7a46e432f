"""The transfer loop: one SMTP connection after its greeting (RFC 5321), pipelined where that is offered (RFC 2920).

Replies drive it; no task and no future is made for a mail. Pipelined, one round trip carries the body of one mail and
MAIL, RCPT and DATA of the next:

    ─► MAIL 1, RCPT 1, DATA                       ◄─ 250, 250, 354
    ─► body 1 and its dot, MAIL 2, RCPT 2, DATA   ◄─ 250 for body 1; 250, 250, 354
    ─► body 2 and its dot, MAIL 3, …
"""

import asyncio
import os
import re
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

from newsletter.delivery.courier import RelayAway, RelayRefuses, Work
from newsletter.delivery.letters import Envelope
from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused, Uncertain, Why
from newsletter.delivery.reaction import START_INPUT, Stage, outcome_of

CLOSING = 421  # "service not available, closing transmission channel" (RFC 5321 4.2.1)
FINAL_REPLY_S = 600.0  # a server may scan the mail first (RFC 5321 4.5.3.2.6); giving up early makes it uncertain
BODY_S = 180.0  # for each block of the body (RFC 5321 4.5.3.2.5)
GOODBYE_S = 5.0
QUICK_S = 0.5  # behind a final reply that took longer, no further mail is announced ahead
WHOLE_BYTES = 65_536  # up to this size the body and its dot leave in one piece: any kernel takes so much at once
MAX_REPLY = 32_768  # bytes of one reply, continuation lines included
# Nothing else ever reaches a command line, whatever is in the database (RFC 5321 4.1.2).
_SENDABLE = re.compile(r"(?!@)[^\x00-\x20\x7f-\x9f<>]*@[^\x00-\x20\x7f-\x9f<>]*(?<!@)")


class _Expected(Enum):
    """What the next reply answers."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    DOT = auto()
    EMPTY_DOT = auto()  # the end of a message that has no recipient and no text (RFC 2920 3.1)
    RSET = auto()
    QUIT = auto()

    def __init__(self, _number: int) -> None:
        """Note whether a good reply only says 'go on'; asked four times a mail."""
        self.only_go_on = self.name in {"MAIL", "RCPT"}


# Looked up once: an enum's members are not quick to get at, and these are needed for every reply.
_MAIL, _RCPT, _DATA, _DOT, _EMPTY_DOT, _RSET, _QUIT = _Expected
_STAGES = {_MAIL: Stage.MAIL, _RCPT: Stage.RCPT, _DATA: Stage.DATA}
_AT_DOT = Stage.DOT
_BEHIND = (_MAIL, _RCPT, _DATA)  # answers to what announces a mail, where that is pipelined
_CODES = {b"%03d" % code: code for code in range(1000)}
_MARKS = frozenset({b" ", b"-", b"", b"\r"})  # after a reply's code


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a server said that it can do (EHLO).

    Attributes:
        pipelining: RFC 2920.
        smtputf8: RFC 6531.
    """

    pipelining: bool
    smtputf8: bool


class Conversation(asyncio.Protocol):
    """One line to a server. See `courier.Line` for what others may ask of it."""

    def __init__(
        self,
        transport: asyncio.Transport,
        offer: Offer,
        work: Work,
        *,
        server: str,
        timeout_s: float,
        mails: int,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Take over a connection on which the server waits for commands.

        Args:
            transport: open, secured and signed in; nothing is expected on it.
            offer: what the server can do.
            work: where mails come from and outcomes go.
            server: `host:port`, for messages.
            timeout_s: seconds to wait for each reply but the final one.
            mails: after so many the connection is closed in order.
            loop: gives monotonic time.
        """
        self.server = server
        self.carried = 0
        self._transport = transport
        self._offer = offer
        self._pipelined = offer.pipelining
        self._work = work
        self._timeout_s = timeout_s
        self._mails_left = mails
        self._now = loop.time
        self._expected: deque[_Expected] = deque()
        self._rest = b""  # of a reply that has come only in part
        self._lines: list[bytes] = []  # of a reply of several lines
        self._announced: Envelope | None = None  # MAIL, RCPT or DATA went out
        self._failure: Outcome | None = None  # what the server said against the announced one
        self._given_back = False  # the announced one is somebody else's now
        self._body: Envelope | None = None  # its text is on the wire
        self._dot_sent = False  # and, as far as we know, its end
        self._tail = b""  # what follows once the body has been handed to the kernel
        self._reset = False  # RSET has to go first
        self._finishing = False
        self._closing = False  # the server said 421
        self._quit = False
        self._gone = False
        self._quick = True
        self._deadline = 0.0
        self._body_since = 0.0
        self._unsent = 0
        transport.set_write_buffer_limits(high=1, low=0)  # tells when the kernel has taken everything
        transport.set_protocol(self)

    # ── what the worker asks ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self._announced is None and self._body is None

    def wake(self) -> None:
        """Look for work."""
        if self._expected or not self.idle or self._gone or self._quit or self._closing:
            return
        if self._finishing or self._mails_left <= 0:
            self._say_goodbye()
            return
        envelope = self._take()
        if envelope is not None:
            self._announce(envelope)

    def watch(self, now: float) -> None:
        """Give up what takes too long; see `Line.watch`."""
        if self._gone:
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent and unsent < self._unsent:
            self._deadline = max(self._deadline, now + BODY_S)  # slowly, but it moves
        self._unsent = unsent
        if self._body is not None and self._announced is not None and now - self._body_since > QUICK_S:
            # The server takes its time over the body before; somebody else may be quicker.
            self._quick = False
            if not self._given_back and self._failure is None:
                self._given_back = True
                self._work.untouched(self._announced)
        if self._expected and now > self._deadline:
            self.abandon("the server did not answer in time")

    def finish(self) -> None:
        """Take nothing new, end what is on the wire, say goodbye."""
        self._finishing = True
        self.wake()

    def abandon(self, reason: str) -> None:
        """Part at once; see `Line.abandon`."""
        self._part(reason, fault=None)

    # ── what asyncio tells ───────────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        """Read replies; whatever is no reply ends the connection."""
        if self._rest:
            data = self._rest + data
        *lines, self._rest = data.split(b"\n")
        for line in lines:
            code, mark = _CODES.get(line[:3]), line[3:4]
            if code is None or mark not in _MARKS:
                self._nonsense(line)
                return
            if mark == b"-":
                self._lines.append(line[4:])
                continue
            if self._pipelined and 200 <= code < 300 and self._expected and self._expected[0].only_go_on:
                self._expected.popleft()  # what follows went out together with the command
                self._lines = []
                continue
            text = line[4:]
            if self._lines:
                text = b" ".join([*self._lines, text])
                self._lines = []
            self._on_reply(code, text)
            if self._gone:
                return
        if len(self._rest) + sum(map(len, self._lines)) > MAX_REPLY:
            self._nonsense(self._rest)

    def resume_writing(self) -> None:
        """The kernel has taken everything that was written so far."""
        if self._tail:
            self._end_body()

    def eof_received(self) -> bool:
        """The server has hung up."""
        self._part("the server hung up", fault=None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._part(words(exc) if exc else "the connection was closed", fault=None)

    # ── the conversation ─────────────────────────────────────────────────────────────────────────────────────────

    def _on_reply(self, code: int, said: bytes) -> None:  # noqa: C901 - one branch for each command
        if not self._expected:
            # Nobody asked: a server that ends an idle connection says so, and any other word is nonsense.
            self._part(f"{code} {one_line(said)}", fault=None)
            return
        expected = self._expected.popleft()
        if code == CLOSING:
            self._closing = True
        if expected is _DOT:
            self._body_ended(cast(Outcome, outcome_of(_AT_DOT, code, one_line(said))))
        elif expected is _DATA:
            self._data_answered(code, said)
        elif expected is _MAIL or expected is _RCPT:
            if not 200 <= code < 300 and self._failure is None and not self._said_no(expected, code, said):
                return
            if not self._pipelined and not self._closing:
                self._next_step(expected)
        elif expected is _EMPTY_DOT:
            self._announcement_failed()
        elif expected is _RSET:
            self._reset_answered(code, said)
        else:  # QUIT
            self._part("goodbye", fault=None)
        if self._closing and not self._gone:
            reason = f"{code} {one_line(said)}"
            self._part(reason, fault=RelayAway(server=self.server, reason=reason))

    def _said_no(self, to: _Expected, code: int, said: bytes) -> bool:
        """Note why the announced mail can't go; False if the connection is gone after that."""
        text = one_line(said)
        if to is _MAIL and 400 <= code < 500 and self.carried:
            # Enough for one connection, it may be: OpenSMTPD says 452 after a hundred mails, and others 421. A fresh
            # one is asked before anything is concluded from it.
            busy = RelayAway(server=self.server, reason=f"{code} {text}") if code == CLOSING else None
            self._part(f"{code} {text}", fault=busy, orderly=busy is None)
            return False
        self._failure = outcome_of(_STAGES[to], code, text)
        if self._failure is None:
            self._nonsense(f"{code} {text}")
            return False
        return True

    def _next_step(self, done: _Expected) -> None:
        """Go on, where the server wants one command at a time."""
        if self._failure is not None:
            self._announcement_failed()
        elif done is _MAIL:
            letter = cast(Envelope, self._announced).letter
            self._write(b"RCPT TO:<%b>\r\n" % letter.recipient.encode(), [_RCPT])
        else:
            self._write(b"DATA\r\n", [_DATA])

    def _data_answered(self, code: int, said: bytes) -> None:
        if code != START_INPUT:
            if self._failure is None and not self._said_no(_DATA, code, said):
                return
            if not self._closing:
                self._announcement_failed()
        elif self._failure is not None:
            # No recipient, and yet it waits for a message: it gets an empty one, and nobody gets that.
            self._write(b".\r\n", [_EMPTY_DOT])
        elif self._given_back or not self._work.may_go(cast(Envelope, self._announced)):
            # Only hanging up takes back a DATA.
            self._part("the mail was withdrawn", fault=None, orderly=True)
        else:
            self._send_body()

    def _send_body(self) -> None:
        envelope = cast(Envelope, self._announced)
        self._announced = None
        self._body = envelope
        self._mails_left -= 1
        self._body_since = now = self._now()
        self._deadline = now + max(FINAL_REPLY_S, self._timeout_s)
        self._expected.append(_DOT)
        behind = self._take() if self._pipelined and self._quick else None
        commands = self._commands(behind) if behind is not None else b""
        if len(envelope.data) <= WHOLE_BYTES:
            self._dot_sent = True
            self._transport.writelines((envelope.data, commands)) if commands else self._transport.write(envelope.data)
            return
        # A long one without its end first: as long as that is not handed over, the server can't have taken it.
        self._dot_sent = False
        view = memoryview(envelope.data)
        self._tail = bytes(view[-3:]) + commands
        self._transport.write(view[:-3])
        if not self._transport.get_write_buffer_size():
            self._end_body()

    def _end_body(self) -> None:
        tail, self._tail = self._tail, b""
        self._dot_sent = True
        self._deadline = self._now() + max(FINAL_REPLY_S, self._timeout_s)
        self._transport.write(tail)

    def _body_ended(self, outcome: Outcome) -> None:
        envelope = cast(Envelope, self._body)
        self._body = None
        now = self._now()
        self._quick = now - self._body_since < QUICK_S
        self._deadline = now + self._timeout_s
        if isinstance(outcome, Accepted):
            self.carried += 1
        self._work.ended(envelope, outcome)
        if isinstance(outcome, Uncertain):
            self._part(outcome.reason, fault=None)  # what it says from now on can't be trusted either
            return
        if self._announced is None:
            self.wake()

    def _announcement_failed(self) -> None:
        envelope, failure = cast(Envelope, self._announced), cast(Outcome, self._failure)
        self._announced = self._failure = None
        if not self._given_back:
            self._work.ended(envelope, failure)
        self._given_back = False
        if isinstance(failure, Deferred) and failure.why is Why.BUSY:
            self._part(failure.reply, fault=RelayAway(server=self.server, reason=failure.reply))
            return
        if self._pipelined:
            self._reset = True
            self.wake()
        else:
            self._write(b"RSET\r\n", [_RSET])

    def _reset_answered(self, code: int, said: bytes) -> None:
        if not 200 <= code < 300:
            # Exim takes some ten of these over one connection: a fresh one will do.
            self._part(f"{code} {one_line(said)}", fault=None, orderly=self.carried > 0)
        elif not self._pipelined:
            self.wake()

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self) -> Envelope | None:
        if self._finishing or self._mails_left <= 0:
            return None
        while (envelope := self._work.take()) is not None:
            letter = envelope.letter
            if not (_SENDABLE.fullmatch(letter.recipient) and _SENDABLE.fullmatch(letter.sender)):
                self._work.ended(envelope, Refused("the stored address can't be written to"))
            elif letter.smtputf8 and not self._offer.smtputf8:
                self._work.ended(envelope, Refused("the mail server takes no addresses outside of ASCII (no SMTPUTF8)"))
            else:
                return envelope
        return None

    def _announce(self, envelope: Envelope) -> None:
        self._deadline = self._now() + self._timeout_s
        self._transport.write(self._commands(envelope))

    def _commands(self, envelope: Envelope) -> bytes:
        """Give what announces a mail: all of it where pipelining is offered, its first step otherwise."""
        self._announced = envelope
        letter = envelope.letter
        reset = b""
        if self._reset:
            self._reset = False
            reset = b"RSET\r\n"
            self._expected.append(_RSET)
        options = b" BODY=8BITMIME SMTPUTF8" if letter.smtputf8 else b""
        if not self._pipelined:
            self._expected.append(_MAIL)
            return b"%bMAIL FROM:<%b>%b\r\n" % (reset, letter.sender.encode(), options)
        self._expected.extend(_BEHIND)
        return b"%bMAIL FROM:<%b>%b\r\nRCPT TO:<%b>\r\nDATA\r\n" % (
            reset,
            letter.sender.encode(),
            options,
            letter.recipient.encode(),
        )

    def _write(self, data: bytes, expected: list[_Expected]) -> None:
        self._expected.extend(expected)
        self._deadline = self._now() + self._timeout_s
        self._transport.write(data)

    def _say_goodbye(self) -> None:
        self._quit = True
        self._expected.append(_QUIT)
        self._deadline = self._now() + GOODBYE_S
        self._transport.write(b"QUIT\r\n")

    # ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _nonsense(self, line: bytes | str) -> None:
        self._part(f"the server answered nonsense: {one_line(line)[:80]}", fault=None)

    def _part(self, reason: str, *, fault: RelayAway | RelayRefuses | None, orderly: bool = False) -> None:
        """Let the connection go; say of whatever was under way what is true of it."""
        if self._gone:
            return
        self._gone = True
        body, self._body = self._body, None
        announced, self._announced = self._announced, None
        self._transport.abort()
        if body is not None:
            if self._dot_sent:
                self._work.ended(body, Uncertain(f"no answer after the mail was sent: {reason}"))
            else:
                self._work.ended(body, Deferred(f"lost in the middle of the mail: {reason}", Why.LOST))
        if announced is not None and not self._given_back:
            if self._failure is not None:
                self._work.ended(announced, self._failure)
            else:
                self._work.untouched(announced)
        # A server may close a connection on which nothing happens.
        orderly = orderly or self._quit or (body is None and announced is None and fault is None)
        self._work.parted(self, None if orderly else fault or RelayAway(server=self.server, reason=reason))


def one_line(text: bytes | str) -> str:
    """Give a server's words as one printable line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace").rstrip("\r")
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def words(error: BaseException) -> str:
    """Say in a few words what a fault of the connection is."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError | socket.gaierror) and error.errno:
        return os.strerror(error.errno).lower()
    return one_line(str(error)) or type(error).__name__
