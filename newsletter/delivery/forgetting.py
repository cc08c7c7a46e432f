"""What erasing, declining and undoing mean for service mails: none goes out any more, and none keeps an address."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from newsletter.delivery.model import (
    WAITING_STATES,
    Delivery,
    DeliveryState,
    DigestStanding,
    Lane,
    Mailing,
    ServiceMail,
    Skip,
)
from subscribers.erasing import erase
from subscribers.model import Subscriber
from subscribers.suppression import SuppressionList

STEP = 500  # subscribers in one statement


def forget_person(session: Session, person: Subscriber, *, suppression: SuppressionList, now: datetime) -> None:
    """Erase somebody (see `erase`), and whatever was on its way to them.

    Args:
        session: a writing transaction.
        person: who; erasing twice is fine.
        suppression: keeps the hash.
        now: the moment.
    """
    erase(session, person, suppression=suppression, now=now)
    session.flush()
    session.execute(delete(DigestStanding).where(DigestStanding.subscriber_id == person.id))  # it tells what they chose
    forget_service_mails(session, [person.id], now=now)


def forget_service_mails(session: Session, people: Iterable[int], *, now: datetime) -> None:
    """Take back what still waits for some people in the service lane, and delete the addresses that it was to go to.

    Args:
        session: a writing transaction.
        people: their numbers.
        now: the moment.
    """
    numbers = list(people)
    lane = select(Mailing.id).where(Mailing.lane == Lane.SERVICE)
    for start in range(0, len(numbers), STEP):
        theirs = Delivery.subscriber_id.in_(numbers[start : start + STEP])
        session.execute(
            update(Delivery)
            .where(theirs, Delivery.state.in_(WAITING_STATES), Delivery.mailing_id.in_(lane))
            .values(state=DeliveryState.SKIPPED, skip=Skip.LEFT, settled_at=now)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            delete(ServiceMail)
            .where(ServiceMail.delivery_id.in_(select(Delivery.id).where(theirs)))
            .execution_options(synchronize_session=False)
        )
