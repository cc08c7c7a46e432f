"""Reads the plain-text listing: what a Joomla category page looks like once it was copied as text.

Solidarity Appeals

Kurdish prisoners on hunger strike

Written by In Defence of Marxism Tuesday, 06 November 2012

We publish this solidarity appeal from Turkey …


Page 1 of 10
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from newsletter.appeals.dates import DateImpossible, DateUnreadable, parse_date, split_date
from newsletter.appeals.item import Item
from newsletter.appeals.sources.faults import ItemDateImpossible, ItemWithoutDate, ItemWithoutTitle, NoAppeals
from newsletter.appeals.sources.identity import identities
from newsletter.appeals.sources.prose import one_line, paragraphs, plain, shown
from newsletter.appeals.sources.thumbnail import without_thumbnails
from newsletter.appeals.sources.wording import Signature, is_navigation, is_read_more, is_updated, signature


@dataclass(frozen=True, kw_only=True)
class _Signed:
    """A 'Written by' line: where it stands, and up to where it and its date go."""

    at: int
    ends: int
    byline: str
    day: date
    language: str


def read_listing(
    text: str, *, place: str, language: str | None = None, links: Mapping[str, str] | None = None
) -> list[Item]:
    """Read a plain-text listing.

    An appeal is a line with its title, a line 'Written by NAME Weekday, DD Month YYYY' (in any language that
    `wording` knows; the date may stand on the line below), and paragraphs. What stands before the first title, such
    as the site's heading, and what belongs to the page, such as 'Page 1 of 10', is left out.

    Args:
        text: the whole listing.
        place: how to name it to a person.
        language: BCP 47 tag; without it each appeal's own 'Written by' tells.
        links: where titles lead, by their text, if that is known.

    Raises:
        NoAppeals: there is no such line in it.
        ItemWithoutTitle, ItemWithoutDate, ItemDateImpossible: an appeal lacks what it needs.
    """
    lines = [" ".join(line.split()) for line in plain(text).split("\n")]
    signed = _signed_lines(lines, place, language)
    if not signed:
        raise NoAppeals(place=place)
    titles = [_title_at(lines, each, before, place) for each, before in zip(signed, [None, *signed], strict=False)]
    ends = [*titles[1:], len(lines)]
    return [
        _item(lines, title, each, end, place, (links or {}).get(lines[title], ""))
        for title, each, end in zip(titles, signed, ends, strict=True)
    ]


def _signed_lines(lines: list[str], place: str, language: str | None) -> list[_Signed]:
    found: list[_Signed] = []
    for at, line in enumerate(lines):
        said = signature(line[:1000]) if line else None
        if said is not None and (each := _signed(lines, at, said, place, language)):
            found.append(each)
    return found


def _signed(lines: list[str], at: int, said: Signature, place: str, language: str | None) -> _Signed | None:
    """Understand a 'Written by' line with its date; None if it is only prose that begins like one."""
    here = f"{place}, line {at + 1}"
    below = next((number for number in range(at + 1, min(at + 4, len(lines))) if lines[number]), None)
    tongue = language or said.language
    try:
        if on_line := split_date(said.said, tongue):
            return _Signed(at=at, ends=at, byline=on_line[0], day=on_line[1], language=tongue)
        if below is not None:
            if language is None:
                tongue = Signature(said=lines[below], languages=said.languages).language
            day = parse_date(lines[below], tongue)
            return _Signed(at=at, ends=below, byline=said.said, day=day, language=tongue)
    except DateImpossible as fault:
        raise ItemDateImpossible(place=here, written=fault.facts["written"]) from None
    except DateUnreadable:
        pass
    stands_alone = (at + 1 == len(lines) or not lines[at + 1]) and len(lines[at]) <= 100
    if stands_alone and at and not lines[at - 1] and not lines[at].endswith((".", "!", "?", "…", ":", ",")):
        title = next((line for line in reversed(lines[:at]) if line), lines[at])
        raise ItemWithoutDate(place=here, title=shown(title))
    return None


def _title_at(lines: list[str], signed: _Signed, before: _Signed | None, place: str) -> int:
    """Find an appeal's title: the last line above its 'Written by'."""
    first = before.ends + 1 if before else 0
    for number in range(signed.at - 1, first - 1, -1):
        if lines[number] and not _is_furniture(lines[number]):
            return number
    raise ItemWithoutTitle(place=f"{place}, line {signed.at + 1}")


def _item(lines: list[str], title_at: int, signed: _Signed, end: int, place: str, url: str) -> Item:
    title = one_line(lines[title_at])
    kept = [line for line in lines[signed.ends + 1 : end] if not _is_furniture(line)]
    return Item(
        identities=identities(title=title, published_on=signed.day, url=url),
        title=title,
        byline=one_line(signed.byline),
        published_on=signed.day,
        teaser=without_thumbnails(paragraphs("\n".join(kept))),
        language=signed.language,
        url=url,
        place=f"{place}, line {title_at + 1}",
    )


def _is_furniture(line: str) -> bool:
    return bool(line) and (is_navigation(line) or is_read_more(line) or is_updated(line))
