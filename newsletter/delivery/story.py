"""The whole story of one address: how it joined, what it agreed to, what it chose, what it was sent and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal
from newsletter.delivery.missed import Missed, missed_alerts
from newsletter.delivery.model import (
    WAITING_STATES,
    Delivery,
    DeliveryState,
    DigestStanding,
    Mailing,
    MailingKind,
    Skip,
)
from newsletter.editions.model import Edition, EditionAppeal
from subscribers.addresses import Address
from subscribers.choices import Change, Choices
from subscribers.consent import Consent
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence
from subscribers.requests import Move, SignUp
from subscribers.suppression import SuppressionList

LOOKUP = 500  # editions in one statement
MISSED = 20  # alerts that are looked at for one person


class ConsentFact(NamedTuple):
    """One act of consent; see `Consent`."""

    at: datetime
    act: str
    source: str
    wording: str


class ChangeFact(NamedTuple):
    """One change of mind; see `Change`."""

    at: datetime
    source: str
    before: dict[str, Any]
    after: dict[str, Any]


class RequestFact(NamedTuple):
    """Something that was asked for with a form lately: to join, or to move to another address; see `requests`."""

    at: datetime
    kind: str
    email: str
    source: str
    confirmed_at: datetime | None

    def document(self) -> dict[str, Any]:
        """Give it as JSON knows it."""
        confirmed = self.confirmed_at and self.confirmed_at.isoformat()
        return self._asdict() | {"at": self.at.isoformat(), "confirmed_at": confirmed}


@dataclass(frozen=True, kw_only=True)
class MailFact:
    """One mail that was planned for somebody, and what became of it.

    Attributes:
        mailing: its number.
        at: when the mailing was launched.
        kind: what it was.
        cadence: whose digest it was: why it came.
        subject: as the mail had it; None where it had none, since it was skipped.
        language: of the mail.
        appeals: references of those in it, in their order.
        state: what became of it.
        skip: why it was not sent.
        reply: the server's last words on it.
        due_at: where it waits, when it may go: an alert in the morning, a mail that was put off at its next attempt.
    """

    mailing: int
    at: datetime
    kind: MailingKind
    cadence: Cadence | None
    subject: str | None
    language: str | None
    appeals: tuple[str, ...]
    state: DeliveryState
    skip: Skip | None
    reply: str | None
    due_at: datetime | None

    def document(self) -> dict[str, Any]:
        """Give it as JSON knows it."""
        return {
            "mailing": self.mailing,
            "at": self.at.isoformat(),
            "kind": self.kind.value,
            "cadence": self.cadence and self.cadence.value,
            "subject": self.subject,
            "language": self.language,
            "appeals": list(self.appeals),
            "state": self.state.value,
            "skip": self.skip and self.skip.value,
            "reply": self.reply,
            "due_at": self.due_at and self.due_at.isoformat(),
        }


class LookFact(NamedTuple):
    """The last planning that looked at everything for somebody.

    Attributes:
        mailing: its number.
        at: when.
        skip: why they got nothing of it; None where they got something.
    """

    mailing: int
    at: datetime
    skip: Skip | None

    def document(self) -> dict[str, Any]:
        """Give it as JSON knows it."""
        return {"mailing": self.mailing, "at": self.at.isoformat(), "skip": self.skip and self.skip.value}


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who is, or was, a subscriber.

    Attributes:
        left_reason, left_why: the program's word for it, and their own.
        choices: what they have decided so far.
    """

    id: int
    email: str
    name: str
    status: Status
    created_at: datetime
    joined_at: datetime | None
    left_at: datetime | None
    left_reason: str | None
    left_why: str | None
    choices: Choices

    def document(self) -> dict[str, Any]:
        """Give it as JSON knows it."""
        return {
            "id": self.id,
            "email": self.email,
            "name": self.name,
            "status": self.status.value,
            "created_at": self.created_at.isoformat(),
            "joined_at": self.joined_at and self.joined_at.isoformat(),
            "left_at": self.left_at and self.left_at.isoformat(),
            "left_reason": self.left_reason,
            "left_why": self.left_why,
            "choices": self.choices.facts(),
        }


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that is known of one address.

    Attributes:
        address: as it was asked for.
        person: None where it is no subscriber's.
        suppressed: why and since when it must get no mail; None where it may.
        requests, consents, changes, mails: the newest first.
        looked_at: when it was last seen what is new to them; None where it wasn't.
        missed: the last alerts of which they have no mail, and why; None where nobody looked.
    """

    address: str
    person: Person | None
    suppressed: tuple[str, datetime] | None
    requests: Sequence[RequestFact]
    consents: Sequence[ConsentFact]
    changes: Sequence[ChangeFact]
    mails: Sequence[MailFact]
    looked_at: LookFact | None = None
    missed: Sequence[Missed] | None = None

    def document(self) -> dict[str, Any]:
        """Give all of it as one JSON document knows it."""
        person = self.person
        return {
            "address": self.address,
            "suppressed": self.suppressed and {"reason": self.suppressed[0], "at": self.suppressed[1].isoformat()},
            "person": person and person.document(),
            "requests": [one.document() for one in self.requests],
            "consents": [one._asdict() | {"at": one.at.isoformat()} for one in self.consents],
            "changes": [one._asdict() | {"at": one.at.isoformat()} for one in self.changes],
            "mails": [one.document() for one in self.mails],
            "looked_at": self.looked_at and self.looked_at.document(),
        } | ({} if self.missed is None else {"missed": [one.document() for one in self.missed]})

    def verdict(self, now: datetime) -> str:
        """Say in one sentence whether it is written to, and why not."""
        person = self.person
        if self.suppressed is not None:
            reason, since = self.suppressed
            return f"gets no mail: suppressed since {since:%Y-%m-%d} ({reason})"
        if person is None:
            return "gets no mail: no subscriber has this address"
        if person.status is Status.PENDING:
            return "gets no mail yet: the sign-up was not confirmed"
        if person.status is Status.LEFT:
            return f"gets no mail: left on {person.left_at:%Y-%m-%d} ({person.left_reason})"
        until = person.choices.paused_until
        if until is not None and until > now:
            alerts = "alerts alone" if person.choices.alerts_while_paused else "no mail"
            return f"gets {alerts} until {until:%Y-%m-%d}: paused"
        return "is written to"


def story_of(session: Session, address: Address, suppression: SuppressionList) -> Story:
    """Tell the story of an address.

    Args:
        session: an open transaction.
        address: whose.
        suppression: knows who must get no mail; what it keeps outlives the person.
    """
    found = session.scalar(select(Subscriber).where(Subscriber.address_key == address.key))
    if found is not None:
        missed = missed_alerts(session, found, most=MISSED)
        return replace(story_of_person(session, found, suppression), missed=missed)
    suppressed = _suppressed(session, address.key, suppression)
    requests = _requests(session, None, address.key)
    return Story(
        address=address.email, person=None, suppressed=suppressed, requests=requests, consents=(), changes=(), mails=()
    )


def story_of_person(session: Session, found: Subscriber, suppression: SuppressionList) -> Story:
    """Tell the story of a subscriber as it is written down, without what was looked at anew; as `story_of`."""
    return Story(
        address=found.email,
        person=_person(found),
        suppressed=_suppressed(session, found.address_key, suppression),
        requests=_requests(session, found.id, found.address_key),
        consents=_consents(session, found.id),
        changes=_changes(session, found.id),
        mails=_mails(session, found.id),
        looked_at=_looked_at(session, found.id),
    )


def _suppressed(session: Session, address_key: str, suppression: SuppressionList) -> tuple[str, datetime] | None:
    found = suppression.find(session, address_key)
    return (found.reason, found.at) if found is not None else None


def _person(found: Subscriber) -> Person:
    return Person(
        id=found.id,
        email=found.email,
        name=found.name,
        status=found.status,
        created_at=found.created_at,
        joined_at=found.joined_at,
        left_at=found.left_at,
        left_reason=found.left_reason.value if found.left_reason else None,
        left_why=found.left_why.value if found.left_why else None,
        choices=Choices.of(found),
    )


def _requests(session: Session, person: int | None, address_key: str) -> list[RequestFact]:
    theirs = SignUp.address_key == address_key
    joins = select(SignUp).where(theirs if person is None else or_(theirs, SignUp.subscriber_id == person))
    moves = select(Move).where(Move.subscriber_id == person) if person is not None else select(Move).where(false())
    asked = [
        *(
            RequestFact(one.requested_at, "join", one.email, one.source, one.confirmed_at)
            for one in session.scalars(joins)
        ),
        *(RequestFact(one.requested_at, "move", one.email, "", one.confirmed_at) for one in session.scalars(moves)),
    ]
    return sorted(asked, key=lambda one: one.at, reverse=True)


def _consents(session: Session, person: int) -> list[ConsentFact]:
    rows = select(Consent).where(Consent.subscriber_id == person).order_by(Consent.id.desc())
    return [ConsentFact(one.at, one.act.value, one.source, one.wording) for one in session.scalars(rows)]


def _changes(session: Session, person: int) -> list[ChangeFact]:
    rows = select(Change).where(Change.subscriber_id == person).order_by(Change.id.desc())
    return [ChangeFact(one.at, one.source, one.before, one.after) for one in session.scalars(rows)]


def _looked_at(session: Session, person: int) -> LookFact | None:
    row = session.execute(
        select(DigestStanding.mailing_id, Mailing.launched_at, DigestStanding.skip)
        .join(Mailing, Mailing.id == DigestStanding.mailing_id)
        .where(DigestStanding.subscriber_id == person)
    ).first()
    return None if row is None else LookFact(*row)


def _mails(session: Session, person: int) -> list[MailFact]:
    rows = session.execute(
        select(Delivery, Mailing.launched_at, Mailing.kind, Mailing.cadence, Edition.subject, Edition.language)
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .outerjoin(Edition, Edition.id == Delivery.edition_id)
        .where(Delivery.subscriber_id == person)
        .order_by(Delivery.id.desc())
    ).all()
    appeals = _appeals(session, sorted({row.edition_id for row, *_ in rows if row.edition_id is not None}))
    return [
        MailFact(
            mailing=row.mailing_id,
            at=launched_at,
            kind=kind,
            cadence=cadence,
            subject=subject,
            language=language,
            appeals=tuple(appeals.get(row.edition_id or 0, ())),
            state=row.state,
            skip=row.skip,
            reply=row.reply,
            due_at=row.due_at if row.state in WAITING_STATES else None,
        )
        for row, launched_at, kind, cadence, subject, language in rows
    ]


def _appeals(session: Session, editions: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for start in range(0, len(editions), LOOKUP):
        rows = session.execute(
            select(EditionAppeal.edition_id, Appeal.reference)
            .join(Appeal, Appeal.id == EditionAppeal.appeal_id)
            .where(EditionAppeal.edition_id.in_(editions[start : start + LOOKUP]))
            .order_by(EditionAppeal.edition_id, EditionAppeal.position)
        )
        for edition, reference in rows:
            found.setdefault(edition, []).append(reference)
    return found
