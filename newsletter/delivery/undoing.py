"""Undoing an import: whoever came by it goes again, as if they had never been taken over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Select, Update, delete, exists, func, select, update
from sqlalchemy.orm import Session

from newsletter.delivery.forgetting import forget_service_mails
from newsletter.delivery.model import Delivery
from newsletter.errors import NewsletterError
from subscribers.choices import Change
from subscribers.consent import Consent
from subscribers.database import Database
from subscribers.imports import Import
from subscribers.model import UNDONE, LeftReason, Status, Subscriber
from subscribers.preferences import Cadence, Profile, Reading
from subscribers.requests import Move, SignUp
from subscribers.suppression import Suppression, SuppressionList

STATEMENT = 500  # numbers in one statement
STEP = 20_000  # subscribers' numbers that are looked at in one statement, so that progress is seen


class NoSuchImport(NewsletterError):
    """There is no import {number}. `newsletter subscriber imports` lists them."""


class UndoneAlready(NewsletterError):
    """Import {number} was undone on {at:%Y-%m-%d %H:%M} UTC."""


class TooLateToUndo(NewsletterError):
    """Import {number} could be undone until {until:%Y-%m-%d %H:%M} UTC. `subscriber erase` still removes one person."""


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What undoing came to.

    Attributes:
        removed: people of whom nothing is left.
        emptied: people who had mails planned or sent: their row stays for the counts, without saying who it was.
        kept: people who have acted by themselves since: left, or chosen otherwise.
        lifted: addresses that are suppressed no longer, which the import had suppressed.
    """

    removed: int
    emptied: int
    kept: int
    lifted: int


def undo_import(
    session: Session,
    number: int,
    *,
    database: Database,
    suppression: SuppressionList,
    now: datetime,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> Undone:
    """Take back an import as a whole.

    Nobody is suppressed by it: the right file can be imported afterwards.

    Args:
        session: a writing transaction, fresh: until it ends nobody else adds subscribers or plans mails for them.
        number: the import's.
        database: where that is.
        suppression: makes the hashes by which those who had mail can still leave.
        now: the moment.
        on_progress: gets how many subscribers were looked at so far.

    Raises:
        NoSuchImport: there is none.
        UndoneAlready: it was.
        TooLateToUndo: its time is over.
    """
    # PostgreSQL does not look up whose a new delivery is (decision 019): without the second of these
    # whoever plans could write one for somebody who is being taken off.
    for what in ("subscribers", "plan"):
        database.serialise(session, what)
    found = session.get(Import, number)
    if found is None:
        raise NoSuchImport(number=number)
    if found.undone_at is not None:
        raise UndoneAlready(number=number, at=found.undone_at)
    if now > found.undo_until:
        raise TooLateToUndo(number=number, until=found.undo_until)
    first, last = session.execute(
        select(func.min(Subscriber.id), func.max(Subscriber.id)).where(Subscriber.import_id == number)
    ).one()
    nobody = Profile.of(session, Reading())
    session.flush()
    removed = emptied = 0
    for start in range(first or 0, (last or -1) + 1, STEP):
        among = Subscriber.id.between(start, start + STEP - 1)
        # Who left or changed something has seen our mails and decided: that stays, whatever the file was.
        theirs = (
            among,
            Subscriber.import_id == number,
            Subscriber.status == Status.ACTIVE,
            ~exists(select(Change.id).where(Change.subscriber_id == Subscriber.id)),
        )
        written_to = exists(select(Delivery.id).where(Delivery.subscriber_id == Subscriber.id))
        emptied += _emptied(
            session, select(Subscriber.id, Subscriber.address_key).where(*theirs, written_to), nobody, suppression, now
        )
        removed += _count(session, delete(Subscriber).where(*theirs, ~written_to))
        on_progress(start + STEP - (first or 0))
    kept = session.scalar(
        select(func.count()).where(
            Subscriber.import_id == number,
            ~((Subscriber.status == Status.LEFT) & (Subscriber.left_reason == LeftReason.UNDONE)),
        )
    )
    found.undone_at = now
    return Undone(removed=removed, emptied=emptied, kept=kept or 0, lifted=_lifted(session, found))


def _emptied(
    session: Session, people: Select[int, str], nobody: Profile, suppression: SuppressionList, now: datetime
) -> int:
    """Empty the rows of people who had mails, as `Subscriber.erase` does for one; gives how many.

    What is kept is the keyed hash of each address: the way out in a mail that they were sent works by it.
    """
    found = session.execute(people).all()
    numbers = [number for number, _key in found]
    for start in range(0, len(numbers), STATEMENT):
        some = numbers[start : start + STATEMENT]
        for kind in (Consent, SignUp, Move):
            _count(session, delete(kind).where(kind.subscriber_id.in_(some)))
    forget_service_mails(session, numbers, now=now)
    empty = {
        "status": Status.LEFT,
        "left_reason": LeftReason.UNDONE,
        "left_at": now,
        "email": "",
        "name": "",
        "cadence": Cadence.WEEKLY,
        "alerts": True,
        "digest_hour": 7,
        "digest_weekday": 1,
        "time_zone": "",
        "paused_until": None,
        "alerts_while_paused": False,
        "created_at": now,
        "joined_at": None,
        "left_why": None,
        "profile_id": nobody.id,
    }
    rows = [
        {**empty, "id": number, "address_key": f"{UNDONE}{number}:{suppression.hash(key).hex()}"}
        for number, key in found
    ]
    if rows:
        session.execute(update(Subscriber), rows)
    return len(rows)


def _lifted(session: Session, found: Import) -> int:
    """Lift what this import's file alone had suppressed; whatever else was said of an address since stays."""
    return _count(session, delete(Suppression).where(Suppression.import_id == found.id))


def _count(session: Session, statement: Delete | Update) -> int:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount
