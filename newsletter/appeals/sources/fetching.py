"""Where the bytes of a source come from: the web or a file. No reader does I/O of its own."""

import ipaddress
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self
from urllib.parse import urlsplit

import httpx

from newsletter import __version__
from newsletter.appeals.sources.faults import (
    AddressBroken,
    PageRefused,
    PageTimeout,
    PageUnreachable,
    RedirectElsewhere,
    RedirectLoop,
    SchemeRefused,
    SourceIsFolder,
    SourceMissing,
    SourceTooLarge,
    SourceUnreadable,
)
from newsletter.appeals.sources.prose import shown

LIMIT_BYTES: Final = 10_000_000
_REDIRECTS: Final = 5
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, kw_only=True)
class Page:
    """What was found at one place.

    Attributes:
        location: the address after all redirects, or the file's path.
        content: at most 10 MB.
        charset: what the server says, or nothing.
    """

    location: str
    content: bytes
    charset: str = ""


class Fetch(Protocol):
    """Gets one page of the web; `WebFetch` does, and so does whatever guards it."""

    def __call__(self, url: str, /) -> Page:
        """Get one page.

        Raises:
            SourceFault: it can't be had; the sentence says why.
        """


def is_address(location: str) -> bool:
    """Tell an address from a path."""
    return _SCHEME.match(location) is not None


class WebFetch:
    """Gets pages by HTTP, with bounds on size, time and redirects. A context manager: it keeps connections."""

    def __init__(self, *, timeout_s: float = 20, total_s: float = 60, limit_bytes: int = LIMIT_BYTES) -> None:
        """Take the bounds.

        Args:
            timeout_s: for connecting, and for each wait for more bytes.
            total_s: for one page with all its redirects, so that a server which drips can't hold us.
            limit_bytes: of one page, unpacked.
        """
        self._host = ""  # of the first page, once it is there
        self._timeout_s, self._total_s, self._limit_bytes = timeout_s, total_s, limit_bytes
        self._client = httpx.Client(
            headers={
                "User-Agent": f"solidarity-newsletter/{__version__}",
                "Accept": "text/html, text/plain;q=0.9, */*;q=0.1",
            },
            timeout=timeout_s,
            follow_redirects=False,  # each hop is looked at first
            trust_env=False,  # ~/.netrc would send this account's passwords to whoever runs the site
        )

    def __enter__(self) -> Self:
        """Open the connections' pool."""
        self._client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self._client.__exit__(kind, fault, trace)

    def __call__(self, url: str, /) -> Page:
        """Get one page; see `Fetch`."""
        place = shown(url)
        try:
            if urlsplit(url).scheme.lower() not in {"http", "https"}:
                raise SchemeRefused(place=place)
            return self._get(url)
        except httpx.UnsupportedProtocol:
            raise SchemeRefused(place=place) from None
        except httpx.TimeoutException:
            raise PageTimeout(place=place, timeout_s=f"{self._timeout_s:g}") from None
        except httpx.HTTPError as error:
            raise PageUnreachable(place=place, reason=shown(error, 120) or type(error).__name__) from None
        except (httpx.InvalidURL, ValueError):  # ValueError: what urllib and IDNA don't understand
            raise AddressBroken(place=place) from None

    def _get(self, url: str) -> Page:
        ends = time.monotonic() + self._total_s
        asked = url
        for _hop in range(_REDIRECTS + 1):
            with self._client.stream("GET", url) as response:
                if response.next_request is not None:
                    url = str(response.next_request.url)
                    self._refuse_strangers(asked, url)
                    continue
                page = self._read(response, url, ends)
                self._host = self._host or host(page.location)
                return page
        raise RedirectLoop(place=shown(asked), limit=_REDIRECTS)

    def _read(self, response: httpx.Response, url: str, ends: float) -> Page:
        if not response.is_success:
            raise PageRefused(place=shown(url), status=response.status_code, phrase=shown(response.reason_phrase, 40))
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > self._limit_bytes:
                raise SourceTooLarge(place=shown(url), limit_mb=f"{self._limit_bytes / 1e6:g}")
            if time.monotonic() > ends:
                raise PageTimeout(place=shown(url), timeout_s=f"{self._total_s:g}")
        return Page(location=str(response.url), content=bytes(content), charset=response.charset_encoding or "")

    def _refuse_strangers(self, asked: str, target: str) -> None:
        """Look at a redirect before it is followed.

        The first page may say where the site really is, but never lead into our own network; further pages stay on
        the site.
        """
        if urlsplit(target).scheme not in {"http", "https"}:
            raise SchemeRefused(place=shown(asked))
        to = host(target)
        if to == (self._host or host(asked)):
            return
        if self._host or _is_inner(target):
            raise RedirectElsewhere(place=shown(asked), host=shown(to, 80))


def host(address: str) -> str:
    """Give an address's host and port, in lower case; nothing if it has none."""
    try:
        return urlsplit(address).netloc.lower().rpartition("@")[2]
    except ValueError:
        return ""


def _is_inner(address: str) -> bool:
    """Say whether a host is, or resolves to, anything but a public address."""
    try:
        found = socket.getaddrinfo(urlsplit(address).hostname, None)
        return any(not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)
    except (OSError, ValueError):
        return False  # the request itself will say that it can't be reached


def read_file(path: str) -> Page:
    """Read a file.

    Raises:
        SourceMissing, SourceIsFolder, SourceUnreadable, SourceTooLarge: as they say.
    """
    place = shown(path)
    try:
        if Path(path).is_dir():
            raise SourceIsFolder(place=place.rstrip("/"))
        if Path(path).exists() and not Path(path).is_file():  # a pipe or a device might never end
            raise SourceUnreadable(place=place, reason="it is no regular file")
        with Path(path).open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise SourceMissing(place=place) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "that is no file's name"
        raise SourceUnreadable(place=place, reason=reason) from None
    if len(content) > LIMIT_BYTES:
        raise SourceTooLarge(place=place, limit_mb=f"{LIMIT_BYTES / 1e6:g}")
    return Page(location=path, content=content)
