"""The record of what was agreed to: rows are added, never changed."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.database import Base, word


class ConsentAct(StrEnum):
    """What somebody did."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class Consent(Base):
    """One act of consent (GDPR Art. 7(1): the controller shall be able to demonstrate it).

    Attributes:
        at: when the person acted; for an import, when they did so at the former place.
        wording: what they agreed to, as they read it; empty where an import does not know.
        source: the form, list or paper through which it came.
        recorded_at: when this row was written.
    """

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    act: Mapped[ConsentAct] = mapped_column(word(ConsentAct))
    at: Mapped[datetime]
    wording: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime]
