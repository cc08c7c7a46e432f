"""From an edition and a person to one MIME message."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple

from newsletter.editions.headers import mailbox, unstructured
from newsletter.editions.slots import Slot, fill

# Long header values stay on one line: Gmail hides its unsubscribe button when List-Unsubscribe is folded into
# encoded words, as the default policy does. What is folded here was folded by `headers`.
POLICY = SMTP.clone(max_line_length=998, refold_source="none")
MAX_LOCAL_PART = 64
LONGEST = 90_000  # bytes of a mail's HTML, or text where it is text alone: Gmail cuts what is over 102 kB


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who a mailing comes from, as its headers say.

    Attributes:
        name, address: the From; the address as on the wire.
        bounce_address: the envelope sender (MAIL FROM).
        unsubscribe_address: where a mail goes that asks to be taken off.
        list_id: List-Id's identifier (RFC 2919).
        list_name: the words before it.
    """

    name: str
    address: str
    bounce_address: str
    unsubscribe_address: str
    list_id: str
    list_name: str


@dataclass(frozen=True, kw_only=True)
class Composed:
    """An edition put together from its parts; only slots are still open.

    Attributes:
        language: BCP 47 tag, for Content-Language.
        subject: one line.
        text: the text part, with slots.
        html: the HTML part, with slots; None for text alone.
        campaign: a word that names the mailing in Feedback-ID; empty means none.
        sender_name: in place of the sender's own, for discreet readers; empty means that.
        service: whether it is about one thing that its reader asked for, and no list's mail with a way out.
    """

    language: str
    subject: str
    text: str
    html: str | None
    campaign: str = ""
    sender_name: str = ""
    service: bool = False


class Personal(NamedTuple):
    """What is one person's alone in a mail.

    Attributes:
        name: as the person gave it, or empty.
        address: as on the wire.
        message_id: with its angle brackets.
        unsubscribe_token: opens the one-click address and stands in the mail's own way out; empty in service mails.
        slots: a value for each slot of the edition.
    """

    name: str
    address: str
    message_id: str
    unsubscribe_token: str
    slots: Mapping[Slot, str]


def build_message(edition: Composed, sender: Sender, person: Personal, *, date: datetime) -> EmailMessage:
    """Build the whole message: the same arguments give the same bytes.

    The worker sends what `prepared` makes of the same parts many times faster; this is what it is held against.

    Args:
        edition: what the group gets.
        sender: who it comes from.
        person: who it goes to.
        date: the mailing's launch, so that a second attempt is the same mail.

    Returns:
        A message with List-Unsubscribe and List-Unsubscribe-Post (RFC 2369, RFC 8058) and List-Id (RFC 2919), if it is
        a list's; and lines within RFC 5321's limits.
    """
    message = EmailMessage(policy=POLICY)
    headers = shared_headers(edition, sender, date=date) | personal_headers(sender, person)
    for name in HEADERS:
        if name in headers:
            # set_raw stores the value as it is: anything else would fold and encode it a second time.
            message.set_raw(name, headers[name])
    text = fill(edition.text, person.slots, html=False)
    if edition.html is None:
        _settle(message, "plain", text, encoding_for(edition.text))
        return message
    html = fill(edition.html, person.slots, html=True)
    message.set_raw("Content-Type", f'multipart/alternative; boundary="{boundary(edition)}"')
    for subtype, content, encoding in (
        ("plain", text, encoding_for(edition.text)),
        ("html", html, encoding_for(edition.html)),
    ):
        part = EmailMessage(policy=POLICY)
        _settle(part, subtype, content, encoding)
        message.attach(part)
    return message


def message_bytes(message: EmailMessage) -> bytes:
    """Flatten for the wire, with CRLF line ends.

    Headers are ASCII but for an address that can't be (RFC 6532).
    """
    ascii_only = all(str(value).isascii() for _name, value in message.raw_items())
    return message.as_bytes(policy=POLICY if ascii_only else POLICY.clone(utf8=True))


# In this order they go out; Content-Type follows.
HEADERS = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "Auto-Submitted",
    "Content-Language",
    "MIME-Version",
)

_WAY_OUT = Slot.UNSUBSCRIBE_URL  # looked up once: an enum's members are not quick to get at
PERSONAL = ("To", "Message-ID", "List-Unsubscribe")  # in the order of `HEADERS`; the others are shared


def personal_names(edition: Composed) -> tuple[str, ...]:
    """Name the headers that are one reader's alone, in the order of `personal_headers`."""
    return PERSONAL[:-1] if edition.service else PERSONAL


def shared_headers(edition: Composed, sender: Sender, *, date: datetime) -> dict[str, str]:
    """Give the headers that all readers of an edition have in common, as they go on the wire."""
    headers = {
        "From": mailbox(edition.sender_name or sender.name, sender.address),
        "Subject": unstructured(edition.subject, name="Subject"),
        "Date": format_datetime(date),
        "Auto-Submitted": "auto-generated",
        "Content-Language": edition.language,
        "MIME-Version": "1.0",
    }
    if not edition.service:
        named = sender.list_name and not edition.sender_name
        headers["List-Id"] = mailbox(sender.list_name, sender.list_id) if named else f"<{sender.list_id}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if edition.campaign:
        # Tells a mailbox provider which mailing and sender complaints are about, and nothing about the reader.
        headers["Feedback-ID"] = f"{edition.campaign}:{sender.list_id}"
    return headers


def personal_headers(sender: Sender, person: Personal) -> dict[str, str]:
    """Give the headers that are one reader's alone, as they go on the wire."""
    headers = {"To": mailbox(person.name, person.address), "Message-ID": person.message_id}
    if not person.unsubscribe_token:
        return headers
    url = person.slots[_WAY_OUT]
    # The token is base64url: nothing in it needs quoting.
    by_mail = f"mailto:{sender.unsubscribe_address}?subject=unsubscribe%20{person.unsubscribe_token}"
    headers["List-Unsubscribe"] = f"<{url}>, <{by_mail}>"
    return headers


def encoding_for(template: str) -> str:
    """Choose the transfer encoding (RFC 2045 6) that is shorter for a part, whoever reads it."""
    data = wire_lines(template)
    return "quoted-printable" if len(binascii.b2a_qp(data, istext=True)) <= len(data) * 78 // 57 else "base64"


def wire_lines(text: str) -> bytes:
    """Encode text with CRLF line ends."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def boundary(edition: Composed) -> str:
    """Give what stands between the parts; fixed for an edition.

    Neither quoted-printable nor base64 can hold '=_'; RFC 2045 6.7 recommends it so.
    """
    digest = hashlib.sha256(f"{edition.text}\0{edition.html}".encode()).hexdigest()
    return f"=_{digest[:24]}"


def _settle(part: EmailMessage, subtype: str, content: str, encoding: str) -> None:
    part.set_raw("Content-Type", f'text/{subtype}; charset="utf-8"')
    part.set_raw("Content-Transfer-Encoding", encoding)
    data = wire_lines(content)
    if encoding == "quoted-printable":
        payload = binascii.b2a_qp(data, istext=True)
    else:
        payload = base64.encodebytes(data).replace(b"\n", b"\r\n")
    part.set_payload(payload.decode("ascii"))
