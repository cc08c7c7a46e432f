"""What a source's reader hands over: one appeal as it stands at its source, before it is ours."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from newsletter.appeals.action import Action
from newsletter.appeals.document import ACTIONS
from newsletter.appeals.urgency import Urgency

_SCOPED = frozenset({"guid", "undated"})  # kinds of identities that belong to one source
MAX_TAG = 16  # characters of a language tag; what the tables hold


@dataclass(frozen=True, kw_only=True)
class Item:
    """One appeal in one language, as plain facts. Readers make these; nothing in them is trusted.

    Attributes:
        identities: names under which this item is known again, the strongest first, such as
            `guid:SCOPE:tag:example.org,2012:42`, `url:example.org/solidarity/42` or `dated:2012-11-06:kurdish prisoners
            on hunger strike`.
        title: one line of plain text.
        byline: who wrote or sent it, one line; empty if the source doesn't say.
        published_on: the date that the source gives.
        teaser: plain text; paragraphs apart by an empty line.
        body: the full text as Markdown; empty where the source has only a teaser.
        language: BCP 47 tag of the text.
        url: where it can be read in full, absolute http(s), or empty.
        countries: ISO 3166 alpha-2 in order of weight; None where the source doesn't say, so that they are proposed
            from title and teaser.
        topics: words of the organisation's own; may be empty.
        urgency: what the source says of it; None leaves it to be proposed from the title.
        deadline: the last day on which acting helps, or None.
        background: Markdown, or empty.
        demands: one line each.
        actions: what a supporter can do; None where the source doesn't say.
        picture_alt, picture_credit: of the picture, which comes another way.
        pictures: address and alternative text of those that the source shows; no part of what it says.
        place: where in the source it stands, for messages: `appeals.txt, line 12`.
    """

    identities: tuple[str, ...]
    title: str
    byline: str
    published_on: date
    teaser: str
    body: str = ""
    language: str = "en"
    url: str = ""
    countries: tuple[str, ...] | None = None
    topics: tuple[str, ...] = ()
    urgency: Urgency | None = None
    deadline: date | None = None
    background: str = ""
    demands: tuple[str, ...] = ()
    actions: tuple[Action, ...] | None = None
    picture_alt: str = ""
    picture_credit: str = ""
    pictures: tuple[tuple[str, str], ...] = ()
    place: str = ""

    @property
    def content_hash(self) -> str:
        """SHA-256 in hex over what a reader of the source sees; equal as long as nothing changed there."""
        return hashlib.sha256(json.dumps(self.said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    @property
    def said(self) -> dict[str, Any]:
        """What the source says, as plain JSON; a fact that it doesn't give is left out."""
        words = {"title": self.title, "byline": self.byline, "teaser": self.teaser, "body": self.body}
        facts = {
            "published_on": self.published_on.isoformat(),
            "url": self.url or None,
            "deadline": self.deadline.isoformat() if self.deadline else None,
            "countries": None if self.countries is None else list(self.countries),
            "topics": list(self.topics) or None,
            "urgent": None if self.urgency is None else self.urgency is not Urgency.NORMAL,
            "urgency": self.urgency if self.urgency is Urgency.LIFE_AT_RISK else None,
            "background": self.background or None,
            "demands": list(self.demands) or None,
            "actions": None if self.actions is None else ACTIONS.dump_python(self.actions, mode="json"),
            "picture_alt": self.picture_alt or None,
            "picture_credit": self.picture_credit or None,
        }
        return words | {name: fact for name, fact in facts.items() if fact is not None}


def same_thing(one: Iterable[str], other: Iterable[str]) -> bool:
    """Say whether two items that share a name can be one.

    Two articles of one day may have one title; what tells them apart is a stronger name of the same kind, such as two
    addresses. Only if both have one and none is shared, they are two. A guid that is shared makes them one even at two
    addresses, for an article may move; two guids make them two only where no address says otherwise, for a site that
    moves to another system gives all its articles new ones.
    """
    ours, theirs = set(one), set(other)
    if not ours & theirs:
        return False
    markdown = _shared(ours, theirs, "markdown:")
    if markdown is not None:
        return markdown
    scopes = {name.split(":", 2)[1] for name in ours if name.startswith("guid:")}
    guids = [_shared(ours, theirs, f"guid:{scope}:") for scope in sorted(scopes)]
    if True in guids:
        return True
    address = _shared(ours, theirs, "url:")
    return address if address is not None else False not in guids


def _shared(ours: set[str], theirs: set[str], kind: str) -> bool | None:
    """Say whether a name of this kind is shared; None if one of them has none."""
    mine = {name for name in ours if name.startswith(kind)}
    its = {name for name in theirs if name.startswith(kind)}
    return not mine.isdisjoint(its) if mine and its else None


def kept(name: str) -> str:
    """Give the form in which an identity is kept: its kind, and a hash of the rest, which may say somebody's name."""
    kind, _, rest = name.partition(":")
    if kind in _SCOPED:
        scope, _, rest = rest.partition(":")
        kind = f"{kind}:{scope}"
    return f"{kind}:{hashlib.sha256(rest.encode('utf-8', 'surrogatepass')).hexdigest()}"
