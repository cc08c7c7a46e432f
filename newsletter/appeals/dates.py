"""Dates as people and sites write them, in the languages that appeals come in."""

import functools
import itertools
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from newsletter.appeals.letters import KNOWN, fold, locale, primary
from newsletter.errors import NewsletterError

_LONGEST = 400  # characters that are looked at; a date is no novel
_DIGIT = re.compile(r"\d")

# The two families of Arabic month names, and those of Kabul, stand in CLDR under regions.
_REGIONS: Final = {"ar": ("ar", "ar_IQ", "ar_SY", "ar_MA", "ar_DZ", "ar_TN"), "fa": ("fa", "fa_AF")}

# Joomla's Arabic pack numbers the paired months instead of naming them; CLDR doesn't know this form.
_NUMBERED: Final = {"تشرين1": 10, "تشرين2": 11, "كانون1": 12, "كانون2": 1, "تشرين أول": 10, "تشرين ثاني": 11}

# CLDR's Persian calendar isn't in Babel, so its months stand here: Iran's names, then Afghanistan's in Dari.
_JALALI: Final = (
    "فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند",
    "حمل ثور جوزا سرطان اسد سنبله میزان عقرب قوس جدی دلو حوت",
)


class DateUnreadable(NewsletterError):
    """“{written}” is not understood as a date. Write it as 2012-11-06."""


class DateImpossible(NewsletterError):
    """“{written}” is a date that doesn't exist. Correct it, or write it as 2012-11-06."""


@dataclass(frozen=True, kw_only=True)
class WrittenDate:
    """A date and where it stands in a text, weekday and time of day included: `text[start:end]`."""

    day: date
    start: int
    end: int


def parse_date(text: str, language: str = "en") -> date:
    """Read a text that is a date and nothing else.

    Args:
        text: such as `Tuesday, 06 November 2012`, `6 Kasım 2012 Salı`, `2012-11-06T10:00:00+00:00`.
        language: BCP 47 tag; decides on `06/11/2012`, and which month names are tried first.

    Returns:
        The date as it is written; a time of day and its zone are left aside, and so is a wrong weekday.

    Raises:
        DateUnreadable: it is none.
        DateImpossible: there is no such day.
    """
    text = " ".join(text.split())
    found = find_date(text, language)
    if found is None:
        raise DateUnreadable(written=_shown(text))
    around = fold(text[: found.start] + text[found.end :]).strip(" .,\t\n")
    if around not in _weekdays((primary(language), "en"))[1] and _words_in(around):
        raise DateUnreadable(written=_shown(text))
    return found.day


def find_date(text: str, language: str = "en") -> WrittenDate | None:
    """Find the first date in a text, whatever stands around it.

    Raises:
        DateImpossible: what stands there is built like a date, but there is no such day.
    """
    return next(_dates_in(text[:_LONGEST], language), None)


def split_date(text: str, language: str = "en") -> tuple[str, date] | None:
    """Split a text that ends with a date: `In Defence of Marxism Tuesday, 06 November 2012`.

    Returns:
        What stands before, and the date; None if no date ends it.

    Raises:
        DateImpossible: as `find_date`.
    """
    text = text[-_LONGEST:]
    for found in reversed(list(_dates_in(text, language))):
        if not _words_in(text[found.end :]):
            return text[: found.start].rstrip(" \t,،|/–—-"), found.day
    return None


def written_language(text: str, languages: tuple[str, ...]) -> str:
    """Tell in which of these languages a text's month is written; the first where that doesn't decide."""
    for language in languages:
        found = _written((language,)).search(fold(text[-_LONGEST:]))
        if found and found["month1"]:
            return language
    return languages[0]


def _dates_in(text: str, language: str) -> "itertools.chain[WrittenDate]":
    if _DIGIT.search(text) is None:
        return itertools.chain()  # most bylines and titles: each date has a year in digits
    folded = fold(text)
    own = (primary(language), "en")
    in_own = _written(own).finditer(folded)
    first = next(in_own, None)
    if first is None:
        every = (*own, *(known for known in KNOWN if known not in own))
        return itertools.chain(_understood(each, text, every, language) for each in _written(every).finditer(folded))
    return itertools.chain(_understood(each, text, own, language) for each in itertools.chain((first,), in_own))


def _understood(match: re.Match[str], text: str, languages: tuple[str, ...], tag: str) -> WrittenDate:
    facts = {re.sub(r"\d", "", name): value for name, value in match.groupdict().items() if value}
    months = _months(languages)
    try:
        if "month" in facts:
            calendar, month = months[_spaced(facts["month"])]
            year, day_of_month = int(facts["year"]), int(facts["day"])
        else:
            year, month, day_of_month = _by_order(facts, tag)
            calendar = "jalali" if primary(tag) == "fa" and year < 1700 else "gregorian"
        day = from_jalali(year, month, day_of_month) if calendar == "jalali" else date(year, month, day_of_month)
    except ValueError:
        raise DateImpossible(written=_shown(text[match.start() : match.end()])) from None
    return WrittenDate(day=day, start=match.start(), end=match.end())


def _by_order(facts: dict[str, str], tag: str) -> tuple[int, int, int]:
    """Tell year, month and day of a date in digits."""
    year, first, second = int(facts["year"]), int(facts["first"]), int(facts["second"])
    if len(facts["year"]) == 2:
        year += 2000
    if "yearfirst" in facts:
        return year, first, second
    month_first = facts["by"] == "/" and _writes_month_first(tag)
    if month_first and first > 12 >= second:  # the order that leaves a date, where the language's own doesn't
        month_first = False
    elif not month_first and second > 12 >= first:
        month_first = True
    return (year, first, second) if month_first else (year, second, first)


@functools.cache
def _writes_month_first(tag: str) -> bool:
    known = locale(tag)
    pattern = known.date_formats["short"].pattern.lower() if known else ""
    return pattern.startswith("m") and "/" in pattern


def from_jalali(year: int, month: int, day_of_month: int) -> date:
    """Convert a date of the Solar Hijri (Jalali) calendar, as Iran and Afghanistan use it.

    Leap years follow the 33-year cycle, which agrees with the astronomical calendar throughout these years:
    K. M. Borkowski, The Persian calendar for 3000 years, Earth, Moon, and Planets 74 (1996) 223-230.

    Args:
        year: 1244 to 1497 (1865 to 2118).
        month: 1 to 12.
        day_of_month: from 1.

    Raises:
        ValueError: there is no such day, or the year is out of range.
    """
    if not 1244 <= year <= 1497:
        raise ValueError(year)
    length = 31 if month <= 6 else 30 if month <= 11 or _leaps(year) else 29
    if not (1 <= month <= 12 and 1 <= day_of_month <= length):
        raise ValueError(day_of_month)
    new_year = date(2012, 3, 20)  # 1 Farvardin 1391
    years = range(1391, year) if year >= 1391 else range(year, 1391)
    days = sum(366 if _leaps(each) else 365 for each in years)
    in_year = (month - 1) * 31 - max(0, month - 7) + day_of_month - 1
    return new_year + timedelta(days=(days if year >= 1391 else -days) + in_year)


def _leaps(year: int) -> bool:
    return year % 33 in {1, 5, 9, 13, 17, 22, 26, 30}


@functools.cache
def _months(languages: tuple[str, ...]) -> dict[str, tuple[str, int]]:
    """Collect month names, folded, with their calendar and number; an earlier language's meaning stays."""
    names: dict[str, tuple[str, int]] = {}
    for tag in itertools.chain.from_iterable(_REGIONS.get(language, (language,)) for language in languages):
        known = locale(tag)
        for context, width in itertools.product(("format", "stand-alone"), ("wide", "abbreviated")):
            for number, name in known.months[context][width].items() if known else ():
                plain = name.strip(" .\u200f\u200e")
                if len(plain) > 1 and not plain.isdecimal():
                    names.setdefault(_spaced(fold(plain)), ("gregorian", number))
    if "ar" in languages:
        names.update({_spaced(fold(name)): ("gregorian", number) for name, number in _NUMBERED.items()})
    if "fa" in languages:
        for family in _JALALI:
            for number, name in enumerate(family.split(), start=1):
                names.setdefault(fold(name), ("jalali", number))
    return names


@functools.cache
def _weekdays(languages: tuple[str, ...]) -> tuple[set[str], set[str]]:
    wide: set[str] = set()
    short: set[str] = set()
    for tag in languages:
        known = locale(tag)
        for context in ("format", "stand-alone") if known else ():
            for names, width in ((wide, "wide"), (short, "abbreviated")):
                for name in known.days[context][width].values() if known else ():
                    plain = fold(name.strip(" .\u200f\u200e"))
                    names.update({plain, plain.replace("\u200c", " "), plain.replace("\u200c", "")})
                    names.add(plain.removesuffix("-feira"))
    return wide, short


@functools.cache
def _written(languages: tuple[str, ...]) -> re.Pattern[str]:
    """Build the pattern of a date in these languages, over folded text."""
    wide, short = _weekdays(languages)
    weekday = rf"(?:{_any(wide)}(?:\s*[,،.:])?|{_any(short)}[.,،]{{1,2}})"
    month = rf"(?<![^\W\d_]){_any(set(_months(languages)))}(?!\w)"
    paired = rf"(?:\s*/\s*{_any(set(_months(languages)))}(?!\w))?\.?"
    between = r"(?:\s*[.,،/-]\s*|\s+(?:de|del|of|di|do|da|the)\s+|\s+|\s*d['’])"
    ordinal = r"(?:st|nd|rd|th|er|[ºª°]|-?го)?"
    after_year = r"(?:\s*(?:г|ж|р)\.|\s+(?:года|году|жыл[а-яғ]*|року|yil[a-z]*))?"
    clock = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:\.\d{1,9})?)?(?:\s*[ap]\.?m\.?)?(?:\s*(?:z|utc|gmt|[+-]\d{2}:?\d{2}))?"
    return re.compile(
        rf"(?:(?<!\w){weekday}\s*)?"
        r"(?:"
        rf"(?<!\d)(?P<day1>\d{{1,2}}){ordinal}{between}{{0,2}}(?P<month1>{month}){paired}{between}{{1,2}}"
        rf"(?P<year1>\d{{4}})(?!\d){after_year}"
        rf"|(?P<month2>{month})\.?\s+(?P<day2>\d{{1,2}}){ordinal}\s*[,،]?\s+(?P<year2>\d{{4}})(?!\d)"
        rf"|(?<!\d)(?P<year3>\d{{4}}){after_year}[\s,]+(?P<day3>\d{{1,2}})[\s.-]+(?P<month3>{month})"
        r"|(?<![\d.,/-])(?P<year4>\d{4})(?P<yearfirst4>[./-])(?P<first4>\d{1,2})(?P=yearfirst4)(?P<second4>\d{1,2})(?!\d)"
        r"|(?<![\d.,/-])(?P<first5>\d{1,2})(?P<by5>[./-])(?P<second5>\d{1,2})(?P=by5)(?P<year5>\d{4}|\d{2})"
        rf"(?![\d/-]){after_year}"
        r")"
        rf"(?:[\s,،]{{0,3}}\(?{weekday}(?!\w)\)?(?![\s,،.]*\d{{1,2}}[\s.]))?"
        rf"(?:(?:[\s,،|–-]{{1,3}}(?:(?:at|um|a las|alle|saat)\s+)?|t){clock}(?!\d)(?:\s*uhr)?)?",
    )


def _any(names: set[str]) -> str:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return "(?:" + "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest_first) + ")"


def _spaced(name: str) -> str:
    return " ".join(name.split())


def _words_in(text: str) -> bool:
    return re.search(r"\w", text) is not None


def _shown(text: str) -> str:
    line = " ".join("".join(letter for letter in text if letter.isprintable() or letter.isspace()).split())
    return line if len(line) <= 80 else line[:79] + "…"
