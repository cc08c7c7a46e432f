"""What a subscriber's decision does to mail that is planned for them already, and not claimed yet."""

from datetime import datetime

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.orm import Session

from newsletter.delivery.model import WAITING_STATES, Delivery, DeliveryState, Lane, Mailing, Skip
from newsletter.editions.model import Edition
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
            select(table(Mailing).c.id).where(
                table(Mailing).c.lane.in_(bindparam("lanes", expanding=True)),
                # A correction reaches also those who want no alerts: they have what was wrong.
                table(Mailing).c.selection["corrects"].as_integer().is_(None),
            )
        ),
    )
    .values(
        state=case((table(Delivery).c.perhaps_sent, DeliveryState.UNCERTAIN), else_=DeliveryState.SKIPPED),
        skip=case((table(Delivery).c.perhaps_sent, None), else_=Skip.CHANGED),
        settled_at=bindparam("now", type_=table(Delivery).c.settled_at.type),
    )
)


_PLANNED, _OTHER = table(Edition).alias("planned"), table(Edition).alias("other")
_DISCREET = (
    select(_OTHER.c.id)
    .join(_PLANNED, (_PLANNED.c.mailing_id == _OTHER.c.mailing_id) & (_PLANNED.c.language == _OTHER.c.language))
    .where(_PLANNED.c.id == table(Delivery).c.edition_id, _OTHER.c.discreet)
    .limit(1)
    .scalar_subquery()
)
_MAKE_DISCREET = (
    update(table(Delivery))
    .where(
        table(Delivery).c.subscriber_id == bindparam("number"),
        table(Delivery).c.state.in_(WAITING_STATES),
        table(Delivery).c.mailing_id.in_(select(table(Mailing).c.id).where(table(Mailing).c.lane == Lane.ALERT)),
        _DISCREET.is_not(None),
    )
    .values(edition_id=_DISCREET)
)


def decide(
    session: Session, number: int, before: Choices, choices: Choices, *, source: str, now: datetime
) -> frozenset[str]:
    """Do as somebody decided, for every mail that is not on its way yet.

    A digest that waits for them is taken back if it is not what they want now; what it held is in their next one. An
    alert that waits, perhaps for their morning, goes out nevertheless, unless they want none. Who has become discreet
    gets it in such a form or, where the alert has none, not at all: what it is about comes with their next digest.

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
    if "discreet" in changed and choices.reading.discreet:
        # Where there is none, the claim sees that what was planned is not for them.
        session.connection().execute(_MAKE_DISCREET, {"number": number})
    return changed
