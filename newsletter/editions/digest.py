"""Which appeals go to a reader: a pure decision, without a session and without a clock."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, NamedTuple

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


class Chosen(NamedTuple):
    """One appeal and the language in which this reader gets it."""

    appeal_id: int
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
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


class Why(Enum):
    """Why an appeal is in somebody's digest, or not."""

    IN = "in"
    LATER = "later"  # there are more than a digest holds
    HAD = "had"
    NOT_RECIPIENT = "not_recipient"
    OTHER_TOPIC = "other_topic"
    OTHER_COUNTRY = "other_country"
    BEFORE_THEM = "before_them"
    NO_TEXT = "no_text"


class Choice:
    """What there is to choose from; asked for many readers, it looks only once at what they have in common.

    Sets of appeals are bits of one number, the first appeal's the lowest: a choice for a reader is a few operations,
    however many appeals there are.
    """

    def __init__(self, candidates: Iterable[Candidate], *, most: int | None = None) -> None:
        """Take what there is.

        Args:
            candidates: released appeals that are neither closed nor past their deadline.
            most: how many of them a digest holds at the most; None means any number.
        """
        self._candidates = sorted(candidates, key=_order)
        self._most = most
        self._bits = {candidate.id: 1 << place for place, candidate in enumerate(self._candidates)}
        self._by_topic = self._about(lambda candidate: candidate.topics)
        self._by_country = self._about(lambda candidate: candidate.countries)
        # Who got an original gets what is for its recipients, whatever they have chosen since: it may be a correction.
        self._after = [
            (self._bits[each.id], each.only_after) for each in self._candidates if each.only_after is not None
        ]
        self._offers: dict[tuple[str, ...], _Offers] = {}

    def compose(self, reading: Reading, *, since: datetime, seen: Collection[int] = ()) -> Digest | Nothing:
        """Choose what is new to a reader; see `compose_digest`."""
        offers = self._offered(reading.languages)
        wanted = offers.since(since)
        if reading.topics:
            wanted &= _joined(self._by_topic, reading.topics)
        if reading.countries:
            wanted &= _joined(self._by_country, reading.countries)
        if self._after:
            for bit, original in self._after:
                wanted = wanted | bit if original in seen else wanted & ~bit
        if seen:
            wanted &= ~_joined(self._bits, seen)
        readable = wanted & offers.readable
        if not readable:
            return Nothing.IN_THEIR_LANGUAGES if wanted else Nothing.NEW
        appeals = tuple(offers.chosen(readable, self._most))
        return Digest(
            language=reading.languages[0],
            format=Format.TEXT if reading.discreet else reading.format,
            discreet=reading.discreet,
            appeals=appeals,
            more=readable.bit_count() - len(appeals),
        )

    def reasons(self, reading: Reading, *, since: datetime, seen: Collection[int] = ()) -> dict[int, Why]:
        """Say of each appeal, by its number, why a reader gets it now or doesn't; arguments as for `compose`."""
        verdict = self.compose(reading, since=since, seen=seen)
        gets = {chosen.appeal_id for chosen in verdict.appeals} if isinstance(verdict, Digest) else set()
        return {
            offer.appeal.id: Why.IN if offer.appeal.id in gets else _why_not(offer, reading, since, seen)
            for offer in self._offered(reading.languages).each
        }

    def _about(self, what: Callable[[Candidate], Iterable[str]]) -> dict[str, int]:
        """Give for each word which appeals have it."""
        found: dict[str, int] = {}
        for candidate in self._candidates:
            for word in what(candidate):
                found[word] = found.get(word, 0) | self._bits[candidate.id]
        return found

    def _offered(self, languages: tuple[str, ...]) -> "_Offers":
        if languages not in self._offers:
            self._offers[languages] = _Offers([_offer(candidate, languages) for candidate in self._candidates])
        return self._offers[languages]


class _Offer(NamedTuple):
    """An appeal, as readers of some languages see it.

    Attributes:
        chosen: in which language they get it; None where they read none of its texts.
        since: when it was first released in a language that they read; if there is none, at all.
    """

    appeal: Candidate
    chosen: Chosen | None
    since: datetime


class _Offers:
    """All appeals, as readers of some languages see them."""

    def __init__(self, each: Sequence[_Offer]) -> None:
        self.each = each
        self.readable = sum(1 << place for place, offer in enumerate(each) if offer.chosen is not None)
        self._since: dict[datetime, int] = {}

    def since(self, moment: datetime) -> int:
        """Give those that were released to these readers after a moment."""
        if moment not in self._since:
            self._since[moment] = sum(1 << place for place, offer in enumerate(self.each) if offer.since > moment)
        return self._since[moment]

    def chosen(self, which: int, most: int | None) -> Iterator[Chosen]:
        """Give the first of some appeals, in the language in which these readers get them."""
        left = which.bit_count() if most is None else most
        while which and left:
            first = which & -which
            chosen = self.each[first.bit_length() - 1].chosen
            if chosen is not None:
                yield chosen
            which ^= first
            left -= 1


def _joined(bits: Mapping[Any, int], keys: Iterable[Any]) -> int:
    found = 0
    for key in keys:
        found |= bits.get(key, 0)
    return found


def _offer(appeal: Candidate, languages: Sequence[str]) -> _Offer:
    language = read_in(languages, tuple(appeal.released))
    theirs = [moment for tag, moment in appeal.released.items() if read_in(languages, (tag,))]
    return _Offer(
        appeal=appeal,
        chosen=None if language is None else Chosen(appeal.id, language),
        since=min(theirs or appeal.released.values()),
    )


def _why_not(offer: _Offer, reading: Reading, since: datetime, seen: Collection[int]) -> Why:
    appeal = offer.appeal
    if appeal.id in seen:
        return Why.HAD
    if appeal.only_after is not None and appeal.only_after not in seen:
        return Why.NOT_RECIPIENT
    if appeal.only_after is None and not offer.since > since:
        return Why.BEFORE_THEM
    if appeal.only_after is None and not concerns(reading, appeal):
        return _not_about(reading, appeal)
    return Why.NO_TEXT if offer.chosen is None else Why.LATER


def _not_about(reading: Reading, appeal: Candidate) -> Why:
    is_about = not reading.topics or not reading.topics.isdisjoint(appeal.topics)
    return Why.OTHER_COUNTRY if is_about else Why.OTHER_TOPIC


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
    return Choice(candidates, most=most).compose(reading, since=since, seen=seen)


def compose_alert(appeal: Candidate, reading: Reading, *, anyway: bool = False) -> Digest | Why:
    """Say in which form a reader gets one appeal at once.

    Args:
        appeal: released, neither closed nor past its deadline.
        reading: what the reader wants.
        anyway: whether it is for them whatever they chose to read about: they got what it continues or corrects.

    Returns:
        What they get, or why they get nothing.
    """
    offer = _offer(appeal, reading.languages)
    if not anyway and not concerns(reading, appeal):
        return _not_about(reading, appeal)
    if offer.chosen is None:
        return Why.NO_TEXT
    return Digest(
        language=offer.chosen.language,  # all of the mail is in the language of its appeal
        format=Format.TEXT if reading.discreet else reading.format,
        discreet=reading.discreet,
        appeals=(offer.chosen,),
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


def _order(appeal: Candidate) -> tuple[int, date, int, int]:
    """Sort urgent ones first, then what must be done soonest, then the newest."""
    return (-appeal.urgency, appeal.deadline or date.max, -appeal.published_on.toordinal(), -appeal.id)
