"""The secrets, in a file of their own beside the settings: a stolen database names nobody and forges no link."""

import base64
import binascii
import fcntl
import hmac
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from subscribers.errors import SubscribersError

KEY_BYTES = 64  # AES-SIV with AES-256 takes two keys of 32 bytes (RFC 5297)
LEAST_RSA_BITS = 1024  # verifiers take no shorter signature (RFC 8301 3.2); ours are made with more
_ANY_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_CURRENT = re.compile(r"^[ \t]*current[ \t]*=[ \t]*\d+", re.MULTILINE)
_NUMBERS = range(256)

DkimKey = RSAPrivateKey | Ed25519PrivateKey


class KeysMissing(SubscribersError):
    """There is no keys file at {path}. Put this database's own back; for a new start run `newsletter init`."""


class KeysUnreadable(SubscribersError):
    """The keys file {path} can't be used: {reason}"""


class SelectorWrong(SubscribersError):
    """{selector} is no DKIM selector. Take small letters, digits and hyphens between them, 63 at most: rsa2026."""


class SelectorTaken(SubscribersError):
    """{path} holds a DKIM key {selector} already. Name another with --selector; a key that was used is not replaced."""


class NoKeyLeft(SubscribersError):
    """{path} holds a key for each of the 256 numbers. Take out those that no mail in use was sealed with."""


class KeysWatch:
    """Sees when the keys file was changed, so that a process that runs for long learns of fresh keys."""

    def __init__(self, path: Path) -> None:
        """Take the file as it is now."""
        self._path = path
        self._seen = self._stamp()

    def news(self) -> "Keys | None":
        """Give what the file holds if it is another one than when it was last asked for; None if it is not."""
        stamp = self._stamp()
        if stamp == self._seen:
            return None
        self._seen = stamp
        return Keys.load(self._path)

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns


def is_selector(text: str) -> bool:
    """Say whether a DKIM key can have this selector: one label of a domain name (RFC 6376 3.1), in small letters."""
    return re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", text) is not None


@dataclass(frozen=True, kw_only=True, repr=False)
class Keys:
    """What signs links and mails, and hashes addresses.

    Attributes:
        tokens: token keys by their id (0 to 255); old ones stay, so that links in old mails keep working.
        current: the id that new tokens are made with.
        suppression: the HMAC key of the suppression list. Never changes: nobody could be recognised any more.
        dkim: what signs mails, by selector: private keys as PKCS #8 in DER (RFC 5958). Empty where the relay signs.
    """

    tokens: dict[int, bytes]
    current: int
    suppression: bytes
    dkim: dict[str, bytes] = field(default_factory=dict)

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
            *(["", "[dkim]"] if self.dkim else []),
            *(_dkim_line(name, key) for name, key in self.dkim.items()),
            "",
        ]
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        _write(descriptor, "\n".join(lines))

    @classmethod
    def add_dkim(cls, path: Path, name: str, key: DkimKey) -> "Keys":
        """Put one more DKIM key into the file, and leave all else in it, comments too, as it is.

        The file is replaced in one step: whatever happens, it is the old one or the new one, whole.

        Args:
            path: the keys file.
            name: the selector.
            key: what signs under it.

        Returns:
            What the file holds now.

        Raises:
            SelectorWrong: the name can't stand in DNS.
            SelectorTaken: there is such a key already.
            KeysMissing, KeysUnreadable: as `load`.
        """
        if not is_selector(name):
            raise SelectorWrong(selector=repr(name))
        data = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        with _alone(path):
            keys = cls.load(path)
            if name in keys.dkim:
                raise SelectorTaken(path=path, selector=name)
            grown = cls(
                tokens=keys.tokens, current=keys.current, suppression=keys.suppression, dkim={**keys.dkim, name: data}
            )
            text = _with_line(path.read_text(encoding="ascii"), "dkim", _dkim_line(name, data))
            if not grown._is_in(text):
                raise KeysUnreadable(path=path, reason="it is laid out in a way that no DKIM key can be added to.")
            _replace(path.resolve(), text)
        return grown

    @classmethod
    def rotate(cls, path: Path, *, forget_old: bool = False) -> "Keys":
        """Put a fresh token key into the file, which new links are sealed with; all else stays as it is.

        Args:
            path: the keys file; replaced in one step, as in `add_dkim`.
            forget_old: whether links that the older keys sealed shall open nothing any more, as after a theft of the
                file. Without it every link in every old mail keeps working.

        Returns:
            What the file holds now.

        Raises:
            NoKeyLeft: all 256 numbers are taken.
            KeysMissing, KeysUnreadable: as `load`.
        """
        with _alone(path):
            keys = cls.load(path)
            number = next((one for one in _NUMBERS if one > max(keys.tokens)), None)
            if number is None:
                number = next((one for one in _NUMBERS if one not in keys.tokens), None)
            if number is None:
                raise NoKeyLeft(path=path)
            fresh = secrets.token_bytes(KEY_BYTES)
            kept = {} if forget_old else keys.tokens
            grown = cls(tokens={**kept, number: fresh}, current=number, suppression=keys.suppression, dkim=keys.dkim)
            text = path.read_text(encoding="ascii")
            if forget_old:
                text = _without_tokens(text)
            text = _with_line(text, "tokens", f'{number} = "{base64.b64encode(fresh).decode()}"')
            text = _CURRENT.sub(f"current = {number}", text, count=1)
            if not grown._is_in(text):
                raise KeysUnreadable(path=path, reason="it is laid out in a way that no key can be added to.")
            _replace(path.resolve(), text)
        return grown

    def dkim_key(self, name: str) -> DkimKey:
        """Give the private key of a selector that is in `dkim`."""
        return _private_key(self.dkim[name])

    def derived(self, about: bytes) -> bytes:
        """Give a secret for something short-lived, which is another one after a rotation: 32 bytes.

        Args:
            about: what it is for; for something else it is another.
        """
        return hmac.digest(self.tokens[self.current], about, "sha256")

    def lasting(self, about: bytes) -> bytes:
        """Give a secret that stays the same for as long as the database does, rotations or not: 64 bytes.

        Args:
            about: what it is for; for something else it is another.
        """
        return hmac.digest(self.suppression, about, "sha512")

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
            return cls._read(path, path.read_text(encoding="ascii"))
        except FileNotFoundError:
            raise KeysMissing(path=path) from None
        except (OSError, UnicodeDecodeError) as error:
            raise KeysUnreadable(path=path, reason=f"{error}.") from None

    @classmethod
    def _read(cls, path: Path, text: str) -> "Keys":
        try:
            facts = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise KeysUnreadable(path=path, reason=f"{error}.") from None
        try:
            keys = cls(
                tokens={int(i): base64.b64decode(k, validate=True) for i, k in facts["tokens"].items()},
                current=int(facts["current"]),
                suppression=base64.b64decode(facts["suppression"], validate=True),
                dkim=_dkim_keys(path, facts.get("dkim", {})),
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

    def _is_in(self, text: str) -> bool:
        try:
            return self._read(Path(), text) == self
        except KeysUnreadable:
            return False


def _dkim_keys(path: Path, table: Any) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    if not isinstance(table, dict):
        raise KeysUnreadable(path=path, reason="dkim is no table.")
    for name, text in table.items():
        if not is_selector(name):
            raise KeysUnreadable(path=path, reason=f"{name!r} in [dkim] is no selector.")
        try:
            keys[name] = base64.b64decode(text, validate=True)
            # Looked at now: a damaged one would sign mails that every receiver distrusts.
            _private_key(keys[name])
        except (TypeError, ValueError, UnsupportedAlgorithm):
            reason = f"its DKIM key {name} is no private RSA key of {LEAST_RSA_BITS} bits or more, nor an Ed25519 key."
            raise KeysUnreadable(path=path, reason=reason) from None
    return keys


def _private_key(data: bytes) -> DkimKey:
    key = load_der_private_key(data, password=None)
    if isinstance(key, Ed25519PrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS):
        return key
    raise ValueError


def _dkim_line(name: str, key: bytes) -> str:
    return f'{name} = "{base64.b64encode(key).decode()}"'


def _with_line(text: str, table: str, line: str) -> str:
    found = _table(table).search(text)
    if found is None:
        return f"{text.rstrip()}\n\n[{table}]\n{line}\n"
    return f"{text[: found.end()]}\n{line}{text[found.end() :]}"


def _without_tokens(text: str) -> str:
    """Take every line out of the table of token keys."""
    found = _table("tokens").search(text)
    if found is None:
        return text
    end = _ANY_TABLE.search(text, found.end())
    rest = text[end.start() :] if end else ""
    return f"{text[: found.end()]}\n\n{rest}"


def _table(name: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*\[[ \t]*{name}[ \t]*\][ \t]*(#.*)?$", re.MULTILINE)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold off whoever else adds a key: of two that read the same file, one's key would be lost.

    The folder is what is locked: the file itself is another one after each change.
    """
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY)
    except FileNotFoundError:
        raise KeysMissing(path=path) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
        os.fsync(folder)  # so that the new name outlives a power cut
    finally:
        os.close(folder)


def _replace(path: Path, text: str) -> None:
    owner = path.stat()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        if owner.st_uid != os.geteuid():  # root adds it for the user that the newsletter runs as
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        _write(descriptor, text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
