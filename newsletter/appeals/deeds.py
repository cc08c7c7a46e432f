"""What supporters say they did: counted, and tied to nobody unless they want it."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.appeals.names import MARK, Register, cut
from newsletter.appeals.sources.prose import one_line
from subscribers.database import Base

NAME_LONGEST = 100


class Deed(Base):
    """How often an action of an appeal was done."""

    __tablename__ = "deeds"

    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True)
    action: Mapped[str] = mapped_column(String(40), primary_key=True)
    count: Mapped[int]


class DeedName(Base):
    """Somebody who wanted organisers to know that they did it; shown to organisers alone."""

    __tablename__ = "deed_names"

    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="CASCADE"), index=True)
    action: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(NAME_LONGEST))
    at: Mapped[datetime]


# Many may be the first in the same moment.
_ONE_MORE = sql(
    "INSERT INTO deeds (appeal_id, action, count) VALUES (:appeal, :action, 1)"
    " ON CONFLICT (appeal_id, action) DO UPDATE SET count = deeds.count + 1"
)


def did(session: Session, appeal_id: int, action: str, *, name: str, register: Register, now: datetime) -> None:
    """Count one more.

    Args:
        session: a writing transaction.
        appeal_id: whose action.
        action: its key.
        name: whatever they want organisers to know them by; empty, and nobody is known.
        register: the names that must not be said.
        now: the moment; only kept with a name.
    """
    session.execute(_ONE_MORE, {"appeal": appeal_id, "action": action})
    if name := one_line(MARK.sub("…", name), NAME_LONGEST):
        session.add(DeedName(appeal_id=appeal_id, action=action, name=cut(register.hide(name), NAME_LONGEST), at=now))


def deeds_of(session: Session, appeal_id: int) -> dict[str, int]:
    """Give how often each action of an appeal was done, by its key."""
    return {row.action: row.count for row in session.scalars(select(Deed).where(Deed.appeal_id == appeal_id))}
