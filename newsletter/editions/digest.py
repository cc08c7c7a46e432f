"""Which appeals go to a reader: a pure decision, without a session and without a clock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from subscribers.preferences import Format, Reading


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A released appeal, as far as choosing needs it.

    Attributes:
        id: the appeal's number here.
        released: when each of its texts was released, by BCP 47 tag; at least one.
        countries, topics: what it is about.
        urgency: the higher, the more urgent.
        deadline, published_on: what it is sorted by, after that.
        only_after: the appeal that somebody must have got to get this one; None where it is for everybody.
        version_id: what it says, as it was released.
        last_move: the number of the move that made it what it is, and
        moved_at: when that was.
    """

    id: int
    released: Mapping[str, datetime]
    countries: frozenset[str]
    topics: frozenset[str]
    urgency: int
    deadline: date | None
    published_on: date
    only_after: int | None = None
    version_id: int = 0
    last_move: int = 0
    moved_at: datetime | None = None


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
        more: how many others are new to them: they come with the next one.
    """

    language: str
    format: Format
    discreet: bool
    appeals: tuple[Chosen, ...]
    more: int = 0


class Nothing(Enum):
    """Why a reader gets no digest."""

    NEW = "nothing_new"
    IN_THEIR_LANGUAGES = "no_text"


def compose_digest(
    candidates: Iterable[Candidate],
    reading: Reading,
    *,
    since: datetime,
    seen: Collection[int] = (),
    most: int | None = None,
) -> Digest | Nothing:
    """Choose and order the appeals that are new to a reader.

    Args:
        candidates: released appeals that are neither closed nor past their deadline.
        reading: what the reader wants.
        since: only what was released after this moment, in a language that they read, is new to them.
        seen: ids of appeals that the ledger shows for them, the originals of follow-ups among them.
        most: how many appeals a digest holds at the most; None means any number.

    Returns:
        The digest, or why there is none.
    """
    wanted = [c for c in candidates if c.id not in seen and _is_for(reading, c, seen) and _is_new(reading, c, since)]
    readable = [(c, language) for c in wanted if (language := read_in(reading.languages, tuple(c.released)))]
    if not readable:
        return Nothing.IN_THEIR_LANGUAGES if wanted else Nothing.NEW
    readable.sort(key=lambda pair: _order(pair[0]))
    return Digest(
        language=reading.languages[0],
        format=Format.TEXT if reading.discreet else reading.format,
        discreet=reading.discreet,
        appeals=tuple(Chosen(c.id, language) for c, language in readable[:most]),
        more=len(readable[most:]) if most is not None else 0,
    )


def _is_for(reading: Reading, appeal: Candidate, seen: Collection[int]) -> bool:
    """Say whether somebody is among those whom an appeal is for.

    Who got an original gets what is for its recipients, whatever they have chosen since: it may be a correction.
    """
    return concerns(reading, appeal) if appeal.only_after is None else appeal.only_after in seen


def _is_new(reading: Reading, appeal: Candidate, since: datetime) -> bool:
    """Say whether an appeal came after a moment, in a language that a reader reads: a translation may come later."""
    if appeal.only_after is not None:
        return True
    theirs = [moment for tag, moment in appeal.released.items() if read_in(reading.languages, (tag,))]
    return min(theirs or appeal.released.values()) > since


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


def _order(appeal: Candidate) -> tuple[int, date, int, int]:
    """Sort urgent ones first, then what must be done soonest, then the newest."""
    return (-appeal.urgency, appeal.deadline or date.max, -appeal.published_on.toordinal(), -appeal.id)
