"""From an edition and a person to one MIME message."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import quote

from newsletter.editions.headers import mailbox, unstructured
from newsletter.editions.slots import Slot, fill

# Long header values stay on one line: Gmail hides its unsubscribe button when List-Unsubscribe is folded into
# encoded words, as the default policy does. What is folded here was folded by `headers`.
POLICY = SMTP.clone(max_line_length=998, refold_source="none")
MAX_LOCAL_PART = 64


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
    """

    language: str
    subject: str
    text: str
    html: str | None


@dataclass(frozen=True, kw_only=True)
class Personal:
    """What is one person's alone in a mail.

    Attributes:
        name: as the person gave it, or empty.
        address: as on the wire.
        message_id: with its angle brackets.
        unsubscribe_token: opens the one-click address and stands in the mail's own way out.
        slots: a value for each slot of the edition.
    """

    name: str
    address: str
    message_id: str
    unsubscribe_token: str
    slots: Mapping[Slot, str]


def build_message(edition: Composed, sender: Sender, person: Personal, *, date: datetime) -> EmailMessage:
    """Build the whole message: the same arguments give the same bytes.

    Args:
        edition: what the group gets.
        sender: who it comes from.
        person: who it goes to.
        date: the mailing's launch, so that a second attempt is the same mail.

    Returns:
        A message with List-Unsubscribe and List-Unsubscribe-Post (RFC 2369, RFC 8058), List-Id (RFC 2919), and
        lines within RFC 5321's limits.
    """
    message = EmailMessage(policy=POLICY)
    url = person.slots[Slot.UNSUBSCRIBE_URL]
    by_mail = f"mailto:{sender.unsubscribe_address}?subject={quote(f'unsubscribe {person.unsubscribe_token}')}"
    headers = {
        "From": mailbox(sender.name, sender.address),
        "To": mailbox(person.name, person.address),
        "Subject": unstructured(edition.subject, name="Subject"),
        "Date": format_datetime(date),
        "Message-ID": person.message_id,
        "List-Id": mailbox(sender.list_name, sender.list_id) if sender.list_name else f"<{sender.list_id}>",
        "List-Unsubscribe": f"<{url}>, <{by_mail}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "Content-Language": edition.language,
        "MIME-Version": "1.0",
    }
    for name, value in headers.items():
        # set_raw stores the value as it is: anything else would fold and encode it a second time.
        message.set_raw(name, value)
    text = fill(edition.text, person.slots, html=False)
    if edition.html is None:
        _settle(message, "plain", text)
        return message
    html = fill(edition.html, person.slots, html=True)
    message.set_raw("Content-Type", f'multipart/alternative; boundary="{_boundary(person.message_id)}"')
    for subtype, content in (("plain", text), ("html", html)):
        part = EmailMessage(policy=POLICY)
        _settle(part, subtype, content)
        message.attach(part)
    return message


def message_bytes(message: EmailMessage) -> bytes:
    """Flatten for the wire, with CRLF line ends.

    Headers are ASCII but for an address that can't be (RFC 6532).
    """
    ascii_only = all(str(value).isascii() for _name, value in message.raw_items())
    return message.as_bytes(policy=POLICY if ascii_only else POLICY.clone(utf8=True))


def _settle(part: EmailMessage, subtype: str, content: str) -> None:
    part.set_raw("Content-Type", f'text/{subtype}; charset="utf-8"')
    data = content.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    quoted = binascii.b2a_qp(data, istext=True)
    in_base64 = base64.encodebytes(data).replace(b"\n", b"\r\n")
    encoding, payload = ("quoted-printable", quoted) if len(quoted) <= len(in_base64) else ("base64", in_base64)
    part.set_raw("Content-Transfer-Encoding", encoding)
    part.set_payload(payload.decode("ascii"))


def _boundary(message_id: str) -> str:
    # Neither quoted-printable nor base64 can hold '=_' followed by these; RFC 2045 6.7 recommends it so.
    return f"=_{message_id.strip('<>').partition('@')[0]}"
