"""What an alert may be about, and whom it may be for: what is looked at before anybody is counted."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal, AppealStatus, Audience, FollowUp, NotApproved
from newsletter.appeals.moments import today_somewhere
from newsletter.delivery.alert_faults import (
    ChangedSinceApproval,
    ChangedSinceLook,
    DeadlineOver,
    NoOriginal,
    NotACorrection,
    NotOfMailing,
    NotReleased,
    StillGoing,
)
from newsletter.delivery.model import Mailing, MailingKind, MailingState
from newsletter.delivery.report import NoSuchMailing
from newsletter.delivery.selection import Selection
from newsletter.editions.model import Edition, EditionAppeal

OVER = (MailingState.FINISHED, MailingState.CANCELLED)


def select_all(appeal: Appeal, now: datetime) -> Selection:
    """Begin with everybody whom an appeal concerns.

    Raises:
        AppealClosed, NotApproved, NotReleased, ChangedSinceApproval, DeadlineOver: it can't go out.
    """
    require_alertable(appeal, now)
    return Selection(
        appeal_id=appeal.id,
        version_id=appeal.public_id or 0,
        only_recipients=appeal.audience is Audience.RECIPIENTS,
    )


def select_recipients(session: Session, appeal: Appeal, mailing_id: int, now: datetime) -> Selection:
    """Choose exactly those who got what a correction corrects with a mailing, and nobody else.

    Raises:
        NoSuchMailing, NotACorrection, NotOfMailing, StillGoing; as `select_all`.
    """
    if session.get(Mailing, mailing_id) is None:
        raise NoSuchMailing(mailing=mailing_id)
    if appeal.follow_up is not FollowUp.CORRECTION:
        raise NotACorrection(reference=appeal.reference)
    _require_over(session, mailing_id)
    holds = (
        select(EditionAppeal.appeal_id)
        .join(Edition, Edition.id == EditionAppeal.edition_id)
        .where(Edition.mailing_id == mailing_id, EditionAppeal.appeal_id.in_(family_of(session, appeal)))
    )
    if session.scalar(holds.limit(1)) is None:
        raise NotOfMailing(mailing=mailing_id, reference=appeal.reference)
    return replace(select_all(appeal, now), only_recipients=False, corrects=mailing_id)


def alertable(session: Session, selection: Selection, now: datetime, *, lock: bool = True) -> Appeal:
    """Give what an alert is about, once it is sure that it may go out and fits those whom it is for.

    Args:
        session: any transaction.
        selection: what it is about, and whom it is for.
        now: the moment.
        lock: whether nobody may change it until the transaction ends.

    Raises:
        AppealClosed, NotApproved, NotReleased, ChangedSinceApproval, DeadlineOver, ChangedSinceLook, NoOriginal,
        StillGoing; NoSuchMailing: there is none of those whose recipients are left out.
    """
    appeal = session.get_one(
        Appeal,
        selection.appeal_id,
        # Nobody changes it; what refers to it, as 'I did this' does, is not kept waiting.
        with_for_update={"key_share": True} if lock else None,
        populate_existing=True,
    )
    require_alertable(appeal, now)
    if appeal.public_id != selection.version_id:
        raise ChangedSinceLook(reference=appeal.reference)
    if selection.only_recipients and appeal.original_id is None:
        raise NoOriginal(reference=appeal.reference)
    for number in selection.without:
        if session.get(Mailing, number) is None:
            raise NoSuchMailing(mailing=number)
    if selection.corrects is not None:
        _require_over(session, selection.corrects)  # it may go on: somebody had what was uncertain sent again
    return appeal


def require_alertable(appeal: Appeal, now: datetime) -> None:
    """Refuse what may not go out, as it was released, at this moment.

    Raises:
        AppealClosed, NotApproved, NotReleased, ChangedSinceApproval, DeadlineOver.
    """
    appeal.require_open()
    if appeal.status is AppealStatus.APPROVED:
        raise NotReleased(reference=appeal.reference)
    if appeal.status is not AppealStatus.RELEASED:
        if appeal.public_id is not None or appeal.approved_id is not None:
            raise ChangedSinceApproval(reference=appeal.reference)
        raise NotApproved(reference=appeal.reference)
    if appeal.deadline is not None and appeal.deadline < today_somewhere(now):
        raise DeadlineOver(reference=appeal.reference, deadline=appeal.deadline.isoformat())


def _require_over(session: Session, mailing_id: int) -> None:
    """Refuse to correct what is still going out: somebody would get the wrong mail after the right one."""
    mailing = session.get_one(Mailing, mailing_id)
    if mailing.state not in OVER:
        raise StillGoing(mailing=mailing_id, state=mailing.state)


def kind_of(appeal: Appeal) -> MailingKind:
    """Say what an alert about an appeal is called, and by which templates it is written."""
    return MailingKind.FOLLOW_UP if appeal.follow_up else MailingKind.ALERT


def family_of(session: Session, appeal: Appeal) -> frozenset[int]:
    """Give the numbers of the appeal that one continues and of all else that continues it; none where it is first."""
    if appeal.original_id is None:
        return frozenset()
    others = session.scalars(select(Appeal.id).where(Appeal.original_id == appeal.original_id, Appeal.id != appeal.id))
    return frozenset({appeal.original_id, *others})
