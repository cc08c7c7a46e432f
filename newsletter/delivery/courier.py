"""The port through which mail leaves, and the courier that only takes note."""

from dataclasses import dataclass, field
from typing import Protocol, Self

from newsletter.delivery.outcome import Accepted, Outcome
from newsletter.errors import NewsletterError


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """One mail, ready for the wire.

    Attributes:
        sender: MAIL FROM.
        recipient: RCPT TO; the domain in ASCII.
        data: the message as it goes over the wire: CRLF line ends, dots doubled, the final dot at its end.
        smtputf8: whether the server must offer SMTPUTF8 (RFC 6531).
    """

    sender: str
    recipient: str
    data: bytes
    smtputf8: bool = False


class RelayAway(NewsletterError):
    """The mail server {server} does not answer: {reason}. What is queued stays queued; nothing is lost."""


class RelayRefuses(NewsletterError):
    """The mail server {server} refuses to take mail from us: {reply}. What is queued stays queued."""


class Courier(Protocol):
    """Hands over one mail at a time, on one connection."""

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            RelayAway: nobody answers.
            RelayRefuses: somebody answers, and does not want us.
        """

    async def __aexit__(self, *exc: object) -> None:
        """Part politely."""

    async def deliver(self, envelope: Envelope) -> Outcome:
        """Hand over one mail.

        Raises:
            RelayAway: the connection is gone and can't be made again; this mail was not handed over.
            RelayRefuses: the server refuses the sender, which says nothing about this recipient.
        """


@dataclass
class RecordingCourier:
    """Accepts everything and keeps it."""

    taken: list[Envelope] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        """Nothing to connect to."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing to close."""

    async def deliver(self, envelope: Envelope) -> Outcome:
        """Take note."""
        self.taken.append(envelope)
        return Accepted("250 recorded")
