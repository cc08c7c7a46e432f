"""The queue: which deliveries are due, who has taken them, and what became of them."""

import base64
import hmac
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal, AppealStatus
from newsletter.delivery import retry
from newsletter.delivery.model import (
    OPEN_STATES,
    Delivery,
    DeliveryState,
    Mailing,
    MailingState,
    OnUncertain,
    Skip,
)
from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused, Uncertain
from newsletter.editions.model import EditionAppeal
from subscribers.addresses import wire_form
from subscribers.database import Database
from subscribers.errors import DatabaseLocked
from subscribers.model import Status, Subscriber
from subscribers.suppression import SuppressionList

# A server may think for 10 minutes after the final dot (RFC 5321 4.5.3.2.6); only after that is a worker gone.
# Each connection holds two claims.
LEASE = timedelta(minutes=30)
PATIENCE = 20  # times that a locked database is asked again before outcomes are given up
REPLY_LENGTH = 500


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """One delivery that this worker, and no other, is to hand over now.

    Attributes:
        id: the delivery.
        mailing_id, edition_id: what it is part of.
        subscriber_id, token_epoch: who it is for, as links need it.
        address, name: who it is for, as headers and SMTP need it.
        message_id: fixed at launch; the same in every attempt.
        date: the mailing's launch.
        attempts: verdicts so far.
        expires_at: the mailing's limit.
        on_uncertain: the mailing's choice.
    """

    id: int
    mailing_id: int
    edition_id: int
    subscriber_id: int
    token_epoch: int
    address: str
    name: str
    message_id: str
    date: datetime
    attempts: int
    expires_at: datetime
    on_uncertain: OnUncertain


class Outbox:
    """Claims and settles deliveries, in transactions that are over before a byte is sent."""

    def __init__(self, database: Database, suppression: SuppressionList, *, worker: str) -> None:
        """Take the database and this worker's name, which no other worker has."""
        self._database = database
        self._suppression = suppression
        self._worker = worker

    def claim(self, limit: int, *, now: datetime) -> list[Claimed]:
        """Take what is due, the most urgent lane first.

        Everything that may have changed since launch is looked at again: who left, is suppressed or paused is
        skipped here and gets nothing. When this returns, the rows are `sending`, durably.

        Args:
            limit: how many at the most.
            now: the moment.

        Returns:
            The claimed ones; none if nothing is due.
        """
        claimed: list[Claimed] = []
        while not claimed:
            with self._database.write() as session:
                rows = session.execute(
                    select(Delivery, Mailing, Subscriber)
                    .join(Mailing, Mailing.id == Delivery.mailing_id)
                    .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
                    .where(
                        Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)),
                        Delivery.due_at <= now,
                        Mailing.state == MailingState.RUNNING,
                    )
                    .order_by(Mailing.lane, Mailing.id, Delivery.due_at, Delivery.id)
                    .limit(limit)
                    .with_for_update(of=Delivery, skip_locked=True)
                ).all()
                if not rows:
                    return []
                closed = _with_closed_appeals(session, {delivery.edition_id for delivery, _m, _p in rows})
                barred = self._suppression.among(session, (person.address_key for _d, _m, person in rows))
                for delivery, mailing, person in rows:
                    if now >= mailing.expires_at:
                        _settle(delivery, DeliveryState.EXPIRED, now)
                    elif reason := _why_not(person, barred, now) or (
                        Skip.CLOSED if delivery.edition_id in closed else None
                    ):
                        delivery.skip = reason
                        _settle(delivery, DeliveryState.SKIPPED, now)
                    else:
                        delivery.state = DeliveryState.SENDING
                        delivery.worker = self._worker
                        delivery.lease_until = now + LEASE
                        claimed.append(_claimed(delivery, mailing, person))
        return claimed

    def record(self, outcomes: Mapping[Claimed, Outcome], *, now: datetime) -> None:
        """Write down what became of claimed deliveries, together in one transaction.

        A row that this worker no longer holds is left alone: somebody else has decided about it since.
        """
        by_id = {claimed.id: (claimed, outcome) for claimed, outcome in outcomes.items()}

        def apply(session: Session) -> None:
            held = session.scalars(
                select(Delivery)
                .where(
                    Delivery.id.in_(by_id),
                    Delivery.state == DeliveryState.SENDING,
                    Delivery.worker == self._worker,
                )
                .with_for_update()
            )
            for delivery in held:
                _apply(delivery, *by_id[delivery.id], now)

        self._patiently(apply)

    def hand_back(self, claims: Sequence[Claimed]) -> None:
        """Put claimed deliveries of which no byte was sent back into the queue."""
        back = (
            update(Delivery)
            .where(
                Delivery.id.in_([claimed.id for claimed in claims]),
                Delivery.state == DeliveryState.SENDING,
                Delivery.worker == self._worker,
            )
            .values(state=DeliveryState.QUEUED, worker=None, lease_until=None)
        )
        self._patiently(lambda session: session.execute(back))

    def recover(self, *, now: datetime) -> Counter[DeliveryState]:
        """Decide about deliveries whose worker is gone: nobody knows whether the server took them (RFC 1047).

        Returns:
            How many became what: `uncertain`, or `deferred` where the mailing would rather send twice.
        """
        decided: Counter[DeliveryState] = Counter()
        with self._database.write() as session:
            rows = session.execute(
                select(Delivery, Mailing)
                .join(Mailing, Mailing.id == Delivery.mailing_id)
                .where(Delivery.state == DeliveryState.SENDING, Delivery.lease_until < now)
                .with_for_update(of=Delivery, skip_locked=True)
            )
            for delivery, mailing in rows:
                reason = "the worker that was sending it is gone"
                _uncertain(delivery, reason, now, choice=mailing.on_uncertain, expires_at=mailing.expires_at)
                decided[delivery.state] += 1
        return decided

    def _patiently(self, act: Callable[[Session], object]) -> None:
        """Do something in a transaction even if another program holds the database for long.

        What the server has said must be written down: a forgotten 'accepted' would become uncertain.
        """
        for attempt in range(PATIENCE):
            try:
                with self._database.write() as session:
                    act(session)
            except DatabaseLocked:
                if attempt == PATIENCE - 1:
                    raise
            else:
                return

    def finish_mailings(self, *, now: datetime) -> None:
        """Mark mailings of which nothing can go out any more."""
        open_rows = select(Delivery.id).where(Delivery.mailing_id == Mailing.id, Delivery.state.in_(OPEN_STATES))
        with self._database.write() as session:
            session.execute(
                update(Mailing)
                .where(Mailing.state == MailingState.RUNNING, ~open_rows.exists())
                .values(state=MailingState.FINISHED, finished_at=now)
            )


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What is still to be sent.

    Attributes:
        due: how many could go now.
        later: how many wait for their next attempt, and
        next_at: when the first of them is due.
    """

    due: int
    later: int
    next_at: datetime | None


def backlog(session: Session, *, now: datetime) -> Backlog:
    """Count what is still to be sent."""
    waiting = (
        select(func.count(), func.min(Delivery.due_at))
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(
            Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)), Mailing.state == MailingState.RUNNING
        )
    )
    due, _first = session.execute(waiting.where(Delivery.due_at <= now)).one()
    later, next_at = session.execute(waiting.where(Delivery.due_at > now)).one()
    return Backlog(due=due, later=later, next_at=next_at)


def message_id(mailing: Mailing, delivery_id: int) -> str:
    """Give the Message-ID of a delivery (RFC 5322 3.6.4): fixed, unique, and telling nobody how many there are."""
    digest = hmac.digest(mailing.nonce, delivery_id.to_bytes(8, "big"), "sha256")[:15]
    return f"<{base64.b32encode(digest).decode().lower()}@{mailing.message_domain}>"


def _with_closed_appeals(session: Session, edition_ids: set[int | None]) -> set[int]:
    """Say which editions hold an appeal that was closed since: people get the rest of it with their next digest."""
    return set(
        session.scalars(
            select(EditionAppeal.edition_id)
            .join(Appeal, Appeal.id == EditionAppeal.appeal_id)
            .where(EditionAppeal.edition_id.in_(edition_ids), Appeal.status == AppealStatus.CLOSED)
        )
    )


def _why_not(person: Subscriber, barred: set[str], now: datetime) -> Skip | None:
    if person.status is not Status.ACTIVE:
        return Skip.LEFT
    if person.address_key in barred:
        return Skip.SUPPRESSED
    if person.paused_until is not None and person.paused_until > now:
        return Skip.PAUSED
    return None


def _claimed(delivery: Delivery, mailing: Mailing, person: Subscriber) -> Claimed:
    if delivery.edition_id is None:
        msg = f"delivery {delivery.id} is queued without an edition"
        raise AssertionError(msg)
    return Claimed(
        id=delivery.id,
        mailing_id=mailing.id,
        edition_id=delivery.edition_id,
        subscriber_id=person.id,
        token_epoch=person.token_epoch,
        address=wire_form(person.email, person.address_key),
        name=person.name,
        message_id=message_id(mailing, delivery.id),
        date=mailing.launched_at,
        attempts=delivery.attempts,
        expires_at=mailing.expires_at,
        on_uncertain=mailing.on_uncertain,
    )


def _apply(delivery: Delivery, claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    match outcome:
        case Accepted(reply):
            delivery.attempts += 1
            _settle(delivery, DeliveryState.ACCEPTED, now, reply)
        case Refused(reply):
            delivery.attempts += 1
            _settle(delivery, DeliveryState.REFUSED, now, reply)
        case Deferred(reply, costs_attempt):
            delivery.attempts += costs_attempt
            _try_again(delivery, reply, now, expires_at=claimed.expires_at)
        case Uncertain(reason):
            delivery.attempts += 1
            _uncertain(delivery, reason, now, choice=claimed.on_uncertain, expires_at=claimed.expires_at)


def _uncertain(delivery: Delivery, reason: str, now: datetime, *, choice: OnUncertain, expires_at: datetime) -> None:
    match choice:
        case OnUncertain.RETRY:
            _try_again(delivery, reason, now, expires_at=expires_at)
        case OnUncertain.LEAVE:
            _settle(delivery, DeliveryState.UNCERTAIN, now, reason)


def _try_again(delivery: Delivery, reply: str, now: datetime, *, expires_at: datetime) -> None:
    again = retry.next_attempt(attempts=max(delivery.attempts, 1), now=now, expires_at=expires_at)
    if again is None:
        _settle(delivery, DeliveryState.EXPIRED, now, reply)
        return
    _settle(delivery, DeliveryState.DEFERRED, None, reply)
    delivery.due_at = again


def _settle(delivery: Delivery, state: DeliveryState, at: datetime | None, reply: str | None = None) -> None:
    delivery.state = state
    delivery.worker = None
    delivery.lease_until = None
    delivery.settled_at = at
    if reply is not None:
        delivery.reply = reply[:REPLY_LENGTH]
