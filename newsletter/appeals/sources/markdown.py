"""Reads a Markdown file with YAML front matter: one appeal in one language.

---
title: Kurdish prisoners on hunger strike
byline: In Defence of Marxism
date: 2012-11-06
countries: [TR]
id: hunger-strike
---
The first paragraph is the teaser, unless the front matter has one.

The rest is the full text.
"""

import difflib
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.appeals.action import Action
from newsletter.appeals.countries import country_code
from newsletter.appeals.dates import DateImpossible, DateUnreadable, find_date, parse_date
from newsletter.appeals.item import MAX_TAG, Item
from newsletter.appeals.letters import locale
from newsletter.appeals.sources.action_list import read_actions
from newsletter.appeals.sources.blog import absolute
from newsletter.appeals.sources.faults import (
    FileWithoutDate,
    FrontMatterTwice,
    FrontMatterUnclosed,
    FrontMatterUnknownKey,
    FrontMatterUnreadable,
    FrontMatterWrongValue,
    ItemDateImpossible,
    ItemWithoutTitle,
)
from newsletter.appeals.sources.identity import identities
from newsletter.appeals.sources.prose import lines, one_line, paragraphs, shown
from newsletter.appeals.urgency import Urgency

_KEYS: Final = {
    "title": ("headline",),
    "byline": ("author", "authors", "by"),
    "date": ("published", "published_on", "pubdate"),
    "language": ("lang", "locale"),
    "countries": ("country",),
    "topics": ("topic", "tags"),
    "urgent": ("urgency",),
    "deadline": ("until", "act_by"),
    "teaser": ("summary", "intro", "description", "excerpt"),
    "url": ("link", "permalink"),
    "id": ("identifier",),
    "background": ("context",),
    "demands": ("demand",),
    "actions": ("action",),
    "picture_alt": (),
    "picture_credit": (),
    "reference": (),  # these two in sheets of our own; see `sheet`
    "revision": (),
}
_MEANS: Final = {alias: key for key, aliases in _KEYS.items() for alias in (key, *aliases)}
_BLOCKS: Final = MarkdownIt("commonmark", {"html": False})
_LEADING_ON: Final = ("link_open", "image")
_FENCE: Final = re.compile(r"(?:---|\.\.\.)[ \t]*")
_LONGEST: Final = 65_536  # characters of front matter
_MOST: Final = 50  # countries or topics of one appeal


def has_front_matter(text: str) -> bool:
    """Tell a text that begins with a line of three dashes."""
    return re.match(r"\s*---[ \t]*(?:\r?\n|$)", text) is not None


def read_markdown(text: str, *, place: str, language: str | None = None) -> Item:
    """Read one appeal.

    Two files with the same `id` and different languages are one appeal's translations.

    Args:
        text: the whole file.
        place: how to name it to a person.
        language: BCP 47 tag of the text where the front matter has none.

    Raises:
        SourceFault: the front matter can't be read, has keys or values that aren't understood, or lacks title or date.
    """
    front, body, first_line = _split(text, place)
    facts = _Facts(_loaded(front, place, first_line), place)
    tongue = facts.language() or language or "en"
    title, body = _title(facts, body)
    if not title:
        raise ItemWithoutTitle(place=place)
    published_on = facts.day("date", tongue)
    if published_on is None:
        raise FileWithoutDate(place=place, title=shown(title))
    teaser, body = _teaser(facts, body)
    url = facts.url()
    source_id = facts.line("id", 200)
    return Item(
        identities=identities(title=title, published_on=published_on, url=url, source_id=source_id),
        title=title,
        byline=facts.line("byline", 300, joined=True),
        published_on=published_on,
        teaser=teaser,
        body=body,
        language=tongue,
        url=url,
        countries=facts.countries(tongue),
        topics=tuple(facts.words("topics")),
        urgency=facts.urgency(),
        deadline=facts.day("deadline", tongue),
        background=lines(facts.text("background")),
        demands=facts.demands(),
        actions=facts.actions(tongue),
        picture_alt=facts.line("picture_alt", 300),
        picture_credit=facts.line("picture_credit", 300),
        place=place,
    )


def _split(text: str, place: str) -> tuple[str, str, int]:
    """Split a file into front matter and body; also tell the line on which the front matter begins."""
    every = re.split(r"\r\n|\r|\n", text)
    begins = next(number for number, line in enumerate(every) if line.strip()) + 1
    for number in range(begins, len(every)):
        if _FENCE.fullmatch(every[number]):
            return "\n".join(every[begins:number]), "\n".join(every[number + 1 :]), begins + 1
    raise FrontMatterUnclosed(place=place)


def _loaded(front: str, place: str, first_line: int) -> dict[str, object]:
    """Load the front matter, and call its keys by their own names."""
    here = f"{place}, line {first_line}"
    if len(front) > _LONGEST:
        raise FrontMatterUnreadable(place=here, reason="it is too long")
    try:
        loaded = yaml.safe_load(front)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{place}, line {first_line + mark.line}" if mark else here
        raise FrontMatterUnreadable(place=where, reason=shown(error.problem or "broken off", 120)) from None
    except yaml.YAMLError as error:
        raise FrontMatterUnreadable(place=here, reason=shown(error, 120)) from None
    except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError, RecursionError):
        # PyYAML lets these through: 2012-02-31 is a ValueError, `!!bool 7` a KeyError, [[[[… a RecursionError
        _refuse_impossible_date(front, place, first_line)
        raise FrontMatterUnreadable(place=here, reason="a value is not what YAML takes it for") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise FrontMatterUnreadable(place=here, reason="there are no keys in it")
    return _by_own_names(loaded, place)


def _refuse_impossible_date(front: str, place: str, first_line: int) -> None:
    for number, line in enumerate(front.split("\n"), start=first_line):
        try:
            find_date(line.partition(":")[2].strip())
        except DateImpossible as fault:
            raise ItemDateImpossible(place=f"{place}, line {number}", written=fault.facts["written"]) from None


def _by_own_names(loaded: dict[object, object], place: str) -> dict[str, object]:
    found: dict[str, object] = {}
    called: dict[str, str] = {}
    for key, value in loaded.items():
        name = re.sub(r"[\s-]+", "_", str(key).strip().lower()) if isinstance(key, str) else ""
        own = _MEANS.get(name)
        if own is None:
            raise FrontMatterUnknownKey(place=place, key=_key_shown(key), hint=_hint(name))
        if own in found:
            raise FrontMatterTwice(place=place, key=called[own], other=_key_shown(key))
        found[own], called[own] = value, _key_shown(key)
    return found


def _key_shown(key: object) -> str:
    return shown(key, 60) if isinstance(key, str | int | float | bool | date) else type(key).__name__


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name[:60], _MEANS, n=3, cutoff=0.6)
    near.sort(key=lambda word: word not in _KEYS)  # a key's own name rather than another word for it
    return f"did you mean “{near[0]}”?" if near else f"these are known: {', '.join(_KEYS)}."


class _Facts:
    """The front matter's values, each understood as what it should be."""

    def __init__(self, values: dict[str, object], place: str) -> None:
        self._values = {key: value for key, value in values.items() if value is not None}
        self._place = place

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str) -> str:
        value = self._values.get(key, "")
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, date):
            return value.isoformat()
        raise self._wrong(key, "a text")

    def line(self, key: str, longest: int, *, joined: bool = False) -> str:
        if joined and isinstance(self._values.get(key), list):
            return one_line(", ".join(self.words(key)), longest)
        return one_line(self.text(key), longest)

    def words(self, key: str) -> list[str]:
        """Read a list, or a line with commas."""
        value = self._values.get(key, ())
        if isinstance(value, str):
            value = value.split(",")
        elif isinstance(value, bool | int | float):
            value = [value]
        if not isinstance(value, list | tuple) or len(value) > _MOST:
            raise self._wrong(key, f"a list of at most {_MOST} words")
        return list(dict.fromkeys(word for word in self._each_word(key, value) if word))

    def _each_word(self, key: str, values: Iterable[object]) -> Iterable[str]:
        for value in values:
            if value is False and key == "countries":
                yield "NO"  # YAML 1.1 takes Norway for 'no'
            elif isinstance(value, str | int | float) and not isinstance(value, bool):
                yield one_line(str(value), 100)
            else:
                raise self._wrong(key, "a list of words", value)

    def countries(self, tongue: str) -> tuple[str, ...] | None:
        if "countries" not in self:
            return None
        found = []
        for word in self.words("countries"):
            code = country_code(word, tongue)
            if code is None:
                raise FrontMatterWrongValue(
                    place=self._place,
                    key="countries",
                    wanted="country names or codes such as TR, CD or CG",
                    found=f"“{word}”",
                )
            found.append(code)
        return tuple(dict.fromkeys(found))

    def day(self, key: str, tongue: str) -> date | None:
        value = self._values.get(key)
        if isinstance(value, datetime):
            return value.date()
        if value is None or isinstance(value, date):
            return value
        if not isinstance(value, str):
            raise self._wrong(key, "a date such as 2012-11-06")
        try:
            return parse_date(value, tongue)
        except DateImpossible as fault:
            raise ItemDateImpossible(place=self._place, written=fault.facts["written"]) from None
        except DateUnreadable:
            raise self._wrong(key, "a date such as 2012-11-06") from None

    def language(self) -> str:
        if self._values.get("language") is False:
            return "no"  # as with countries: Norwegian
        said = self.line("language", 40).replace("_", "-")
        well_formed = re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", said) and len(said) <= MAX_TAG
        if said and (not well_formed or locale(said) is None):
            raise self._wrong("language", "a language tag such as en or pt-BR")
        head, *subtags = said.split("-")
        return "-".join([head.lower(), *(tag.upper() if len(tag) == 2 else tag.title() for tag in subtags)])

    def urgency(self) -> Urgency | None:
        value = self._values.get("urgent")
        if value is None:
            return None
        if isinstance(value, bool):
            return Urgency.URGENT if value else Urgency.NORMAL
        said = re.sub(r"[\s_-]+", "_", value.strip().lower()) if isinstance(value, str) else ""
        known = {"yes": Urgency.URGENT, "true": Urgency.URGENT, "no": Urgency.NORMAL, "false": Urgency.NORMAL}
        known |= {each.value: each for each in Urgency}
        if said not in known:
            raise self._wrong("urgent", "yes, no or “life at risk”")
        return known[said]

    def demands(self) -> tuple[str, ...]:
        value = self._values.get("demands")
        if isinstance(value, str):
            value = [line.lstrip("-*• ") for line in value.splitlines()]
        if value is not None and (not isinstance(value, list) or len(value) > _MOST):
            raise self._wrong("demands", f"a list of at most {_MOST} lines")
        return tuple(line for each in value or () if (line := one_line(self._sentence(each), 500)))

    def _sentence(self, value: object) -> str:
        if isinstance(value, dict) and len(value) == 1:  # 'Freedom: now' without quotes
            [(key, rest)] = value.items()
            return f"{key}: {rest}"
        if isinstance(value, str | int | float):
            return str(value)
        raise self._wrong("demands", "a list of sentences", value)

    def actions(self, tongue: str) -> tuple[Action, ...] | None:
        if "actions" not in self:
            return None
        return read_actions(self._values["actions"], place=self._place, language=tongue)

    def url(self) -> str:
        said = self.text("url").strip()
        if said and not absolute("", said):
            raise self._wrong("url", "a whole address that begins with https://")
        return absolute("", said)

    def _wrong(self, key: str, wanted: str, value: object = None) -> FrontMatterWrongValue:
        value = self._values.get(key) if value is None else value
        plain = isinstance(value, str | int | float | bool | date)
        kind = {"list": "a list", "dict": "a list of keys"}.get(type(value).__name__, "something else")
        return FrontMatterWrongValue(
            place=self._place, key=key, wanted=wanted, found=f"“{shown(value, 60)}”" if plain else kind
        )


def _title(facts: _Facts, body: str) -> tuple[str, str]:
    """Take the title from the front matter, or else from the body's first heading."""
    if title := facts.line("title", 300):
        return title, body
    heading = re.match(r"\s*#[ \t]+(.+?)[ \t]*#*[ \t]*(?:\n|$)", body)
    return (one_line(heading[1]), body[heading.end() :]) if heading else ("", body)


def _teaser(facts: _Facts, body: str) -> tuple[str, str]:
    """Take the teaser from the front matter, or else the first paragraph.

    The body then doesn't repeat it, unless it doesn't begin with it, or it has links, which a teaser can't have.
    """
    if "teaser" in facts:
        return paragraphs(facts.text("teaser")), lines(body)
    text = lines(body).lstrip("\n")
    blocks = _BLOCKS.parse(text)
    for place, block in enumerate(blocks):
        if block.type == "paragraph_open" and block.map is not None and (words := _words(blocks[place + 1])):
            rows, (begin, end) = text.split("\n"), block.map
            rest = "\n".join(rows[:begin] + rows[end:])  # before it there may be addresses that links refer to
            alone = place == 0 and not any(part.type in _LEADING_ON for part in blocks[1].children or [])
            return paragraphs(words), lines(rest) if alone else text
    return "", text


def _words(inline: Token) -> str:
    """Give a paragraph as it is read, without the marks of Markdown and without pictures."""
    parts = (part for part in inline.children or [] if part.type != "image")
    return "".join("\n" if part.type in ("softbreak", "hardbreak") else part.content for part in parts).strip()
