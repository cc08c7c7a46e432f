"""From an outcome to what is written into the delivery's row. A pure decision."""

from datetime import datetime
from typing import NamedTuple

from newsletter.delivery import retry
from newsletter.delivery.model import Delivery, DeliveryState, OnUncertain
from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused, Uncertain, Why

REPLY_LENGTH = 500


class Settlement(NamedTuple):
    """What a delivery's row says from now on.

    Attributes:
        state: where it stands.
        attempts: verdicts so far.
        due_at: when it may next be tried; None leaves the moment as it is.
        reply: the server's words; None leaves them as they are.
        settled_at: when it came into a state that it stays in; None if it has not.
        perhaps_sent: whether this attempt may have arrived.
    """

    state: DeliveryState
    attempts: int
    due_at: datetime | None
    reply: str | None
    settled_at: datetime | None
    perhaps_sent: bool = False

    def apply(self, delivery: Delivery) -> None:
        """Write it into the row; as `statements` does for many."""
        doubtful = delivery.perhaps_sent and self.state in {DeliveryState.EXPIRED, DeliveryState.REFUSED}
        delivery.state = DeliveryState.UNCERTAIN if doubtful else self.state
        delivery.perhaps_sent = delivery.perhaps_sent or self.perhaps_sent
        delivery.attempts = self.attempts
        delivery.worker_id = None
        delivery.settled_at = self.settled_at
        delivery.reply = self.reply if self.reply is not None else delivery.reply
        delivery.due_at = self.due_at or delivery.due_at


def settlement(
    outcome: Outcome,
    *,
    attempts: int,
    on_uncertain: OnUncertain,
    expires_at: datetime,
    now: datetime,
    chance: float = 0.5,
) -> Settlement:
    """Say what becomes of a delivery.

    Args:
        outcome: what became of the attempt.
        attempts: verdicts before this one.
        on_uncertain: the mailing's choice.
        expires_at: the mailing's limit.
        now: the moment of the outcome.
        chance: from 0 to 1, for the jitter of retries.
    """
    match outcome:
        case Accepted(reply):
            return Settlement(DeliveryState.ACCEPTED, attempts + 1, None, reply[:REPLY_LENGTH], now)
        case Refused(reply):
            return Settlement(DeliveryState.REFUSED, attempts + 1, None, reply[:REPLY_LENGTH], now)
        case Uncertain(reason) if on_uncertain is OnUncertain.LEAVE:
            return Settlement(DeliveryState.UNCERTAIN, attempts + 1, None, reason[:REPLY_LENGTH], now)
        case Uncertain(reason):
            again = _again(reason, Why.LOST, attempts + 1, expires_at, now, chance)
            state = DeliveryState.UNCERTAIN if again.state is DeliveryState.EXPIRED else again.state
            return again._replace(state=state, perhaps_sent=True)
        case Deferred(reply, why):
            return _again(reply, why, attempts + why.costs_attempt, expires_at, now, chance)


def _again(reply: str, why: Why, attempts: int, expires_at: datetime, now: datetime, chance: float) -> Settlement:
    due_at = retry.next_attempt(why=why, attempts=attempts, now=now, expires_at=expires_at, chance=chance)
    if due_at is None:
        return Settlement(DeliveryState.EXPIRED, attempts, None, reply[:REPLY_LENGTH], now)
    return Settlement(DeliveryState.DEFERRED, attempts, due_at, reply[:REPLY_LENGTH], None)
