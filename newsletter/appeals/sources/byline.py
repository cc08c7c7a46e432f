"""Who wrote an article, out of the ways in which sites say so."""

import re
from typing import Final

from newsletter.appeals.dates import DateImpossible, split_date
from newsletter.appeals.letters import fold, listed
from newsletter.appeals.sources.prose import one_line
from newsletter.appeals.sources.wording import signature

_LONGEST: Final = 200
_ADDRESS: Final = re.compile(r"<?\s*[^\s<>()@]+@[^\s<>()@]+\.[^\s<>()@]+\s*>?")
_BY: Final = re.compile(
    r"(?:posted\s+by|submitted\s+by|published\s+by|publié\s+par|publicado\s+por|enviado\s+por|veröffentlicht\s+von"
    r"|eingereicht\s+von|gespeichert\s+von|soumis\s+par|pubblicato\s+da|geplaatst\s+door|опубликовано|انتشار\s+توسط|نشره|by|par|von|por|di|da|door|av|af|від"
    r"|توسط|به\s+قلم|بقلم)(?:\s*:\s*|\s+)",
    re.IGNORECASE,
)
_ON: Final = re.compile(r"\s+(?:on|am|le|el|op|il|em|den|at)\s*$", re.IGNORECASE)
_SIGNED_LONGEST: Final = 100
_WORDS: Final = 6  # a name may end with an initial's dot; a longer line with a dot is prose
# What systems print where nobody filled in a name; it tells a reader nothing.
_NOBODY: Final = frozenset(
    listed("admin administrator superuser webmaster root editor user noreply no-reply unknown anonymous author")
) | {"super user", "site admin"}


def byline(said: str, *, language: str = "en", site: str = "") -> str:
    """Make a byline of what a site says: 'By Anna K.', 'anna@example.org (Anna K.)', 'Written by Anna on 6 May 2012'.

    Mail addresses are left out: they are for the site's own post. So are accounts' names such as 'Super User'.

    Args:
        said: as it stands there.
        language: BCP 47 tag; the one that a date at its end is in.
        site: the site's name, which is nobody's; empty where it may sign.
    """
    text = _without_address(one_line(said, 2 * _LONGEST))
    if (signed := signature(text)) is not None:
        text = signed.said
    else:
        text = _BY.sub("", text, count=1) if _BY.match(text) else text
    try:
        if (dated := split_date(text, language)) is not None:
            text = _ON.sub("", dated[0])
    except DateImpossible:
        pass
    name = one_line(text.strip(" \t\xa0|/:;,·•–—-"), _LONGEST)
    folded = fold(name)
    if folded in _NOBODY or folded.startswith(("http://", "https://")) or (site and folded == fold(one_line(site))):
        return ""
    return name


def is_signed(line: str) -> bool:
    """Tell a line that says who wrote something: 'Written by …', 'Submitted by …', 'By …'."""
    if signature(line) is not None:
        return True
    is_prose = line.endswith((".", "!", "?", ":")) and len(line.split()) > _WORDS
    return len(line) <= _SIGNED_LONGEST and _BY.match(line) is not None and not is_prose


def _without_address(text: str) -> str:
    """Take the name of 'anna@example.org (Anna K.)' and 'Anna K. <anna@example.org>'."""
    found = _ADDRESS.search(text)
    if found is None:
        return text
    around = f"{text[: found.start()]} {text[found.end() :]}".strip()
    inner = re.fullmatch(r"\(([^()]*)\)", around)
    return (inner[1] if inner else around.removesuffix("()")).strip()
