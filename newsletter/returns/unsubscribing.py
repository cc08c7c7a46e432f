"""Leaving by mail: what a mail program sends to the `mailto:` of List-Unsubscribe (RFC 2369 3.2)."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.policy import compat32
from enum import StrEnum

from sqlalchemy.orm import Session

from subscribers.leaving import leave_by_link
from subscribers.standing import find_leaver
from subscribers.suppression import SuppressionList
from subscribers.tokens import InvalidToken, Purpose, Tokens

MAX_HEADER_BYTES = 65_536  # of a mail's header; the rest of it is not looked at
MAX_SUBJECT = 1_000  # characters
SOURCE = "unsubscribe mail"
# As our headers write it; mail programs put words before it, and fold lines.
_WORD = re.compile(r"\bunsubscribe\b", re.IGNORECASE)
_REQUEST = re.compile(r"\bunsubscribe\s+([A-Za-z0-9_-]{36})(?![A-Za-z0-9_-])", re.IGNORECASE)


class Heard(StrEnum):
    """What a mail came to."""

    LEFT = "left"
    ALREADY = "already"  # they had left before
    UNMARKED = "unmarked"  # it may ask for that, without the mark that says for whom: a person has to look
    NO_REQUEST = "no_request"  # it asks for nothing that we know of


def may_ask(data: bytes) -> bool:
    """Say whether a mail's subject speaks of leaving, in English as mail programs write it, without our mark."""
    return _WORD.search(_subject(data)) is not None


def requested(data: bytes) -> list[str]:
    """Give the tokens that a mail's subject names: whoever holds one may take that person off, whatever the sender.

    Args:
        data: the mail as it came. Anything may come.
    """
    return _REQUEST.findall(_subject(data))


def unsubscribe_by_mail(
    session: Session, asked: Sequence[str], *, tokens: Tokens, suppression: SuppressionList, now: datetime
) -> Heard:
    """Do as a mail asks.

    Args:
        session: a writing transaction.
        asked: what `requested` found in it.
        tokens: what seals them.
        suppression: as for `leave_by_link`.
        now: the moment.
    """
    heard = Heard.NO_REQUEST
    for token in asked:
        try:
            person = find_leaver(session, tokens.read(Purpose.UNSUBSCRIBE, token))
        except InvalidToken:
            continue
        if leave_by_link(session, person, suppression=suppression, source=SOURCE, now=now):
            return Heard.LEFT
        heard = Heard.ALREADY
    return heard


def _subject(data: bytes) -> str:
    """Give a mail's subject on one line; empty where it can't be read."""
    try:
        mail = BytesHeaderParser(policy=compat32).parsebytes(data[:MAX_HEADER_BYTES])
        raw = str(mail.get("Subject", ""))[:MAX_SUBJECT]
        return " ".join(str(make_header(decode_header(raw))).split())
    except (ValueError, LookupError, HeaderParseError):  # an encoded word that is none
        return ""
