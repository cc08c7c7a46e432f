"""A change of address: asked for on one's own page, confirmed from the new one, told to the old one."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from subscribers.addresses import Address
from subscribers.choices import Change
from subscribers.erasing import erase
from subscribers.errors import SubscribersError
from subscribers.model import Status, Subscriber
from subscribers.requests import DECLINED_FOR, LIFE, MOST_MAILS, Move, Next, had_enough, mailbox_of
from subscribers.suppression import SuppressionList
from subscribers.tokens import InvalidToken


class MoveExpired(SubscribersError):
    """This link lasted for {days} days. Ask for the change once more on your page."""


class AddressTaken(SubscribersError):
    """Somebody gets mail at this address already: it stays as it is."""


class Former(NamedTuple):
    """The address that somebody had.

    Attributes:
        email, address_key: as in `Subscriber`.
        gave_way: the number of whoever had been erased for the new one; None if nobody had.
    """

    email: str
    address_key: str
    gave_way: int | None


def ask_to_move(session: Session, number: int, address: Address, *, now: datetime) -> bool:
    """Note that somebody wants their mail at another address; the same for every address, known or not.

    Args:
        session: a writing transaction.
        number: who.
        address: the new one.
        now: the moment.

    Returns:
        False if they have asked too often this week: then nothing is noted.
    """
    lately = select(func.count()).where(Move.subscriber_id == number, Move.requested_at > now - LIFE)
    if (session.scalar(lately) or 0) >= MOST_MAILS:
        return False
    session.add(
        Move(
            subscriber_id=number,
            email=address.email,
            address_key=address.key,
            mailbox=mailbox_of(address.key),
            requested_at=now,
            mailed=False,
        )
    )
    return True


def sort_move(
    session: Session, asked: Move, *, suppression: SuppressionList, cooldown: timedelta, now: datetime
) -> Next:
    """See what follows from a wish to move: nothing where somebody gets mail at that address already.

    Args:
        session: a writing transaction.
        asked: one that was not sorted yet.
        suppression: knows whose owner wants no confirmation.
        cooldown: how long after one mail to an address there is no other.
        now: the moment.
    """
    key = asked.address_key
    person = session.get(Subscriber, asked.subscriber_id)
    taken = select(Subscriber.id).where(Subscriber.address_key == key, Subscriber.status == Status.ACTIVE)
    bars = (
        person is None
        or person.status is not Status.ACTIVE
        or session.scalar(taken) is not None
        or suppression.declines(session, key, since=now - DECLINED_FOR)
        or had_enough(session, asked.mailbox, cooldown=cooldown, now=now)
    )
    asked.sorted_at, asked.mailed = now, not bars  # kept in either case: it counts against who asked
    return Next.NOTHING if bars else Next.CONFIRM


def revoke_links(session: Session, subscriber: Subscriber) -> None:
    """Make every link that somebody was sent so far open nothing, and end what was asked for with one of them.

    Whoever got hold of a link may have asked for the mails to come to an address of their own: that question is void.
    """
    subscriber.revoke_links()
    session.execute(
        delete(Move)
        .where(Move.subscriber_id == subscriber.id, Move.confirmed_at.is_(None))
        .execution_options(synchronize_session=False)
    )


def find_move(session: Session, number: int, *, now: datetime) -> tuple[Move, Subscriber]:
    """Find what a link confirms, and who it is for.

    Raises:
        InvalidToken: there is no such change any more, or that person has left.
        MoveExpired: its time is over.
    """
    move = session.get(Move, number)
    person = session.get(Subscriber, move.subscriber_id) if move is not None else None
    if move is None or not move.mailed or person is None or person.status is not Status.ACTIVE:
        raise InvalidToken
    if now >= move.requested_at + LIFE:
        raise MoveExpired(days=LIFE.days)
    return move, person


def move(
    session: Session, asked: Move, subscriber: Subscriber, *, suppression: SuppressionList, now: datetime
) -> Former | None:
    """Give somebody their new address, since its owner pressed the button.

    What is stored of another person who had left, or had not confirmed, at that address gives way.

    Args:
        session: a writing transaction.
        asked: from `find_move`.
        subscriber: whose it is.
        suppression: the new address is taken off it.
        now: the moment.

    Returns:
        The address that they had; None if this was done before.

    Raises:
        AddressTaken: somebody else has joined with it meanwhile.
    """
    if asked.confirmed_at is not None:
        return None
    session.refresh(subscriber, with_for_update=True)
    other = session.scalar(
        select(Subscriber).where(Subscriber.address_key == asked.address_key, Subscriber.id != subscriber.id)
    )
    if other is not None:
        if other.status is Status.ACTIVE:
            raise AddressTaken
        erase(session, other, suppression=suppression, now=now)
        session.flush()
    former = Former(subscriber.email, subscriber.address_key, other.id if other is not None else None)
    subscriber.email, subscriber.address_key = asked.email, asked.address_key
    suppression.lift(session, asked.address_key)
    asked.confirmed_at = now
    session.add(
        Change(
            subscriber_id=subscriber.id,
            at=now,
            source="confirmed from the new address",
            before={"email": former.email},
            after={"email": asked.email},
        )
    )
    return former
