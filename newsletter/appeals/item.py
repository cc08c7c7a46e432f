"""What a source's reader hands over: one appeal as it stands at its source, before it is ours."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Item:
    """One appeal in one language, as plain facts. Readers make these; nothing in them is trusted.

    Attributes:
        identities: names under which this item is known again, the strongest first, such as
            `url:example.org/solidarity/42` or `dated:2012-11-06:kurdish prisoners on hunger strike`.
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
        urgent: whether the source says so; None leaves it to be proposed from the title.
        deadline: the last day on which acting helps, or None.
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
    urgent: bool | None = None
    deadline: date | None = None
    place: str = ""

    @property
    def content_hash(self) -> str:
        """SHA-256 in hex over what a reader of the source sees; equal as long as nothing changed there."""
        facts = [self.title, self.byline, self.published_on.isoformat(), self.teaser, self.body, self.url]
        return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()
