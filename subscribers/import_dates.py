"""The moment that a cell names, in the forms in which other programs write dates."""

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+")
_TIME = (
    r"(?:[t,\s]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>am|pm)?)?"
    r"\s*(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2})?(?:\s[a-z]{3,4})?"  # as Go writes it: +0000 UTC
)
_MONTH = r"(?P<word>[a-z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_FORMS = tuple(
    re.compile(form + _TIME, re.ASCII)
    for form in (
        rf"{_YEAR}[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}})",
        rf"(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?{_YEAR}",
        rf"(?P<either>\d{{1,2}})[-/](?P<other>\d{{1,2}})[-/]{_YEAR}",
        rf"{_DAY}[-\s]{_MONTH},?[-\s]{_YEAR}",
        rf"{_MONTH}\s{_DAY},?\s{_YEAR}",
    )
)


class AmbiguousDate(ValueError):
    """Day and month can't be told apart, as in 3/4/2026."""


def read_moment(text: str) -> datetime | None:
    """Read a date, with or without a time of day.

    Args:
        text: ISO 8601; 1.5.2026; 31/5/2026 or 5/31/2026; 1 May 2026; May 1, 2026; RFC 5322; each with or
            without a time. A date alone means midnight, and a time without a zone means UTC.

    Returns:
        The moment in UTC, or None if this is no date.

    Raises:
        AmbiguousDate: day and month can't be told apart.
    """
    try:
        return _in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    plain = _WEEKDAY.sub("", text.strip().lower(), count=1)
    for form in _FORMS:
        if found := form.fullmatch(plain):
            try:
                return _in_utc(_moment(found.groupdict()))
            except AmbiguousDate:
                raise
            except (ValueError, OverflowError):
                return None
    return None


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moment(facts: dict[str, str | None]) -> datetime:
    day, month = _day_and_month(facts)
    return datetime(
        int(facts["year"] or 0),
        month,
        day,
        _hour(int(facts["hour"] or 0), facts["half"]),
        int(facts["minute"] or 0),
        int(facts["second"] or 0),
        tzinfo=_zone(facts["zone"]),
    )


def _day_and_month(facts: dict[str, str | None]) -> tuple[int, int]:
    if word := facts.get("word"):
        return int(facts["day"] or 0), _month(word)
    if facts.get("either") is None:
        return int(facts["day"] or 0), int(facts["month"] or 0)
    either, other = int(facts["either"] or 0), int(facts["other"] or 0)
    if either <= 12 and other <= 12 and either != other:
        raise AmbiguousDate
    return (either, other) if either > 12 else (other, either)


def _month(word: str) -> int:
    for number, name in enumerate(_MONTHS, start=1):
        if name.startswith(word):
            return number
    raise ValueError(word)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half == "pm" else 0)


def _zone(zone: str | None) -> timezone:
    if zone is None or not zone.startswith(("+", "-")):
        return UTC
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-offset if zone[0] == "-" else offset)
