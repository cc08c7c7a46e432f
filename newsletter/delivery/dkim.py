"""Signs mails with DKIM (RFC 6376), for relays that don't: RSA, Ed25519 (RFC 8463), or both, a signature each."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from newsletter.delivery.dkim_record import KeyType
from newsletter.errors import NewsletterError
from subscribers.keys import DkimKey, Keys

# Listed once more than they occur, so that whoever replays a mail can't add a second one: what is shown, what is
# answered, the way out (RFC 6376 8.15). No relay adds one of these to a mail that goes out.
SHOWN = ("from", "reply-to", "to", "cc", "subject", "date", "content-type")
WAY_OUT = ("list-unsubscribe", "list-unsubscribe-post")  # RFC 8058 4 asks for both
SEALED = SHOWN + WAY_OUT
# Signed as often as they occur. What a relay may drop, replace or add stays out (RFC 6376 5.4.1): Received, X-….
OTHERS = ("sender", "message-id", "in-reply-to", "references", "mime-version", "content-transfer-encoding")
OF_LISTS = ("list-id", "list-help", "list-owner", "list-archive", "feedback-id", "auto-submitted", "content-language")
SIGNED = frozenset(SEALED + OTHERS + OF_LISTS)
LINE = 76  # characters


class SelectorWithoutKey(NewsletterError):
    """The keys file has no DKIM key {selector}.
    Run `newsletter dkim create --selector {selector}`, or take the name out of dkim_selector.
    """


@dataclass(frozen=True, slots=True)
class Canonical:
    """What of a mail is signed; made once, it serves every signer.

    Attributes:
        names: the header fields, in small letters and in the order in which they are hashed (the tag `h`).
        fields: these fields in relaxed form, joined.
        body_hash: base64 of the SHA-256 of the relaxed body (the tag `bh`).
    """

    names: tuple[str, ...]
    fields: bytes
    body_hash: bytes


class DkimSigner:
    """One domain's signature with one key; the same mail gets the same bytes each time."""

    def __init__(self, *, domain: str, selector: str, private_key: DkimKey) -> None:
        """Prepare what all signatures have in common.

        Args:
            domain: who vouches, in ASCII; DMARC wants the domain of the From address (RFC 7489 3.1.1).
            selector: where below `_domainkey` in that domain the public key stands; one label.
            private_key: RSA (`rsa-sha256`) or Ed25519 (`ed25519-sha256`).
        """
        self._sign = _signing(private_key)
        self._head = f"v=1; a={KeyType.of(private_key)}-sha256; c=relaxed/relaxed;".encode()
        self._place = f"d={domain};\r\n s={selector};".encode()

    def sign(self, headers: Sequence[tuple[str, str]], body: bytes, *, at: int) -> bytes:
        """Sign one mail (RFC 6376 5).

        Args:
            headers: name and value of each field in the mail's order, values as on the wire, folded or not.
            body: what follows the empty line, with CRLF line ends, before dots are doubled.
            at: seconds since 1970 (the tag `t`); the mailing's date, so that a second attempt is the same mail.

        Returns:
            The field `DKIM-Signature: …`, folded and with its CRLF, to go before the mail's first. No line is over 76
            characters unless the domain is.
        """
        return self.sign_canonical(canonical(headers, body), at=at)

    def sign_canonical(self, mail: Canonical, *, at: int) -> bytes:
        """Sign a mail of which the canonical form is known; else as `sign`."""
        facts = (self._head, at, self._place, _names_tag(mail.names), mail.body_hash)
        tags = b"%b t=%d;\r\n %b\r\n %b;\r\n bh=%b;\r\n b=" % facts
        # Every line break above stands before one space, so that without it the value is in its relaxed form.
        signed = b"%bdkim-signature:%b" % (mail.fields, tags.replace(b"\r\n", b""))
        signature = base64.b64encode(self._sign(signed))
        lines = [signature[start : start + LINE - 4] for start in range(0, len(signature), LINE - 4)]
        return b"DKIM-Signature: %b%b\r\n" % (tags, b"\r\n ".join(lines))


def signers(selectors: Sequence[str], keys: Keys, domain: str) -> tuple[DkimSigner, ...]:
    """Make the signers that the settings ask for; none where the relay signs.

    Raises:
        SelectorWithoutKey: a selector is set, and the keys file has no such key.
    """
    for selector in selectors:
        if selector not in keys.dkim:
            raise SelectorWithoutKey(selector=selector)
    return tuple(DkimSigner(domain=domain, selector=name, private_key=keys.dkim_key(name)) for name in selectors)


# ── canonical forms (RFC 6376 3.4) ───────────────────────────────────────────────────────────────────────────────


def canonical(headers: Sequence[tuple[str, str]], body: bytes) -> Canonical:
    """Bring a mail into the form that is signed; arguments as in `DkimSigner.sign`."""
    # From the last to the first: where a field stands twice, verifiers take the lower one first (RFC 6376 5.4.2).
    signed = [(name.lower(), value) for name, value in reversed(headers) if name.lower() in SIGNED]
    return Canonical(
        names=(*(name for name, _value in signed), *SEALED),
        fields=b"".join([relaxed_field(name, value) for name, value in signed]),
        body_hash=body_hash(relaxed_body(body)),
    )


def relaxed_field(name: str, value: str) -> bytes:
    """Give a header field's relaxed form (RFC 6376 3.4.2), with CRLF.

    What has no white space can be put into the value before or after this: it comes out the same.
    """
    return b"%b:%b\r\n" % (name.lower().encode(), _single_spaced(value.encode().replace(b"\r\n", b"")).strip(b" "))


def relaxed_body(body: bytes) -> bytes:
    """Give a body's relaxed form (RFC 6376 3.4.4): the same object if nothing is to be changed, as in most mails."""
    lines = relaxed_lines(body if body.endswith(b"\r\n") else body + b"\r\n")
    if lines == b"\r\n" or lines.endswith(b"\r\n\r\n"):
        text = lines.rstrip(b"\r\n")
        return text + b"\r\n" if text else b""
    return lines


def relaxed_lines(lines: bytes) -> bytes:
    """Give whole lines in relaxed form, empty ones at the end included: pieces of a body can be made ready apart."""
    return _single_spaced(lines).replace(b" \r\n", b"\r\n")


def body_hash(relaxed: bytes) -> bytes:
    """Give the tag `bh` of a relaxed body."""
    return base64.b64encode(sha256(relaxed).digest())


def _single_spaced(data: bytes) -> bytes:
    # Far faster than a regular expression; each round halves every run of spaces.
    if b"\t" in data:
        data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data


@lru_cache(maxsize=64)
def _names_tag(names: tuple[str, ...]) -> bytes:
    lines, line = [], "h="
    for name in names:
        if len(line) + len(name) + 2 > LINE:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return "\r\n ".join([*lines, line[:-1]]).encode()


def _signing(key: DkimKey) -> Callable[[bytes], bytes]:
    if isinstance(key, RSAPrivateKey):
        padding, algorithm = PKCS1v15(), SHA256()
        return lambda data: key.sign(data, padding, algorithm)
    return lambda data: key.sign(sha256(data).digest())  # the hash is what is signed (RFC 8463 3)
