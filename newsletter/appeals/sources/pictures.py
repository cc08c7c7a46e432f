"""The pictures that a text shows: which they are, and which are only there to count who looks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborNode

from newsletter.appeals.letters import listed
from newsletter.appeals.sources.blog import absolute
from newsletter.appeals.sources.prose import one_line

_ALT_LONGEST: Final = 500
_PIXEL_NAMES: Final = re.compile(
    r"(?:^|[/_.-])(?:pixel|spacer|blank|clear|transparent|shim|1x1|open|beacon|webbug|trk)(?:\.(?:gif|png)|[/?_-]|$)"
    r"|/tr\?|/track|feedburner\.com/~|feeds\.feedburner|feedsportal|doubleclick|google-analytics|pixel\.wp\.com"
    r"|stats\.wordpress|stats\.wp\.com|feeds\.wordpress\.com|blogger\.googleusercontent\.com/tracker|list-manage\.com/track"
    r"|/wf/open|matomo|piwik|statcounter|histats|vg\d\d\.met\.vgwort",
    re.IGNORECASE,
)
_SIZE: Final = re.compile(r"\s*(\d{1,5})")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that a text shows.

    Attributes:
        url: absolute http(s).
        alt: what it shows, one line; empty where the text doesn't say.
    """

    url: str
    alt: str = ""


def picture(node: LexborNode, base: str) -> Picture | None:
    """Read an `<img>`, also one that a script would load when it is scrolled to; None for pixels that count."""
    attributes = node.attributes
    names = listed("data-src data-lazy-src data-original src")
    urls = [found for name in names if (found := absolute(base, attributes.get(name) or ""))]
    url = urls[0] if urls else absolute(base, (attributes.get("srcset") or "").strip().split(" ")[0].rstrip(","))
    return Picture(url=url, alt=alternative(node)) if url and not _is_pixel(url, attributes) else None


def alternative(node: LexborNode) -> str:
    """Say what a picture shows, if its page does: in its `alt`, or else in its caption."""
    if alt := one_line(node.attributes.get("alt") or "", _ALT_LONGEST):
        return alt
    around = node.parent
    while around is not None and around.tag in {"a", "picture", "div", "span"}:
        around = around.parent
    caption = around.css_first("figcaption") if around is not None and around.tag == "figure" else None
    return one_line(caption.text(), _ALT_LONGEST) if caption is not None else ""


def is_caption(node: LexborNode) -> bool:
    """Tell what is said of a picture, which a text without pictures has no use for, from what is said of a quote."""
    return node.parent is not None and node.parent.css_first("img") is not None


def emoji(node: LexborNode) -> str:
    """Give the letter that WordPress draws as a picture; empty if it is a picture of something."""
    attributes = node.attributes
    drawn = "emoji" in (attributes.get("class") or "") or "/emoji/" in (attributes.get("src") or "")
    return alternative(node)[:8] if drawn else ""


def _is_pixel(url: str, attributes: Mapping[str, str | None]) -> bool:
    """Tell a picture that isn't there to be looked at, by its size or its name."""
    for name in ("width", "height"):
        size = _SIZE.match(attributes.get(name) or "")
        if size and int(size[1]) <= 3:
            return True
    return _PIXEL_NAMES.search(url) is not None
