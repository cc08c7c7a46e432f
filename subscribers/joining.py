"""Joining: what somebody asks for on a form, and the double opt-in without which nothing comes of it."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from subscribers.addresses import Address
from subscribers.choices import Choices
from subscribers.consent import Consent, ConsentAct
from subscribers.errors import SubscribersError
from subscribers.leaving import leave
from subscribers.model import Status, Subscriber
from subscribers.preferences import Profile
from subscribers.requests import DECLINED_FOR, LIFE, Next, SignUp, had_enough, mailbox_of
from subscribers.suppression import DECLINED, SuppressionList
from subscribers.tokens import InvalidToken


class SignUpExpired(SubscribersError):
    """This link lasted for {days} days. Sign up once more, and you get a new one."""


class Confirmed(StrEnum):
    """What came of confirming."""

    JOINED = "joined"
    ALREADY = "already"  # confirmed before, by this or another link
    LEFT = "left"  # confirmed before, and left since: it takes a fresh sign-up


def ask(
    session: Session, address: Address, *, name: str, choices: Choices, wording: str, source: str, now: datetime
) -> SignUp:
    """Note that somebody filled in the form; the same for every address, known or not.

    Args:
        session: a writing transaction.
        address: what they typed.
        name: as they gave it, or empty.
        choices: what they want.
        wording: what they agreed to, as they read it.
        source: which form.
        now: the moment.
    """
    sign_up = SignUp(
        email=address.email,
        address_key=address.key,
        mailbox=mailbox_of(address.key),
        name=name,
        choices=choices.facts(),
        wording=wording,
        source=source,
        requested_at=now,
        mailed=False,
    )
    session.add(sign_up)
    session.flush()
    return sign_up


def sort(
    session: Session, sign_up: SignUp, *, suppression: SuppressionList, cooldown: timedelta, now: datetime
) -> Next:
    """See what follows from a sign-up: nobody is written to often, or against their word.

    What nothing follows from is deleted; whoever is new becomes a pending subscriber.

    Args:
        session: a writing transaction in which nobody else adds subscribers.
        sign_up: one that was not sorted yet.
        suppression: knows who declined.
        cooldown: how long after one mail to an address there is no other.
        now: the moment.
    """
    key = sign_up.address_key
    person = session.scalar(select(Subscriber).where(Subscriber.address_key == key))
    left_at = person.left_at if person is not None else None
    if suppression.declines(session, key, since=now - DECLINED_FOR) or had_enough(
        session, sign_up.mailbox, cooldown=cooldown, since=left_at, now=now
    ):
        session.delete(sign_up)
        return Next.NOTHING
    if person is None:
        choices = Choices.from_facts(sign_up.choices)
        person = Subscriber.new(
            Address(email=sign_up.email, key=sign_up.address_key, wire=""),
            name="",
            cadence=choices.cadence,
            profile=Profile.of(session, choices.reading),
            now=now,
        )
        session.add(person)
        session.flush()
    sign_up.subscriber_id, sign_up.sorted_at, sign_up.mailed = person.id, now, True
    return Next.ALREADY if person.status is Status.ACTIVE else Next.CONFIRM


def find_sign_up(session: Session, number: int, *, now: datetime) -> SignUp:
    """Find what a link confirms or declines.

    Raises:
        InvalidToken: there is no such sign-up any more.
        SignUpExpired: its time is over.
    """
    sign_up = session.get(SignUp, number)
    if sign_up is None or sign_up.sorted_at is None:
        raise InvalidToken
    if now >= sign_up.requested_at + LIFE:
        raise SignUpExpired(days=LIFE.days)
    return sign_up


def standing(session: Session, sign_up: SignUp) -> Confirmed | None:
    """Say what came of a sign-up so far; None while it can be confirmed."""
    person = session.get(Subscriber, sign_up.subscriber_id) if sign_up.subscriber_id is not None else None
    if person is None:
        return Confirmed.LEFT
    if person.status is Status.ACTIVE:
        return Confirmed.ALREADY
    # Who left after asking has changed their mind since: only what they ask for after that brings them back.
    left_since = person.left_at is not None and person.left_at >= sign_up.requested_at
    return Confirmed.LEFT if sign_up.confirmed_at is not None or left_since else None


def confirm(session: Session, sign_up: SignUp, *, suppression: SuppressionList, now: datetime) -> Confirmed:
    """Make somebody active, since they opened a link that only they were sent, and pressed its button.

    It is the one way in which somebody who left comes back.

    Args:
        session: a writing transaction.
        sign_up: from `find_sign_up`.
        suppression: they are taken off it.
        now: the moment.
    """
    person = _locked(session, sign_up)
    so_far = standing(session, sign_up)
    if person is None or so_far is not None:
        return so_far or Confirmed.LEFT
    choices = Choices.from_facts(sign_up.choices)
    person.join(now)
    person.email = sign_up.email  # in the spelling that the link was sent to
    person.name = sign_up.name
    choices.settle(person, Profile.of(session, choices.reading))
    suppression.lift(session, person.address_key)
    sign_up.confirmed_at = now
    session.add(
        Consent(
            subscriber_id=person.id,
            act=ConsentAct.GIVEN,
            at=now,
            wording=sign_up.wording,
            source=sign_up.source,
            recorded_at=now,
        )
    )
    return Confirmed.JOINED


def _locked(session: Session, sign_up: SignUp) -> Subscriber | None:
    """Give whom a sign-up is about, as they stand now and until this transaction ends: they may just be leaving."""
    if sign_up.subscriber_id is None:
        return None
    return session.get(Subscriber, sign_up.subscriber_id, with_for_update=True, populate_existing=True)


def decline(session: Session, sign_up: SignUp, *, suppression: SuppressionList, now: datetime) -> None:
    """Do as somebody says: this was not me. No confirmation goes to them for a year; who had joined leaves.

    Declining twice is fine.

    Args:
        session: a writing transaction.
        sign_up: from `find_sign_up`.
        suppression: keeps the hash of the address.
        now: the moment.
    """
    if sign_up.declined_at is not None:
        return
    person = _locked(session, sign_up)
    if person is not None and person.status is Status.ACTIVE:
        leave(session, person.id, source="this was not me", now=now)
    suppression.put(session, sign_up.address_key, reason=DECLINED, now=now)
    session.flush()
    session.execute(
        update(SignUp)
        .where(SignUp.address_key == sign_up.address_key)
        .values(email="", address_key="", mailbox="", name="", subscriber_id=None, declined_at=now)
        .execution_options(synchronize_session=False)
    )
    session.expire(sign_up)
