"""What the newsletter says in each language: gettext catalogues, dates, countries, greetings, direction."""

import gettext
import re
from collections.abc import Iterable
from datetime import date, time
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Literal
from unicodedata import category
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.core import get_global
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = "en"  # the language that messages are written in, and the last one that anything falls back to

_RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg"})
_RTL_LANGUAGES = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "lrc", "mzn", "ps", "sd", "ug", "ur", "yi"})
_DIGITS = {"fa": "۰۱۲۳۴۵۶۷۸۹"}  # elsewhere the digits that Babel writes are the ones that readers expect in mail
_ARABIC_COMMA = frozenset({"ar", "ckb", "fa", "ps", "sd", "ug", "ur"})
_REGIONS = frozenset(
    ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)
_WORLD = "001"  # the territory of zones that are nobody's
_LONGEST_NAME = 60
_MAY_FILL_MAIL = re.compile(r"[/@\\<>]")  # what a link or an address needs, and a name does not


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a catalogue, as BCP 47 tags in alphabetical order."""
    catalogues = (entry.name for entry in files("newsletter").joinpath("locale").iterdir())
    return tuple(sorted(name[:-3].replace("_", "-") for name in catalogues if name.endswith(".po")))


def spoken(wanted: str) -> str:
    """Give somebody's language if it has a catalogue, else the nearest to it that has, else English."""
    return negotiate_locale([wanted.replace("-", "_")], languages()) or SOURCE


@cache
def words(language: str) -> gettext.NullTranslations:
    """The translations for a BCP 47 tag, falling back subtag by subtag and last to English: pt-BR, pt, en.

    They fit Jinja2's `install_gettext_translations` as they are.
    """
    found = [_catalogue(tag) for tag in _chain(language) if tag in languages()]
    first, *others = found or [gettext.NullTranslations()]
    for other in others:
        first.add_fallback(other)
    return first


def direction(language: str) -> Literal["rtl", "ltr"]:
    """Which way a language is written; a script in the tag decides: ku-Arab, az-Latn."""
    first, *others = language.replace("_", "-").split("-")
    for subtag in others:
        if len(subtag) == 4:  # BCP 47: four letters are a script
            return "rtl" if subtag.title() in _RTL_SCRIPTS else "ltr"
    return "rtl" if first.lower() in _RTL_LANGUAGES else "ltr"


def date_text(day: date, language: str) -> str:
    """A date in words: 3 December 2026."""
    locale = _locale(language)
    text = format_date(day, format="long", locale=locale)
    if locale.language == "fr" and day.day == 1:
        text = text.replace("1 ", "1er ", 1)  # French writes the first of a month as an ordinal; CLDR doesn't
    return text.translate(_digits(locale))


def weekday_names(language: str) -> dict[int, str]:
    """The days of the week by their ISO number, in a language's own order: 1 is Monday."""
    locale = _locale(language)
    names = locale.days["stand-alone"]["wide"]
    order = [(locale.first_week_day + step) % 7 for step in range(7)]
    return {day + 1: names[day] for day in order}


def hour_text(hour: int, language: str) -> str:
    """A full hour as people write it: 07:00, 7 pm."""
    locale = _locale(language)
    return format_time(time(hour), format="short", locale=locale).translate(_digits(locale))


def number_text(number: int, language: str) -> str:
    """A whole number in the digits that readers of a language expect."""
    return str(number).translate(_digits(_locale(language)))


def language_name(tag: str, language: str) -> str:
    """Name a language in another one: `Arabic`, `árabe`; an unknown one by its tag."""
    try:
        return Locale.parse(tag, sep="-").get_display_name(_locale(language)) or tag
    except (UnknownLocaleError, ValueError):
        return tag


def is_known(tag: str) -> bool:
    """Say whether CLDR knows the language of a BCP 47 tag."""
    try:
        Locale.parse(tag.partition("-")[0])
    except (UnknownLocaleError, ValueError):
        return False
    return True


def country_name(code: str, language: str) -> str:
    """The name of a country (ISO 3166 alpha-2) in a language, or the code where there is none."""
    translations = words(language)
    match code.upper():
        case "PS":  # CLDR's everyday names for these two read as a position; its short ones say what people say
            return translations.gettext("Palestine")
        case "HK":
            return translations.gettext("Hong Kong")
        case known:
            return str(_locale(language).territories.get(known, known))


@cache
def zone_names(language: str) -> tuple[tuple[str, str], ...]:
    """Name the time zones that people live in by country and city: IANA's name and ours, in the order of ours."""
    locale, known = _locale(language), available_timezones()
    older: dict[str, str] = {canonical: alias for alias, canonical in get_global("zone_aliases").items()}
    named = []
    for zone, territory in get_global("zone_territories").items():
        region, _, place = zone.partition("/")
        if region not in _REGIONS or territory == _WORLD or zone not in known:
            continue
        # CLDR names some under the name that they had when it began.
        facts = locale.time_zones.get(zone) or locale.time_zones.get(older.get(zone, ""), {})
        city = str(facts.get("city") or place.rpartition("/")[2].replace("_", " "))
        country = country_name(territory, language)
        named.append((zone, country if country == city else f"{country}: {city}"))
    return tuple(sorted(named, key=lambda pair: pair[1]))


def country_names(codes: Iterable[str], language: str) -> str:
    """Several countries' names in one line, apart by the language's own comma."""
    comma = "، " if language.split("-", maxsplit=1)[0] in _ARABIC_COMMA else ", "
    return comma.join(country_name(code, language) for code in codes)


def greeting(name: str, language: str) -> str:
    """The line that a mail begins with; without the name where there is none or where it can't be one.

    A name comes from a public form, and could otherwise be used to mail a link of one's own to anyone.
    """
    if not name.isprintable():
        name = "".join(filter(_is_seen, name))
    name = " ".join(name.split())
    nameless, named = _greetings(language)
    if not name or len(name) > _LONGEST_NAME or _MAY_FILL_MAIL.search(name):
        return nameless
    return named % {"name": name}


@cache
def _greetings(language: str) -> tuple[str, str]:
    translations = words(language)
    return translations.gettext("Hello,"), translations.gettext("Hello %(name)s,")


def _is_seen(character: str) -> bool:
    return category(character) not in {"Cc", "Cf", "Cs"} or character in " \t\r\n\u200c\u200d"  # as in می‌نا


def _chain(language: str) -> tuple[str, ...]:
    subtags = language.replace("_", "-").split("-")
    tags = ["-".join(subtags[:length]) for length in range(len(subtags), 0, -1)]
    return (*tags, SOURCE) if SOURCE not in tags else tuple(tags)


def _catalogue(language: str) -> gettext.NullTranslations:
    # Compiled in memory, so that a translator's change needs no build step and no stale .mo can be shipped.
    source = files("newsletter").joinpath("locale", f"{language.replace('-', '_')}.po")
    compiled = BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _locale(language: str) -> Locale:
    for tag in _chain(language):
        try:
            # Readers of 'en' are everywhere, and most of them put the day before the month.
            return Locale.parse("en-GB" if tag == "en" else tag, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    raise AssertionError(SOURCE)  # Babel always knows English


def _digits(locale: Locale) -> dict[int, int]:
    return str.maketrans("0123456789", _DIGITS.get(locale.language, "0123456789"))
