"""Composes the editions that wait for it, while mails of those that are done go out."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import exists, select, true, update
from sqlalchemy.orm import Session, selectinload

from newsletter.delivery.model import Mailing, MailingState
from newsletter.editions.compose import EditionPress
from newsletter.editions.model import Edition
from newsletter.editions.stored import Draft
from newsletter.errors import NewsletterError
from subscribers.database import Database

log = logging.getLogger(__name__)

AT_ONCE = 100  # editions, in one transaction
NOTE_LENGTH = 500
_OF_RUNNING = Edition.mailing_id.in_(select(Mailing.id).where(Mailing.state == MailingState.RUNNING))


@dataclass(frozen=True, kw_only=True)
class ComposedNow:
    """What composing came to.

    Attributes:
        editions: how many were composed.
        broken: the mailings of which one can't be; they are paused, with what is wrong.
    """

    editions: int
    broken: Mapping[int, str] = field(default_factory=dict)


def waits_for_composing(session: Session) -> bool:
    """Say whether a mailing that runs has an edition that isn't composed."""
    return bool(session.scalar(select(exists().where(Edition.composed_at.is_(None), _OF_RUNNING))))


def compose_waiting(
    database: Database,
    press: EditionPress,
    *,
    now: datetime,
    only: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> ComposedNow:
    """Compose every edition of the mailings that run, the most urgent first.

    A mailing of which an edition can't be composed is paused, with the reason: once that is mended, `mailing resume`
    lets it go on where it was. Two who compose at once do some of it twice, to the same end.

    Args:
        database: where they are.
        press: renders and stores.
        now: the moment.
        only: the number of a mailing, an alert, whose mails wait for nothing else; None means all.
        on_progress: told how many more are done.
    """
    done = 0
    broken: dict[int, str] = {}
    while True:
        with database.read() as session:
            waiting = (
                select(Edition)
                .join(Mailing, Mailing.id == Edition.mailing_id)
                .where(Edition.composed_at.is_(None), Mailing.state == MailingState.RUNNING)
                .where(true() if only is None else Mailing.id == only)
                .order_by(Mailing.lane, Edition.id)
                .options(selectinload(Edition.appeals))
                .limit(AT_ONCE if only is None else 1)
            )
            batch = session.scalars(waiting).all()
            drafts, faults = _drafts(session, press, batch)
        if not drafts and not faults:
            return ComposedNow(editions=done, broken=broken)
        with database.write() as session:
            database.share(session, "names")
            if not press.says_what_may_be_said(session):
                continue
            press.store(session, drafts, now)
            for mailing, fault in faults.items():
                running = update(Mailing).where(Mailing.id == mailing, Mailing.state == MailingState.RUNNING)
                session.execute(running.values(state=MailingState.PAUSED, note=fault[:NOTE_LENGTH]))
        broken |= faults
        done += len(drafts)
        if on_progress is not None:
            on_progress(len(drafts))


def _drafts(
    session: Session, press: EditionPress, batch: Sequence[Edition]
) -> tuple[list[tuple[Edition, Draft]], dict[int, str]]:
    drafts: list[tuple[Edition, Draft]] = []
    faults: dict[int, str] = {}
    for edition in batch:
        if edition.mailing_id in faults:
            continue
        try:
            drafts.append((edition, press.of_stored(session, edition)))
        except NewsletterError as fault:
            faults[edition.mailing_id] = str(fault)
        except Exception as bug:  # one edition must not keep back the mails of all others
            log.exception("edition %s can't be composed", edition.id)
            faults[edition.mailing_id] = f"Edition {edition.id} can't be composed ({type(bug).__name__})."
    return drafts, faults
