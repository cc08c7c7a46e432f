"""Why somebody got no mail of an alert: looked at anew, for nothing is written down about those whom it wasn't for.

A million rows for each alert would make the database slower, and tell more about people than it must. What there is
says enough: what they chose then, what the appeal said then, and which mails were theirs already.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from newsletter.appeals.document import AppealDocument
from newsletter.appeals.history import AppealVersion
from newsletter.appeals.model import Appeal
from newsletter.delivery.alertable import family_of
from newsletter.delivery.freezing import alert_form
from newsletter.delivery.model import LEDGER_STATES, Delivery, DeliveryState, Mailing, MailingState
from newsletter.delivery.selection import Out, Selection
from newsletter.editions.digest import Candidate
from newsletter.editions.model import EditionAppeal
from subscribers.choices import Change, Choices, known_zone
from subscribers.model import Status, Subscriber

_ARRIVED = (DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN)


class Missed(NamedTuple):
    """An alert that went out while somebody was on the list, and of which they have no mail.

    Attributes:
        mailing: its number.
        at: when it was launched.
        appeal: the reference of what it was about.
        out: why; None where that can't be seen any more: they were written to in another way then, or it was stopped
            before they were looked at.
    """

    mailing: int
    at: datetime
    appeal: str
    out: Out | None

    @property
    def words(self) -> str:
        """The reason as a person reads it."""
        return "it can't be seen any more why" if self.out is None else self.out.words

    def document(self) -> dict[str, Any]:
        """Give it as JSON knows it."""
        why = self.out and self.out.value
        return {"mailing": self.mailing, "at": self.at.isoformat(), "appeal": self.appeal, "out": why}


def missed_alerts(session: Session, person: Subscriber, *, most: int) -> Sequence[Missed]:
    """Say of which alerts somebody who is on the list got no mail, and why; the newest first.

    Args:
        session: any transaction.
        person: a subscriber.
        most: how many alerts are looked at.
    """
    if person.status is not Status.ACTIVE or person.joined_at is None:
        return []
    went_to_them = exists().where(Delivery.mailing_id == Mailing.id, Delivery.subscriber_id == person.id)
    mailings = session.scalars(
        select(Mailing)
        .where(
            Mailing.selection.is_not(None),
            # A proposal that nobody approved never went out, nor what was stopped before its first mail.
            Mailing.starts_at.is_not(None),
            or_(Mailing.state != MailingState.CANCELLED, Mailing.finished_at > Mailing.starts_at),
            Mailing.launched_at >= person.joined_at,
            or_(Mailing.frozen_to.is_(None), Mailing.frozen_to >= person.id),  # the others weren't looked at yet
            ~went_to_them,
        )
        .order_by(Mailing.launched_at.desc(), Mailing.id.desc())
        .limit(most)
    ).all()
    if not mailings:
        return []
    changes = session.scalars(select(Change).where(Change.subscriber_id == person.id).order_by(Change.id.desc())).all()
    mails = _mails(session, person.id)
    return [_missed(session, mailing, _choices_at(person, changes, mailing.launched_at), mails) for mailing in mailings]


class _Mail(NamedTuple):
    """An appeal that a mail to them has, or was to have."""

    mailing: int
    launched_at: datetime
    appeal: int
    state: DeliveryState
    settled_at: datetime | None

    def had_at(self, moment: datetime) -> bool:
        """Say whether it had come by then, or was on its way, whatever became of it since."""
        return self.state in LEDGER_STATES or (self.settled_at is not None and self.settled_at > moment)

    def arrived_at(self, moment: datetime) -> bool:
        """Say whether it had come by then."""
        return self.state in _ARRIVED and self.settled_at is not None and self.settled_at <= moment


def _mails(session: Session, person_id: int) -> list[_Mail]:
    rows = session.execute(
        select(Delivery.mailing_id, Mailing.launched_at, EditionAppeal.appeal_id, Delivery.state, Delivery.settled_at)
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .join(EditionAppeal, EditionAppeal.edition_id == Delivery.edition_id)
        .where(Delivery.subscriber_id == person_id)
    )
    return [_Mail(*row) for row in rows]


def _choices_at(person: Subscriber, changes: Sequence[Change], moment: datetime) -> Choices:
    """Say what somebody had chosen at a moment; the changes are the newest first."""
    facts = Choices.of(person).facts()
    for change in changes:
        if change.at > moment:
            facts |= change.before
    # One that this machine doesn't know any more was one nevertheless, and decides nothing here.
    return Choices.from_facts(facts | {"time_zone": known_zone(facts["time_zone"])})


def _missed(session: Session, mailing: Mailing, chosen: Choices, mails: Sequence[_Mail]) -> Missed:
    selection = Selection.from_json(mailing.selection or {})
    appeal = session.get_one(Appeal, selection.appeal_id)
    document = AppealDocument.from_json(session.get_one(AppealVersion, selection.version_id).content)
    candidate = _candidate(appeal, document, mailing.launched_at)
    earlier = [mail for mail in mails if (mail.launched_at, mail.mailing) < (mailing.launched_at, mailing.id)]
    out = _why(
        selection,
        candidate,
        chosen,
        earlier,
        at=mailing.launched_at,
        original=appeal.original_id,
        family=family_of(session, appeal),
    )
    return Missed(mailing.id, mailing.launched_at, appeal.reference, out)


def _candidate(appeal: Appeal, document: AppealDocument, at: datetime) -> Candidate:
    """Give an appeal as it was when it went out."""
    return Candidate(
        id=appeal.id,
        released={text.language: at for text in document.texts},
        countries=frozenset(document.countries),
        topics=frozenset(document.topics),
        urgency=document.urgency.rank,
        deadline=document.deadline,
        published_on=document.published_on,
    )


def _why(
    selection: Selection,
    candidate: Candidate,
    chosen: Choices,
    earlier: Sequence[_Mail],
    *,
    at: datetime,
    original: int | None,
    family: Collection[int],
) -> Out | None:
    """Say why somebody was left out, by the rules of `recipients` in their order."""
    if selection.cadences and chosen.cadence not in selection.cadences:
        return Out.NOT_SELECTED
    form = alert_form(candidate, chosen.reading, selection)
    if isinstance(form, Out) and form is not Out.NO_TEXT:  # who had none of the languages has a mail that says so
        return form
    had = any(mail.appeal == candidate.id and mail.had_at(at) for mail in earlier)
    if selection.corrects is not None:
        wrong = (mail for mail in earlier if mail.mailing == selection.corrects and mail.appeal in family)
        if not any(mail.arrived_at(at) for mail in wrong):
            return Out.NOT_RECIPIENT
        return Out.HAD if had else None
    declined = not chosen.alerts
    has_original = any(mail.appeal == original and mail.arrived_at(at) for mail in earlier)
    reasons: Mapping[Out, bool] = {
        Out.NOT_RECIPIENT: selection.only_recipients and not has_original and (declined or not had),
        Out.DECLINED: declined,
        Out.HAD: had,
        Out.WITHOUT: any(mail.mailing in selection.without and mail.had_at(at) for mail in earlier),
        Out.NOT_IN_PART: selection.part is not None,
    }
    return next((out for out, holds in reasons.items() if holds), None)
