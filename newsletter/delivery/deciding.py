"""What a subscriber's decision does to mail that is planned for them already, and not claimed yet."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.delivery.model import WAITING_STATES, Delivery, DeliveryState, Lane, Mailing, Skip
from subscribers.choices import Choices, choose
from subscribers.model import Subscriber

# What an edition was chosen by: a digest that was planned before is not what they want now.
DECIDE_EDITIONS = frozenset({"cadence", "languages", "topics", "countries", "format", "discreet"})


def decide(session: Session, subscriber: Subscriber, choices: Choices, *, source: str, now: datetime) -> frozenset[str]:
    """Do as somebody decided, for every mail that is not on its way yet.

    A digest that waits for them is taken back if it is not what they want now; what it held is in their next one. An
    alert that waits goes out nevertheless, in the form that was planned, unless they want none.

    Args:
        session: a writing transaction.
        subscriber: whose choices they are.
        choices: all of them.
        source: where they come from.
        now: the moment.

    Returns:
        The names of what changed.
    """
    changed = choose(session, subscriber, choices, source=source, now=now)
    lanes = [Lane.REST] if changed & DECIDE_EDITIONS else []
    if "alerts" in changed and not choices.alerts:
        lanes.append(Lane.ALERT)
    if lanes:
        session.flush()
        session.execute(
            update(Delivery)
            .where(
                Delivery.subscriber_id == subscriber.id,
                Delivery.state.in_(WAITING_STATES),
                Delivery.mailing_id.in_(select(Mailing.id).where(Mailing.lane.in_(lanes))),
            )
            .values(state=DeliveryState.SKIPPED, skip=Skip.CHANGED, settled_at=now)
            .execution_options(synchronize_session=False)
        )
    return changed
