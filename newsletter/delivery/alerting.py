"""Alerts: one appeal to all whom it concerns, at once; looked at by a second organiser, launched, corrected."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal, AppealStatus, Audience, FollowUp, NotApproved
from newsletter.appeals.moments import today_somewhere
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.alert_faults import (
    ApprovalByAnother,
    ChangedSinceApproval,
    ChangedSinceLook,
    DeadlineOver,
    ExpiryPast,
    NobodyToAlert,
    NoOriginal,
    NotACorrection,
    NotOfMailing,
    NotProposed,
    NotReleased,
    ProposalExpired,
    ProposalStale,
    SecondLookNeeded,
    StillGoing,
)
from newsletter.delivery.candidates import candidate_of
from newsletter.delivery.composing import compose_waiting
from newsletter.delivery.model import Lane, Mailing, MailingKind, MailingState, OnUncertain
from newsletter.delivery.preflight import Looked, look_over_alert
from newsletter.delivery.recipients import Counted, Recipients
from newsletter.delivery.report import NoSuchMailing
from newsletter.delivery.selection import Out, Selection
from newsletter.editions.compose import EditionPress
from newsletter.editions.digest import Candidate, Digest, Why, compose_alert, read_in
from newsletter.editions.model import Edition, EditionAppeal
from subscribers.choices import known_zone
from subscribers.database import Database
from subscribers.hours import morning_after
from subscribers.preferences import Cadence, Reading

UNDO = timedelta(minutes=1)  # in which an alert can still be stopped before its first mail, unless said otherwise
LIVES = timedelta(days=1)  # how long an alert is tried, unless said otherwise
OVER = (MailingState.FINISHED, MailingState.CANCELLED)


class Share(NamedTuple):
    """Those of an alert's people who get the same."""

    digest: Digest
    people: int


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Whom an alert would go to.

    Attributes:
        shares: the editions, the largest first.
        cadences: those who get it, by cadence.
        out: how many get none, by reason.
        by_night: how many of those who get it have night now and get it in their morning.
    """

    shares: Sequence[Share]
    cadences: Mapping[Cadence, int]
    out: Mapping[Out, int]
    by_night: int

    @property
    def people(self) -> int:
        """How many get it."""
        return sum(share.people for share in self.shares)


@dataclass(frozen=True, kw_only=True)
class Alerted:
    """What launching an alert came to.

    Attributes:
        mailing_id: its number.
        outlook: whom it goes to.
        starts_at: when the first mail goes; it can be stopped before.
        broken: what is wrong with an edition that can't be composed: then it is paused.
    """

    mailing_id: int
    outlook: Outlook
    starts_at: datetime
    broken: str = ""


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Proposes and launches alerts.

    Attributes:
        database: where everything is.
        press: writes editions; fresh for each alert.
        message_domain: right side of Message-IDs.
        time_zone: the organisation's.
        second_look: whether a second organiser has to approve.
    """

    database: Database
    press: EditionPress
    message_domain: str
    time_zone: str
    second_look: bool

    def look(self, selection: Selection, *, starts_at: datetime, expires_at: datetime, now: datetime) -> Outlook:
        """Say whom an alert would go to at this moment; nothing is changed.

        Args:
            selection: what it is about, and whom it is for.
            starts_at: when its first mail would go.
            expires_at: its limit.
            now: the moment.

        Raises:
            AppealClosed, NotReleased, ChangedSinceApproval, DeadlineOver, ExpiryPast, NobodyToAlert.
        """
        with self.database.write() as session:
            appeal = _alertable(session, selection, now)
            mailing = self._mailing(appeal, selection, by="", expires_at=expires_at, now=now)
            outlook = self._plan(session, mailing, starts_at=starts_at, now=now).outlook
            session.rollback()
        return outlook

    def look_over(self, selection: Selection, *, now: datetime) -> Looked:
        """Look over the mails of an alert, before it is launched.

        Raises:
            As `look`; TemplateBroken, TemplateLacks.
        """
        with self.database.read() as session:
            appeal = session.get_one(Appeal, selection.appeal_id)
            _require_alertable(appeal, now)
            return look_over_alert(session, self.press, candidate_of(appeal, now), _kind(appeal), now=now)

    def propose(self, selection: Selection, *, by: str, expires_at: datetime, now: datetime) -> int:
        """Keep an alert until another organiser approves it; gives its number.

        Args:
            selection: what it is about, and whom it is for.
            by: who proposes it.
            expires_at: its limit.
            now: the moment.

        Raises:
            As `look`, but for NobodyToAlert.
        """
        with self.database.write() as session:
            appeal = _alertable(session, selection, now)
            if now >= expires_at:
                raise ExpiryPast
            mailing = self._mailing(appeal, selection, by=by, expires_at=expires_at, now=now)
            mailing.state = MailingState.PROPOSED
            session.add(mailing)
            session.flush()
            return mailing.id

    def launch(
        self, selection: Selection, *, by: str, starts_at: datetime, expires_at: datetime, now: datetime
    ) -> Alerted:
        """Freeze whom an alert goes to into deliveries, and compose its editions.

        Args:
            selection: what it is about, and whom it is for.
            by: who launches it.
            starts_at: when its first mail goes.
            expires_at: its limit.
            now: the moment.

        Raises:
            As `look`; SecondLookNeeded.
            TemplateBroken, TemplateLacks: it can't be composed.
        """
        if self.second_look:
            raise SecondLookNeeded
        self.look_over(selection, now=now).require_fit()
        with self.database.write(of_rows_just_read=True) as session:
            appeal = _alertable(session, selection, now)
            mailing = self._mailing(appeal, selection, by=by, expires_at=expires_at, now=now)
            alerted = self._plan(session, mailing, starts_at=starts_at, now=now)
        return self._composed(alerted, now)

    def look_again(self, number: int, *, by: str, starts_at: datetime, now: datetime) -> Outlook:
        """Say whom an alert that was proposed would go to at this moment; nothing is changed. As `approve`."""
        with self.database.write() as session:
            mailing = self._proposed(session, number, by=by, starts_at=starts_at, now=now)
            outlook = self._plan(session, mailing, starts_at=starts_at, now=now).outlook
            session.rollback()
        return outlook

    def approve(self, number: int, *, by: str, starts_at: datetime, now: datetime) -> Alerted:
        """Launch an alert that another organiser proposed.

        Args:
            number: the mailing's.
            by: who approves it.
            starts_at: when its first mail goes.
            now: the moment.

        Raises:
            NoSuchMailing, NotProposed, ApprovalByAnother, ProposalStale, ProposalExpired; as `launch`.
        """
        with self.database.read() as session:
            mailing = self._proposed(session, number, by=by, starts_at=starts_at, now=now)
            selection = Selection.from_json(mailing.selection or {})
        self.look_over(selection, now=now).require_fit()
        with self.database.write(of_rows_just_read=True) as session:
            mailing = self._proposed(session, number, by=by, starts_at=starts_at, now=now, lock=True)
            mailing.approved_by, mailing.launched_at = by, now
            alerted = self._plan(session, mailing, starts_at=starts_at, now=now)
        return self._composed(alerted, now)

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _mailing(
        self, appeal: Appeal, selection: Selection, *, by: str, expires_at: datetime, now: datetime
    ) -> Mailing:
        return Mailing(
            kind=_kind(appeal),
            cadence=None,
            state=MailingState.RUNNING,
            lane=Lane.ALERT,
            on_uncertain=OnUncertain.RETRY,
            nonce=secrets.token_bytes(16),
            message_domain=self.message_domain,
            launched_at=now,
            expires_at=expires_at,
            selection=selection.as_json,
            proposed_by=by,
        )

    def _proposed(
        self, session: Session, number: int, *, by: str, starts_at: datetime, now: datetime, lock: bool = False
    ) -> Mailing:
        mailing = session.get(Mailing, number, with_for_update=lock or None)
        if mailing is None:
            raise NoSuchMailing(mailing=number)
        if mailing.state is not MailingState.PROPOSED or mailing.selection is None:
            raise NotProposed(mailing=number, state=mailing.state)
        if self.second_look and by == mailing.proposed_by:
            raise ApprovalByAnother(by=by, mailing=number)
        if starts_at >= mailing.expires_at:
            raise ProposalExpired(mailing=number, expires_at=f"{mailing.expires_at:%Y-%m-%d %H:%M} UTC")
        selection = Selection.from_json(mailing.selection)
        appeal = session.get_one(Appeal, selection.appeal_id)
        _require_alertable(appeal, now)
        if appeal.public_id != selection.version_id:
            raise ProposalStale(reference=appeal.reference, by=mailing.proposed_by, mailing=number)
        return mailing

    def _plan(self, session: Session, mailing: Mailing, *, starts_at: datetime, now: datetime) -> Alerted:
        self.database.serialise(session, "plan")
        self.database.share(session, "names")
        if starts_at >= mailing.expires_at:
            raise ExpiryPast
        selection = Selection.from_json(mailing.selection or {})
        appeal = _alertable(session, selection, now)
        candidate = candidate_of(appeal, now)
        recipients = Recipients(session, selection, now=now)
        recipients.find(continues=appeal.original_id, family=_family(session, appeal))
        digests: dict[Digest, int] = {}
        fates: dict[int, int | Out] = {}
        for profile, reading in recipients.readings().items():
            form = _form(candidate, reading, selection)
            fates[profile] = form if isinstance(form, Out) else digests.setdefault(form, len(digests))
        recipients.decide(fates)
        if selection.part is not None:
            recipients.draw(selection.part)
        counted = recipients.count()
        due = self._due(appeal, counted.zones, starts_at=starts_at, expires_at=mailing.expires_at)
        outlook = _outlook(counted, list(digests), sum(n for zone, n in counted.zones.items() if due[zone] > starts_at))
        if not outlook.people:
            raise NobodyToAlert(reasons=_reasons(counted.out))
        # Whoever gets the most common edition first: it is composed first.
        shares = [share.digest for share in outlook.shares]
        mailing.state = MailingState.RUNNING
        mailing.left_out = {why.value: count for why, count in counted.out.items()}
        session.add(mailing)
        session.flush()
        versions = {candidate.id: candidate.version_id}
        numbers = dict(
            zip(shares, self.press.reserve(session, mailing.id, shares, versions, mail=mailing.kind), strict=True)
        )
        hours = (
            (zone, place, at + timedelta(microseconds=shares.index(digest)))
            for zone, at in due.items()
            for digest, place in digests.items()
            if digest in numbers
        )
        recipients.settle(mailing.id, {digests[digest]: number for digest, number in numbers.items()}, hours)
        recipients.close()
        return Alerted(mailing_id=mailing.id, outlook=outlook, starts_at=starts_at)

    def _due(
        self, appeal: Appeal, zones: Iterable[str], *, starts_at: datetime, expires_at: datetime
    ) -> dict[str, datetime]:
        """Say when people get it, by time zone: nobody is woken, unless a life is at risk or it would be too late."""
        due = {}
        for zone in zones:
            morning = morning_after(starts_at, known_zone(zone) or self.time_zone)
            may_wait = appeal.urgency is not Urgency.LIFE_AT_RISK and morning < expires_at
            due[zone] = morning if may_wait else starts_at
        return due

    def _composed(self, alerted: Alerted, now: datetime) -> Alerted:
        done = compose_waiting(self.database, self.press, now=now, only=alerted.mailing_id)
        return replace(alerted, broken=done.broken.get(alerted.mailing_id, ""))


def _kind(appeal: Appeal) -> MailingKind:
    return MailingKind.FOLLOW_UP if appeal.follow_up else MailingKind.ALERT


def select_all(appeal: Appeal, now: datetime) -> Selection:
    """Begin with everybody whom an appeal concerns.

    Raises:
        AppealClosed, NotApproved, NotReleased, ChangedSinceApproval, DeadlineOver: it can't go out.
    """
    _require_alertable(appeal, now)
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
    mailing = session.get(Mailing, mailing_id)
    if mailing is None:
        raise NoSuchMailing(mailing=mailing_id)
    if appeal.follow_up is not FollowUp.CORRECTION:
        raise NotACorrection(reference=appeal.reference)
    if mailing.state not in OVER:
        raise StillGoing(mailing=mailing_id, state=mailing.state)
    holds = (
        select(EditionAppeal.appeal_id)
        .join(Edition, Edition.id == EditionAppeal.edition_id)
        .where(Edition.mailing_id == mailing_id, EditionAppeal.appeal_id.in_(_family(session, appeal)))
    )
    if session.scalar(holds.limit(1)) is None:
        raise NotOfMailing(mailing=mailing_id, reference=appeal.reference)
    return replace(select_all(appeal, now), only_recipients=False, corrects=mailing_id)


def _require_alertable(appeal: Appeal, now: datetime) -> None:
    """Refuse what may not go out, as it was released, at this moment."""
    appeal.require_open()
    if appeal.status is AppealStatus.APPROVED:
        raise NotReleased(reference=appeal.reference)
    if appeal.status is not AppealStatus.RELEASED:
        if appeal.public_id is not None or appeal.approved_id is not None:
            raise ChangedSinceApproval(reference=appeal.reference)
        raise NotApproved(reference=appeal.reference)
    if appeal.deadline is not None and appeal.deadline < today_somewhere(now):
        raise DeadlineOver(reference=appeal.reference, deadline=appeal.deadline.isoformat())


def _alertable(session: Session, selection: Selection, now: datetime) -> Appeal:
    """Give what an alert is about, once it is sure that it may go out and fits those whom it is for.

    Nobody changes it until the transaction ends.
    """
    appeal = session.get_one(Appeal, selection.appeal_id, with_for_update=True, populate_existing=True)
    _require_alertable(appeal, now)
    if appeal.public_id != selection.version_id:
        raise ChangedSinceLook(reference=appeal.reference)
    if selection.only_recipients and appeal.original_id is None:
        raise NoOriginal(reference=appeal.reference)
    return appeal


def _family(session: Session, appeal: Appeal) -> frozenset[int]:
    """Give the numbers of the appeal that one continues and of all else that continues it; none where it is first."""
    if appeal.original_id is None:
        return frozenset()
    others = session.scalars(select(Appeal.id).where(Appeal.original_id == appeal.original_id, Appeal.id != appeal.id))
    return frozenset({appeal.original_id, *others})


def _form(candidate: Candidate, reading: Reading, selection: Selection) -> Digest | Out:
    """Say in which form people who want the same get it, or why they get none."""
    form = compose_alert(candidate, reading, anyway=selection.anyway)
    if isinstance(form, Why):
        return Out(form.value)
    (chosen,) = form.appeals
    for asked, theirs in ((selection.topics, reading.topics), (selection.countries, reading.countries)):
        if asked and theirs and asked.isdisjoint(theirs):
            return Out.NOT_SELECTED
    if selection.languages and read_in((chosen.language,), tuple(selection.languages)) is None:
        return Out.NOT_SELECTED
    return form


def _outlook(counted: Counted, digests: Sequence[Digest], by_night: int) -> Outlook:
    shares = [Share(digests[place], people) for place, people in counted.editions.items()]
    return Outlook(
        shares=sorted(shares, key=lambda share: -share.people),
        cadences=counted.cadences,
        out=counted.out,
        by_night=by_night,
    )


def _reasons(out: Mapping[Out, int]) -> str:
    return "; ".join(f"{count:,} {why.words}" for why, count in out.items()) or "there is nobody"
