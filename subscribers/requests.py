"""What people ask for with a form, and confirm with a link: to join, or to have their mail at another address.

Nothing comes of it, and after a week nothing is left of it, unless the owner of the address says yes.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import JSON, CursorResult, ForeignKey, String, Text, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from subscribers.database import Base

LIFE = timedelta(days=7)  # of a request, and of the link that confirms it
MOST_MAILS = 3  # to one address, or by one person, in that time
DECLINED_FOR = timedelta(days=365)  # that no confirmation goes to somebody who said: this was not me


class Next(StrEnum):
    """What follows from a request."""

    CONFIRM = "confirm"  # a mail asks the address's owner
    ALREADY = "already"  # a mail tells them that they are on already
    NOTHING = "nothing"  # they had one just now, or want none


class SignUp(Base):
    """Somebody, perhaps the address's owner, has filled in the form. Gone after `LIFE`.

    Attributes:
        subscriber_id: whom it may make active; None before `joining.sort` and after `joining.decline`.
        email, address_key, name: as in `Subscriber`; empty once its owner has declined, as `mailbox` is.
        mailbox: where mail to it ends up, as `mailbox_of` tells; what limits are counted by.
        choices: as `Choices.facts` gives them.
        wording: what was agreed to, as it stood on the form.
        source: which form.
        sorted_at: when it was seen what follows from it; None where nobody has looked yet.
        mailed: whether a mail went to the address for it.
        confirmed_at, declined_at: what the owner of the address said.
    """

    __tablename__ = "sign_ups"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it; links hold the number

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), index=True)
    mailbox: Mapped[str] = mapped_column(String(320), index=True)
    name: Mapped[str] = mapped_column(String(200))
    choices: Mapped[dict[str, Any]] = mapped_column(JSON)
    wording: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(100))
    requested_at: Mapped[datetime] = mapped_column(index=True)
    sorted_at: Mapped[datetime | None]
    mailed: Mapped[bool] = mapped_column(default=False)
    confirmed_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]

    @property
    def language(self) -> str:
        """The language that its owner reads first."""
        return str(self.choices["languages"][0])


class Move(Base):
    """Somebody wants their mail at another address. Gone after `LIFE`.

    Attributes:
        email, address_key: the new address, as in `Subscriber`.
        mailbox: as in `SignUp`.
        sorted_at, mailed: as in `SignUp`.
        confirmed_at: when its owner said yes.
    """

    __tablename__ = "moves"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it; links hold the number

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), index=True)
    mailbox: Mapped[str] = mapped_column(String(320), index=True)
    requested_at: Mapped[datetime] = mapped_column(index=True)
    sorted_at: Mapped[datetime | None]
    mailed: Mapped[bool] = mapped_column(default=False)
    confirmed_at: Mapped[datetime | None]


def mailbox_of(address_key: str) -> str:
    """Give the mailbox behind an address: `rosa+news@example.org` is read where `rosa@example.org` is (RFC 5233).

    Else one person could be sent a mail for each of a thousand details.
    """
    local, _at, domain = address_key.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def had_enough(
    session: Session, mailbox: str, *, cooldown: timedelta, since: datetime | None = None, now: datetime
) -> bool:
    """Say whether a mailbox has been asked often or just now, whether to join or to be moved to.

    Args:
        session: any transaction.
        mailbox: as `mailbox_of` gives it.
        cooldown: how long after one mail to an address there is no other.
        since: when its owner left, if they did: whoever left by mistake is asked again at once.
        now: the moment.
    """
    after = now - LIFE if since is None else max(now - LIFE, since)
    count, newest = 0, None
    for kind in (SignUp, Move):
        mailed = (kind.mailbox == mailbox, kind.mailed, kind.sorted_at > after)
        some, last = session.execute(select(func.count(), func.max(kind.sorted_at)).where(*mailed)).one()
        count += some
        newest = max((moment for moment in (newest, last) if moment is not None), default=None)
    return count >= MOST_MAILS or (newest is not None and now - newest < cooldown)


def forget_old_requests(session: Session, *, now: datetime) -> int:
    """Delete requests whose time is over, whatever came of them; gives how many."""
    count = 0
    for kind in (SignUp, Move):
        gone = session.execute(
            delete(kind).where(kind.requested_at <= now - LIFE).execution_options(synchronize_session=False)
        )
        count += cast("CursorResult[Any]", gone).rowcount
    return count
