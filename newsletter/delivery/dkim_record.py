"""DKIM keys, and what a domain publishes of them in DNS (RFC 6376 3.6, RFC 8463 4)."""

import base64
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from subscribers.keys import DkimKey

RSA_BITS = 2048  # what RFC 8301 3.2 recommends; with more, not every resolver gets the record in one UDP answer
STRING_BYTES = 255  # of one string in a TXT record (RFC 1035 3.3)


class KeyType(StrEnum):
    """What kind of key signs, by its name in DNS."""

    RSA = "rsa"
    ED25519 = "ed25519"

    @classmethod
    def of(cls, key: DkimKey) -> "KeyType":
        """Tell a key's type."""
        return cls.RSA if isinstance(key, RSAPrivateKey) else cls.ED25519

    def new_key(self) -> DkimKey:
        """Make a key from the system's randomness."""
        return generate_private_key(65537, RSA_BITS) if self is KeyType.RSA else Ed25519PrivateKey.generate()


@dataclass(frozen=True, kw_only=True)
class TxtRecord:
    """A TXT record.

    Attributes:
        name: where it stands, without a dot at its end.
        value: what it says, in one piece, as web forms take it.
    """

    name: str
    value: str

    @classmethod
    def publishing(cls, key: DkimKey, *, domain: str, selector: str) -> "TxtRecord":
        """Give the record that publishes the public half of a key."""
        if isinstance(key, RSAPrivateKey):
            data = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            data = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)  # 32 bytes, bare (RFC 8463 4.2)
        value = f"v=DKIM1; k={KeyType.of(key)}; p={base64.b64encode(data).decode()}"
        return cls(name=f"{selector}._domainkey.{domain}", value=value)

    @property
    def strings(self) -> list[str]:
        """The value cut into strings that DNS can hold."""
        return [self.value[start : start + STRING_BYTES] for start in range(0, len(self.value), STRING_BYTES)]

    @property
    def zone_line(self) -> str:
        """The record as a line of a zone file (RFC 1035 5)."""
        quoted = " ".join(f'"{string}"' for string in self.strings)
        return f"{self.name}. IN TXT {quoted}"
