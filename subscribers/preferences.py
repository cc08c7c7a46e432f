"""What a subscriber wants to read. Equal wishes are stored once, as a profile that many share."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Self

from sqlalchemy import String, Text, bindparam, cast, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from subscribers.database import Base, table, word


class Cadence(StrEnum):
    """How often someone is written to."""

    URGENT = "urgent"  # alerts only
    EACH = "each"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Format(StrEnum):
    """What a mail is made of."""

    HTML = "html"  # with a text part beside it
    TEXT = "text"  # text alone


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What decides which edition someone gets; equal readings get equal editions.

    Attributes:
        languages: BCP 47 tags in the order in which the person wants to read them; never empty.
        topics: none means all.
        countries: ISO 3166 alpha-2; none means all.
        format: HTML with text, or text alone.
        discreet: a neutral sender and subject, text only.
    """

    languages: tuple[str, ...] = ("en",)
    topics: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    format: Format = Format.HTML
    discreet: bool = False

    @property
    def key(self) -> str:
        """A name for exactly these wishes: SHA-256 over their canonical JSON, in hex."""
        facts = [
            list(self.languages),
            sorted(self.topics),
            sorted(self.countries),
            self.format,
            self.discreet,
        ]
        return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


class Profile(Base):
    """One reading, shared by everyone who has it: planning looks at profiles, never at each person's wishes."""

    __tablename__ = "profiles"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    languages: Mapped[list[str]]
    topics: Mapped[list[str]]
    countries: Mapped[list[str]]
    format: Mapped[Format] = mapped_column(word(Format))
    discreet: Mapped[bool]

    @property
    def reading(self) -> Reading:
        """The wishes as a value."""
        return Reading(
            languages=tuple(self.languages),
            topics=frozenset(self.topics),
            countries=frozenset(self.countries),
            format=self.format,
            discreet=self.discreet,
        )

    @classmethod
    def new(cls, reading: Reading) -> Self:
        """Make the row for these wishes; `of` is what nearly everyone wants."""
        return cls(
            key=reading.key,
            languages=list(reading.languages),
            topics=sorted(reading.topics),
            countries=sorted(reading.countries),
            format=reading.format,
            discreet=reading.discreet,
        )

    @classmethod
    def of(cls, session: Session, reading: Reading) -> Self:
        """Find the profile for these wishes, or add it to the session's transaction."""
        same = select(cls).where(cls.key == reading.key)
        found = session.scalar(same)
        if found is None:
            found = cls.new(reading)
            try:
                with session.begin_nested():
                    session.add(found)
            except IntegrityError:
                # On PostgreSQL somebody else may have had the same wishes in the same moment.
                found = session.scalars(same).one()
        return found

    @classmethod
    def number_of(cls, session: Session, reading: Reading) -> int:
        """Give the number of the profile for these wishes; as `of`, without loading it."""
        found = session.connection().execute(_BY_KEY, {"wanted": reading.key}).scalar()
        return cls.of(session, reading).id if found is None else int(found)


_BY_KEY = select(table(Profile).c.id).where(table(Profile).c.key == bindparam("wanted"))


def readings_in(session: Session, people: str) -> dict[int, Reading]:
    """Give what people want, by the number of the profile.

    Args:
        session: any transaction.
        people: a table of theirs, or a query with a name, that has a column `profile_id`; its words are of the program.
    """
    columns = table(Profile).c
    wanted = text(f"SELECT DISTINCT profile_id FROM {people}").columns(columns.id)  # noqa: S608 - see above
    rows = select(
        columns.id,
        # As they are written, since most lists come again and again.
        cast(columns.languages, Text),
        cast(columns.topics, Text),
        cast(columns.countries, Text),
        columns.format,
        columns.discreet,
    ).where(columns.id.in_(wanted))
    spoken = cache(lambda written: tuple(json.loads(written)))
    chosen = cache(lambda written: frozenset(json.loads(written)))
    return {
        number: Reading(
            languages=spoken(languages),
            topics=chosen(topics),
            countries=chosen(countries),
            format=format_,
            discreet=discreet,
        )
        for number, languages, topics, countries, format_, discreet in session.connection().execute(rows)
    }


def chosen_topics(session: Session) -> frozenset[str]:
    """Give every topic that somebody who is written to chose to read about."""
    readings = readings_in(session, "(SELECT profile_id FROM subscribers WHERE status = 'active') AS active")
    return frozenset(topic for reading in readings.values() for topic in reading.topics)
