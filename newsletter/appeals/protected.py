"""Protected names as they are stored: sealed with a key that is not in the database."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import ForeignKey, LargeBinary, String, Text, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.errors import NewsletterError
from subscribers.database import Base


class NoSuchName(NewsletterError):
    """There is no protected name {number}. `newsletter name list` shows them all."""


class ProtectedName(Base):
    """Somebody who may be named only with their consent.

    Attributes:
        sealed: `Forms`, sealed.
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


class NameSpelling(Base):
    """How a text wrote a name, where that is otherwise than the first of its `Forms`: to say it again as it was.

    Attributes:
        sealed: the words, sealed; the same words give the same bytes. Two who write them in the same moment may keep
            them twice, so that neither waits for the other.
    """

    __tablename__ = "name_spellings"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it

    id: Mapped[int] = mapped_column(primary_key=True)
    name_id: Mapped[int] = mapped_column(ForeignKey("protected_names.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, kw_only=True)
class Forms:
    """How a name is written.

    Attributes:
        names: whole names, every spelling of them.
        keep: words of them that are too common to be hidden by themselves.
    """

    names: tuple[str, ...]
    keep: tuple[str, ...] = ()


_CONTENT: Final = [b"content"]


class NameSeal:
    """Seals and opens names with AES-SIV (RFC 5297)."""

    def __init__(self, secret: bytes) -> None:
        """Take 64 bytes that last as long as the database."""
        self._cipher = AESSIV(secret)

    def seal(self, forms: Forms) -> bytes:
        """Seal how a name is written."""
        facts = {"names": forms.names, "keep": forms.keep}
        return self._cipher.encrypt(json.dumps(facts, ensure_ascii=False).encode(), None)

    def open(self, sealed: bytes) -> Forms:
        """Open it again."""
        facts = json.loads(self._cipher.decrypt(sealed, None))
        return Forms(names=tuple(facts["names"]), keep=tuple(facts["keep"]))

    def shut(self, content: bytes) -> bytes:
        """Seal anything that may say names; the same content gives the same bytes."""
        return self._cipher.encrypt(content, _CONTENT)

    def opened(self, sealed: bytes) -> bytes:
        """Open it again."""
        return self._cipher.decrypt(sealed, _CONTENT)


@dataclass(frozen=True, kw_only=True)
class SpellingBook:
    """Keeps how names were written.

    Attributes:
        session: a writing transaction.
        seal: seals it.
    """

    session: Session
    seal: NameSeal

    def number(self, name: int, words: str) -> int:
        """Give the number of a spelling; it is kept if it is new."""
        sealed = self.seal.shut(words.encode())
        known = select(NameSpelling.id).where(NameSpelling.name_id == name, NameSpelling.sealed == sealed)
        found = self.session.scalars(known.limit(1)).first()
        if found is not None:
            return found
        new = insert(NameSpelling).values(name_id=name, sealed=sealed).returning(NameSpelling.id)
        return self.session.scalars(new).one()


def find_name(session: Session, number: int) -> ProtectedName:
    """Find one by its number.

    Raises:
        NoSuchName: there is none.
    """
    row = session.get(ProtectedName, number)
    if row is None:
        raise NoSuchName(number=number)
    return row
