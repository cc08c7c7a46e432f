"""The secrets, in a file of their own beside the settings: a stolen database names nobody and forges no link."""

import base64
import binascii
import os
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path

from subscribers.errors import SubscribersError

KEY_BYTES = 64  # AES-SIV with AES-256 takes two keys of 32 bytes (RFC 5297)


class KeysMissing(SubscribersError):
    """There is no keys file at {path}. Put this database's own back; for a new start run `newsletter init`."""


class KeysUnreadable(SubscribersError):
    """The keys file {path} can't be used: {reason}"""


@dataclass(frozen=True, kw_only=True, repr=False)
class Keys:
    """What signs links and hashes addresses.

    Attributes:
        tokens: token keys by their id (0 to 255); old ones stay, so that links in old mails keep working.
        current: the id that new tokens are made with.
        suppression: the HMAC key of the suppression list. Never changes: nobody could be recognised any more.
    """

    tokens: dict[int, bytes]
    current: int
    suppression: bytes

    @classmethod
    def generate(cls) -> "Keys":
        """Make fresh ones from the system's randomness."""
        return cls(tokens={1: secrets.token_bytes(KEY_BYTES)}, current=1, suppression=secrets.token_bytes(KEY_BYTES))

    def save(self, path: Path) -> None:
        """Write a new file that only its owner can read; an existing one is never overwritten."""
        lines = [
            "# The secrets of this newsletter. Keep a copy apart from the database's; show it to nobody.",
            "# Without it no old link works and nobody who left is recognised.",
            f'suppression = "{base64.b64encode(self.suppression).decode()}"',
            f"current = {self.current}",
            "",
            "[tokens]",
            *(f'{key_id} = "{base64.b64encode(key).decode()}"' for key_id, key in self.tokens.items()),
            "",
        ]
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n".join(lines))
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """Read the file.

        Raises:
            KeysMissing: it is not there.
            KeysUnreadable: others may read it, or it doesn't hold what it should.
        """
        try:
            if path.stat().st_mode & 0o077:
                raise KeysUnreadable(path=path, reason=f"others on this machine may read it. Run `chmod 600 {path}`.")
            facts = tomllib.loads(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            raise KeysMissing(path=path) from None
        except (OSError, ValueError) as error:
            raise KeysUnreadable(path=path, reason=f"{error}.") from None
        try:
            keys = cls(
                tokens={int(i): base64.b64decode(k, validate=True) for i, k in facts["tokens"].items()},
                current=int(facts["current"]),
                suppression=base64.b64decode(facts["suppression"], validate=True),
            )
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            raise KeysUnreadable(
                path=path, reason="it lacks suppression, current or [tokens], or one is cut."
            ) from None
        if keys.current not in keys.tokens or not all(0 <= key_id <= 255 for key_id in keys.tokens):
            raise KeysUnreadable(path=path, reason="its current token key is missing, or an id is not from 0 to 255.")
        if any(len(key) != KEY_BYTES for key in (keys.suppression, *keys.tokens.values())):
            raise KeysUnreadable(path=path, reason=f"one of its keys doesn't have {KEY_BYTES} bytes.")
        return keys
