"""What a subscriber's decision does to mail that is planned for them already, and not claimed yet."""

from datetime import datetime

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.orm import Session

from newsletter.delivery.model import WAITING_STATES, Delivery, DeliveryState, Lane, Mailing, Skip
from subscribers.choices import Choices, choose
from subscribers.database import table

# What an edition was chosen by: a digest that was planned before is not what they want now.
DECIDE_EDITIONS = frozenset({"cadence", "languages", "topics", "countries", "format", "discreet"})


_TAKE_BACK = (
    update(table(Delivery))
    .where(
        table(Delivery).c.subscriber_id == bindparam("number"),
        table(Delivery).c.state.in_(WAITING_STATES),
        table(Delivery).c.mailing_id.in_(
            select(table(Mailing).c.id).where(table(Mailing).c.lane.in_(bindparam("lanes", expanding=True)))
        ),
    )
    .values(
        state=case((table(Delivery).c.perhaps_sent, DeliveryState.UNCERTAIN), else_=DeliveryState.SKIPPED),
        skip=case((table(Delivery).c.perhaps_sent, None), else_=Skip.CHANGED),
        settled_at=bindparam("now", type_=table(Delivery).c.settled_at.type),
    )
)


def decide(
    session: Session, number: int, before: Choices, choices: Choices, *, source: str, now: datetime
) -> frozenset[str]:
    """Do as somebody decided, for every mail that is not on its way yet.

    A digest that waits for them is taken back if it is not what they want now; what it held is in their next one. An
    alert that waits goes out nevertheless, in the form that was planned, unless they want none.

    Args:
        session: a writing transaction.
        number: whose choices they are.
        before: what they had decided so far.
        choices: all that they decide now.
        source: where they come from.
        now: the moment.

    Returns:
        The names of what changed.
    """
    changed = choose(session, number, before, choices, source=source, now=now)
    lanes = [Lane.REST] if changed & DECIDE_EDITIONS else []
    if "alerts" in changed and not choices.alerts:
        lanes.append(Lane.ALERT)
    if lanes:
        session.connection().execute(_TAKE_BACK, {"number": number, "lanes": lanes, "now": now})
    return changed
