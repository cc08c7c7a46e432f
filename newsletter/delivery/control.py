"""What an organiser may do with a mailing that was launched: pause, resume, cancel, decide about what is uncertain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from newsletter.delivery.model import (
    IS_WAITING,
    Delivery,
    DeliveryState,
    Mailing,
    MailingState,
)
from newsletter.delivery.report import NoSuchMailing
from newsletter.delivery.settle import REPLY_LENGTH
from newsletter.errors import NewsletterError
from subscribers.addresses import parse_address
from subscribers.database import Database
from subscribers.model import Subscriber

CHUNK = 5_000  # rows cancelled in one transaction: nobody else waits long for the database


class MailingIsOver(NewsletterError):
    """Mailing {mailing} is {state} already: nothing of it can go out any more."""


class MailingProposed(NewsletterError):
    """Mailing {mailing} waits for a second organiser: `newsletter mailing approve {mailing}`, or `cancel` it."""


class MailingExpired(NewsletterError):
    """Mailing {mailing} had its limit at {expires_at}: it can't be sent again. Plan a new one."""


class NotInMailing(NewsletterError):
    """Mailing {mailing} has no delivery {which}."""


class NotUncertain(NewsletterError):
    """Delivery {delivery} of mailing {mailing} is {state}, not uncertain: there is nothing to decide."""


class Verdict(StrEnum):
    """What a person decides about a delivery of which nobody knows whether it arrived."""

    SENT = "sent"  # it arrived
    AGAIN = "again"  # send it again: the same Message-ID, the same bytes


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What cancelling a mailing came to.

    Attributes:
        cancelled: deliveries that will not go out now.
        accepted: those that had gone already.
        on_the_wire: those that were being handed over at that moment.
    """

    cancelled: int
    accepted: int
    on_the_wire: int


def pause(session: Session, number: int) -> bool:
    """Hold a mailing back; workers see it within a second, in the middle of whatever they do.

    Returns:
        Whether that changed anything: False if it was paused already.

    Raises:
        NoSuchMailing, MailingIsOver, MailingProposed.
    """
    mailing = _live(session, number)
    changed = mailing.state is MailingState.RUNNING
    mailing.state = MailingState.PAUSED
    return changed


def resume(session: Session, number: int) -> bool:
    """Let a paused mailing go on; returns and raises as `pause`."""
    mailing = _live(session, number)
    changed = mailing.state is MailingState.PAUSED
    mailing.state = MailingState.RUNNING
    mailing.note = None
    return changed


def cancel(
    database: Database, number: int, *, now: datetime, on_progress: Callable[[int], None] = lambda _count: None
) -> Cancelled:
    """Stop a mailing for good. That holds from the first transaction on; the rows follow in chunks.

    Args:
        database: where it is.
        number: which mailing.
        now: the moment.
        on_progress: told how many rows are done.

    Raises:
        NoSuchMailing: there is none with this number.
        MailingIsOver: it has finished. One that was cancelled may be cancelled again.
    """
    with database.write() as session:
        mailing = _found(session, number)
        if mailing.state is MailingState.FINISHED:
            raise MailingIsOver(mailing=number, state=mailing.state)
        mailing.state = MailingState.CANCELLED
        mailing.finished_at = mailing.finished_at or now
        mailing.frozen_to = None
    while True:
        with database.write() as session:
            if not _cancel_chunk(session, [number], now):
                break
            states = _states(session, number)
            on_progress(states.get(DeliveryState.CANCELLED, 0))
    with database.read() as session:
        states = _states(session, number)
    return Cancelled(
        cancelled=states.get(DeliveryState.CANCELLED, 0),
        accepted=states.get(DeliveryState.ACCEPTED, 0),
        on_the_wire=states.get(DeliveryState.SENDING, 0),
    )


def sweep_cancelled(session: Session, *, now: datetime) -> int:
    """Cancel what came back to the queue of a cancelled mailing: it was on the wire at that moment, and did not go."""
    numbers = session.scalars(select(Mailing.id).where(Mailing.state == MailingState.CANCELLED)).all()
    return _cancel_chunk(session, numbers, now) if numbers else 0


def uncertain(session: Session, number: int, which: str | None = None) -> list[int]:
    """Find the deliveries of a mailing about which a person may decide.

    Args:
        session: open.
        number: the mailing.
        which: the number of a delivery, or an address; None means all that are uncertain.

    Raises:
        NoSuchMailing, NotInMailing, NotUncertain.
        NotAnAddress: `which` is neither a number nor an address.
    """
    _found(session, number)
    rows = select(Delivery.id, Delivery.state).where(Delivery.mailing_id == number)
    if which is None:
        return list(session.scalars(rows.where(Delivery.state == DeliveryState.UNCERTAIN).order_by(Delivery.id)))
    if which.isdecimal():
        rows = rows.where(Delivery.id == int(which))
    else:
        key = parse_address(which).key
        rows = rows.join(Subscriber, Subscriber.id == Delivery.subscriber_id).where(Subscriber.address_key == key)
    found = session.execute(rows).first()
    if found is None:
        raise NotInMailing(mailing=number, which=which)
    if found.state is not DeliveryState.UNCERTAIN:
        raise NotUncertain(mailing=number, delivery=found.id, state=found.state)
    return [found.id]


def resolve(session: Session, number: int, deliveries: Sequence[int], verdict: Verdict, *, now: datetime) -> int:
    """Decide about uncertain deliveries; those that have been settled meanwhile stay as they are.

    Args:
        session: of a transaction that writes.
        number: the mailing.
        deliveries: which, as `uncertain` gives them.
        verdict: what a person says about them.
        now: the moment.

    Returns:
        How many were decided.

    Raises:
        NoSuchMailing: there is none with this number.
        MailingIsOver, MailingExpired: it can't be sent again.
    """
    mailing = _found(session, number)
    if verdict is Verdict.AGAIN:
        if mailing.state is MailingState.CANCELLED:
            raise MailingIsOver(mailing=number, state=mailing.state)
        if now >= mailing.expires_at:
            raise MailingExpired(mailing=number, expires_at=f"{mailing.expires_at:%Y-%m-%d %H:%M} UTC")
        if mailing.state is MailingState.FINISHED:
            mailing.state = MailingState.RUNNING
            mailing.finished_at = None
    decided = 0
    for start in range(0, len(deliveries), CHUNK):
        rows = update(Delivery).where(
            Delivery.id.in_(deliveries[start : start + CHUNK]),
            Delivery.mailing_id == number,
            Delivery.state == DeliveryState.UNCERTAIN,
        )
        if verdict is Verdict.AGAIN:
            # The fence shuts out the worker that had it: it must not write into what is now another attempt.
            rows = rows.values(
                state=DeliveryState.QUEUED, due_at=now, fence=Delivery.fence + 1, settled_at=None, perhaps_sent=True
            )
        else:
            said = func.substr(
                "a person says that it arrived; before: " + func.coalesce(Delivery.reply, ""), 1, REPLY_LENGTH
            )
            rows = rows.values(state=DeliveryState.ACCEPTED, settled_at=now, fence=Delivery.fence + 1, reply=said)
        done = session.execute(rows, execution_options={"synchronize_session": False})
        decided += int(done.rowcount)  # type: ignore[attr-defined]
    return decided


def _found(session: Session, number: int) -> Mailing:
    mailing = session.get(Mailing, number, with_for_update=True)
    if mailing is None:
        raise NoSuchMailing(mailing=number)
    return mailing


def _live(session: Session, number: int) -> Mailing:
    mailing = _found(session, number)
    if mailing.state in {MailingState.FINISHED, MailingState.CANCELLED}:
        raise MailingIsOver(mailing=number, state=mailing.state)
    if mailing.state is MailingState.PROPOSED:
        raise MailingProposed(mailing=number)
    return mailing


def _cancel_chunk(session: Session, numbers: Sequence[int], now: datetime) -> int:
    waiting = (
        select(Delivery.id)
        .where(Delivery.mailing_id.in_(numbers), IS_WAITING)
        .limit(CHUNK)
        .with_for_update(skip_locked=True)
    )
    done = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(waiting))
        .values(
            state=case((Delivery.perhaps_sent, DeliveryState.UNCERTAIN), else_=DeliveryState.CANCELLED), settled_at=now
        ),
        execution_options={"synchronize_session": False},
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _states(session: Session, number: int) -> dict[DeliveryState, int]:
    counted = select(Delivery.state, func.count()).where(Delivery.mailing_id == number).group_by(Delivery.state)
    return {row[0]: row[1] for row in session.execute(counted)}
