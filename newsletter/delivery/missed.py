"""Why somebody got no mail of an alert: looked at anew, for nothing is written down about those whom it wasn't for.

A million rows for each alert would make the database slower, and tell more about people than it must.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal
from newsletter.delivery.alertable import family_of
from newsletter.delivery.candidates import candidate_of
from newsletter.delivery.freezing import alert_form
from newsletter.delivery.model import Delivery, Mailing, MailingState
from newsletter.delivery.recipients import Recipients, Span
from newsletter.delivery.selection import Out, Selection
from subscribers.model import Subscriber


class Missed(NamedTuple):
    """An alert that went out while somebody was on the list, and of which they have no mail.

    Attributes:
        mailing: its number.
        at: when it was launched.
        appeal: the reference of what it was about.
        out: why; None where it would be for them as they choose now, so that they chose otherwise then, or it was
            stopped before they were looked at.
    """

    mailing: int
    at: datetime
    appeal: str
    out: Out | None

    @property
    def words(self) -> str:
        """The reason as a person reads it."""
        return "chose otherwise then, or it was stopped before" if self.out is None else self.out.words

    def document(self) -> dict[str, Any]:
        """Give it as JSON knows it."""
        why = self.out and self.out.value
        return {"mailing": self.mailing, "at": self.at.isoformat(), "appeal": self.appeal, "out": why}


def missed_alerts(session: Session, person_id: int, *, most: int) -> Sequence[Missed]:
    """Say of which alerts somebody got no mail, and why, by what they choose now; the newest first.

    Args:
        session: a transaction that may write to temporary tables; see `Database.sketch`.
        person_id: the number of a subscriber.
        most: how many alerts are looked at.
    """
    person = session.get_one(Subscriber, person_id)
    if person.joined_at is None:
        return []
    went_to_them = exists().where(Delivery.mailing_id == Mailing.id, Delivery.subscriber_id == person_id)
    mailings = session.scalars(
        select(Mailing)
        .where(
            Mailing.selection.is_not(None),
            Mailing.state != MailingState.PROPOSED,
            Mailing.launched_at >= person.joined_at,
            Mailing.launched_at <= (person.left_at or Mailing.launched_at),
            or_(Mailing.frozen_to.is_(None), Mailing.frozen_to >= person_id),  # the others weren't looked at yet
            ~went_to_them,
        )
        .order_by(Mailing.id.desc())
        .limit(most)
    )
    return [_missed(session, mailing, person) for mailing in mailings]


def _missed(session: Session, mailing: Mailing, person: Subscriber) -> Missed:
    selection = Selection.from_json(mailing.selection or {})
    appeal = session.get_one(Appeal, selection.appeal_id)
    return Missed(mailing.id, mailing.launched_at, appeal.reference, _why(session, mailing, selection, appeal, person))


def _why(session: Session, mailing: Mailing, selection: Selection, appeal: Appeal, person: Subscriber) -> Out | None:
    people = Recipients(session, selection, now=mailing.launched_at)
    span = Span(person.id - 1, person.id)
    people.find(span, continues=appeal.original_id, family=family_of(session, appeal), before=mailing.id)
    # What was edited since, and waits to be approved again, was there then.
    released = {each.language: each.released_at for each in appeal.texts if each.released_at is not None}
    candidate = replace(candidate_of(appeal, mailing.launched_at), released=released)
    forms = {number: alert_form(candidate, reading, selection) for number, reading in people.readings().items()}
    people.know({number: form if isinstance(form, Out) else 0 for number, form in forms.items()})
    people.decide()
    found = people.reasons()
    people.close()
    if person.id not in found:
        return Out.NOT_SELECTED if selection.corrects is None else Out.NOT_RECIPIENT
    out = found[person.id]
    return Out.NOT_IN_PART if out is None and selection.part is not None else out
