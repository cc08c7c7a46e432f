"""What people send with our forms: bounded in size and time, read once, marked as ours."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from fastapi import Request

from newsletter.errors import NewsletterError
from subscribers.tokens import InvalidToken, Tokens

MARK = "form"  # the field that holds the mark
URLENCODED = "application/x-www-form-urlencoded"
MAX_BYTES = 64 * 1024
MAX_FIELDS = 1_000
BODY_S = 20.0  # for all of a body
LIFE = timedelta(days=1)  # of a form that lies open in a browser
SKEW = timedelta(minutes=5)  # between the clocks of two machines, one of which wrote it


class FormWrong(NewsletterError):
    """This form can't be read: {reason}. Go back, load the page afresh and try again."""


class FormTooLarge(NewsletterError):
    """This form is larger than any of ours."""


class FormExpired(NewsletterError):
    """This page was open for too long, or it is not ours. Load it afresh and try again; nothing was changed."""


class Posted:
    """The fields of a form, as text."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Take each field's values in the order in which they came."""
        self._fields = fields

    def one(self, name: str) -> str:
        """Give a field that stands there once at the most; empty where it does not.

        Raises:
            FormWrong: it stands there twice, which no page of ours does.
        """
        values = self._fields.get(name, ())
        if len(values) > 1:
            raise FormWrong(reason=f"{name!r:.40} is there more than once")
        return values[0] if values else ""

    def many(self, name: str) -> tuple[str, ...]:
        """Give all values of a field, each once."""
        return tuple(dict.fromkeys(self._fields.get(name, ())))

    def has(self, name: str) -> bool:
        """Say whether a field is there: a box that is ticked, a button that was pressed."""
        return name in self._fields


async def posted(request: Request) -> Posted:
    """Read a form; for FastAPI's `Depends`.

    Raises:
        FormTooLarge: it has more than 64 KiB; what follows is not read.
        FormWrong: it is of another kind, is not UTF-8, has too many fields, or does not come to its end.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != URLENCODED:
        raise FormWrong(reason="it was sent in another way than ours are")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise FormTooLarge
    except TimeoutError:
        raise FormWrong(reason="it did not come to its end") from None
    try:
        fields = parse_qs(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding="utf-8", errors="strict"
        )
    except ValueError:  # also: no UTF-8
        raise FormWrong(reason="it is no text, or has too many fields") from None
    return Posted({name: [_clean(value) for value in values] for name, values in fields.items()})


def check_mark(tokens: Tokens, page: str, form: Posted, *, now: datetime) -> datetime:
    """Check that we wrote this form, for this page and not long ago; gives when.

    Args:
        tokens: what sealed its mark.
        page: the address of the page.
        form: what came.
        now: the moment.

    Raises:
        FormExpired: we did not, or too long ago.
    """
    try:
        written = tokens.read_form(page, form.one(MARK))
    except InvalidToken:
        raise FormExpired from None
    if not now - LIFE <= written <= now + SKEW:
        raise FormExpired
    return written


def _clean(value: str) -> str:
    return value.replace("\0", "").replace("\r\n", "\n")
