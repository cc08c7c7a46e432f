"""Whom an alert is for, within what each subscriber decided: nobody can be reached who doesn't want it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

from pydantic import TypeAdapter

from subscribers.preferences import Cadence


class Part(NamedTuple):
    """A random part of an audience, so many people or so many in a hundred."""

    number: float
    is_percent: bool

    def of(self, people: int) -> int:
        """Say how many of so many people that is; at least one."""
        return max(1, min(people, round(people * self.number / 100) if self.is_percent else int(self.number)))

    def __str__(self) -> str:
        """Write it as it is given."""
        return f"{self.number:g}%" if self.is_percent else f"{self.number:g}"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What an alert is about, and whom of those whom that concerns it goes to.

    Attributes:
        appeal_id: what it is about.
        version_id: what that said when somebody looked at it; see `AppealVersion`.
        topics, countries: only those who read about one of these; none means all.
        languages: only those who get it in one of these; none means all.
        cadences: only those who have one of these; none means all.
        only_recipients: only those who got what the appeal continues, whatever they chose since.
        without: the numbers of mailings whose recipients get nothing.
        corrects: the number of the mailing whose recipients, and nobody else, get it; None where it corrects none.
        part: only a random part of all those.
    """

    appeal_id: int
    version_id: int
    topics: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    cadences: frozenset[Cadence] = frozenset()
    only_recipients: bool = False
    without: tuple[int, ...] = ()
    corrects: int | None = None
    part: Part | None = None

    @property
    def anyway(self) -> bool:
        """Whether it goes to people whatever they chose to read about, for they got what it is about."""
        return self.only_recipients or self.corrects is not None

    @property
    def as_json(self) -> dict[str, Any]:
        """Plain JSON with stable keys."""
        return dict(_ADAPTER.dump_python(self, mode="json"))

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Read what `as_json` gave."""
        return _ADAPTER.validate_python(content)  # type: ignore[return-value]


_ADAPTER: TypeAdapter[Selection] = TypeAdapter(Selection)


class Out(StrEnum):
    """Why somebody who is written to gets no alert."""

    OTHER_TOPIC = "other_topic"
    OTHER_COUNTRY = "other_country"
    NOT_SELECTED = "not_selected"
    DECLINED = "declined"
    PAUSED = "paused"
    LEFT = "left"
    HAD = "had"
    NOT_RECIPIENT = "not_recipient"
    WITHOUT = "without"
    NO_TEXT = "no_text"
    NOT_IN_PART = "not_in_part"

    @property
    def words(self) -> str:
        """The reason as a person reads it."""
        return _WORDS[self]


_WORDS = {
    Out.OTHER_TOPIC: "chose other topics",
    Out.OTHER_COUNTRY: "chose other countries",
    Out.NOT_SELECTED: "not among those whom you chose",
    Out.DECLINED: "declined alerts; whoever gets digests finds it there",
    Out.PAUSED: "paused",
    Out.LEFT: "left since",
    Out.HAD: "had it, or it is on its way to them",
    Out.NOT_RECIPIENT: "did not get what it continues",
    Out.WITHOUT: "got a mailing that you left out",
    Out.NO_TEXT: "no text in a language they read",
    Out.NOT_IN_PART: "not in the random part",
}
