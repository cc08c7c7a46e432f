"""The reception: sees what follows from sign-ups and changes of address, and forgets those that nobody confirmed.

Forms only note what was asked for, which takes the same time for every address. What follows is done here, later and
apart from any answer, so that nobody learns from one whether an address is known.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from newsletter.delivery.model import Delivery, Lane, Mailing, MailingKind, ServiceMail
from newsletter.delivery.service_mails import LIVES
from subscribers.database import Database
from subscribers.joining import sort
from subscribers.model import Status, Subscriber
from subscribers.moving import sort_move
from subscribers.requests import LIFE, Move, Next, SignUp, forget_old_requests
from subscribers.suppression import SuppressionList

if TYPE_CHECKING:
    from newsletter.delivery.service_mails import ServiceDesk

BATCH = 100  # sign-ups in one transaction
_KINDS = {Next.CONFIRM: MailingKind.CONFIRMATION, Next.ALREADY: MailingKind.ALREADY}


@dataclass(frozen=True, kw_only=True)
class Reception:
    """Sorts requests.

    Attributes:
        database: where they are.
        desk: queues mails.
        suppression: who wants no confirmation.
        cooldown: how long after one mail to an address there is no other.
    """

    database: Database
    desk: "ServiceDesk"
    suppression: SuppressionList
    cooldown: timedelta

    def work(self, *, now: datetime) -> int:
        """Sort all that wait; gives how many there were."""
        count = 0
        while sorted_now := self._batch(now):
            count += sorted_now
        return count

    def forget(self, *, now: datetime) -> None:
        """Delete requests whose time is over, and all that was stored for them alone."""
        with self.database.write() as session:
            self.database.serialise(session, "subscribers")
            forget_old_requests(session, now=now)
            forget_pending(session)
            # By the mailing's time, whatever became of it: one that is paused would keep addresses for ever.
            old = (
                select(Delivery.id)
                .join(Mailing, Mailing.id == Delivery.mailing_id)
                .where(Mailing.lane == Lane.SERVICE, Mailing.launched_at <= now - LIFE - LIVES)
            )
            session.execute(
                delete(ServiceMail).where(ServiceMail.delivery_id.in_(old)).execution_options(synchronize_session=False)
            )

    def _batch(self, now: datetime) -> int:
        with self.database.write() as session:
            # Two that signed up with one address at one moment become one subscriber; an import is waited for.
            self.database.serialise(session, "subscribers")
            sign_ups = session.scalars(
                select(SignUp).where(SignUp.sorted_at.is_(None)).order_by(SignUp.id).limit(BATCH)
            ).all()
            moves = session.scalars(select(Move).where(Move.sorted_at.is_(None)).order_by(Move.id).limit(BATCH)).all()
            for sign_up in sign_ups:
                self._sort(session, sign_up, now)
            for move in moves:
                self._sort_move(session, move, now)
        return len(sign_ups) + len(moves)

    def _sort(self, session: Session, sign_up: SignUp, now: datetime) -> None:
        following = sort(session, sign_up, suppression=self.suppression, cooldown=self.cooldown, now=now)
        session.flush()
        if following is Next.NOTHING:
            return
        person = session.get_one(Subscriber, sign_up.subscriber_id)
        self.desk.queue(
            session,
            _KINDS[following],
            person,
            # Who is on already gets it where their mails go, and in the language that they chose: what a stranger typed
            # is nothing to go by. Two spellings of an address may be two people after all, and it has their link in it.
            email=person.email if following is Next.ALREADY else sign_up.email,
            address_key=sign_up.address_key,
            language=person.profile.languages[0] if following is Next.ALREADY else sign_up.language,
            errand=sign_up.id,
            now=now,
        )

    def _sort_move(self, session: Session, move: Move, now: datetime) -> None:
        following = sort_move(session, move, suppression=self.suppression, cooldown=self.cooldown, now=now)
        session.flush()
        if following is Next.NOTHING:
            return
        person = session.get_one(Subscriber, move.subscriber_id)
        self.desk.queue(
            session,
            MailingKind.MOVE,
            person,
            email=move.email,
            address_key=move.address_key,
            language=person.profile.languages[0],
            errand=move.id,
            now=now,
        )


def forget_pending(session: Session) -> None:
    """Delete pending subscribers whom no sign-up can make active any more, with the mails that asked them.

    Args:
        session: a writing transaction in which nobody else adds subscribers.
    """
    hopeless = (
        select(Subscriber.id)
        .where(Subscriber.status == Status.PENDING)
        .where(~exists(select(SignUp.id).where(SignUp.subscriber_id == Subscriber.id)))
    )
    numbers = session.scalars(hopeless).all()
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        for rows in (
            delete(Delivery).where(Delivery.subscriber_id.in_(some)),
            delete(Subscriber).where(Subscriber.id.in_(some)),
        ):
            session.execute(rows.execution_options(synchronize_session=False))
