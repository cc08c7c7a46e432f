"""How often something may happen, for each of many who are told apart. Kept in memory alone: nothing is stored."""

import ipaddress
import threading
from collections import OrderedDict

HOUR_S = 3600.0
IPV4_PREFIX, IPV6_PREFIX = 24, 48  # what one office, school or household commonly has, or more


class Ceiling:
    """So often an hour, and no more; what was used comes back evenly (a leaky bucket for each key)."""

    def __init__(self, most: int, *, keys: int = 50_000) -> None:
        """Take how often an hour, and how many keys are kept in mind at the most."""
        self._most = most
        self._keys = keys
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # the one used last at the end
        self._lock = threading.Lock()

    def take(self, key: str, now: float) -> bool:
        """Count one more; gives False, and counts nothing, where it would be one too many.

        Args:
            key: whose it is.
            now: seconds of a clock that nobody sets.
        """
        with self._lock:
            level, since = self._levels.pop(key, (0.0, now))
            level = max(0.0, level - (now - since) * self._most / HOUR_S)
            free = level + 1 <= self._most
            self._levels[key] = (level + 1 if free else level, now)
            if len(self._levels) > self._keys:
                self._levels.popitem(last=False)
        return free


class Once:
    """Says of each key whether it comes for the first time; of many, the oldest are forgotten."""

    def __init__(self, *, keys: int = 100_000) -> None:
        """Take how many are kept in mind at the most."""
        self._keys = keys
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def first(self, key: str) -> bool:
        """Say whether this is the first time, and remember it."""
        with self._lock:
            if key in self._seen:
                return False
            self._seen[key] = None
            if len(self._seen) > self._keys:
                self._seen.popitem(last=False)
        return True


def network_prefix(host: str) -> str:
    """Give the network that an address is in: /24 of IPv4, /48 of IPv6; what is no address stands for itself."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    length = IPV4_PREFIX if address.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network((address, length), strict=False))
