"""A mail on its way to the wire: first a letter, which is one reader's part of it; then the whole, in its envelope.

The bookkeeper writes letters, beside the lines, where there is time for it; around each the worker puts what all
readers of its edition have in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from newsletter.delivery.claimed import Hold, Launched
from newsletter.editions.prepared import Frame, Signer


class Letter(NamedTuple):
    """One delivery that this worker, and no other, is to hand over now: to whom, and what is that reader's alone.

    Attributes:
        hold: which claim it is.
        mailing: what it is part of.
        edition_id: which edition goes around it.
        sender: MAIL FROM.
        recipient: RCPT TO; the domain in ASCII.
        domain: where that leads, in small letters.
        smtputf8: whether the server must offer SMTPUTF8 (RFC 6531).
        values: what fills the edition's places; see `Places.values`.
    """

    hold: Hold
    mailing: Launched
    edition_id: int
    sender: str
    recipient: str
    domain: str
    smtputf8: bool
    values: Sequence[bytes]

    def __reduce__(self) -> tuple[Any, ...]:
        """Go from one process to another, as a plain tuple does: quickly."""
        return Letter, tuple(self)


class Envelope(NamedTuple):
    """One mail, ready for the wire.

    Attributes:
        letter: whose it is.
        data: the message as it goes over the wire: CRLF line ends, dots doubled, the final dot at its end.
    """

    letter: Letter
    data: bytes

    @property
    def recipient(self) -> str:
        """RCPT TO."""
        return self.letter.recipient


class Mailroom:
    """Makes whole mails of letters."""

    def __init__(self, signers: Sequence[Signer] = ()) -> None:
        """Take who signs."""
        self._signers = signers
        self._frames: dict[int, Frame] = {}

    def learn(self, frames: Mapping[int, Frame], dropped: Iterable[int] = ()) -> None:
        """Take editions, and forget those that are needed no longer."""
        self._frames.update(frames)
        for number in dropped:
            del self._frames[number]

    def envelope(self, letter: Letter) -> Envelope:
        """Make one mail."""
        return Envelope(letter, self._frames[letter.edition_id].fill(letter.values, self._signers))
