"""A name that must not be said any more goes out of everything that is stored, and of mails that wait."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal
from newsletter.appeals.names import Register, Rewriting
from newsletter.appeals.sweeping import rewrite_appeals
from newsletter.delivery.model import OPEN_STATES, Delivery, DigestStanding
from newsletter.editions.model import Edition, EditionAppeal, Part
from subscribers.topics import rename_topics

FETCH_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class Swept:
    """Where a name was found.

    Attributes:
        appeals: the references of those that had it in plain words until now.
        editions: how many that were composed; none of them goes out any more.
        waiting: how many people had one of them waiting; what else it held comes with their next digest.
    """

    appeals: tuple[str, ...]
    editions: int
    waiting: int


def sweep(session: Session, register: Register, *, language: str, now: datetime) -> Swept:
    """Take every name that may not be said out of appeals, of what was composed, and of what waits to be sent.

    Args:
        session: a writing transaction.
        register: all names.
        language: what aliases stand in where a mail was composed already.
        now: the moment.
    """
    found = rewrite_appeals(session, Rewriting.hiding(register))
    rename_topics(session, register.hide_topic)
    # Appeals may be about other topics now, and the number of a profile that is gone may come again.
    session.execute(delete(DigestStanding))
    said_in = _sweep_parts(session, register, language)
    editions = set(
        session.scalars(
            select(EditionAppeal.edition_id).where(
                EditionAppeal.card_text_id.in_(said_in) | EditionAppeal.card_html_id.in_(said_in)
            )
        )
    )
    for edition in session.scalars(select(Edition), execution_options={"yield_per": FETCH_ROWS}):
        for line in ("subject", "preheader", "intro"):
            if register.holds(said := getattr(edition, line)):
                setattr(edition, line, register.said(register.hide(said, keep=False), edition.language))
                editions.add(edition.id)
    session.flush()
    waiting = 0
    for number in sorted(editions):
        session.get_one(Edition, number).withdrawn_at = now
        rows = select(Delivery.id).where(Delivery.edition_id == number, Delivery.state.in_(OPEN_STATES))
        waiting += len(session.scalars(rows).all())
    references = session.scalars(select(Appeal.reference).where(Appeal.id.in_(found)).order_by(Appeal.id))
    return Swept(appeals=tuple(references), editions=len(editions), waiting=waiting)


def _sweep_parts(session: Session, register: Register, language: str) -> list[int]:
    """Take names out of what was rendered; what it says now is nobody's, and shared with no edition to come."""
    numbers = []
    for part in session.scalars(select(Part), execution_options={"yield_per": FETCH_ROWS}):
        if register.holds(part.content):
            part.content = register.said(register.hide(part.content, keep=False), language)
            part.content_hash = hashlib.sha256(f"withdrawn {part.id} {part.content}".encode()).hexdigest()
            numbers.append(part.id)
    session.flush()
    return numbers
