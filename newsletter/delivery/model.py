"""Mailings and deliveries as they are kept, and every state that they can be in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.database import Base, word
from subscribers.preferences import Cadence


class MailingKind(StrEnum):
    """What a mailing is."""

    DIGEST = "digest"


class MailingState(StrEnum):
    """Where a mailing stands. `finished` when no delivery of it can go out any more."""

    RUNNING = "running"
    FINISHED = "finished"


class Lane(StrEnum):
    """Which mailing goes first: the words sort in the order of urgency."""

    SERVICE = "1-service"
    ALERT = "2-alert"
    REST = "3-rest"


class OnUncertain(StrEnum):
    """What happens to a delivery of which nobody knows whether the server took it (RFC 1047)."""

    RETRY = "retry"  # the same bytes again: perhaps twice, never lost
    LEAVE = "leave"  # left and reported: perhaps lost, never twice


class DeliveryState(StrEnum):
    """`queued → sending → accepted | deferred → … | refused | uncertain`; or, never sent, `skipped`, `expired`."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"
    EXPIRED = "expired"


OPEN_STATES = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.SENDING)
# What counts as 'got it': a person whose delivery was refused, skipped or expired did not get these appeals.
LEDGER_STATES = (*OPEN_STATES, DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN)


class Skip(StrEnum):
    """Why somebody in the audience gets nothing. Kept with the delivery, shown to organisers."""

    NOTHING_NEW = "nothing_new"
    NO_TEXT = "no_text"
    PAUSED = "paused"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    CLOSED = "closed"

    @property
    def words(self) -> str:
        """The reason as a person reads it."""
        return _SKIP_WORDS[self]


_SKIP_WORDS = {
    Skip.NOTHING_NEW: "nothing new for them: it came already, is queued, or is not about what they chose",
    Skip.NO_TEXT: "no text in a language they read",
    Skip.PAUSED: "paused",
    Skip.LEFT: "left since",
    Skip.SUPPRESSED: "suppressed",
    Skip.CLOSED: "an appeal in it was closed since; the rest comes with their next digest",
}


class Mailing(Base):
    """One planned sending.

    Attributes:
        on_uncertain: the choice made at launch.
        nonce: 16 random bytes; with it the Message-IDs of its deliveries are fixed, and can't be guessed.
        message_domain: right side of those Message-IDs, fixed at launch.
        launched_at: also the Date of its mails, so that every attempt has the same bytes.
        expires_at: what can't be sent by then is expired, not late.
    """

    __tablename__ = "mailings"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it; a number is never given twice

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[MailingKind] = mapped_column(word(MailingKind))
    cadence: Mapped[Cadence | None] = mapped_column(word(Cadence))
    state: Mapped[MailingState] = mapped_column(word(MailingState), index=True)
    lane: Mapped[Lane] = mapped_column(word(Lane))
    on_uncertain: Mapped[OnUncertain] = mapped_column(word(OnUncertain))
    nonce: Mapped[bytes] = mapped_column(LargeBinary(16))
    message_domain: Mapped[str] = mapped_column(String(255))
    launched_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


_DUE = text("state IN ('queued', 'deferred', 'sending')")


class Delivery(Base):
    """The row for one mailing and one subscriber: which edition, what became of it.

    Attributes:
        edition_id: None only where it was skipped at planning.
        attempts: how often the relay gave a verdict on it; a lost connection before the end costs none.
        due_at: when it may next be tried.
        worker, lease_until: who is sending it; once the lease has run out, what became of it is uncertain.
        reply: the server's last words on it, or why there are none; never more than 500 characters.
        settled_at: when it came into a state that it stays in.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("mailing_id", "subscriber_id"),
        Index("ix_deliveries_subscriber_id", "subscriber_id"),
        # Only what can still go out is in this index: claiming stays as quick after a million sent as before.
        Index("ix_deliveries_open", "mailing_id", "due_at", "id", sqlite_where=_DUE, postgresql_where=_DUE),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id"))
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("editions.id"))
    state: Mapped[DeliveryState] = mapped_column(word(DeliveryState))
    skip: Mapped[Skip | None] = mapped_column(word(Skip))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    worker: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(String(500))
    settled_at: Mapped[datetime | None]
