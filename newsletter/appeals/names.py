"""Names that may be said only with consent: kept sealed, hidden in every text, shown as an alias.

A text never holds such a name. Where it stood there is a mark, `{name-3}`, which becomes the alias, or the name once
its bearer has agreed. So no page, mail, feed, log, export or copy of the database can say it, whatever was forgotten.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.appeals.spelling import follow, is_arabic, spellings, stems, unquoted, without_entities, words_in
from newsletter.errors import NewsletterError
from subscribers.database import Base

MARK: Final = re.compile(r"\{name-(\d{1,9})\}")
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


class NoSuchName(NewsletterError):
    """There is no protected name {number}. `newsletter name list` shows them all."""


class ProtectedName(Base):
    """Somebody who may be named only with their consent.

    Attributes:
        sealed: `Forms`, sealed with a key that is not in the database.
        aliases: what they are called in public, by BCP 47 tag; `""` is for every other language.
        consent_at: when it was recorded that they agreed to be named; None means that they did not.
        consent_note: where that can be looked up.
    """

    __tablename__ = "protected_names"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - a number in an old text must never mean another

    id: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    aliases: Mapped[dict[str, str]]
    consent_at: Mapped[datetime | None]
    consent_note: Mapped[str] = mapped_column(Text, default="")
    added_by: Mapped[str] = mapped_column(String(100))
    added_at: Mapped[datetime]


@dataclass(frozen=True, kw_only=True)
class Forms:
    """How a name is written.

    Attributes:
        names: whole names, every spelling of them.
        keep: words of them that are too common to be hidden by themselves.
    """

    names: tuple[str, ...]
    keep: tuple[str, ...] = ()


class NameSeal:
    """Seals and opens names with AES-SIV (RFC 5297)."""

    def __init__(self, secret: bytes) -> None:
        """Take 64 bytes that last as long as the database."""
        self._cipher = AESSIV(secret)

    def seal(self, forms: Forms) -> bytes:
        """Seal how a name is written."""
        facts = {"names": forms.names, "keep": forms.keep}
        return self._cipher.encrypt(json.dumps(facts, ensure_ascii=False).encode(), None)

    def shut(self, content: bytes) -> bytes:
        """Seal anything that may say names."""
        return self._cipher.encrypt(content, [b"content"])

    def opened(self, sealed: bytes) -> bytes:
        """Open it again."""
        return self._cipher.decrypt(sealed, [b"content"])

    def open(self, sealed: bytes) -> Forms:
        """Open it again."""
        facts = json.loads(self._cipher.decrypt(sealed, None))
        return Forms(names=tuple(facts["names"]), keep=tuple(facts["keep"]))


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """One protected name, opened.

    Attributes:
        number: what marks call it by.
        forms: how it is written.
        aliases: as in `ProtectedName`.
        consented: whether it may be said.
    """

    number: int
    forms: Forms
    aliases: Mapping[str, str]
    consented: bool

    def called(self, language: str) -> str:
        """What stands in public in place of the mark."""
        if self.consented:
            return self.forms.names[0]
        return self.aliases.get(language) or self.aliases.get(language.partition("-")[0]) or self.aliases[""]


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

    def __init__(self, bearers: Iterable[Bearer] = ()) -> None:
        """Take the names; they are looked for word by word."""
        self._bearers = {bearer.number: bearer for bearer in bearers}
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
        """Open all names of a database: to hide them in what is read, and to say what may be said."""
        return cls(_bearer(row, seal) for row in _rows(session))

    @classmethod
    def for_saying(cls, session: Session, seal: NameSeal) -> "Register":
        """Open only what may be said: for what goes out, where there is nothing to hide any more."""
        made = cls()
        made._bearers = {
            row.id: _bearer(row, seal)
            if row.consent_at is not None
            else Bearer(number=row.id, forms=Forms(names=()), aliases=row.aliases, consented=False)
            for row in _rows(session)
        }
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

    def hide(self, text: str) -> str:
        """Put marks where names stand; a web address that holds one is dropped, since half an address leads nowhere."""
        if not self._forms or not text:
            return text
        text = without_entities(text)
        pieces, at = [], 0
        for address in _ADDRESS.finditer(text):
            pieces += [self._hide_words(text[at : address.start()]), self.hide_address(address[0])]
            at = address.end()
        pieces.append(self._hide_words(text[at:]))
        return _LINKED.sub(r"\1", "".join(pieces))

    def _hide_words(self, text: str) -> str:
        pieces, at = [], 0
        for found in self._in(text):
            pieces += [text[at : found.start], f"{{name-{found.number}}}"]
            at = found.end
        return "".join((*pieces, text[at:]))

    def hide_address(self, url: str) -> str:
        """Give a web address back, or nothing where it holds the name of somebody who has not agreed."""
        if not self._forms:
            return url
        read = unquoted(url)
        hidden = any(not self._bearers[found.number].consented for found in self._in(read))
        return "" if hidden else url

    def hide_all(self, value: Any) -> Any:
        """Hide names in every text within plain JSON; under the key `url` stand web addresses."""
        match value:
            case str():
                return self.hide(value)
            case dict():
                return {
                    key: self.hide_address(each) if isinstance(each, str) and key == "url" else self.hide_all(each)
                    for key, each in value.items()
                }
            case list() | tuple():
                return [self.hide_all(each) for each in value]
            case _:
                return value

    def hide_topic(self, topic: str) -> str:
        """Give a topic without the name of somebody who has not agreed: topics are words that people choose, not texts.

        An alias stands in the text itself there, and stays.
        """
        return self.said(self.hide(topic), "").casefold() if self.holds(topic) else topic

    def holds(self, text: str) -> bool:
        """Say whether a text says a name that may not be said."""
        if not self._forms:
            return False
        return any(not self._bearers[found.number].consented for found in self._in(unquoted(without_entities(text))))

    def said(self, text: str, language: str) -> str:
        """Put names and aliases where marks stand; a mark that names nobody is dropped."""

        def called(match: re.Match[str]) -> str:
            bearer = self._bearers.get(int(match[1]))
            return bearer.called(language) if bearer else "…"

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


def _rows(session: Session) -> Iterable[ProtectedName]:
    return session.scalars(select(ProtectedName).order_by(ProtectedName.id))


def _bearer(row: ProtectedName, seal: NameSeal) -> Bearer:
    return Bearer(
        number=row.id,
        forms=seal.open(row.sealed),
        aliases=row.aliases,
        consented=row.consent_at is not None,
    )


def unmarked(value: Any) -> Any:
    """Drop what looks like a mark in every text within plain JSON from outside."""
    match value:
        case str():
            return MARK.sub("…", value)
        case dict():
            return {key: unmarked(each) for key, each in value.items()}
        case list() | tuple():
            return [unmarked(each) for each in value]
        case _:
            return value


def said_all(value: Any, register: Register, language: str) -> Any:
    """Say names in every text within plain JSON, as far as they may be said."""
    match value:
        case str():
            return register.said(value, language)
        case dict():
            return {key: said_all(each, register, language) for key, each in value.items()}
        case list() | tuple():
            return [said_all(each, register, language) for each in value]
        case _:
            return value


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
    for known in _rows(session):
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


def find_name(session: Session, number: int) -> ProtectedName:
    """Find one by its number.

    Raises:
        NoSuchName: there is none.
    """
    row = session.get(ProtectedName, number)
    if row is None:
        raise NoSuchName(number=number)
    return row
