"""A subscriber: an address with a person behind it, and the states that it goes through."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from subscribers.addresses import Address
from subscribers.database import Base, word
from subscribers.errors import SubscribersError
from subscribers.preferences import Cadence, Profile

UNDONE = "undone:"  # begins the address key of somebody whose import was undone; their number and the hash follow


class Status(StrEnum):
    """Where a subscriber stands: `pending → active → left`."""

    PENDING = "pending"
    ACTIVE = "active"
    LEFT = "left"


class LeftReason(StrEnum):
    """Why someone left."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    UNDONE = "undone"  # the import by which they had come


class WhyLeft(StrEnum):
    """What somebody answers who is asked, once they have left, why."""

    TOO_MANY = "too_many"
    NOT_EXPECTED = "not_expected"
    NEVER_SIGNED_UP = "never_signed_up"
    OTHER = "other"


class AlreadyLeft(SubscribersError):
    """Subscriber {subscriber} has left; only a fresh sign-up by that person brings them back."""


class Subscriber(Base):
    """One address and what its owner decided. States move only through the methods below.

    Attributes:
        address_key: the same for every spelling of one mailbox; see `Address.key`.
        joined_at: when this person became active here; appeals released before it are not new to them.
        left_why: what they said, if they said anything.
        token_epoch: raised to revoke every link that was sent to this person so far.
        import_id: the import by which they came, if they did; see `imports.Import`.
        alerts to alerts_while_paused: see `choices.Choices`.
    """

    __tablename__ = "subscribers"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    status: Mapped[Status] = mapped_column(word(Status), default=Status.PENDING)
    left_reason: Mapped[LeftReason | None] = mapped_column(word(LeftReason))
    created_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    left_why: Mapped[WhyLeft | None] = mapped_column(word(WhyLeft))
    cadence: Mapped[Cadence] = mapped_column(word(Cadence), default=Cadence.WEEKLY)
    alerts: Mapped[bool] = mapped_column(default=True)
    digest_hour: Mapped[int] = mapped_column(default=7)
    digest_weekday: Mapped[int] = mapped_column(default=1)
    time_zone: Mapped[str] = mapped_column(String(64), default="")
    paused_until: Mapped[datetime | None]
    alerts_while_paused: Mapped[bool] = mapped_column(default=False)
    token_epoch: Mapped[int] = mapped_column(default=0)
    import_id: Mapped[int | None]
    profile_id: Mapped[int] = mapped_column(ForeignKey("profiles.id"))

    profile: Mapped[Profile] = relationship()

    __table_args__ = (
        Index("ix_subscribers_status_cadence", "status", "cadence"),
        # A number is never given twice: an old link must not open somebody else's page.
        {"sqlite_autoincrement": True},
    )

    @classmethod
    def new(cls, address: Address, *, name: str, cadence: Cadence, profile: Profile, now: datetime) -> "Subscriber":
        """Make a pending subscriber; nothing is sent until `confirm`."""
        return cls(
            email=address.email,
            address_key=address.key,
            name=name,
            status=Status.PENDING,
            created_at=now,
            cadence=cadence,
            alerts=True,
            digest_hour=7,
            digest_weekday=1,
            time_zone="",
            alerts_while_paused=False,
            profile=profile,
            token_epoch=0,
        )

    def confirm(self, now: datetime) -> None:
        """Move `pending → active`; confirming twice is fine.

        Raises:
            AlreadyLeft: this person left; nobody but they can undo that, by signing up afresh.
        """
        if self.status is Status.LEFT:
            raise AlreadyLeft(subscriber=self.id)
        if self.status is Status.PENDING:
            self.status = Status.ACTIVE
            self.joined_at = now

    def join(self, now: datetime) -> None:
        """Move `pending → active`, or back from `left`: by a double opt-in of that person, and in no other way."""
        if self.status is not Status.ACTIVE:
            self.status, self.joined_at = Status.ACTIVE, now
            self.left_reason = self.left_at = self.left_why = None
            self.import_id = None  # they are here by their own word now, whoever brought them in before

    def erase(self, now: datetime) -> None:
        """Move to `left` for good, and forget who it was; what is kept elsewhere is `erasing.erase`'s to remove."""
        self.status, self.left_reason, self.left_at, self.left_why = Status.LEFT, LeftReason.ERASED, now, None
        self.email, self.address_key, self.name = "", f"erased:{self.id}", ""
        self.cadence, self.digest_hour, self.digest_weekday, self.time_zone = Cadence.WEEKLY, 7, 1, ""
        self.alerts, self.alerts_while_paused, self.paused_until = True, False, None
        self.created_at, self.joined_at = now, None
        self.revoke_links()

    def revoke_links(self) -> None:
        """Make every link that this person was sent so far open nothing."""
        self.token_epoch += 1

    def leave(self, reason: LeftReason, now: datetime) -> bool:
        """Move to `left`, from wherever; the first reason stays.

        Returns:
            Whether this changed anything.
        """
        if self.status is Status.LEFT:
            return False
        self.status = Status.LEFT
        self.left_reason = reason
        self.left_at = now
        return True
