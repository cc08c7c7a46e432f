"""What an email address is here: checked once, compared by one key, sent to in one form."""

import re
from dataclasses import dataclass
from unicodedata import normalize

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES, DOMAIN_MAX_LENGTH, EMAIL_MAX_LENGTH

from subscribers.errors import SubscribersError

MAX_TYPED = 1_000  # characters; more are refused unread, for email-validator's work grows with them

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(
    # Letters, digits and `_+-` in the local part; a domain without `--` (Punycode) that ends in a letter.
    rf"([a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*)@((?!.*--)(?:{_LABEL}\.)+(?:[a-z0-9][a-z0-9-]{{0,61}})?[a-z])",
    re.IGNORECASE | re.ASCII,
)
_RESERVED = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)
_ROLES = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)


class NotAnAddress(SubscribersError):
    """{address!r} is not an email address that mail can be sent to: {reason}"""


@dataclass(frozen=True, kw_only=True)
class Address:
    """An address in the three forms that it is needed in.

    Attributes:
        email: as it is shown and stored; the domain in Unicode (RFC 6531).
        key: what two spellings of one mailbox have in common: case folded, the domain in ASCII. In theory
            the local part's case matters (RFC 5321 2.4); no provider in use keeps two such people apart, and
            writing to someone who left under another spelling would be the greater wrong.
        wire: what goes into SMTP and headers: the domain in ASCII (RFC 5891), the local part as given.
    """

    email: str
    key: str
    wire: str

    @property
    def needs_smtputf8(self) -> bool:
        """Whether a server must offer SMTPUTF8 (RFC 6531): only for a local part outside of ASCII."""
        return not self.wire.isascii()


def parse_address(text: str) -> Address:
    """Read one address as a person typed it.

    Args:
        text: the address alone, without a name or angle brackets.

    Raises:
        NotAnAddress: email-validator does not take it; says why.
    """
    text = text.strip()
    return _plain(text) or _validated(text)


def _plain(text: str) -> Address | None:
    """Take an address that is plainly valid: as email-validator does, in a thirtieth of the time.

    An import reads a million of them. Whatever is not plain is left to email-validator; a property test holds the
    two together.
    """
    found = _PLAIN.fullmatch(text)
    if found is None or len(text) > EMAIL_MAX_LENGTH:
        return None
    local, domain = found[1], found[2].lower()
    if len(domain) > DOMAIN_MAX_LENGTH or f".{domain}".endswith(_RESERVED):
        return None
    if (lower := local.lower()) in _ROLES:
        local = lower
    wire = f"{local}@{domain}"
    return Address(email=wire, key=f"{lower}@{domain}", wire=wire)


def _validated(text: str) -> Address:
    if len(text) > MAX_TYPED:
        raise NotAnAddress(address=text[:MAX_TYPED], reason="The email address is too long.")
    try:
        valid = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise NotAnAddress(address=text, reason=str(error)) from None
    wire = f"{valid.local_part}@{valid.ascii_domain}"
    # Not lower(): it gives Σ, σ and ς different keys, and one person two.
    return Address(email=valid.normalized, key=normalize("NFC", wire.casefold()), wire=wire)


def wire_form(email: str, address_key: str) -> str:
    """Give `Address.wire` of a stored address without judging it again: its local part, its key's ASCII domain."""
    return f"{email.rpartition('@')[0]}@{address_key.rpartition('@')[2]}"
