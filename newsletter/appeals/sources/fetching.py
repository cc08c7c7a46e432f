"""Where the bytes of a source come from: the web or a file. No reader does I/O of its own.

Whoever writes a page may mean us harm. `guard` keeps requests out of our own network, `wire` bounds their time and
bytes, `unpacking` what is packed, `pauses` and `robots` keep us from being a burden. Here they are put together.
"""

import re
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self
from urllib.parse import urlsplit

import httpcore
import httpx

from newsletter import __version__
from newsletter.appeals.sources import unpacking
from newsletter.appeals.sources.faults import (
    AddressBroken,
    AddressRefused,
    PageBusy,
    PageGarbled,
    PageGone,
    PageMissing,
    PageRefused,
    PageTimeout,
    PageUnreachable,
    RedirectElsewhere,
    RedirectLoop,
    RedirectUnprotected,
    SchemeRefused,
    SourceFault,
    SourceIsFolder,
    SourceMissing,
    SourceTooLarge,
    SourceUnreadable,
)
from newsletter.appeals.sources.guard import Guard, GuardedTransport, Network, NotPublic, Resolve, resolve
from newsletter.appeals.sources.pauses import Pauses, in_words, retry_after_s
from newsletter.appeals.sources.prose import shown
from newsletter.appeals.sources.robots import AGENT, Robots
from newsletter.appeals.sources.robots import LIMIT_BYTES as ROBOTS_BYTES
from newsletter.appeals.sources.wire import BESIDE_BYTES, Allowance, TooMuch

LIMIT_BYTES: Final = 10_000_000
_REDIRECTS: Final = 5
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_VALIDATOR: Final = re.compile(r"[\x20-\x7e]{1,300}")  # it goes back to the server as a header


@dataclass(frozen=True, kw_only=True)
class Page:
    """What was found at one place.

    Attributes:
        location: the address after all redirects, or the file's path.
        content: at most 10 MB.
        charset: what the server says, or nothing.
        content_type: what the server says, as `text/html`, or nothing.
        etag, last_modified: what to ask with the next time, or nothing.
    """

    location: str
    content: bytes
    charset: str = ""
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, kw_only=True)
class Unchanged:
    """The page is the same as the one that was asked with.

    Attributes:
        location: the address after all redirects.
    """

    location: str


class Fetch(Protocol):
    """Gets one page of the web; what `WebFetch.source` gives does."""

    def __call__(self, url: str, /) -> Page:
        """Get one page.

        Raises:
            SourceFault: it can't be had; the sentence says why.
        """


def is_address(location: str) -> bool:
    """Tell an address from a path."""
    return _SCHEME.match(location) is not None


class WebFetch:
    """Gets pages by HTTP, from public addresses, with bounds on all that a server can overdo. A context manager.

    One request at a time, whoever asks. Robots.txt is kept for as long as this lives: make one for a round of polling.
    """

    def __init__(
        self,
        *,
        allowed: Sequence[Network] = (),
        robots: bool = True,
        pause_s: float = 1,
        timeout_s: float = 20,
        total_s: float = 60,
        limit_bytes: int = LIMIT_BYTES,
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the bounds.

        Args:
            allowed: networks that may be read from though they are not public.
            robots: heed robots.txt. Not where a person asks for a page, as a browser doesn't.
            pause_s: between two requests to the same host; a site's Crawl-delay makes it longer, up to ten seconds.
            timeout_s: for connecting, and for each wait for more bytes.
            total_s: for one page with all its redirects, so that a server which drips can't hold us. Looking its
                name up is bounded by the system's resolver alone.
            limit_bytes: of one page, unpacked.
            resolve: gives a host's addresses.
            ssl_context: what certificates are verified with; by default as SSL_CERT_FILE says, else Mozilla's list.
            clock: monotonic, in seconds.
            sleep: waits for so many seconds.
        """
        self._timeout_s, self._total_s, self._limit_bytes = timeout_s, total_s, limit_bytes
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._pauses = Pauses(pause_s, clock=clock, sleep=sleep)
        self._robots = Robots() if robots else None
        self._guard = Guard(allowed, resolve=resolve)
        self._client = httpx.Client(
            transport=GuardedTransport(self._guard, ssl_context or httpx.create_ssl_context()),
            headers={
                "User-Agent": f"{AGENT}/{__version__}",
                "Accept": "text/html, text/plain;q=0.9, */*;q=0.1",
                "Accept-Encoding": unpacking.ACCEPTED,
                "Connection": "close",
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none is kept, so none is sent
            timeout=timeout_s,
            follow_redirects=False,  # each hop is looked at first
            trust_env=False,  # ~/.netrc would send this account's passwords; a proxy would connect past the guard
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
        """Get one page by itself; see `Fetch`. For a source with further pages there is `source`."""
        page = self.get(url)
        assert isinstance(page, Page)  # nobody asked whether it has changed
        return page

    def get(self, url: str, *, etag: str = "", last_modified: str = "", stay_on: str = "") -> Page | Unchanged:
        """Get one page, or hear that it is the same as before.

        Args:
            url: its address.
            etag: of the page as it was (RFC 9110, 13.1.2).
            last_modified: the same (13.1.3).
            stay_on: host and port that neither the address nor a redirect may lead away from.

        Raises:
            SourceFault: it can't be had; the sentence says why. `PageBusy` says when to ask again, `PageMissing` and
                `PageGone` that it isn't there.
        """
        asked_with = {"If-None-Match": _validator(etag), "If-Modified-Since": _validator(last_modified)}
        headers = {name: value for name, value in asked_with.items() if value}
        with self._one_at_a_time:
            return self._get(url, _Wanted(headers=headers, stay_on=stay_on, limit_bytes=self._limit_bytes))

    def source(self, first: Page | None = None) -> Fetch:
        """Get the pages of one source: the first may say where the site really is, further ones stay there.

        Args:
            first: the first page, if it is there already; it is given to who asks first.
        """
        return _OneSource(self, first)

    def _get(self, url: str, wanted: "_Wanted") -> Page | Unchanged:
        target = _parsed(url)
        place = shown(target.copy_with(userinfo=b"") if target.userinfo else url)  # sentences are kept: no passwords
        allowance = Allowance(total_s=self._total_s, size_bytes=wanted.limit_bytes + BESIDE_BYTES, clock=self._clock)
        try:
            return self._follow(place, target, wanted, allowance)
        except NotPublic as refused:
            raise AddressRefused(place=place, address=refused.address, kind=refused.kind) from None
        except TooMuch:
            raise SourceTooLarge(place=place, limit_mb=f"{wanted.limit_bytes / 1e6:g}") from None
        except httpcore.TimeoutException:
            limit_s = self._timeout_s if allowance.left_s > 0 else self._total_s
            raise PageTimeout(place=place, timeout_s=f"{limit_s:g}") from None
        except unpacking.PackingUnknown as error:
            raise PageGarbled(place=place, reason=f"it is packed as {shown(error, 80)}") from None
        except (unpacking.PackingBroken, httpcore.ProtocolError) as error:
            raise PageGarbled(place=place, reason=shown(error, 120) or "it is no HTTP") from None
        except (httpx.InvalidURL, httpx.ProtocolError, ValueError):
            # httpx makes the next request's address at once, whether that is followed or not.
            raise PageGarbled(place=place, reason="it leads to something that is no web address") from None
        except httpcore.NetworkError as error:
            raise PageUnreachable(place=place, reason=shown(error, 120) or type(error).__name__) from None

    def _follow(self, place: str, target: httpx.URL, wanted: "_Wanted", allowance: Allowance) -> Page | Unchanged:
        for _hop in range(_REDIRECTS + 1):
            _look_at(target, place, wanted)
            pause_s = self._robots.permit(target, self._robots_txt) if self._robots and not wanted.is_robots else 0
            before = self._clock()
            with self._pauses.between(target.host, least_s=pause_s):
                allowance.give_back(self._clock() - before)
                self._guard.allowance = allowance
                with self._client.stream("GET", target, headers=wanted.headers) as response:
                    if response.next_request is None:
                        return self._answer(response, wanted)
                    target = _led_to(response.next_request.url, target, place)
        raise RedirectLoop(place=place, limit=_REDIRECTS)

    def _robots_txt(self, url: str) -> bytes:
        page = self._get(url, _Wanted(limit_bytes=ROBOTS_BYTES, is_robots=True))
        return page.content if isinstance(page, Page) else b""

    def _answer(self, response: httpx.Response, wanted: "_Wanted") -> Page | Unchanged:
        location = str(response.url.copy_with(userinfo=b""))  # links start from it, and go out in mails
        if response.status_code == httpx.codes.NOT_MODIFIED and wanted.headers:
            return Unchanged(location=location)
        if not response.is_success:
            raise _fault(response, shown(location))
        return Page(
            location=location,
            content=_content(response, wanted),
            charset=response.charset_encoding or "",
            content_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            etag=_validator(response.headers.get("ETag", "")),
            last_modified=_validator(response.headers.get("Last-Modified", "")),
        )


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    headers: dict[str, str] = field(default_factory=dict)
    stay_on: str = ""
    limit_bytes: int
    is_robots: bool = False  # cut where it is too long, and not asked about itself


class _OneSource:
    def __init__(self, web: WebFetch, first: Page | None) -> None:
        self._web, self._first = web, first
        self._host = host(first.location) if first else ""

    def __call__(self, url: str, /) -> Page:
        page, self._first = self._first, None
        if page is None:
            found = self._web.get(url, stay_on=self._host)
            assert isinstance(found, Page)  # nobody asked whether it has changed
            page = found
        self._host = self._host or host(page.location)
        return page


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):  # ValueError: what IDNA doesn't understand
        raise AddressBroken(place=shown(url)) from None
    if parsed.scheme not in {"http", "https"}:
        raise SchemeRefused(place=shown(url))
    return parsed


def _look_at(target: httpx.URL, place: str, wanted: _Wanted) -> None:
    """Look at an address before it is asked."""
    if not target.host:
        raise AddressBroken(place=place)
    if wanted.stay_on and host(str(target)) != wanted.stay_on:
        raise RedirectElsewhere(place=place, host=shown(host(str(target)), 80))


def _led_to(target: httpx.URL, source: httpx.URL, place: str) -> httpx.URL:
    """Look at where a redirect leads, and give what may be asked there."""
    if target.scheme not in {"http", "https"}:
        raise SchemeRefused(place=f"{place} → {shown(target, 120)}")
    if source.scheme == "https" and target.scheme == "http":
        # Whoever is on the way could put words into appeals. A person can decide that; a site can't for them.
        raise RedirectUnprotected(place=place, target=shown(target, 120))
    return target.copy_with(userinfo=b"")  # else a site could have us sign in elsewhere


def _fault(response: httpx.Response, place: str) -> SourceFault:
    status, phrase = response.status_code, shown(response.reason_phrase, 40)
    if status in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
        wait_s = retry_after_s(response.headers.get("Retry-After", ""), sent=response.headers.get("Date", ""))
        return PageBusy(place=place, status=status, retry_after_s=wait_s, again=in_words(wait_s))
    kinds: dict[int, type[PageRefused]] = {httpx.codes.NOT_FOUND: PageMissing, httpx.codes.GONE: PageGone}
    return kinds.get(status, PageRefused)(place=place, status=status, phrase=phrase)


def _content(response: httpx.Response, wanted: _Wanted) -> bytes:
    limit = wanted.limit_bytes
    if not wanted.is_robots and int(response.headers.get("Content-Length", 0)) > limit:
        raise TooMuch  # before it comes
    unpack = unpacking.unpacker(response.headers.get("Content-Encoding", "").split(","))
    content = bytearray()
    for packed in response.iter_raw():
        for step in unpack.feed(packed):
            content += step
            if len(content) > limit:
                if wanted.is_robots:
                    return bytes(content[:limit])
                raise TooMuch
    unpack.finish()
    return bytes(content)


def _validator(said: str) -> str:
    return said if _VALIDATOR.fullmatch(said) else ""


def host(address: str) -> str:
    """Give an address's host and port, in lower case; nothing if it has none."""
    try:
        return urlsplit(address).netloc.lower().rpartition("@")[2]
    except ValueError:
        return ""


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
