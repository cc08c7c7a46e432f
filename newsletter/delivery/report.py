"""What came of mailings, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal
from newsletter.delivery.model import IS_WAITING, Delivery, DeliveryState, Lane, Mailing, MailingState, Skip
from newsletter.delivery.selection import Out, Selection
from newsletter.editions.model import Edition, EditionAppeal
from newsletter.errors import NewsletterError
from subscribers.model import Subscriber
from subscribers.preferences import Cadence

SHOWN = 100  # uncertain deliveries in a report


class NoSuchMailing(NewsletterError):
    """There is no mailing {mailing}. `newsletter mailing list` shows them all."""


class UncertainDelivery(NamedTuple):
    """A delivery of which nobody knows whether it arrived.

    Attributes:
        id: its number, for `newsletter mailing resolve`.
        address, name: who it was for.
        since: when that was settled.
        reason: what happened.
    """

    id: int
    address: str
    name: str
    since: datetime | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class MailingReport:
    """One mailing and what became of its deliveries.

    Attributes:
        states: deliveries by state; those that are zero are left out.
        skips: who got nothing, by reason: those who were skipped, and those to whom nothing was new.
        editions: how many different ones it has.
        replies: what servers said to those that did not get it, with how many each.
        note: why it is paused, where the program did that.
        expires_at: its limit.
        about: the reference of the appeal that an alert is about.
        selection: whom an alert is for; None for others.
        left_out: who gets no alert and has no delivery of it, by reason.
        proposed_by, approved_by: who asked for an alert, and who agreed.
        grows: whether there are people who weren't looked at yet: an alert's first mails go out before that.
        uncertain: the first hundred of those.
    """

    id: int
    kind: str
    cadence: Cadence | None
    state: MailingState
    launched_at: datetime
    finished_at: datetime | None
    editions: int
    states: Mapping[DeliveryState, int]
    skips: Mapping[Skip, int]
    replies: Mapping[str, int]
    note: str | None
    expires_at: datetime
    uncertain: Sequence[UncertainDelivery]
    about: str | None = None
    selection: Selection | None = None
    left_out: Mapping[Out, int] = field(default_factory=dict)
    proposed_by: str | None = None
    approved_by: str | None = None
    grows: bool = False


def mailings(session: Session, *, service: bool = False) -> list[MailingReport]:
    """Report on every mailing, the newest first.

    Args:
        session: any transaction.
        service: whether service mails are among them; there is a mailing of those for each minute with a sign-up.
    """
    every = select(Mailing).order_by(Mailing.id.desc())
    if not service:
        # One that is paused is shown in any case: somebody has to resume it.
        every = every.where(or_(Mailing.lane != Lane.SERVICE, Mailing.state == MailingState.PAUSED))
    return [_report(session, mailing) for mailing in session.scalars(every)]


def mailing(session: Session, number: int) -> MailingReport:
    """Report on one mailing.

    Raises:
        NoSuchMailing: there is none with this number.
    """
    found = session.get(Mailing, number)
    if found is None:
        raise NoSuchMailing(mailing=number)
    return _report(session, found)


def still_carrying(session: Session, appeal_id: int) -> list[int]:
    """Give the numbers of mailings that may still bring an appeal to somebody."""
    live = (MailingState.RUNNING, MailingState.PAUSED)
    rows = (
        select(Mailing.id)
        .join(Edition, Edition.mailing_id == Mailing.id)
        .join(EditionAppeal, EditionAppeal.edition_id == Edition.id)
        .where(Mailing.state.in_(live), EditionAppeal.appeal_id == appeal_id)
        .where(exists().where(Delivery.mailing_id == Mailing.id, IS_WAITING, Delivery.edition_id == Edition.id))
        .distinct()
        .order_by(Mailing.id)
    )
    return list(session.scalars(rows))


def _report(session: Session, found: Mailing) -> MailingReport:
    rows = session.execute(
        select(Delivery.state, Delivery.skip, func.count())
        .where(Delivery.mailing_id == found.id)
        .group_by(Delivery.state, Delivery.skip)
    ).all()
    states: dict[DeliveryState, int] = {}
    for state, _skip, count in rows:
        states[state] = states.get(state, 0) + count
    unhappy = (DeliveryState.DEFERRED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN, DeliveryState.EXPIRED)
    replies = session.execute(
        select(Delivery.reply, func.count())
        .where(Delivery.mailing_id == found.id, Delivery.state.in_(unhappy), Delivery.reply.is_not(None))
        .group_by(Delivery.reply)
        .order_by(func.count().desc())
        .limit(10)
    )
    selection = Selection.from_json(found.selection) if found.selection is not None else None
    return MailingReport(
        id=found.id,
        kind=found.kind.value,
        cadence=found.cadence,
        state=found.state,
        launched_at=found.launched_at,
        finished_at=found.finished_at,
        editions=session.scalar(select(func.count()).where(Edition.mailing_id == found.id)) or 0,
        states=states,
        skips={skip: count for _state, skip, count in rows if skip is not None}
        | ({Skip.NOTHING_NEW: found.nothing_new} if found.nothing_new else {}),
        replies={reply: count for reply, count in replies if reply is not None},
        note=found.note,
        expires_at=found.expires_at,
        uncertain=_uncertain(session, found.id) if DeliveryState.UNCERTAIN in states else (),
        about=session.get_one(Appeal, selection.appeal_id).reference if selection is not None else None,
        selection=selection,
        # Those two have deliveries, which were counted above.
        left_out={Out(why): n for why, n in found.left_out.items() if why not in {Out.PAUSED, Out.NO_TEXT}},
        proposed_by=found.proposed_by,
        approved_by=found.approved_by,
        grows=found.frozen_to is not None,
    )


def _uncertain(session: Session, number: int) -> list[UncertainDelivery]:
    rows = (
        select(Delivery.id, Subscriber.email, Subscriber.name, Delivery.settled_at, Delivery.reply)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.mailing_id == number, Delivery.state == DeliveryState.UNCERTAIN)
        .order_by(Delivery.id)
        .limit(SHOWN)
    )
    return [
        UncertainDelivery(id_, email, name, since, reply or "")
        for id_, email, name, since, reply in session.execute(rows)
    ]


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What is still to be sent.

    Attributes:
        due: how many could go now.
        later: how many wait for their next attempt, and
        next_at: when the first of them is due.
        held: how many are of mailings that are paused.
    """

    due: int
    later: int
    next_at: datetime | None
    held: int = 0


def backlog(session: Session, *, now: datetime) -> Backlog:
    """Count what is still to be sent."""
    all_waiting = (
        select(func.count(), func.min(Delivery.due_at))
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(IS_WAITING)
    )
    held, _first = session.execute(all_waiting.where(Mailing.state == MailingState.PAUSED)).one()
    waiting = all_waiting.where(Mailing.state == MailingState.RUNNING)
    due, _first = session.execute(waiting.where(Delivery.due_at <= now)).one()
    later, next_at = session.execute(waiting.where(Delivery.due_at > now)).one()
    return Backlog(due=due, later=later, next_at=next_at, held=held)
