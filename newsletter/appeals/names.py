"""Names that may be said only with consent: kept sealed, hidden in every text, shown as an alias.

A text never holds such a name. Where it stood there is a mark, `{name-3}`, which becomes the alias, or the name once
its bearer has agreed. So no page, mail, feed, log, export or copy of the database can say it, whatever was forgotten.
Where the name was written otherwise than as it was first given, the mark says how: `{name-3.2}`; see `NameSpelling`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.appeals.protected import Forms, NameSeal, NameSpelling, NoSuchName, ProtectedName, SpellingBook
from newsletter.appeals.spelling import (
    follow,
    is_arabic,
    parted,
    spellings,
    stems,
    unquoted,
    without_entities,
    words_in,
)
from newsletter.errors import NewsletterError

MARK: Final = re.compile(r"\{name-(\d{1,9})(?:\.(\d{1,9}))?\}")
_ADDRESS: Final = re.compile(r"(?:https?://|www\.|mailto:)[^\s<>\"')\]]+", re.IGNORECASE)
_LINKED: Final = re.compile(r"\[([^\[\]]*)\]\(\s*\)")
_ALIAS_LONGEST: Final = 100
_LEAST_JOINED: Final = 8  # letters of a whole name that is also found within a word: #FreeKarimAhmadi


class NameEmpty(NewsletterError):
    """Give the name to be hidden: as it stands in the texts, every other spelling on a line of its own."""


class AliasWrong(NewsletterError):
    """The alias “{alias}” can't be used: {reason}."""


class NameThere(NewsletterError):
    """That name is protected already, as number {number}. `newsletter name list` shows what it is called."""


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """One protected name, opened.

    Attributes:
        number: what marks call it by.
        forms: how it is written.
        aliases: as in `ProtectedName`.
        consented: whether it may be said.
        written: other ways in which texts wrote it, by the number that their marks give.
    """

    number: int
    forms: Forms
    aliases: Mapping[str, str]
    consented: bool
    written: Mapping[int, str] = field(default_factory=dict)

    def called(self, language: str, spelling: int | None = None) -> str:
        """What stands in public in place of the mark."""
        if self.consented:
            return self.spelt(spelling)
        return self.aliases.get(language) or self.aliases.get(language.partition("-")[0]) or self.aliases[""]

    def spelt(self, spelling: int | None) -> str:
        """The name itself, as a text wrote it."""
        first = self.forms.names[0]
        return first if spelling is None else self.written.get(spelling, first)


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    number: int


@dataclass(frozen=True, kw_only=True)
class _Form:
    words: tuple[str, ...]
    number: int


class Register:
    """All protected names: hides them in what comes in, and says what may be said in what goes out."""

    def __init__(
        self, bearers: Iterable[Bearer] = (), spelling_number: Callable[[int, str], int] | None = None
    ) -> None:
        """Take the names; they are looked for word by word.

        Args:
            bearers: whose they are.
            spelling_number: (name's number, words) -> what a mark calls that spelling by; None keeps no spelling.
        """
        self._spelling_number = spelling_number
        self.hidden: Counter[str] = Counter()  # the words in whose place marks were put
        self._bearers = {bearer.number: bearer for bearer in bearers}
        self._known = {
            (bearer.number, words): number
            for bearer in self._bearers.values()
            for number, words in bearer.written.items()
        }
        self._forms: dict[str, list[_Form]] = {}
        self._joined: dict[str, int] = {}
        for bearer in self._bearers.values():
            for words in spellings(bearer.forms.names, bearer.forms.keep):
                self._forms.setdefault(words[0], []).append(_Form(words=words, number=bearer.number))
                if len(words) > 1 and len("".join(words)) >= _LEAST_JOINED:
                    self._joined["".join(words)] = bearer.number
        for forms in self._forms.values():
            forms.sort(key=lambda form: -len(form.words))
        self._within = re.compile("|".join(map(re.escape, self._joined))) if self._joined else None

    @classmethod
    def load(cls, session: Session, seal: NameSeal) -> "Register":
        """Open all names of a database: to hide them in what is shown, and to say what may be said."""
        return cls(_bearers(session, seal))

    @classmethod
    def writing(cls, session: Session, seal: NameSeal, *, without: int | None = None) -> "Register":
        """Open all names: to hide them in what is stored, and to keep how they were written there.

        Args:
            session: a writing transaction.
            seal: opens them.
            without: the number of a name that is looked for no more.
        """
        bearers = (bearer for bearer in _bearers(session, seal) if bearer.number != without)
        return cls(bearers, SpellingBook(session=session, seal=seal).number)

    @classmethod
    def for_saying(cls, session: Session, seal: NameSeal) -> "Register":
        """Open only what may be said: for what goes out, where there is nothing to hide any more."""
        made = cls()
        made._bearers = {bearer.number: bearer for bearer in _bearers(session, seal, only_what_may_be_said=True)}
        return made

    def require(self, text: str) -> None:
        """Refuse marks that name nobody: what stands there would be lost.

        Raises:
            NoSuchName: there is one.
        """
        for mark in MARK.finditer(text):
            if int(mark[1]) not in self._bearers:
                raise NoSuchName(number=mark[1])

    @property
    def state(self) -> str:
        """What says whether something that was said before would be said the same now."""
        return repr([(each.number, each.consented, sorted(each.aliases.items())) for each in self._bearers.values()])

    def hide(self, text: str, *, keep: bool = True) -> str:
        """Put marks where names stand; a web address that holds one is dropped, since half an address leads nowhere.

        Args:
            text: from outside, or of an organiser.
            keep: whether spellings are kept; not for what is said at once.
        """
        if not self._forms or not text:
            return text
        text = without_entities(text)
        pieces, at = [], 0
        for address in _ADDRESS.finditer(text):
            pieces += [self._hide_words(text[at : address.start()], keep=keep), self.hide_address(address[0])]
            at = address.end()
        pieces.append(self._hide_words(text[at:], keep=keep))
        return _LINKED.sub(r"\1", "".join(pieces))

    def _hide_words(self, text: str, *, keep: bool) -> str:
        pieces, at = [], 0
        for found in self._in(text):
            pieces += [text[at : found.start], self._mark(found.number, text[found.start : found.end], keep=keep)]
            at = found.end
        return "".join((*pieces, text[at:]))

    def _mark(self, number: int, written: str, *, keep: bool) -> str:
        """Write a mark; Markdown's signs that stood between the letters and belong to others around stay behind it."""
        words, signs = parted(written)
        self.hidden[words] += 1
        if not keep or self._spelling_number is None or words == self._bearers[number].forms.names[0]:
            return f"{{name-{number}}}{signs}"
        known = self._known.get((number, words))
        if known is None:
            known = self._known[number, words] = self._spelling_number(number, words)
        return f"{{name-{number}.{known}}}{signs}"

    def hide_address(self, url: str) -> str:
        """Give a web address back, or nothing where it holds the name of somebody who has not agreed."""
        if not self._forms:
            return url
        read = unquoted(url)
        hidden = any(not self._bearers[found.number].consented for found in self._in(read))
        return "" if hidden else url

    def hide_all(self, value: Any) -> Any:
        """Hide names in every text within plain JSON; under the key `url` stand web addresses."""
        return _through(value, self.hide, self.hide_address)

    def hide_topic(self, topic: str) -> str:
        """Give a topic without the name of somebody who has not agreed: topics are words that people choose, not texts.

        An alias stands in the text itself there, and stays.
        """
        return self.said(self.hide(topic, keep=False), "").casefold() if self.holds(topic) else topic

    def holds(self, text: str) -> bool:
        """Say whether a text says a name that may not be said."""
        if not self._forms:
            return False
        return any(not self._bearers[found.number].consented for found in self._in(unquoted(without_entities(text))))

    def said(self, text: str, language: str) -> str:
        """Put names and aliases where marks stand; a mark that names nobody is dropped."""

        def called(match: re.Match[str]) -> str:
            bearer = self._bearers.get(int(match[1]))
            return bearer.called(language, _spelling(match)) if bearer else "…"

        return MARK.sub(called, text) if "{name-" in text else text

    def _in(self, text: str) -> Iterator[_Found]:
        """Find names in a text, in order, none overlapping."""
        words = list(words_in(text))
        at = 0
        while at < len(words):
            found, count = self._at(text, words, at)
            if found is not None:
                yield found
            at += count

    def _at(self, text: str, words: Sequence[tuple[str, int, int]], at: int) -> tuple[_Found | None, int]:
        key, start, _end = words[at]
        for stem in stems(key):
            for form in self._forms.get(stem, ()):
                if len(form.words) > 1 and stem != key and not is_arabic(key):
                    continue  # only the last word of a name takes endings
                here = words[at : at + len(form.words)]
                if len(here) == len(form.words) and follow(text, here, form.words):
                    return _Found(start, here[-1][2], form.number), len(here)
        if self._within is not None and len(key) >= _LEAST_JOINED and (joined := self._within.search(key)):
            return _Found(start, words[at][2], self._joined[joined[0]]), 1
        return None, 1


def _bearers(session: Session, seal: NameSeal, *, only_what_may_be_said: bool = False) -> Iterator[Bearer]:
    written: dict[int, dict[int, str]] = {}
    rows = list(session.scalars(select(ProtectedName).order_by(ProtectedName.id)))
    opened = {row.id for row in rows if row.consent_at is not None or not only_what_may_be_said}
    if opened:
        for spelling in session.scalars(select(NameSpelling).where(NameSpelling.name_id.in_(opened))):
            written.setdefault(spelling.name_id, {})[spelling.id] = seal.opened(spelling.sealed).decode()
    for row in rows:
        yield Bearer(
            number=row.id,
            forms=seal.open(row.sealed) if row.id in opened else Forms(names=()),
            aliases=row.aliases,
            consented=row.consent_at is not None,
            written=written.get(row.id, {}),
        )


def _spelling(mark: re.Match[str]) -> int | None:
    return int(mark[2]) if mark[2] else None


def restored(text: str, bearer: Bearer) -> str:
    """Write a name where its marks stand, as it was written there before."""
    return MARK.sub(lambda mark: bearer.spelt(_spelling(mark)) if int(mark[1]) == bearer.number else mark[0], text)


def cut(text: str, longest: int) -> str:
    """Cut a text that may hold marks, and none of them in half."""
    at = next((mark.start() for mark in MARK.finditer(text) if mark.start() < longest < mark.end()), longest)
    return text[:at]


def unmarked(value: Any) -> Any:
    """Drop what looks like a mark in every text within plain JSON from outside."""
    return _through(value, lambda text: MARK.sub("…", text))


def said_all(value: Any, register: Register, language: str) -> Any:
    """Say names in every text within plain JSON, as far as they may be said."""
    return _through(value, lambda text: register.said(text, language))


def _through(value: Any, text: Callable[[str], str], url: Callable[[str], str] | None = None) -> Any:
    match value:
        case str():
            return text(value)
        case dict():
            return {
                key: url(each) if url and key == "url" and isinstance(each, str) else _through(each, text, url)
                for key, each in value.items()
            }
        case list() | tuple():
            return [_through(each, text, url) for each in value]
        case _:
            return value


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """What is done to everything that is stored, when a name is protected or is no longer.

    Attributes:
        text, address, topic: what becomes of one.
    """

    text: Callable[[str], str]
    address: Callable[[str], str]
    topic: Callable[[str], str]

    @classmethod
    def hiding(cls, register: Register) -> "Rewriting":
        """Hide all names."""
        return cls(text=register.hide, address=register.hide_address, topic=register.hide_topic)

    @classmethod
    def restoring(cls, bearer: Bearer, others: Register) -> "Rewriting":
        """Write one name where its marks stand; addresses and topics that were dropped stay so.

        Args:
            bearer: whose name is protected no more.
            others: the names that still are; the same words may be somebody else's as well.
        """
        return cls(
            text=lambda text: others.hide(restored(text, bearer)) if "{name-" in text else text,
            address=lambda address: address,
            topic=lambda topic: topic,
        )

    def everything(self, value: Any) -> Any:
        """Rewrite every text within plain JSON; under the key `url` stand web addresses."""
        return _through(value, self.text, self.address)


def open_name(session: Session, seal: NameSeal, number: int) -> Bearer:
    """Open one name; it is there."""
    return next(bearer for bearer in _bearers(session, seal) if bearer.number == number)


def protect(
    session: Session,
    seal: NameSeal,
    forms: Forms,
    aliases: Mapping[str, str],
    *,
    by: str,
    now: datetime,
) -> ProtectedName:
    """Protect a name from now on; whoever calls this sweeps what is stored already.

    Args:
        session: a writing transaction.
        seal: seals it.
        forms: how it is written.
        aliases: what its bearer is called in public, by BCP 47 tag; `""` has to be there.
        by: who asks for it.
        now: the moment.

    Raises:
        NameEmpty: there is no word in it.
        AliasWrong: an alias is empty, or says the name.
        NameThere: it is protected already.
    """
    names = tuple(dict.fromkeys(" ".join(name.split()) for name in forms.names if any(words_in(name))))
    if not names:
        raise NameEmpty
    forms = Forms(names=names, keep=forms.keep)
    trial = Register([Bearer(number=1, forms=forms, aliases={}, consented=False)])
    for alias in aliases.values():
        if not alias.strip() or MARK.search(alias) or len(alias) > _ALIAS_LONGEST:
            raise AliasWrong(alias=alias[:_ALIAS_LONGEST], reason="it needs a word, and at most 100 letters")
        if trial.holds(alias):
            raise AliasWrong(alias="…", reason="it says the name, or a part of it")
    for known in session.scalars(select(ProtectedName)):
        if {name.casefold() for name in seal.open(known.sealed).names} & {name.casefold() for name in names}:
            raise NameThere(number=known.id)
    row = ProtectedName(
        sealed=seal.seal(forms),
        aliases={tag: " ".join(alias.split()) for tag, alias in aliases.items()},
        consent_at=None,
        added_by=by,
        added_at=now,
    )
    session.add(row)
    session.flush()
    return row
