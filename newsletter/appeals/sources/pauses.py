"""Leaves sites in peace: a pause between two requests to the same host, and none before the time that it asks for."""

import contextlib
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Final

CRAWL_DELAY_LONGEST_S: Final = 10.0  # some ask for minutes; fifty pages would take a day
_AGAIN_LONGEST_S: Final = 86_400.0  # one that says 'in a year' is asked again tomorrow


class Pauses:
    """Remembers when each host was last asked."""

    def __init__(self, pause_s: float, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Take the pause.

        Args:
            pause_s: between the end of one request to a host and the start of the next.
            clock: monotonic, in seconds.
            sleep: waits for so many seconds.
        """
        self._pause_s, self._clock, self._sleep = pause_s, clock, sleep
        self._ended: dict[str, float] = {}

    @contextlib.contextmanager
    def between(self, host: str, *, least_s: float = 0) -> Iterator[None]:
        """Wait until a host may be asked; what is done inside is the request.

        Args:
            host: its name.
            least_s: what the site itself asks for; kept up to ten seconds.
        """
        if host in self._ended:
            rest_s = max(self._pause_s, min(least_s, CRAWL_DELAY_LONGEST_S)) - (self._clock() - self._ended[host])
            if rest_s > 0:
                self._sleep(rest_s)
        try:
            yield
        finally:
            self._ended[host] = self._clock()  # also of one that failed: above all then


def retry_after_s(said: str, *, sent: str = "") -> float | None:
    """Read `Retry-After` (RFC 9110, 10.2.3).

    Args:
        said: seconds, or a date.
        sent: the answer's own `Date`, which a date is counted from: two clocks needn't agree then.

    Returns:
        Seconds, at most a day; None if nothing is said that can be understood.
    """
    said = said.strip()
    if not 0 < len(said) <= 40:
        return None
    if said.isascii() and said.isdigit():
        return min(float(said), _AGAIN_LONGEST_S)
    try:
        wait_s = (parsedate_to_datetime(said) - parsedate_to_datetime(sent)).total_seconds()
    except (ValueError, TypeError, OverflowError):  # TypeError: one has a time zone and the other none
        return None
    return min(max(wait_s, 0.0), _AGAIN_LONGEST_S)


def in_words(wait_s: float | None) -> str:
    """Say for how long, for a sentence: `in 5 minutes`; without a time `later`."""
    if wait_s is None:
        return "later"
    if wait_s < 120:
        return f"in {max(1, round(wait_s))} seconds"
    return f"in {round(wait_s / 60)} minutes" if wait_s < 7200 else f"in {round(wait_s / 3600)} hours"
