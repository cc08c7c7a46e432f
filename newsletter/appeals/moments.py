"""Days and deadlines, which have no zone."""

from datetime import UTC, date, datetime, timedelta

_LAST_ZONE = timedelta(hours=12)  # behind UTC: there a day lasts longest


def today_somewhere(now: datetime) -> date:
    """Give the day that it still is in the last place on earth.

    A deadline's day counts for as long as it lasts anywhere.
    """
    return (now.astimezone(UTC) - _LAST_ZONE).date()
