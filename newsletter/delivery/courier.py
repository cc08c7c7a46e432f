"""The port through which mail leaves, and the courier that only takes note."""

from dataclasses import dataclass, field
from typing import Protocol

from newsletter.delivery.letters import Envelope
from newsletter.delivery.outcome import Accepted, Outcome
from newsletter.errors import NewsletterError


class RelayAway(NewsletterError):
    """The mail server {server} does not answer: {reason}. What is queued stays queued; nothing is lost."""


class RelayRefuses(NewsletterError):
    """The mail server {server} refuses to take mail from us: {reply}. What is queued stays queued."""


class Work(Protocol):
    """What a line is given to do, and whom it tells what became of it."""

    def take(self) -> Envelope | None:
        """Give the next mail, or None if there is none now; then the line waits to be woken."""

    def may_go(self, envelope: Envelope) -> bool:
        """Say whether an announced mail may still be sent: asked before its first byte leaves."""

    def ended(self, envelope: Envelope, outcome: Outcome) -> None:
        """Take the outcome of one mail."""

    def untouched(self, envelope: Envelope) -> None:
        """Take back a mail of which no byte was sent."""

    def parted(self, line: "Line", fault: RelayAway | RelayRefuses | None) -> None:
        """Hear that a line is gone, in order or because of a fault."""


class Line(Protocol):
    """One open connection to a server that takes mail."""

    @property
    def server(self) -> str:
        """Whom it leads to, for messages."""

    @property
    def idle(self) -> bool:
        """Whether nothing is under way on it."""

    @property
    def carried(self) -> int:
        """How many mails were accepted on it."""

    def wake(self) -> None:
        """Look for work."""

    def watch(self, now: float) -> None:
        """Give up what takes too long.

        Args:
            now: monotonic seconds.
        """

    def finish(self) -> None:
        """Take nothing new, end what is on the wire, part politely."""

    def abandon(self, reason: str) -> None:
        """Part at once; whatever is on the wire gets the outcome that is true of it."""


class Courier(Protocol):
    """Opens lines, and hears what became of them."""

    async def open(self, work: Work) -> Line:
        """Connect, secure and sign in.

        Raises:
            RelayAway: nobody answers.
            RelayRefuses: somebody answers, and does not want us.
        """

    def parted(self, line: Line, fault: RelayAway | RelayRefuses | None) -> None:
        """Hear that a line is gone, in order or because of a fault."""


@dataclass
class RecordingCourier:
    """Accepts everything and keeps it."""

    taken: list[Envelope] = field(default_factory=list)

    async def open(self, work: Work) -> "RecordingLine":
        """Nothing to connect to."""
        return RecordingLine(work, self.taken)

    def parted(self, line: Line, fault: RelayAway | RelayRefuses | None) -> None:
        """Nothing to learn."""


@dataclass(eq=False)
class RecordingLine:
    """A line of which the other end is a list."""

    work: Work
    taken: list[Envelope]
    server: str = "nobody"
    idle: bool = True
    carried: int = 0

    def wake(self) -> None:
        """Take whatever there is."""
        while (envelope := self.work.take()) is not None:
            if self.work.may_go(envelope):
                self.taken.append(envelope)
                self.carried += 1
                self.work.ended(envelope, Accepted("250 recorded"))
            else:
                self.work.untouched(envelope)

    def watch(self, now: float) -> None:
        """Nothing takes long here."""

    def finish(self) -> None:
        """Part."""
        self.work.parted(self, None)

    def abandon(self, reason: str) -> None:  # noqa: ARG002
        """Part."""
        self.work.parted(self, None)
