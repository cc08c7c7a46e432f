"""When a mail is due by the clock where somebody is: a digest at the hour that they chose, nothing at night."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from subscribers.choices import known_zone
from subscribers.preferences import Cadence

MORNING, NIGHT = 8, 22  # hours; between the second and the first nobody is woken who need not be
LEEWAY = timedelta(hours=1)  # what waits for the morning has as long at least to go out, be deferred and go again
QUARTER = timedelta(minutes=15)  # offsets from UTC are multiples of it, so no hour begins between two
# How often one of each falls due; what comes as it appears has no hour.
PERIODS = {Cadence.DAILY: timedelta(days=1), Cadence.WEEKLY: timedelta(days=7), Cadence.MONTHLY: timedelta(days=31)}


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The hour at which some people get their digests.

    Attributes:
        cadence: `daily`, `weekly` or `monthly`.
        hour: 0 to 23, by their clock.
        weekday: of a weekly one, 1 (Monday) to 7.
        time_zone: theirs (IANA); empty means the organisation's.
    """

    cadence: Cadence
    hour: int
    weekday: int
    time_zone: str

    def last_due(self, now: datetime, home: str) -> datetime:
        """Give the moment at which a digest was last due.

        An hour that a clock leaps over is due when it leaps; one that it shows twice, the first time.

        Args:
            now: a moment; what is due at it was due.
            home: the organisation's time zone.
        """
        zone = ZoneInfo(known_zone(self.time_zone) or home)
        day = now.astimezone(zone).date()
        while (due := self._on(self._day(day), zone)) > now:
            day = self._day(day) - timedelta(days=1)
        return due

    def _on(self, day: date, zone: ZoneInfo) -> datetime:
        # Subtracted in UTC: the wall clock's own arithmetic knows of no leap.
        return datetime.combine(day, time(self.hour), tzinfo=zone).astimezone(_UTC)

    def _day(self, day: date) -> date:
        """Give the last day up to this one on which a digest is due."""
        match self.cadence:
            case Cadence.WEEKLY:
                return day - timedelta(days=(day.isoweekday() - self.weekday) % 7)
            case Cadence.MONTHLY:
                return day.replace(day=1)
            case _:
                return day


_UTC = ZoneInfo("UTC")


def quarter(now: datetime) -> datetime:
    """Give the last moment at which digests may have fallen due."""
    return now - (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) % QUARTER


def morning_after(moment: datetime, zone: str) -> datetime:
    """Give the moment itself, or, where that is at night, the next morning.

    Args:
        moment: any.
        zone: of somebody's clock (IANA).
    """
    local = moment.astimezone(ZoneInfo(zone))
    if MORNING <= local.hour < NIGHT:
        return moment
    day = local.date() + timedelta(days=local.hour >= NIGHT)
    return datetime.combine(day, time(MORNING), tzinfo=ZoneInfo(zone)).astimezone(_UTC)


def awake_at(moment: datetime, limit: datetime, zone: str) -> datetime:
    """Give when somebody may be written to who need not be woken: in the morning, unless that is too late.

    Args:
        moment: when it could be.
        limit: by when it must be; the morning comes early enough if there is an hour left.
        zone: of their clock (IANA).
    """
    morning = morning_after(moment, zone)
    return morning if morning + LEEWAY <= limit else moment
