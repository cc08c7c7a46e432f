"""What a supporter can do, and to whom: plain values, kept and approved with the appeal as one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class ActionKind(StrEnum):
    """What there is to be done."""

    WRITE = "write"  # to a target: by email, by letter, by telephone
    SIGN = "sign"
    DONATE = "donate"
    DEMONSTRATE = "demonstrate"
    SHARE = "share"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Somebody who is written to.

    Attributes:
        name: of the person or the body, one line.
        office: what they are, one line; may be empty.
        postal_address: one line or several; may be empty.
        emails: ASCII addresses; may be none.
        phone: as it is dialled from abroad; may be empty.
        languages: BCP 47 tags of what they read, the best first; none means any.
    """

    name: str
    office: str = ""
    postal_address: str = ""
    emails: tuple[str, ...] = ()
    phone: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ActionWords:
    """An action in one language.

    Attributes:
        say: what to do, one line.
        subject: of the model letter, one line; may be empty.
        letter: the model letter, plain text; may be empty.
    """

    say: str = ""
    subject: str = ""
    letter: str = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing to do.

    Attributes:
        key: what it is called within its appeal: `1`, or a word; stays the same when the wording changes.
        kind: what there is to be done.
        targets: who is written to, where that is it.
        url: where one signs or donates, or reads where and when to come; absolute http(s), or empty.
        place: where and when to come, one line; may be empty.
        words: by BCP 47 tag.
    """

    key: str
    kind: ActionKind
    targets: tuple[Target, ...] = ()
    url: str = ""
    place: str = ""
    words: Mapping[str, ActionWords] = field(default_factory=dict)

    def in_language(self, language: str) -> ActionWords:
        """Give the words for a reader of a language; empty ones where there are none."""
        return self.words.get(language) or self.words.get(language.partition("-")[0]) or ActionWords()

    def without(self, language: str) -> "Action":
        """Give it without the words in a language, unless a target reads that."""
        if any(language in target.languages for target in self.targets):
            return self
        return replace(self, words={tag: words for tag, words in self.words.items() if tag != language})

    def letter_for(self, target: Target, reader: str) -> tuple[str, ActionWords] | None:
        """Choose the model letter that a target can read: in the reader's language if the target reads that too.

        Args:
            target: one of its targets.
            reader: BCP 47 tag of who writes.

        Returns:
            The language of the letter and the letter; None where there is none at all.
        """
        letters = {tag: words for tag, words in self.words.items() if words.letter}
        if not letters:
            return None
        understood = [tag for tag in target.languages if tag in letters]
        wanted = reader if reader in letters and (not target.languages or reader in target.languages) else None
        tag = wanted or next(iter(understood), None) or (reader if reader in letters else next(iter(letters)))
        return tag, letters[tag]


def merged(ours: Iterable[Action], theirs: Iterable[Action], language: str) -> tuple[Action, ...]:
    """Take a translation's words of known actions over; all else is the appeal's own.

    Args:
        ours: the appeal's actions.
        theirs: the same, as a text in another language lists them.
        language: of that text.
    """
    words = {action.key: action.in_language(language) for action in theirs}
    return tuple(
        replace(action, words={**action.words, language: words[action.key]}) if action.key in words else action
        for action in ours
    )


def renewed(ours: Iterable[Action], theirs: Iterable[Action]) -> tuple[Action, ...]:
    """Take another list in place of ours, and keep our words in languages that it doesn't speak."""
    words = {action.key: action.words for action in ours}
    return tuple(replace(action, words={**words.get(action.key, {}), **action.words}) for action in theirs)
