"""Asks whether what a mail leads to is there: HEAD, under the same guard as sources, all at once and not for long."""

import ipaddress
import ssl
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

import httpcore
import httpx

from newsletter.appeals.sources.guard import Guard, GuardedTransport, Network, NotPublic, Resolve, resolve
from newsletter.appeals.sources.wire import Allowance, TooMuch

AT_ONCE: Final = 8
MOST: Final = 100  # links that are asked for; a digest has fewer
TIMEOUT_S: Final = 5.0
TOTAL_S: Final = 10.0  # for one link with all that it leads on to
ANSWER_BYTES: Final = 500_000  # of headers, and of what a server sends before we hang up
_EVERYWHERE: Final = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
_NO_HEAD: Final = frozenset({400, 403, 405, 501})  # what servers say that know GET alone
_GONE: Final = frozenset({404, 410})
_BAD: Final = 500


class DeadLinks:
    """Finds links that lead nowhere."""

    def __init__(
        self,
        own: str,
        *,
        allowed: Sequence[Network] = (),
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Take the bounds.

        Args:
            own: where our own pages are; they may be in our own network.
            allowed: networks that may be asked though they are not public.
            resolve: gives a host's addresses.
            ssl_context: what certificates are verified with; by default as SSL_CERT_FILE says, else Mozilla's list.
            timeout_s: for each step of each question.
        """
        self._own = urlsplit(own).netloc
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self._context = ssl_context or httpx.create_ssl_context()
        self._timeout_s = timeout_s

    def find(self, links: Collection[str]) -> dict[str, str]:
        """Say of each that is dead what is wrong with it.

        Args:
            links: addresses on the web; what stands after a # is not asked for.
        """
        pages = sorted({link.partition("#")[0] for link in links})[:MOST]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            said = dict(zip(pages, pool.map(self._ask, pages), strict=True))
        return {link: wrong for link in sorted(links) if (wrong := said.get(link.partition("#")[0]))}

    def _ask(self, link: str) -> str:
        is_own = urlsplit(link).netloc == self._own
        allowed = _EVERYWHERE if is_own else self._allowed
        guard = Guard(allowed, resolve=self._resolve)
        guard.allowance = Allowance(total_s=TOTAL_S, size_bytes=ANSWER_BYTES, clock=time.monotonic)
        transport = GuardedTransport(guard, self._context)
        # Each hop of a redirect is looked at by the guard, as it connects. Where ours lead is no business of a link's.
        with httpx.Client(
            transport=transport, timeout=self._timeout_s, follow_redirects=not is_own, max_redirects=5, trust_env=False
        ) as client:
            try:
                status = client.head(link).status_code
                if status in _NO_HEAD:
                    with client.stream("GET", link) as answer:
                        status = answer.status_code
            except _FAULTS as fault:
                return _reason(fault)
        if status in _GONE:
            return "is not there"
        return f"answers with an error ({status})" if status >= _BAD else ""


def _reason(fault: Exception) -> str:
    match fault:
        case TooMuch():
            return ""  # it is there, and has much to say
        case NotPublic():
            return "leads into a private network"
        case httpcore.TimeoutException() | httpx.TimeoutException():
            return "does not answer"
        case httpcore.NetworkError() | httpx.NetworkError() | OSError():
            pass
        case _:
            return "can't be followed"
    return "has no certificate that can be trusted" if "certificate" in str(fault).lower() else "can't be reached"


_FAULTS = (
    TooMuch,
    NotPublic,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    OSError,
    ValueError,
)
