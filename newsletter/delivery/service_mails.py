"""Queues service mails: each about one thing that somebody asked for, in the lane that goes ahead of all others."""

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.delivery.model import (
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingKind,
    MailingState,
    OnUncertain,
    ServiceMail,
)
from newsletter.editions.model import Edition, Part
from newsletter.editions.slots import Slot
from newsletter.languages import spoken
from subscribers.model import Subscriber
from subscribers.preferences import Format

if TYPE_CHECKING:
    from newsletter.editions.render import Renderer
    from newsletter.editions.stored import Draft

SHARED_FOR = timedelta(
    minutes=1
)  # mails of one kind that are asked for within it are one mailing: its time is their Date
LIVES = timedelta(days=2)  # how long one is tried

# The links of each, and its folder of templates; `Links.service` fills them.
SLOTS = {
    MailingKind.CONFIRMATION: frozenset({Slot.CONFIRM_URL, Slot.DECLINE_URL}),
    MailingKind.ALREADY: frozenset({Slot.PREFERENCES_URL}),
    MailingKind.MOVE: frozenset({Slot.CONFIRM_URL}),
    MailingKind.MOVED: frozenset({Slot.PREFERENCES_URL}),
    MailingKind.WELCOME: frozenset({Slot.PREFERENCES_URL}),
    MailingKind.GOODBYE: frozenset(),
}
FOLDERS = {
    MailingKind.CONFIRMATION: "confirm",
    MailingKind.ALREADY: "already",
    MailingKind.MOVE: "address-change",
    MailingKind.MOVED: "address-changed",
    MailingKind.WELCOME: "welcome",
    MailingKind.GOODBYE: "goodbye",
}


class ServiceDesk:
    """Writes service mails and puts them into the queue."""

    def __init__(self, renderer: "Renderer", *, message_domain: str) -> None:
        """Take what renders them, and the right side of their Message-IDs."""
        self._renderer = renderer
        self._message_domain = message_domain
        self._drafts: dict[tuple[MailingKind, str], Draft] = {}

    def queue(
        self,
        session: Session,
        kind: MailingKind,
        subscriber: Subscriber,
        *,
        email: str,
        address_key: str,
        language: str,
        errand: int = 0,
        now: datetime,
    ) -> None:
        """Queue one mail.

        Args:
            session: a writing transaction.
            kind: which.
            subscriber: whom it is about.
            email: where it goes.
            address_key: the same as `Address.key`.
            language: that its reader reads.
            errand: the number of the sign-up or move that it asks about.
            now: the moment.
        """
        mailing = self._mailing(session, kind, subscriber, now)
        delivery = Delivery(
            mailing_id=mailing.id,
            subscriber_id=subscriber.id,
            edition_id=self._edition(session, mailing, spoken(language), discreet=subscriber.profile.discreet),
            state=DeliveryState.QUEUED,
            due_at=now,
        )
        session.add(delivery)
        session.flush()
        session.add(ServiceMail(delivery_id=delivery.id, email=email, address_key=address_key, errand=errand))

    def _mailing(self, session: Session, kind: MailingKind, subscriber: Subscriber, now: datetime) -> Mailing:
        """Give the mailing of this minute; another one where the subscriber is in that already."""
        found = session.scalar(
            select(Mailing)
            .where(Mailing.kind == kind, Mailing.state == MailingState.RUNNING, Mailing.launched_at > now - SHARED_FOR)
            .where(
                ~select(Delivery.id)
                .where(Delivery.mailing_id == Mailing.id, Delivery.subscriber_id == subscriber.id)
                .exists()
            )
            .order_by(Mailing.id.desc())
            .limit(1)
            .with_for_update(key_share=True)  # a worker that sees nothing open in it would finish it meanwhile
        )
        if found is not None:
            return found
        mailing = Mailing(
            kind=kind,
            cadence=None,
            state=MailingState.RUNNING,
            lane=Lane.SERVICE,
            on_uncertain=OnUncertain.RETRY,
            nonce=secrets.token_bytes(16),
            message_domain=self._message_domain,
            launched_at=now,
            expires_at=now + LIVES,
        )
        session.add(mailing)
        session.flush()
        return mailing

    def _edition(self, session: Session, mailing: Mailing, language: str, *, discreet: bool) -> int:
        same = (Edition.mailing_id == mailing.id, Edition.language == language, Edition.discreet == discreet)
        found = session.scalar(select(Edition.id).where(*same))
        if found is not None:
            return found
        draft = self._draft(mailing.kind, language)
        if discreet:
            draft = draft.discreetly()
        in_html = draft.format is Format.HTML
        edition = Edition(
            mailing_id=mailing.id,
            mail=FOLDERS[mailing.kind],
            language=language,
            format=draft.format,
            discreet=draft.discreet,
            subject=draft.subject,
            preheader=draft.preheader,
            intro=draft.intro,
            shell_text_id=Part.of(session, draft.shell_text).id,
            shell_html_id=Part.of(session, draft.shell_html).id if in_html else None,
            composed_at=mailing.launched_at,
        )
        session.add(edition)
        session.flush()
        return edition.id

    def _draft(self, kind: MailingKind, language: str) -> "Draft":
        if (kind, language) not in self._drafts:
            self._drafts[kind, language] = self._renderer.service_mail(FOLDERS[kind], language, slots=SLOTS[kind])
        return self._drafts[kind, language]
