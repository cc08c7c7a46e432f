"""What a form offers to choose from, and what of it was chosen: shared by the form to join and the preferences page."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeVar

from sqlalchemy.orm import Session

from newsletter.appeals.labels import LabelKind, counts
from newsletter.languages import country_name, language_name, languages
from newsletter.settings import is_language_tag
from newsletter.web.forms import Posted
from subscribers.preferences import Reading

LANGUAGES = 4  # that somebody can put in order; one more than they have, at the least
MOST_LANGUAGES = 20

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing to choose.

    Attributes:
        value: what the form sends.
        label: what the reader reads.
        chosen: whether it is chosen now.
    """

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What there is to read: languages by tag, topics by name, countries by code."""

    languages: tuple[str, ...]
    topics: tuple[str, ...]
    countries: tuple[str, ...]

    @classmethod
    def to(cls, session: Session, reading: Reading) -> Self:
        """Offer what there is, and whatever was chosen before."""
        return cls(
            languages=tuple(dict.fromkeys([*reading.languages, *languages()])),
            topics=tuple(sorted({*counts(session, LabelKind.TOPIC), *reading.topics})),
            countries=tuple(sorted({*counts(session, LabelKind.COUNTRY), *reading.countries})),
        )

    @classmethod
    def answered(cls, session: Session, reading: Reading, form: Posted) -> Self:
        """Offer what a form may have chosen from; the database is asked only where that is new to somebody."""
        topics = counts(session, LabelKind.TOPIC) if set(form.many("topic")) - reading.topics else ()
        countries = counts(session, LabelKind.COUNTRY) if set(form.many("country")) - reading.countries else ()
        return cls(
            languages=tuple(dict.fromkeys([*reading.languages, *languages()])),
            topics=(*topics, *reading.topics),
            countries=(*countries, *reading.countries),
        )

    def language_rows(self, reading: Reading) -> tuple[tuple[Option, ...], ...]:
        """Give a list to choose from for each place in the order of languages, each named in itself."""
        return tuple(
            options(
                ((tag, language_name(tag, tag)) for tag in self.languages),
                set(reading.languages[place : place + 1]),
            )
            for place in range(max(LANGUAGES, len(reading.languages) + 1))
        )

    def topic_options(self, reading: Reading) -> tuple[Option, ...]:
        """Give the topics to choose from."""
        return options(((topic, topic) for topic in self.topics), reading.topics)

    def country_options(self, reading: Reading, language: str) -> tuple[Option, ...]:
        """Give the countries to choose from, in the order of their names."""
        named = sorted(((code, country_name(code, language)) for code in self.countries), key=lambda pair: pair[1])
        return options(named, reading.countries)

    def languages_in(self, form: Posted) -> tuple[str, ...]:
        """Read which languages were chosen, in their order; none where none was."""
        chosen = [form.one(f"language{place}") for place in range(1, MOST_LANGUAGES + 1)]
        return tuple(dict.fromkeys(tag for tag in chosen if tag in self.languages and is_language_tag(tag)))

    def topics_in(self, form: Posted) -> frozenset[str]:
        """Read which topics were chosen."""
        return frozenset(form.many("topic")) & frozenset(self.topics)

    def countries_in(self, form: Posted) -> frozenset[str]:
        """Read which countries were chosen."""
        return frozenset(form.many("country")) & frozenset(self.countries)


def options(named: Iterable[tuple[object, str]], chosen: Collection[object]) -> tuple[Option, ...]:
    """Make options of values and their labels."""
    return tuple(Option(value=str(value), label=label, chosen=value in chosen) for value, label in named)


def word_in(kind: type[Word], text: str, otherwise: Word) -> Word:
    """Read one of our words, or take another where it is none."""
    return kind(text) if text in list(kind) else otherwise


def number_in(text: str, possible: range, otherwise: int) -> int:
    """Read a number, or take another where it is none of those that are possible."""
    return int(text) if text in map(str, possible) else otherwise
