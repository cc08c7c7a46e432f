"""Leaving: by one's own link, at once, for good until that person comes back by themselves."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from subscribers.choices import forget_held
from subscribers.consent import Consent, ConsentAct
from subscribers.database import table
from subscribers.model import UNDONE, LeftReason, Status, Subscriber, WhyLeft
from subscribers.standing import Standing
from subscribers.suppression import SuppressionList

_PEOPLE = table(Subscriber).c
# As `Subscriber.leave` moves it: from wherever, and the first reason stays.
_LEAVE = (
    update(table(Subscriber))
    .where(_PEOPLE.id == bindparam("number"), _PEOPLE.status != Status.LEFT)
    .values(
        status=Status.LEFT,
        left_reason=bindparam("reason", type_=_PEOPLE.left_reason.type),
        left_at=bindparam("now", type_=_PEOPLE.left_at.type),
    )
)
_WITHDRAW = insert(table(Consent))
_WHY = (
    update(table(Subscriber))
    .where(_PEOPLE.id == bindparam("number"), _PEOPLE.status == Status.LEFT)
    .values(left_why=bindparam("why", type_=_PEOPLE.left_why.type))
)


def leave(
    session: Session,
    number: int,
    *,
    source: str,
    reason: LeftReason = LeftReason.UNSUBSCRIBED,
    now: datetime,
) -> bool:
    """Take somebody off and record that they withdrew their consent (GDPR Art. 7(3)).

    Written without loading the row: after a mailing, many press at once.

    Args:
        session: a writing transaction.
        number: who leaves.
        source: how: the page or the one-click address.
        reason: the program's word for it.
        now: the moment.

    Returns:
        Whether they were still on.
    """
    session.flush()
    connection = session.connection()
    if not connection.execute(_LEAVE, {"number": number, "reason": reason, "now": now}).rowcount:
        return False
    connection.execute(
        _WITHDRAW,
        {
            "subscriber_id": number,
            "act": ConsentAct.WITHDRAWN,
            "at": now,
            "source": source,
            "recorded_at": now,
            "wording": "",
        },
    )
    forget_held(session, number)
    return True


def leave_by_link(
    session: Session, person: Standing, *, suppression: SuppressionList, source: str, now: datetime
) -> bool:
    """Take off whom a way out speaks for, by `leave`.

    Of somebody whose import was undone after a mail to them, only the hash of their address is left. It is suppressed:
    by the right file they may be on again.

    Args:
        session: a writing transaction.
        person: from `find_leaver`.
        suppression: keeps such a hash.
        source: how: the page, the one-click address, a mail.
        now: the moment.

    Returns:
        Whether they were still on.
    """
    if person.left_reason is LeftReason.UNDONE:
        key = session.connection().execute(select(_PEOPLE.address_key).where(_PEOPLE.id == person.id)).scalar_one()
        hashed = bytes.fromhex(key.removeprefix(f"{UNDONE}{person.id}:"))
        suppression.add_hash(session, hashed, reason=LeftReason.UNSUBSCRIBED, now=now)
    return leave(session, person.id, source=source, now=now)


def tell_why(session: Session, number: int, why: WhyLeft) -> None:
    """Keep why somebody left, if they have; what they said last counts.

    Args:
        session: a writing transaction.
        number: who.
        why: what they say.
    """
    session.flush()
    session.connection().execute(_WHY, {"number": number, "why": why})
    forget_held(session, number)
