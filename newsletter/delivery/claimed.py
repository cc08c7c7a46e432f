"""What the outbox and the bookkeeper speak of: mailings as a worker needs them, claims, and what became of those."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from newsletter.delivery.model import Lane, MailingKind, OnUncertain
from newsletter.delivery.outcome import Accepted, Outcome
from subscribers.preferences import Cadence


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """What a worker needs to know of a mailing.

    Attributes:
        id: its number.
        kind: what it is.
        lane: how urgent.
        nonce, message_domain: what its Message-IDs are made from.
        launched_at: the Date of its mails.
        expires_at: what can't be sent by then is expired.
        on_uncertain: its choice.
        cadence: whose digest it is; None for others.
        declinable: whether it goes only to those who want alerts.
        by_day: whether nobody is woken for it who need not be.
    """

    id: int
    kind: MailingKind
    lane: Lane
    nonce: bytes
    message_domain: str
    launched_at: datetime
    expires_at: datetime
    on_uncertain: OnUncertain
    cadence: Cadence | None = None
    declinable: bool = False
    by_day: bool = False


Hold = tuple[int, int]  # a delivery's number and its fence: one claim, and not the next one of the same row


class Claimed(NamedTuple):
    """One delivery that this worker, and no other, is to hand over now.

    Attributes:
        id: the delivery.
        fence: what its row says as long as nobody else has taken it.
        mailing: what it is part of.
        edition_id: which edition.
        subscriber_id, token_epoch: who it is for, as links need it.
        address: who it is for, as SMTP needs it.
        domain: where the address leads, in small letters.
        name: who it is for, as greetings need it.
        attempts: verdicts so far.
        blamed: whether the last verdict was about us (5.7.x).
        errand: what a service mail is about; see `ServiceMail`.
    """

    id: int
    fence: int
    mailing: Launched
    edition_id: int
    subscriber_id: int
    token_epoch: int
    address: str
    domain: str
    name: str
    attempts: int
    blamed: bool
    errand: int = 0

    @property
    def hold(self) -> Hold:
        """What tells this claim from every other."""
        return self.id, self.fence


class Ended(NamedTuple):
    """What became of a claim.

    Attributes:
        claimed: what was claimed.
        outcome: what became of the attempt; None if no attempt was made.
        until: without an attempt: when it may be claimed again; None means at once.
    """

    claimed: Claimed
    outcome: Outcome | None
    until: datetime | None = None


class Told(NamedTuple):
    """What a worker tells of its claims, in few bytes: it goes from one process to another.

    Attributes:
        accepted: claims, each with the server's reply.
        others: claims with what became of them otherwise; as in `Ended`.
    """

    accepted: list[tuple[Hold, str]]
    others: list[tuple[Hold, Outcome | None, datetime | None]]

    @classmethod
    def nothing(cls) -> "Told":
        """Begin a list."""
        return cls([], [])

    def add(self, hold: Hold, outcome: Outcome | None, until: datetime | None = None) -> None:
        """Take what became of one claim."""
        if type(outcome) is Accepted:
            self.accepted.append((hold, outcome.reply))
        else:
            self.others.append((hold, outcome, until))

    @property
    def total(self) -> int:
        """How many claims it tells of."""
        return len(self.accepted) + len(self.others)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one transaction of a worker gave.

    Attributes:
        claims: deliveries to hand over now; their rows are `sending`, durably.
        running: the mailings that may be sent from at this moment.
        paused: those that this worker's outcomes have just paused, with the reply that did it.
        dry: whether there was nothing more to claim.
        held_by_limit: whether the daily limit holds back what else may be there.
        spent: editions of earlier claims that must not go out any more.
    """

    claims: list[Claimed]
    running: Mapping[int, Launched]
    paused: Mapping[int, str] = field(default_factory=dict)
    dry: bool = False
    held_by_limit: bool = False
    spent: Collection[int] = ()
