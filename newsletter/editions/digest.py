"""Which appeals go to a reader: a pure decision, without a session and without a clock."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from subscribers.preferences import Format, Reading


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A released appeal, as far as choosing needs it.

    Attributes:
        id: the appeal's number here.
        released_at: when it was released.
        languages: BCP 47 tags of its texts.
        countries, topics: what it is about.
        urgent, deadline, published_on: what it is sorted by.
    """

    id: int
    released_at: datetime
    languages: tuple[str, ...]
    countries: frozenset[str]
    topics: frozenset[str]
    urgent: bool
    deadline: date | None
    published_on: date


@dataclass(frozen=True)
class Chosen:
    """One appeal and the language in which this reader gets it."""

    appeal_id: int
    language: str


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What one group of readers gets; equal digests are one edition.

    Attributes:
        language: BCP 47 tag of everything around the appeals: the language that the reader named first.
        format: what the mail is made of; discreet readers get text alone.
        discreet: a neutral sender and subject.
        appeals: in the order of reading; never empty.
    """

    language: str
    format: Format
    discreet: bool
    appeals: tuple[Chosen, ...]


class Nothing(Enum):
    """Why a reader gets no digest."""

    NEW = "nothing_new"
    IN_THEIR_LANGUAGES = "no_text"


def compose_digest(
    candidates: Iterable[Candidate], reading: Reading, *, since: datetime, seen: Collection[int] = ()
) -> Digest | Nothing:
    """Choose and order the appeals that are new to a reader.

    Args:
        candidates: released appeals that are neither closed nor past their deadline.
        reading: what the reader wants.
        since: only what was released after this moment is new to them.
        seen: ids of appeals that the ledger shows for them.

    Returns:
        The digest, or why there is none.
    """
    wanted = [c for c in candidates if c.released_at > since and c.id not in seen and concerns(reading, c)]
    readable = [(c, language) for c in wanted if (language := read_in(reading.languages, c.languages))]
    if not readable:
        return Nothing.IN_THEIR_LANGUAGES if wanted else Nothing.NEW
    readable.sort(key=lambda pair: _order(pair[0]))
    return Digest(
        language=reading.languages[0],
        format=Format.TEXT if reading.discreet else reading.format,
        discreet=reading.discreet,
        appeals=tuple(Chosen(c.id, language) for c, language in readable),
    )


def concerns(reading: Reading, appeal: Candidate) -> bool:
    """Say whether an appeal is about what a reader chose; choosing no topic or no country means all of them."""
    return (not reading.topics or not reading.topics.isdisjoint(appeal.topics)) and (
        not reading.countries or not reading.countries.isdisjoint(appeal.countries)
    )


def read_in(wanted: Sequence[str], offered: Sequence[str]) -> str | None:
    """Pick the text that a reader wants most.

    A reader of `pt` can read `pt-BR` and the other way round (RFC 4647 calls a tag's first part its range);
    the exact tag goes first.
    """
    for language in wanted:
        if language in offered:
            return language
        for tag in offered:
            if tag.partition("-")[0] == language.partition("-")[0]:
                return tag
    return None


def _order(appeal: Candidate) -> tuple[bool, date, int, int]:
    """Sort urgent ones first, then what must be done soonest, then the newest."""
    return (not appeal.urgent, appeal.deadline or date.max, -appeal.published_on.toordinal(), -appeal.id)
