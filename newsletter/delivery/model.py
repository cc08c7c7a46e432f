"""Mailings and deliveries as they are kept, and every state that they can be in."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.database import Base, word
from subscribers.preferences import Cadence


class MailingKind(StrEnum):
    """What a mailing is."""

    DIGEST = "digest"
    ALERT = "alert"  # one appeal, at once
    FOLLOW_UP = "follow-up"  # the same for what continues another: news of it, or a correction
    # Service mails, each to one address, in `Lane.SERVICE`:
    CONFIRMATION = "confirmation"  # asks whether somebody wants to join
    ALREADY = "already"  # tells somebody who asks to join that they are on
    MOVE = "move"  # asks the new address whether mail shall come to it
    MOVED = "moved"  # tells the old one
    WELCOME = "welcome"  # tells somebody that they are on, and where their page is
    GOODBYE = "goodbye"  # tells somebody whom an organiser took off, as they had asked, that it is done


class MailingState(StrEnum):
    """Where a mailing stands: `(proposed →) running ⇄ paused → finished | cancelled`; see `control` for the moves.

    `proposed` waits for a second organiser, and has no deliveries yet; `finished` when none can go out any more.
    """

    PROPOSED = "proposed"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


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
    """`queued → sending → accepted | deferred → … | refused | uncertain`.

    Or, never sent: `skipped` for a reason, `expired`, `cancelled`.
    """

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


WAITING_STATES = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
OPEN_STATES = (*WAITING_STATES, DeliveryState.SENDING)
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
    TOO_LATE = "too_late"
    WITHDRAWN = "withdrawn"
    CHANGED = "changed"

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
    Skip.CHANGED: "they chose otherwise since; what it held comes in their next digest",
    Skip.TOO_LATE: "an appeal in it passed its deadline; the rest comes with their next digest",
    Skip.WITHDRAWN: "it said a name that must not be said; the rest comes with their next digest",
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
        note: why it is paused, where the program did that.
        selection: what an alert is about and whom it goes to: `Selection`; None for others.
        left_out: how many of those who might have got an alert get none and have no delivery, by reason: `Out`.
        starts_at: when an alert's first mail goes; until then it can be stopped. None for others.
        frozen_to: the last subscriber who was looked at, by their number, while an alert's people are being frozen into
            deliveries; None once that is done.
        proposed_by, approved_by: who asked for it and who agreed: organisers' names, or `operator`.
        seen_move: the last move of an appeal that its planning has seen.
        nothing_new: how many people it was planned for who got nothing, for there was nothing new to them.
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
    note: Mapped[str | None] = mapped_column(String(500))
    selection: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    left_out: Mapped[dict[str, int]] = mapped_column(JSON, default=dict, server_default="{}")
    starts_at: Mapped[datetime | None]
    frozen_to: Mapped[int | None]
    proposed_by: Mapped[str | None] = mapped_column(String(100))
    approved_by: Mapped[str | None] = mapped_column(String(100))
    seen_move: Mapped[int] = mapped_column(default=0, server_default="0")
    nothing_new: Mapped[int] = mapped_column(default=0, server_default="0")


class DigestStanding(Base):
    """What was decided last about somebody's digest; whatever that planning has seen need not be looked at again.

    Only a shorter way to what the ledger says: without a row everything is looked at.

    Attributes:
        profile_id: what they wanted then.
        mailing_id: the digest that was planned.
        skip: why they got none; None where they did.
    """

    __tablename__ = "digest_standings"

    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    profile_id: Mapped[int]
    mailing_id: Mapped[int]
    skip: Mapped[Skip | None] = mapped_column(word(Skip))


class DigestRun(Base):
    """How far the digests of one cadence are planned.

    Attributes:
        until: whoever's hour had come by then was looked at.
        releases: how often appeals had been released or opened again by then.
    """

    __tablename__ = "digest_runs"

    cadence: Mapped[Cadence] = mapped_column(word(Cadence), primary_key=True)
    until: Mapped[datetime]
    releases: Mapped[int]


class ServiceMail(Base):
    """What a delivery of `Lane.SERVICE` has beside the others: an address of its own, and what it is about.

    Attributes:
        email, address_key: where it goes; as in `Subscriber`, whose mail may go elsewhere.
        errand: the number of the sign-up or move that it asks about; 0 where it asks nothing.
    """

    __tablename__ = "service_mails"

    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320))
    errand: Mapped[int] = mapped_column(default=0)


# Written out, not as parameters: only so do both databases see that an index holds just these rows.
IS_WAITING = text("deliveries.state IN ('queued', 'deferred')")
IS_SENDING = text("deliveries.state = 'sending'")
_WAITING = text("state IN ('queued', 'deferred')")
_SENDING = text("state = 'sending'")
_FAILED = text("state IN ('refused', 'expired', 'cancelled', 'skipped') AND edition_id IS NOT NULL")


class Delivery(Base):
    """The row for one mailing and one subscriber: which edition, what became of it.

    Attributes:
        edition_id: None only where it was skipped at planning.
        attempts: how often the relay gave a verdict on it; a lost connection before the end costs none.
        due_at: when it may next be tried.
        worker_id: who is sending it; if that worker is gone, what became of it is uncertain.
        fence: raised by everyone who takes the row, so that whoever took it before can't write to it any more.
        reply: the server's last words on it, or why there are none; never more than 500 characters.
        settled_at: when it came into a state that it stays in.
        perhaps_sent: whether an attempt may have arrived, and it is tried again all the same. Nobody may say then that
            it did not come: it becomes `uncertain` where it would be expired, refused, skipped or cancelled.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("mailing_id", "subscriber_id"),
        Index("ix_deliveries_subscriber_id", "subscriber_id"),
        # Only what can still be claimed is in this index: claiming stays as quick after a million sent as before.
        Index("ix_deliveries_waiting", "mailing_id", "due_at", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        # A few rows at any moment; what a crash makes uncertain.
        Index("ix_deliveries_sending", "mailing_id", sqlite_where=_SENDING, postgresql_where=_SENDING),
        # Few, too: who was to get an edition and didn't.
        Index("ix_deliveries_failed", "edition_id", "subscriber_id", sqlite_where=_FAILED, postgresql_where=_FAILED),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    # On PostgreSQL nothing is looked up for these: it takes longer than all else of a planning; see decision 019.
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailings.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id"))
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("editions.id"))
    state: Mapped[DeliveryState] = mapped_column(word(DeliveryState))
    skip: Mapped[Skip | None] = mapped_column(word(Skip))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    worker_id: Mapped[int | None]
    fence: Mapped[int] = mapped_column(default=0, server_default="0")
    reply: Mapped[str | None] = mapped_column(String(500))
    settled_at: Mapped[datetime | None]
    perhaps_sent: Mapped[bool] = mapped_column(default=False, server_default=false())


class WorkerRow(Base):
    """A sending process that is at work; see `workers`. Its number is never given twice.

    Attributes:
        host: the machine's name, for people.
        machine: what tells machines, restarts of them and containers apart.
        pid, started: the process, and when it began by the kernel's count, since process ids come again.
        beats: raised every few seconds for as long as it lives.
        seen_at: when it last was.
    """

    __tablename__ = "workers"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(80))
    machine: Mapped[str] = mapped_column(String(120))
    pid: Mapped[int]
    started: Mapped[int] = mapped_column(BigInteger)
    beats: Mapped[int] = mapped_column(BigInteger, default=0)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class DailyCount(Base):
    """How many mails one worker handed over on one day (UTC): what daily limits are held against.

    One row a worker, so that several workers don't wait for one another.
    """

    __tablename__ = "daily_counts"

    day: Mapped[date] = mapped_column(primary_key=True)
    worker_id: Mapped[int] = mapped_column(primary_key=True)
    accepted: Mapped[int] = mapped_column(default=0)
