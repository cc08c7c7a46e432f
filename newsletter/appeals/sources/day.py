"""On which day an article was published, by what a feed or a page says: in a machine's words or in a person's."""

import re
from datetime import date, timedelta
from typing import Final

from newsletter.appeals.dates import DateImpossible, find_date
from newsletter.appeals.letters import listed

_MONTHS: Final = {
    name: number for number, name in enumerate(listed("jan feb mar apr may jun jul aug sep oct nov dec"), start=1)
}
_ISO: Final = re.compile(r"\s*(\d{4})-(\d{2})-(\d{2})(?!\d)")
_MAIL: Final = re.compile(r"\s*(?:[A-Za-z]{2,9}\.?,?\s+)?(\d{1,2})[\s-]+([A-Za-z]{3})[a-z]{0,6}[\s-]+(\d{4})(?!\d)")
_C_TIME: Final = re.compile(
    r"\s*[A-Za-z]{3}\s+([A-Za-z]{3})\s+(\d{1,2})\s+\d\d:\d\d:\d\d\s+(?:\S{1,9}\s+)?(\d{4})(?!\d)"
)
_EARLIEST: Final = date(1900, 1, 1)
_NO_DATE: Final = date(1970, 1, 1)  # what systems print where they have no date


def believed_day(written: str, language: str = "en", *, today: date) -> date | None:
    """Read a date; None where there is none, where it is not understood, and where it can't be true.

    It is the day as it is written: zones, which are missing or wrong as often as not, are left aside. What lies later
    than tomorrow, before 1900, or on the day on which computers' time begins is no date of an article.

    Args:
        written: such as `Tue, 06 Nov 2012 23:30:00 PDT`, `2012-11-06T10:00:00Z`, `6 Kasım 2012`, `۱۶ آبان ۱۳۹۱`.
        language: BCP 47 tag; decides on `06/11/2012`.
        today: where the organisation is.
    """
    day = _day(written[:400], language)
    return day if day is not None and _EARLIEST <= day <= today + timedelta(days=1) and day != _NO_DATE else None


def _day(written: str, language: str) -> date | None:
    """Read what machines write at once, for there may be thousands; look for anything else."""
    try:
        if iso := _ISO.match(written):
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if mail := _MAIL.match(written):
            if month := _MONTHS.get(mail[2].lower()):
                return date(int(mail[3]), month, int(mail[1]))
        elif (clock := _C_TIME.match(written)) and (month := _MONTHS.get(clock[1].lower())):
            return date(int(clock[3]), month, int(clock[2]))
        found = find_date(written, language)
    except (ValueError, DateImpossible):
        return None
    return found.day if found is not None else None
