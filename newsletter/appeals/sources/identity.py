"""The names under which an appeal is known again, wherever and however often it is read."""

import hashlib
import re
import unicodedata
from datetime import date
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_LONGEST: Final = 600
_TRACKING: Final = frozenset({"fbclid", "gclid", "mc_cid", "mc_eid"})
_INESSENTIAL: Final = frozenset({"print", "format", "tmpl"})


def identities(
    *, title: str, published_on: date | None, url: str = "", source_id: str = "", guid: str = "", scope: str = ""
) -> tuple[str, ...]:
    """Name an item, the strongest name first: its source's own id, its guid, its address, its date and title.

    Args:
        title: as the source has it.
        published_on: the source's date; None where it has none, and then that is no part of a name.
        url: absolute, or empty.
        source_id: an id that stays the same over all its translations, or empty.
        guid: the name that a feed gives it for good, or empty.
        scope: the source that guids are given by, for another source may give the same.
    """
    normal = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", title).casefold()).strip() or title.strip()
    names = []
    if source_id:
        names.append(f"markdown:{source_id}")
    if guid:
        # A guid that is an address is compared as one: it changes with http to https, and the article does not.
        names.append(f"guid:{_quoted(scope)}:{_address(guid) or guid}")
    if address := _address(url):
        names.append(f"url:{address}")
    if published_on is not None:
        names.append(f"dated:{published_on.isoformat()}:{normal}")
    return tuple(dict.fromkeys(_bounded(name) for name in names or [f"undated:{_quoted(scope)}:{normal}"]))


def _quoted(scope: str) -> str:
    """Write a scope without the sign that ends it."""
    return scope.replace("%", "%25").replace(":", "%3A")[:100]


def without_tracking(url: str) -> str:
    """Take out of an address what only tells its site where a visitor came from; nobody is counted by our links."""
    try:
        parts = urlsplit(url)
        asked = parts.query.split("&")
        kept = [each for each in asked if not _is_tracking(unquote(each.partition("=")[0]))]
    except ValueError:
        return url
    return parts._replace(query="&".join(kept)).geturl() if kept != asked else url


def same_site(one: str, other: str) -> bool:
    """Tell whether two addresses are on one host, with or without `www.`."""
    try:
        hosts = [(urlsplit(each).hostname or "").removeprefix("www.") for each in (one, other)]
    except ValueError:
        return False
    return bool(hosts[0]) and hosts[0] == hosts[1]


def _address(url: str) -> str:
    """Reduce an address to what makes it this page: host, path, and the query but for tracking and print views."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in {None, 80, 443} else ""
        asked = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return ""
    query = urlencode(sorted(pair for pair in asked if not _is_inessential(pair[0])))
    path = quote(unquote(parts.path, errors="surrogateescape"), safe="/:@!$&'()*+,;=~-._", errors="surrogateescape")
    path = path.rstrip("/")
    if not host or not (path or query):
        return ""  # a site's front page is no appeal's own: all that link to it would be one
    return f"{host}{port}{path}" + (f"?{query}" if query else "")


def _is_inessential(key: str) -> bool:
    return key.lower() in _INESSENTIAL or _is_tracking(key)


def _is_tracking(key: str) -> bool:
    return key.lower() in _TRACKING or key.lower().startswith("utm_")


def _bounded(name: str) -> str:
    """Keep a name within the database's column; a long tail becomes its hash, so that it still differs."""
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: _LONGEST - len(digest) - 1]}~{digest}"
