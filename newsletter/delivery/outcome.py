"""What became of one attempt: a value, not an exception and not a boolean."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Accepted:
    """The server answered 250 after the final dot: the mail is its responsibility now (RFC 5321 6.1)."""

    reply: str


@dataclass(frozen=True)
class Deferred:
    """Not now.

    Attributes:
        reply: what the server said, or why it said nothing.
        costs_attempt: False where the fault was the connection's and says nothing about this recipient.
    """

    reply: str
    costs_attempt: bool = True


@dataclass(frozen=True)
class Refused:
    """The server said no for good (5xx) to this recipient or this message."""

    reply: str


@dataclass(frozen=True)
class Uncertain:
    """The connection was lost after the whole mail was on its way: nobody can know (RFC 1047)."""

    reason: str


Outcome = Accepted | Deferred | Refused | Uncertain
