"""What became of one attempt: a value, not an exception and not a boolean."""

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """What a deferral is about, and so what follows from it beside trying again."""

    SOFT = "soft"  # a 4xx about this recipient or this moment
    GREYLISTED = "greylisted"  # asked to come back in some minutes (RFC 6647)
    FULL = "full"  # the mailbox is full: that passes, or does not, in days
    BUSY = "busy"  # 421, or a 4xx to MAIL or DATA: the server takes nothing now; says nothing about this recipient
    SLOW_DOWN = "slow_down"  # too much for the recipient's domain at this moment
    LOST = "lost"  # the connection broke before the whole mail was on its way
    SENDER = "sender"  # a 5xx to MAIL or DATA: we, or this mail, are not wanted here. Stop the batch
    BARRED = "barred"  # the same with 5.7.x: by a policy. Pause the mailing too
    POLICY = "policy"  # 5.7.x to a recipient: about us, not about the mailbox. Pause the mailing

    @property
    def costs_attempt(self) -> bool:
        """Whether it counts as one of the recipient's attempts: only a verdict on the recipient does."""
        return self in {Why.SOFT, Why.GREYLISTED, Why.FULL, Why.POLICY}

    @property
    def stops_run(self) -> bool:
        """Whether no other mail will fare better."""
        return self in {Why.SENDER, Why.BARRED}

    @property
    def pauses_mailing(self) -> bool:
        """Whether a person has to look at the mailing before it goes on."""
        return self in {Why.POLICY, Why.BARRED}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server answered 250 after the final dot: the mail is its responsibility now (RFC 5321 6.1)."""

    reply: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now.

    Attributes:
        reply: what the server said, or why it said nothing.
        why: what it is about.
    """

    reply: str
    why: Why = Why.SOFT


@dataclass(frozen=True, slots=True)
class Refused:
    """The server said no for good (5xx) to this recipient or this message.

    Attributes:
        reply: what the server said.
        dead: whether it said that there is no such mailbox, so that it must not be written to again.
        after_dot: whether it had seen the mail by then, so that it may be the mail that it does not want.
    """

    reply: str
    dead: bool = False
    after_dot: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The connection was lost after the whole mail was on its way: nobody can know (RFC 1047)."""

    reason: str


Outcome = Accepted | Deferred | Refused | Uncertain
