"""What a site asks machines to leave alone: robots.txt (RFC 9309), read with Protego."""

import re
from collections.abc import Callable
from typing import Final

import httpx
from protego import Protego

from newsletter.appeals.sources.faults import (
    AddressRefused,
    PageBusy,
    PageRefused,
    PageUnreachable,
    RedirectLoop,
    RobotsForbid,
    RobotsUnreadable,
    SourceFault,
)
from newsletter.appeals.sources.prose import shown

AGENT: Final = "solidarity-newsletter"
LIMIT_BYTES: Final = 512_000  # RFC 9309, 2.5, wants at least 500 KiB to be heeded; what follows is not
_NAMES_AGENT: Final = re.compile(r"\s*user(?:-|\s+)?agent(?:\s*:\s*|\s+)(.*)", re.IGNORECASE | re.DOTALL)
_TOKEN: Final = re.compile(r"[A-Za-z_-]+|\*$")


class Rules:
    """One robots.txt, as far as it is about us."""

    def __init__(self, content: bytes = b"") -> None:
        """Read it; whatever can't be understood is passed over."""
        text = content[:LIMIT_BYTES].decode("utf-8-sig", errors="replace")
        self._rules = Protego.parse("\n".join(map(_ours_or_others, text.splitlines())))

    def allow(self, url: str) -> bool:
        """Say whether we may read a page."""
        return bool(self._rules.can_fetch(url, AGENT))

    @property
    def crawl_delay_s(self) -> float:
        """The pause that it asks for, 0 if it asks for none."""
        return float(self._rules.crawl_delay(AGENT) or 0)


class Robots:
    """Gets each site's robots.txt once, and keeps it for as long as it lives itself: for one round of reading."""

    def __init__(self) -> None:
        self._rules: dict[str, Rules] = {}

    def permit(self, url: httpx.URL, ask: Callable[[str], bytes]) -> float:
        """Go on with a page if its site lets us, and give the pause between pages that it asks for, in seconds.

        Args:
            url: of the page.
            ask: gets robots.txt; its first 500 kB are enough.

        Raises:
            RobotsForbid: the site asks us not to read it.
            RobotsUnreadable, PageBusy: that can't be known now.
            AddressRefused: the guard lets nobody there.
        """
        site = str(url.copy_with(userinfo=b"", raw_path=b"/robots.txt", fragment=None))
        if site not in self._rules:
            self._rules[site] = self._read(site, shown(url.copy_with(userinfo=b"")), ask)
        if not self._rules[site].allow(str(url)):
            raise RobotsForbid(place=shown(url.copy_with(userinfo=b"")), robots=shown(site), agent=AGENT)
        return self._rules[site].crawl_delay_s

    def _read(self, site: str, place: str, ask: Callable[[str], bytes]) -> Rules:
        try:
            return Rules(ask(site))
        except (AddressRefused, PageBusy):
            raise
        except PageRefused as refused:
            # RFC 9309, 2.3.1.3: who has none allows everything. One whose server fails may have forbidden it (2.3.1.4).
            if 400 <= refused.status < 500:
                return Rules()
            raise RobotsUnreadable(place=place, reason=f"it answered {refused.status}") from None
        except RedirectLoop:
            return Rules()  # 2.3.1.2
        except PageUnreachable as fault:
            # Nobody is there at all: whoever mistyped a name must not look for a robots.txt.
            raise PageUnreachable(**{**fault.facts, "place": place}) from None
        except SourceFault as fault:
            raise RobotsUnreadable(place=place, reason=fault.facts.get("reason", "it can't be had")) from None


def _ours_or_others(line: str) -> str:
    """Call all agents but us and `*` the same.

    Protego copies each rule to each agent of its group: of 500 kB with 20,000 agents and as many rules, it would make
    some hundred million. And it takes a part of our name for us, where RFC 9309 means the whole.
    """
    named = _NAMES_AGENT.fullmatch(line.partition("#")[0])
    if named is None:
        return line
    token = _TOKEN.match(named[1].strip())
    name = token[0].lower() if token else ""
    return f"User-agent: {name if name in {AGENT, '*'} else 'others'}"
