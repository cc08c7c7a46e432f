"""Alerts: one appeal to all whom it concerns, at once; looked at by a second organiser, launched, corrected."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal
from newsletter.delivery.alert_faults import (
    AlreadyProposed,
    ApprovalByAnother,
    ChangedSinceApproval,
    ExpiryPast,
    NotProposed,
    ProposalExpired,
    ProposalStale,
    SecondLookNeeded,
)
from newsletter.delivery.alertable import alertable, kind_of, require_alertable
from newsletter.delivery.candidates import candidate_of
from newsletter.delivery.composing import compose_waiting
from newsletter.delivery.freezing import Freezing, Hours, Outlook
from newsletter.delivery.model import Delivery, Lane, Mailing, MailingState, OnUncertain
from newsletter.delivery.preflight import Looked, look_over_alert
from newsletter.delivery.report import NoSuchMailing
from newsletter.delivery.selection import Selection
from newsletter.editions.compose import EditionPress
from newsletter.editions.preflight import Finding
from subscribers.database import Database

UNDO = timedelta(minutes=1)  # in which an alert can still be stopped before its first mail, unless said otherwise
LIVES = timedelta(days=1)  # how long an alert is tried, unless said otherwise


@dataclass(frozen=True, kw_only=True)
class Alerted:
    """What launching an alert came to.

    Attributes:
        mailing_id: its number.
        outlook: whom it goes to, of those whom this launch looked at.
        people: to how many it goes; more where others went on with it at the same time.
        starts_at: when the first mail goes; it can be stopped before.
        findings: what somebody should look at, though it stopped nothing.
        broken: why it is paused: an edition can't be composed, or its appeal was changed before all were frozen.
    """

    mailing_id: int
    outlook: Outlook
    people: int
    starts_at: datetime
    findings: Sequence[Finding] = ()
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
        with self.database.sketch() as session:
            return self._look(session, selection, starts_at=starts_at, expires_at=expires_at, now=now)

    def look_over(self, selection: Selection, *, now: datetime) -> Looked:
        """Look over the mails of an alert, before it is launched.

        Raises:
            As `look`; TemplateBroken, TemplateLacks.
        """
        with self.database.read() as session:
            appeal = session.get_one(Appeal, selection.appeal_id)
            require_alertable(appeal, now)
            return look_over_alert(session, self.press, candidate_of(appeal, now), kind_of(appeal), now=now)

    def propose(self, selection: Selection, *, by: str, expires_at: datetime, now: datetime) -> int:
        """Keep an alert until another organiser approves it; gives its number.

        Args:
            selection: what it is about, and whom it is for.
            by: who proposes it.
            expires_at: its limit.
            now: the moment.

        Raises:
            AlreadyProposed: the same waits already; as `look`, but for NobodyToAlert.
        """
        with self.database.write() as session:
            appeal = alertable(session, selection, now)
            if now >= expires_at:
                raise ExpiryPast
            waiting = select(Mailing).where(Mailing.state == MailingState.PROPOSED, Mailing.expires_at > now)
            for other in session.scalars(waiting):
                if Selection.from_json(other.selection or {}) == selection:
                    raise AlreadyProposed(mailing=other.id)
            mailing = self._mailing(appeal, selection, by=by, expires_at=expires_at, now=now)
            session.add(mailing)
            session.flush()
            return mailing.id

    def launch(
        self,
        selection: Selection,
        *,
        by: str,
        starts_at: datetime,
        expires_at: datetime,
        now: datetime,
        on_progress: Callable[[int, int], None] = lambda _number, _people: None,
    ) -> Alerted:
        """Freeze whom an alert goes to into deliveries, and compose its editions.

        Its first mail can go as soon as the first few thousand people were looked at.

        Args:
            selection: what it is about, and whom it is for.
            by: who launches it.
            starts_at: when its first mail goes.
            expires_at: its limit.
            now: the moment.
            on_progress: told its number, and how many more people get it.

        Raises:
            As `look`; SecondLookNeeded.
            TemplateBroken, TemplateLacks: it can't be composed.
        """
        if self.second_look:
            raise SecondLookNeeded
        looked = self.look_over(selection, now=now)
        looked.require_fit()
        self._freezing.go_on_with_all(now=now)
        with self.database.write(of_rows_just_read=True) as session:
            self._freezing.reserve(session)
            self._freezing.finish(session, now=now)
            appeal = alertable(session, selection, now)
            mailing = self._mailing(appeal, selection, by=by, expires_at=expires_at, now=now)
            mailing.starts_at = starts_at
            outlook = self._freezing.begin(session, mailing)
        return replace(self._go_on(mailing, outlook, now, on_progress), findings=looked.findings)

    def look_again(self, number: int, *, by: str, starts_at: datetime, now: datetime) -> Outlook:
        """Say whom an alert that was proposed would go to at this moment; nothing is changed. As `approve`."""
        with self.database.sketch() as session:
            mailing = self._proposed(session, number, by=by, starts_at=starts_at, now=now)
            selection = Selection.from_json(mailing.selection or {})
            return self._look(session, selection, starts_at=starts_at, expires_at=mailing.expires_at, now=now)

    def approve(
        self,
        number: int,
        *,
        by: str,
        starts_at: datetime,
        now: datetime,
        on_progress: Callable[[int, int], None] = lambda _number, _people: None,
    ) -> Alerted:
        """Launch an alert that another organiser proposed.

        Args:
            number: the mailing's.
            by: who approves it.
            starts_at: when its first mail goes.
            now: the moment.
            on_progress: told its number, and how many more people get it.

        Raises:
            NoSuchMailing, NotProposed, ApprovalByAnother, ProposalStale, ProposalExpired; as `launch`.
        """
        with self.database.read() as session:
            mailing = self._proposed(session, number, by=by, starts_at=starts_at, now=now)
            selection = Selection.from_json(mailing.selection or {})
        looked = self.look_over(selection, now=now)
        looked.require_fit()
        self._freezing.go_on_with_all(now=now)
        with self.database.write(of_rows_just_read=True) as session:
            self._freezing.reserve(session)
            self._freezing.finish(session, now=now)
            mailing = self._proposed(session, number, by=by, starts_at=starts_at, now=now, lock=True)
            mailing.approved_by, mailing.launched_at, mailing.starts_at = by, now, starts_at
            outlook = self._freezing.begin(session, mailing)
        return replace(self._go_on(mailing, outlook, now, on_progress), findings=looked.findings)

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _freezing(self) -> Freezing:
        return Freezing(database=self.database, press=self.press, time_zone=self.time_zone)

    def _mailing(
        self, appeal: Appeal, selection: Selection, *, by: str, expires_at: datetime, now: datetime
    ) -> Mailing:
        return Mailing(
            kind=kind_of(appeal),
            cadence=None,
            state=MailingState.PROPOSED,
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
        changed = appeal.public_id != selection.version_id
        try:
            require_alertable(appeal, now)
        except ChangedSinceApproval:
            changed = True
        if changed:
            raise ProposalStale(reference=appeal.reference, by=mailing.proposed_by, mailing=number)
        return mailing

    def _look(
        self, session: Session, selection: Selection, *, starts_at: datetime, expires_at: datetime, now: datetime
    ) -> Outlook:
        if starts_at >= expires_at:
            raise ExpiryPast
        return self._freezing.look(session, selection, hours=Hours(starts_at, expires_at), now=now)

    def _go_on(
        self, mailing: Mailing, outlook: Outlook, now: datetime, on_progress: Callable[[int, int], None]
    ) -> Alerted:
        """Compose what the first people get, and freeze the others."""
        on_progress(mailing.id, 0)
        more: Outlook | None = outlook
        while more is not None:
            compose_waiting(self.database, self.press, now=now, only=mailing.id)
            on_progress(mailing.id, more.people)
            more = self._freezing.go_on(mailing.id, now=now)
            outlook += more or Outlook()
        with self.database.read() as session:
            found = session.get_one(Mailing, mailing.id)
            broken = found.note or "" if found.state is MailingState.PAUSED else ""
            gets = select(func.count()).where(Delivery.mailing_id == mailing.id, Delivery.edition_id.is_not(None))
            people = session.scalar(gets) or 0
        return Alerted(
            mailing_id=mailing.id,
            outlook=outlook,
            people=people,
            starts_at=mailing.starts_at or now,
            broken=broken,
        )
