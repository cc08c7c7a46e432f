"""Marks that hold a place in a template until the value is known: for one person, or for one edition."""

import re
from collections.abc import Mapping
from enum import StrEnum
from html import escape
from typing import TypeVar

from newsletter.errors import NewsletterError


class Slot(StrEnum):
    """A place for what is personal; filled once a delivery."""

    GREETING = "greeting"
    UNSUBSCRIBE_URL = "unsubscribe_url"
    PREFERENCES_URL = "preferences_url"
    CONFIRM_URL = "confirm_url"  # in service mails alone, as the next one
    DECLINE_URL = "decline_url"


class Insert(StrEnum):
    """A place in the shell for what one edition says; filled once an edition."""

    PREHEADER = "preheader"
    INTRO = "intro"
    CARDS = "cards"
    MORE = "more"


class SlotUnknown(NewsletterError):
    """A template holds the mark {mark}, which names nothing. Mend the template."""


class SlotUnfilled(NewsletterError):
    """There is no value for the mark {mark}."""


# Letters, digits and ~ . _ only: nothing that Jinja2, lxml (text or href) or a MIME body in 7bit or 8bit would change.
_SLOT = re.compile(r"~slot\.([a-z_]*)~")
_INSERT = re.compile(r"~part\.([a-z_]*)~")
_LOOK_ALIKE = re.compile(r"~(?=(?:slot|part)\.)", re.IGNORECASE)

# Controls bar tab and line feed, and what overrides the direction of the text around it (UAX #9).
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

Mark = TypeVar("Mark", Slot, Insert)


def mark(place: Slot | Insert) -> str:
    """The ASCII text that stands in a template for a value to come."""
    return f"~{'slot' if isinstance(place, Slot) else 'part'}.{place}~"


def fill(template: str, values: Mapping[Slot, str], *, html: bool) -> str:
    """Put one person's values where the slots are, in one pass: a mark inside a value stays as it is.

    Args:
        template: a finished edition; trusted, since its parts went through `clean`.
        values: one line of plain text for each slot that the template holds; white space is folded.
        html: whether values are escaped for HTML text and quoted attributes.

    Raises:
        SlotUnknown: the template holds a mark that is no slot.
        SlotUnfilled: a slot has no value.
    """
    written = []
    for piece in pieces(template):
        if isinstance(piece, Slot):
            if piece not in values:
                raise SlotUnfilled(mark=mark(piece))
            value = " ".join(values[piece].split())
            written.append(escape(value) if html else value)
        else:
            written.append(piece)
    return "".join(written)


def pieces(template: str) -> tuple[str | Slot, ...]:
    """Cut a template at its slots, so that many copies can be joined without searching it again.

    Raises:
        SlotUnknown: the template holds a mark that is no slot.
    """
    return _cut(template, _SLOT, Slot)


def insert(template: str, values: Mapping[Insert, str]) -> str:
    """Put an edition's values where the inserts are, in one pass; they are already escaped as the template needs.

    Raises:
        SlotUnknown: the template holds a mark that is no insert.
        SlotUnfilled: an insert has no value.
    """
    written = []
    for piece in _cut(template, _INSERT, Insert):
        if isinstance(piece, Insert):
            if piece not in values:
                raise SlotUnfilled(mark=mark(piece))
            written.append(values[piece])
        else:
            written.append(piece)
    return "".join(written)


def clean(text: str) -> str:
    """Make text from outside harmless to `fill` and `insert`.

    Marks lose their first tilde to U+223C, which looks the same; controls and overrides of direction go; every kind
    of line end becomes a line feed.
    """
    lines = re.sub(r"\r\n?|[\x85\u2028\u2029]", "\n", text)
    return _LOOK_ALIKE.sub("\u223c", _UNSEEN.sub("", lines))


def one_line(text: str) -> str:
    """Clean a text and fold all its white space, so that it can't start a line, a header or a paragraph of its own."""
    return " ".join(clean(text).split())


def _cut(template: str, pattern: re.Pattern[str], kind: type[Mark]) -> tuple[str | Mark, ...]:
    cut: list[str | Mark] = []
    # A pattern with one group splits into text, name, text, name, ..., text.
    for number, piece in enumerate(pattern.split(template)):
        if number % 2 == 0:
            cut.append(piece)
            continue
        try:
            cut.append(kind(piece))
        except ValueError:
            raise SlotUnknown(mark=f"{kind.__name__.lower()} '{piece}'") from None
    return tuple(cut)
