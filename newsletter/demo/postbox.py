"""A real SMTP server that delivers nowhere: what it takes stays in memory, to be looked at."""

import asyncio
import email
import itertools
import threading
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

KEPT = 500


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One mail that came.

    Attributes:
        number: counts from 1 in the order of arrival.
        recipient: who it was handed over for.
        source: the mail as it came.
        message: the mail, parsed.
    """

    number: int
    recipient: str
    source: bytes
    message: EmailMessage

    @property
    def html(self) -> str:
        """The HTML part, or nothing."""
        return _content(self.message, "html")

    @property
    def text(self) -> str:
        """The text part, or nothing."""
        return _content(self.message, "plain")

    def header(self, name: str) -> str:
        """One header, decoded."""
        return str(self.message[name] or "")


class Postbox:
    """Listens on 127.0.0.1 in a thread of its own."""

    def __init__(self) -> None:
        """Make it; it listens while it is entered."""
        self._numbers = itertools.count(1)
        self._letters: dict[int, Letter] = {}
        self._lock = threading.Lock()
        self._controller = _FreePort(self, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True)

    def __enter__(self) -> Self:
        """Start listening."""
        self._controller.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop listening."""
        self._controller.stop()

    @property
    def port(self) -> int:
        """Where it listens; a free port that the system chose."""
        return int(self._controller.port)

    def letters(self) -> list[Letter]:
        """What came, the newest first."""
        with self._lock:
            return list(reversed(self._letters.values()))

    def letter(self, number: int) -> Letter | None:
        """One mail."""
        with self._lock:
            return self._letters.get(number)

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002 - aiosmtpd's name and arguments
        """Keep a mail, and forget the oldest when there are too many."""
        source = envelope.content
        if not isinstance(source, bytes):
            return "554 5.6.0 Not a message"
        message = email.message_from_bytes(source, policy=SMTP)
        if not isinstance(message, EmailMessage):
            return "554 5.6.0 Not a message"
        with self._lock:
            for recipient in envelope.rcpt_tos:
                number = next(self._numbers)
                self._letters[number] = Letter(number=number, recipient=recipient, source=source, message=message)
            while len(self._letters) > KEPT:
                del self._letters[next(iter(self._letters))]
        return "250 2.0.0 Kept"


class _FreePort(Controller):
    """Listens on a port that the system chooses; aiosmtpd alone would go on asking for port 0."""

    def _trigger_server(self) -> None:
        if isinstance(self.server, asyncio.Server):
            self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd's own


def _content(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return str(part.get_content()) if isinstance(part, EmailMessage) else ""
