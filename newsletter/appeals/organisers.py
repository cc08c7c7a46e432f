"""Who may act for the organisation. Whoever runs commands without naming one acts as the operator."""

import unicodedata
from datetime import datetime
from typing import Final

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.errors import NewsletterError
from subscribers.database import Base

OPERATOR: Final = "operator"  # who has the machine
SOURCE: Final = "source"  # what came in by itself
_LONGEST: Final = 100


class NoSuchOrganiser(NewsletterError):
    """There is no organiser {name}. `newsletter organiser list` shows them, `newsletter organiser add` adds one."""


class OrganiserThere(NewsletterError):
    """There is an organiser {name} already."""


class OrganiserNameWrong(NewsletterError):
    """“{name}” can't be an organiser's name: give one line of at most 100 letters, other than operator and source."""


class Organiser(Base):
    """Somebody who may act.

    Attributes:
        name: as it stands in records.
        key: the name without case, each given once.
        removed_at: since when they may not act any more; what they did stays recorded.
    """

    __tablename__ = "organisers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(_LONGEST))
    key: Mapped[str] = mapped_column(String(_LONGEST * 2), unique=True)
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


def add_organiser(session: Session, name: str, *, now: datetime) -> Organiser:
    """Let somebody act; one who was removed may act again.

    Raises:
        OrganiserNameWrong: nobody can be called that.
        OrganiserThere: they may act already.
    """
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not name or not name.isprintable() or len(name) > _LONGEST or _key(name) in {OPERATOR, SOURCE}:
        raise OrganiserNameWrong(name=name[:_LONGEST])
    found = session.scalar(select(Organiser).where(Organiser.key == _key(name)))
    if found is None:
        found = Organiser(name=name, key=_key(name), added_at=now)
        session.add(found)
    elif found.removed_at is None:
        raise OrganiserThere(name=found.name)
    found.removed_at = None
    session.flush()
    return found


def find_organiser(session: Session, name: str) -> Organiser:
    """Find one who may act.

    Raises:
        NoSuchOrganiser: there is none of that name, or they were removed.
    """
    key = _key(" ".join(name.split()))
    found = session.scalar(select(Organiser).where(Organiser.key == key, Organiser.removed_at.is_(None)))
    if found is None:
        raise NoSuchOrganiser(name=name[:_LONGEST])
    return found


def acting(session: Session, name: str | None) -> str:
    """Tell who acts, as records have it: the organiser who is named, or else the operator."""
    return OPERATOR if name is None else find_organiser(session, name).name


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
