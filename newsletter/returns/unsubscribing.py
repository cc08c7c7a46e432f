"""Leaving by mail: what a mail program sends to the `mailto:` of List-Unsubscribe (RFC 2369 3.2)."""

import re
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from enum import StrEnum

from sqlalchemy.orm import Session

from subscribers.leaving import leave
from subscribers.standing import find_leaver
from subscribers.tokens import InvalidToken, Purpose, Tokens

MAX_BYTES = 1_000_000  # of a mail that is looked at; a request needs a few hundred
SOURCE = "unsubscribe mail"
# As our headers write it; mail programs put words before it, and fold lines.
_REQUEST = re.compile(r"\bunsubscribe\s+([A-Za-z0-9_-]{36})(?![A-Za-z0-9_-])", re.IGNORECASE)


class Heard(StrEnum):
    """What a mail came to."""

    LEFT = "left"
    ALREADY = "already"  # they had left before
    NO_REQUEST = "no_request"  # it asks for nothing that we know of


def requested(data: bytes) -> list[str]:
    """Give the tokens that a mail's subject names: whoever holds one may take that person off, whatever the sender.

    Args:
        data: the mail as it came. Anything may come.
    """
    try:
        mail = message_from_bytes(data[:MAX_BYTES], policy=default)
        subject = " ".join(str(mail.get("Subject", "")).split())
    except (ValueError, LookupError, IndexError, AttributeError, TypeError):  # what the parser stumbles over
        return []
    return _REQUEST.findall(subject)


def unsubscribe_by_mail(session: Session, data: bytes, *, tokens: Tokens, now: datetime) -> Heard:
    """Do as a mail asks.

    Args:
        session: a writing transaction.
        data: the mail as it came.
        tokens: what seals them.
        now: the moment.
    """
    heard = Heard.NO_REQUEST
    for token in requested(data):
        try:
            person = find_leaver(session, tokens.read(Purpose.UNSUBSCRIBE, token))
        except InvalidToken:
            continue
        if leave(session, person.id, source=SOURCE, now=now):
            return Heard.LEFT
        heard = Heard.ALREADY
    return heard
