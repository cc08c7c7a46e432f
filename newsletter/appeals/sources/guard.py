"""Keeps sources out of our own network: addresses are checked when a connection is made, and that one is connected to.

Who runs a site decides what its name resolves to, and where it redirects. Were a name looked up once to be checked and
once more to be connected to, the second answer could be another one (DNS rebinding). So the name is looked up here,
once, and the connection is made to the address that was checked. There is no other way out: no connection is kept for a
further request, no proxy is used, and redirects come through here like anything else.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import httpcore
import httpx

from newsletter.appeals.sources.wire import Allowance, CountedStream

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve: TypeAlias = Callable[[str], Sequence[Address]]

_TRIED: Final = 4  # a name with a thousand addresses would make us knock at a thousand strangers' doors

# Written out, since Python's own `is_global` says different things in different versions. After IANA's registries of
# special-purpose addresses (RFC 6890), of which nothing is left in, not even what is reachable: no site lives there.
_KINDS: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ipaddress.ip_network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "this machine"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a provider's inner network"),  # CGNAT, RFC 6598
        ("127.0.0.0/8", "this machine"),
        ("168.63.129.16/32", "a cloud's inner service"),  # Azure's: public by its number, there for its machines alone
        ("169.254.0.0/16", "a link-local address"),  # with what clouds tell their machines, keys included
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/127", "this machine"),
        ("::ffff:0:0/96", "an IPv4 address in disguise"),
        ("::/96", "an IPv4 address in disguise"),
        ("64:ff9b::/96", "an IPv4 address behind NAT64"),  # RFC 6052
        ("64:ff9b:1::/48", "an IPv4 address behind NAT64"),  # RFC 8215
        ("2001::/32", "a Teredo address"),
        ("2001:2::/48", "an address for benchmarks"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "an address for documentation"),
        ("2002::/16", "an IPv4 address behind 6to4"),
        ("3fff::/20", "an address for documentation"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private network"),  # site-local, RFC 3879
        ("ff00::/8", "a multicast address"),
        ("::/3", "a reserved address"),  # with the next two: all that is not 2000::/3, where the public ones are
        ("4000::/2", "a reserved address"),
        ("8000::/1", "a reserved address"),
    )
)
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class NotPublic(Exception):
    """A host is none that sources may be read from."""

    def __init__(self, host: str, address: Address, kind: str) -> None:
        """Take what was refused, and what it is."""
        super().__init__(host, address, kind)
        self.host, self.address, self.kind = host, address, kind


def refusal(address: Address, allowed: Sequence[Network] = ()) -> str:
    """Say what an address is, if no source may be read from it; nothing if one may.

    Args:
        address: of a host.
        allowed: networks that may be read from all the same. An IPv4 address that is wrapped into one of IPv6 has to be
            public or allowed by itself, too.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return "an address on one network card"
    if any(address in network for network in allowed):
        wrapped = _wrapped(address)
        return refusal(wrapped, allowed) if wrapped else ""
    if isinstance(address, ipaddress.IPv6Address) and (int(address) >> 32) & 0xFCFFFFFF == 0x5EFE:
        return "an IPv4 address behind ISATAP"  # RFC 5214; it can be under any prefix
    return next((kind for network, kind in _KINDS if address in network), "")


def _wrapped(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _MAPPED or address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def resolve(host: str) -> list[Address]:
    """Look a name up, as everything on this machine does; however an address is written, it comes out as what it is.

    Raises:
        OSError: it has no address.
        ValueError: that can't be a host's name.
    """
    found: list[Address] = []
    for family, _type, _protocol, _name, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        number = str(place[0]).partition("%")[0]
        scope = f"%{place[3]}" if family == socket.AF_INET6 and len(place) > 3 and place[3] else ""
        found.append(ipaddress.ip_address(number + scope))
    return found


class Guard(httpcore.NetworkBackend):
    """Connects to where sources may be read from, and to nothing else."""

    def __init__(self, allowed: Sequence[Network] = (), *, resolve: Resolve = resolve) -> None:
        """Take what is allowed.

        Args:
            allowed: networks that may be read from though they are not public.
            resolve: gives a host's addresses; raises OSError if it has none.
        """
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self._network = httpcore.SyncBackend()
        self.allowance: Allowance | None = None  # of the page that is being read; set before each request

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that may be read from and answers.

        Raises:
            NotPublic: none of the host's addresses may be.
            httpcore.ConnectError, httpcore.TimeoutException: there is no connection.
        """
        if self.allowance is None:
            raise RuntimeError("a request without an allowance")
        failed: Exception = httpcore.ConnectError("the name has no address")
        for address in self._open_to(host)[:_TRIED]:
            try:
                # A number, so that nothing is looked up again.
                stream = self._network.connect_tcp(
                    str(address), port, self.allowance.within(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return CountedStream(stream, self.allowance)
        raise failed

    def _open_to(self, host: str) -> list[Address]:
        try:
            addresses = self._resolve(host)
        except OSError as error:
            raise httpcore.ConnectError(error.strerror or str(error)) from None
        except ValueError:
            raise httpcore.ConnectError("that can be no host's name") from None
        refused = {address: refusal(address, self._allowed) for address in addresses}
        good = [address for address, kind in refused.items() if not kind]
        if refused and not good:
            raise NotPublic(host, *next(iter(refused.items())))
        return good


class GuardedTransport(httpx.BaseTransport):
    """Lets httpx reach the network through a guard only.

    A transport of our own, not httpx's with another pool put in: should httpx change inside, then this fails instead
    of going on without a guard. httpcore's own exceptions leave it.
    """

    def __init__(self, guard: Guard, ssl_context: ssl.SSLContext) -> None:
        """Make the pool.

        Args:
            guard: what connects.
            ssl_context: what certificates are verified with. It goes by the host's name, not by the address.
        """
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            network_backend=guard,
            max_keepalive_connections=0,  # so that each request is checked, and spends its own page's allowance
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and give the answer as soon as its headers are there."""
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()
