"""What a link in a mail carries: who it is for and what it may do, sealed."""

import base64
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from subscribers.errors import SubscribersError
from subscribers.keys import Keys

_FACTS = struct.Struct(">QH")  # subscriber id, token epoch
_SPELLING = re.compile(r"[A-Za-z0-9_-]{36}")  # base64's decoder would also take `+`, `/` and any number of `=`


class Purpose(StrEnum):
    """What a token opens. A token for one purpose is worthless for another."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    CONFIRM = "confirm"  # a sign-up
    DECLINE = "decline"  # a sign-up: this was not me
    MOVE = "move"  # to a new address


class InvalidToken(SubscribersError):
    """This link is not valid. It may have been cut in two by your mail program: try the link in the mail again."""


@dataclass(frozen=True)
class Claim:
    """What a valid token says.

    Attributes:
        subscriber_id: who it was made for.
        epoch: that subscriber's `token_epoch` when it was made; lower than now means revoked.
    """

    subscriber_id: int
    epoch: int


class Tokens:
    """Seals and opens tokens with AES-SIV (RFC 5297).

    Deterministic, so that one person's link is the same in every attempt at a mail; encrypted, so that a link
    tells nobody a subscriber's number or how many there are; opened in constant time by the library. The purpose
    is authenticated with it. Layout: key id (1 byte), tag (16), facts (10); in base64url these
    27 bytes are 36 characters without padding.
    """

    def __init__(self, keys: Keys, *, news: Callable[[], Keys | None] = lambda: None) -> None:
        """Take the keys; old ones open, the current one seals.

        Args:
            keys: as the file has them now.
            news: gives them afresh if they have changed since; asked when a token names a key that is not known.
        """
        self._news = news
        self._take(keys)

    def refresh(self) -> None:
        """Take fresh keys, if there are any: for processes that only seal."""
        if (keys := self._news()) is not None:
            self._take(keys)

    def _take(self, keys: Keys) -> None:
        self._ciphers = {key_id: AESSIV(key) for key_id, key in keys.tokens.items()}
        key_id = bytes([keys.current])
        self._key_id = key_id
        self._seal = self._ciphers[keys.current].encrypt
        self._about = {purpose: [key_id, purpose.encode()] for purpose in Purpose}

    def issue(self, purpose: Purpose, *, subscriber_id: int, epoch: int) -> str:
        """Make the token for one subscriber and one purpose."""
        sealed = self._seal(_FACTS.pack(subscriber_id, epoch), self._about[purpose])
        return base64.urlsafe_b64encode(self._key_id + sealed).decode()

    def read(self, purpose: Purpose, token: str) -> Claim:
        """Open a token.

        Raises:
            InvalidToken: forged, cut, made for another purpose, or with a key that is gone.
        """
        return Claim(*self._open(token, purpose.encode()))

    def issue_errand(self, purpose: Purpose, errand: int) -> str:
        """Make the token that confirms one thing somebody asked for: a sign-up, or a change of address.

        Args:
            purpose: `CONFIRM`, `DECLINE` or `MOVE`.
            errand: its number.
        """
        return self.issue(purpose, subscriber_id=errand, epoch=0)

    def read_errand(self, purpose: Purpose, token: str) -> int:
        """Give the number that a token of `issue_errand` was made for.

        Raises:
            InvalidToken: as `read`.
        """
        return self.read(purpose, token).subscriber_id

    def issue_form(self, page: str, *, at: datetime) -> str:
        """Make the mark of a form: that we wrote it, for which page, and when.

        A form without it was not read by whoever sends it: it was sent by somebody else's page (CSRF), or by a machine.

        Args:
            page: the form's own address, so that its mark is worthless on any other.
            at: when it was written.
        """
        sealed = self._seal(_FACTS.pack(int(at.timestamp()), 0), [self._key_id, b"form", page.encode()])
        return base64.urlsafe_b64encode(self._key_id + sealed).decode()

    def read_form(self, page: str, mark: str) -> datetime:
        """Give when the form with this mark was written.

        Raises:
            InvalidToken: we did not write it, or not for this page.
        """
        seconds, _none = self._open(mark, b"form", page.encode())
        return datetime.fromtimestamp(seconds, UTC)

    def _open(self, token: str, *about: bytes) -> tuple[int, int]:
        if not _SPELLING.fullmatch(token):
            raise InvalidToken
        raw = base64.urlsafe_b64decode(token)
        if raw[0] not in self._ciphers:
            self.refresh()  # somebody has rotated them: another process seals with the fresh one already
        try:
            first, second = _FACTS.unpack(self._ciphers[raw[0]].decrypt(raw[1:], [raw[:1], *about]))
        except (KeyError, InvalidTag):
            raise InvalidToken from None
        return first, second
