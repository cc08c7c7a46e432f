"""An edition made ready once for all its readers: bytes of the wire, with places for what is one person's alone.

Everything is settled here that would otherwise be done for each mail: encodings, line lengths, line ends, doubled
dots. What is left for a mail is to encode some short values and to join.
"""

import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Protocol

from newsletter.editions.message import (
    HEADERS,
    Composed,
    Personal,
    Sender,
    boundary,
    encoding_for,
    personal_headers,
    personal_names,
    shared_headers,
    wire_lines,
)
from newsletter.editions.slots import Slot, SlotUnfilled, mark, pieces

LINE_BYTES = 57  # make 76 characters of base64 (RFC 2045 6.8)
MAX_QUOTED = 75  # characters of quoted-printable on a line, for an '=' to follow (RFC 2045 6.7)
END = b".\r\n"  # of every message (RFC 5321 4.1.1.4)
# A link or a greeting, mostly: nothing in it is quoted, escaped or folded, and no dot at its start is doubled.
_NEEDS_NOTHING = re.compile(r"[!#$%(-\-/-;?-~][ !#$%(-;?-~]*")
_BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")

Values = Mapping[Slot, str]


class Signer(Protocol):
    """Signs a message; see `newsletter.delivery.dkim`."""

    def sign(self, headers: Sequence[tuple[str, str]], body: bytes, *, at: int) -> bytes:
        """Give a header field, with its CRLF, for these headers and this body."""


class Segment(Protocol):
    """A stretch of a body that depends on the reader; it begins a line."""

    def bytes_for(self, values: Values) -> bytes:
        """Write it for one reader."""


def prepare(edition: Composed, sender: Sender, *, date: datetime, signed: bool = False) -> tuple["Frame", "Places"]:
    """Settle everything about an edition that does not depend on the reader.

    Args:
        edition: what the group gets.
        sender: who it comes from.
        date: the mailing's launch.
        signed: whether each mail is going to be signed.
    """
    content_type, segments = _body(edition)
    shared, personal = shared_headers(edition, sender, date=date), personal_names(edition)
    head = _head(shared, personal, content_type)
    frame: Frame
    if signed:
        # Signatures are made over the message as it is; only what is not signed has its dots doubled beforehand.
        frame = SignedFrame(head, segments, shared, personal, content_type, at=int(date.timestamp()))
    else:
        body = [_stuffed(one) if isinstance(one, bytes) else one for one in segments]
        frame = PlainFrame([*head, *body, END])
    open_segments = [one for one in segments if not isinstance(one, bytes)]
    return frame, Places(edition.language, sender, open_segments, signed=signed)


class Places:
    """What is open in an edition. It stays with whoever writes letters; the rest of the edition is its `Frame`."""

    def __init__(self, language: str, sender: Sender, segments: Sequence[Segment], *, signed: bool) -> None:
        """Take what `prepare` found."""
        self.language = language
        self._sender = sender
        self._segments = segments
        self._signed = signed

    def values(self, person: Personal) -> list[bytes]:
        """Write what is one reader's alone, for each place in the order of the mail: headers, then the body."""
        headers = [value.encode() for value in personal_headers(self._sender, person).values()]
        segments = [one.bytes_for(person.slots) for one in self._segments]
        return [*headers, *(segments if self._signed else map(_stuffed, segments))]


class Frame(Protocol):
    """An edition's bytes, with places for what is one reader's alone. It goes from one process to another."""

    def fill(self, values: Sequence[bytes], signers: Sequence[Signer]) -> bytes:
        """Write the mail for one reader, as it goes over the wire: dots doubled, the final dot at its end.

        Parsed, it is what `build_message` gives.

        Args:
            values: as `Places.values` gives them.
            signers: who signs it, if it was prepared for that.
        """


class PlainFrame:
    """The frame of mails that are not signed here."""

    def __init__(self, pieces: Iterable[object]) -> None:
        """Take the mail's pieces; what is no bytes is a place."""
        self._mail = _with_places(pieces)

    def fill(self, values: Sequence[bytes], signers: Sequence[Signer]) -> bytes:
        """See `Frame.fill`."""
        if signers:
            raise AssertionError("prepared to go out unsigned")
        return _filled(self._mail, values)


class SignedFrame:
    """The frame of mails that are signed here."""

    def __init__(
        self,
        head: Iterable[object],
        body: Iterable[object],
        shared: Mapping[str, str],
        personal: Sequence[str],
        content_type: Sequence[tuple[str, str]],
        *,
        at: int,
    ) -> None:
        """Take the pieces of head and body, the header fields that all mails share and the names of those that are
        personal, and when mails are signed.
        """
        self._head, self._body = _with_places(head), _with_places(body)
        self._shared = shared
        self._personal = personal
        self._content_type = content_type
        self._at = at

    def fill(self, values: Sequence[bytes], signers: Sequence[Signer]) -> bytes:
        """See `Frame.fill`."""
        if not signers:
            raise AssertionError("prepared to be signed")
        own, rest = values[: len(self._personal)], values[len(self._personal) :]
        body = _filled(self._body, rest)
        every = {**self._shared, **dict(zip(self._personal, map(bytes.decode, own), strict=True))}
        fields = [*((name, every[name]) for name in HEADERS if name in every), *self._content_type]
        signatures = [signer.sign(fields, body, at=self._at) for signer in signers]
        return b"".join([*signatures, _filled(self._head, own), dot_stuffed(body)])


def _head(
    shared: Mapping[str, str], personal: Sequence[str], content_type: Iterable[tuple[str, str]]
) -> list[bytes | None]:
    """Give the header and the empty line after it, with None for what `personal_headers` gives, in its order."""
    lines: list[bytes | None] = []
    for name in HEADERS:
        if name in personal:
            lines += [f"{name}: ".encode(), None, b"\r\n"]
        elif name in shared:
            lines.append(f"{name}: {shared[name]}\r\n".encode())
    return [*lines, *[f"{name}: {value}\r\n".encode() for name, value in content_type], b"\r\n"]


def _with_places(pieces: Iterable[object]) -> list[bytes]:
    """Put neighbouring bytes into one: fixed, place, fixed, place, …, fixed."""
    row = [b""]
    for piece in pieces:
        if isinstance(piece, bytes):
            row[-1] += piece
        else:
            row += [b"", b""]
    return row


def _filled(row: list[bytes], values: Sequence[bytes]) -> bytes:
    row = row.copy()
    row[1::2] = values
    return b"".join(row)


def dot_stuffed(data: bytes) -> bytes:
    """Make a message's form on the wire, the final dot included (RFC 5321 4.5.2).

    Line ends that are not CRLF are mended first: a server that takes a bare LF for a line end could otherwise be
    made to see a second message in the first (SMTP smuggling).
    """
    data = _BARE_LINE_END.sub(b"\r\n", data)
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    return _stuffed(data) + END


def _stuffed(data: bytes) -> bytes:
    """Double the dots at the starts of lines; the data itself starts one."""
    if data[:1] == b".":
        data = b"." + data
    return data.replace(b"\r\n.", b"\r\n..") if b"\r\n." in data else data


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _body(edition: Composed) -> tuple[list[tuple[str, str]], list[bytes | Segment]]:
    """Give the headers that describe the body, and the body in segments that each begin a line."""
    text = _part(edition.text, html=False)
    if edition.html is None:
        encoding = encoding_for(edition.text)
        return [("Content-Type", 'text/plain; charset="utf-8"'), ("Content-Transfer-Encoding", encoding)], text
    between = boundary(edition)
    segments: list[bytes | Segment] = []
    for subtype, template, part in (
        ("plain", edition.text, text),
        ("html", edition.html, _part(edition.html, html=True)),
    ):
        segments.append(
            f'--{between}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\n'
            f"Content-Transfer-Encoding: {encoding_for(template)}\r\n\r\n".encode()
        )
        segments += part
        segments.append(b"\r\n")  # belongs to the boundary (RFC 2046 5.1.1)
    segments.append(f"--{between}--\r\n".encode())
    return [("Content-Type", f'multipart/alternative; boundary="{between}"')], segments


def _part(template: str, *, html: bool) -> list[bytes | Segment]:
    if encoding_for(template) == "base64":
        return [_Base64.of(template, html=html)]
    return [
        _Quoted(piece, html) if isinstance(piece, Slot) else _quoted(wire_lines(piece)) for piece in pieces(template)
    ]


def _value(slot: Slot, values: Values, *, html: bool) -> bytes:
    if slot not in values:
        raise SlotUnfilled(mark=mark(slot))
    value = " ".join(values[slot].split())
    return (escape(value) if html else value).encode()


@dataclass(frozen=True, slots=True)
class _Quoted:
    """A slot in a quoted-printable part: on lines of its own, with a soft line break at its end."""

    slot: Slot
    html: bool

    def bytes_for(self, values: Values) -> bytes:
        value = values.get(self.slot)
        if value and len(value) <= MAX_QUOTED and _NEEDS_NOTHING.fullmatch(value) and not _has_odd_space(value):
            return value.encode() + b"=\r\n"
        return _quoted(_value(self.slot, values, html=self.html))


def _has_odd_space(value: str) -> bool:
    return "  " in value or value[-1] == " "


def _quoted(data: bytes) -> bytes:
    """Encode whole lines of quoted-printable (RFC 2045 6.7); where the data's last one is open, its end is soft.

    The data begins a line on the wire; so does whatever follows it.
    """
    quoted = binascii.b2a_qp(data, istext=True)
    if b"\n" in quoted:
        quoted = quoted.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if quoted.endswith(b"\r\n") or not quoted:
        return quoted
    if len(quoted) - (quoted.rfind(b"\n") + 1) > MAX_QUOTED:
        cut = len(quoted) - 3
        while b"=" in quoted[cut - 2 : cut]:  # never within '=XX'
            cut -= 1
        quoted = b"%b=\r\n%b" % (quoted[:cut], quoted[cut:])
    return quoted + b"=\r\n"


@dataclass(frozen=True, slots=True)
class _Base64:
    """A base64 part with its slots.

    Base64 writes three bytes at a time, so what follows a slot is written differently for each length that the slot
    can have, modulo three: all three ways are kept, and only what touches a slot is encoded for each mail.

    Attributes:
        first: lines before the first slot, and the one or two bytes that did not make a group of three.
        rest: for each slot, the slot and the text after it.
        html: whether values are escaped.
    """

    first: tuple[bytes, bytes]
    rest: tuple[tuple[Slot, "_Stretch"], ...]
    html: bool

    @classmethod
    def of(cls, template: str, *, html: bool) -> "_Base64":
        cut = pieces(template)
        slots = [piece for piece in cut if isinstance(piece, Slot)]
        texts = [wire_lines(piece) for piece in cut if not isinstance(piece, Slot)]
        return cls(
            first=_groups(texts[0]),
            rest=tuple((slot, _Stretch.of(text)) for slot, text in zip(slots, texts[1:], strict=True)),
            html=html,
        )

    def bytes_for(self, values: Values) -> bytes:
        lines, open_bytes = self.first
        out = [lines]
        for slot, stretch in self.rest:
            joint = open_bytes + _value(slot, values, html=self.html)
            missing = -len(joint) % 3
            if len(stretch.text) < missing:
                open_bytes = joint + stretch.text
                continue
            out.append(_lines(joint + stretch.text[:missing]))
            lines, open_bytes = stretch.after[missing]
            out.append(lines)
        out.append(_lines(open_bytes))
        return b"".join(out)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The text after a slot, and how it is written if its first none, one or two bytes are gone already."""

    text: bytes
    after: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def of(cls, text: bytes) -> "_Stretch":
        return cls(text, tuple(_groups(text[gone:]) for gone in range(3)))


def _groups(text: bytes) -> tuple[bytes, bytes]:
    whole = len(text) - len(text) % 3
    return _lines(text[:whole]), text[whole:]


def _lines(data: bytes) -> bytes:
    """Encode base64 in whole lines."""
    return b"".join(
        binascii.b2a_base64(data[start : start + LINE_BYTES], newline=False) + b"\r\n"
        for start in range(0, len(data), LINE_BYTES)
    )
