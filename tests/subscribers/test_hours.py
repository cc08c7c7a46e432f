"""When digests are due, by the clocks of those who get them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.choices import time_zones
from subscribers.hours import PERIODS, QUARTER, Slot, morning_after, quarter
from subscribers.preferences import Cadence


def due(now, cadence=Cadence.DAILY, hour=7, weekday=1, zone="Europe/Berlin", home="Europe/Berlin"):
    slot = Slot(cadence=cadence, hour=hour, weekday=weekday, time_zone=zone)
    return slot.last_due(datetime.fromisoformat(now), home).isoformat()


@pytest.mark.parametrize(
    ("now", "wanted", "facts"),
    [
        ("2026-11-23T06:00:00+00:00", "2026-11-23T06:00:00+00:00", {}),
        ("2026-11-23T05:59:59+00:00", "2026-11-22T06:00:00+00:00", {}),
        ("2026-07-23T05:00:00+00:00", "2026-07-23T05:00:00+00:00", {}),  # summer
        ("2026-11-25T12:00:00+00:00", "2026-11-23T06:00:00+00:00", {"cadence": Cadence.WEEKLY}),
        ("2026-11-25T12:00:00+00:00", "2026-11-22T06:00:00+00:00", {"cadence": Cadence.WEEKLY, "weekday": 7}),
        ("2026-11-25T12:00:00+00:00", "2026-11-01T06:00:00+00:00", {"cadence": Cadence.MONTHLY}),
        ("2026-11-01T05:00:00+00:00", "2026-10-01T05:00:00+00:00", {"cadence": Cadence.MONTHLY}),
        ("2026-01-01T00:00:00+00:00", "2025-12-01T06:00:00+00:00", {"cadence": Cadence.MONTHLY}),
        ("2026-11-23T06:00:00+00:00", "2026-11-23T01:15:00+00:00", {"zone": "Asia/Kathmandu"}),
        ("2026-11-23T00:00:00+00:00", "2026-11-22T18:15:00+00:00", {"zone": "Pacific/Chatham", "hour": 8}),
        (
            "2026-11-23T06:00:00+00:00",
            "2026-11-22T20:00:00+00:00",
            {"zone": "", "home": "Pacific/Tongatapu", "hour": 9},
        ),
        ("2026-11-23T06:00:00+00:00", "2026-11-23T06:00:00+00:00", {"zone": "Nowhere/Such"}),
        # The clock leaps from 2 to 3 on 29 March, and shows 2 to 3 twice on 25 October.
        ("2026-03-29T01:00:00+00:00", "2026-03-29T01:00:00+00:00", {"hour": 2}),
        ("2026-03-29T00:59:00+00:00", "2026-03-28T01:00:00+00:00", {"hour": 2}),
        ("2026-10-25T00:30:00+00:00", "2026-10-25T00:00:00+00:00", {"hour": 2}),
        ("2026-10-25T02:30:00+00:00", "2026-10-25T00:00:00+00:00", {"hour": 2}),
    ],
)
def test_the_hour_is_that_of_the_reader(now, wanted, facts):
    assert due(now, **facts) == wanted


FIRST = datetime(2020, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(), timedelta(days=3650)).map(lambda since: FIRST + since)
SLOTS = st.builds(
    Slot,
    cadence=st.sampled_from(list(PERIODS)),
    hour=st.integers(0, 23),
    weekday=st.integers(1, 7),
    time_zone=st.sampled_from(sorted(time_zones())),
)


@given(SLOTS, MOMENTS)
def test_it_was_due_not_long_ago_at_a_quarter_and_is_due_once_in_each_period(slot, now):
    last = slot.last_due(now, "UTC")
    assert last <= now < last + PERIODS[slot.cadence] + timedelta(hours=25)
    assert slot.last_due(last, "UTC") == last
    assert slot.last_due(last - timedelta(seconds=1), "UTC") < last
    local = last.astimezone(ZoneInfo(slot.time_zone))
    wanted = local.replace(hour=slot.hour, minute=0)
    leapt_over = wanted.astimezone(UTC).astimezone(wanted.tzinfo).hour != slot.hour
    assert (local.hour, local.minute) == (slot.hour, 0) or leapt_over
    if slot.cadence is Cadence.WEEKLY:
        assert local.isoweekday() == slot.weekday
    if slot.cadence is Cadence.MONTHLY:
        assert local.day == 1
    if last.year >= 2021:
        assert quarter(last) == last


def test_a_quarter_is_the_last_one():
    assert quarter(datetime(2026, 11, 23, 7, 14, 59, 9, tzinfo=UTC)) == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
    assert quarter(datetime(2026, 11, 23, 7, 15, tzinfo=UTC)) == datetime(2026, 11, 23, 7, 0, tzinfo=UTC) + QUARTER


@pytest.mark.parametrize(
    ("local", "goes"),
    [
        ("2026-11-23T21:59:59", "2026-11-23T21:59:59"),
        ("2026-11-23T22:00", "2026-11-24T08:00"),
        ("2026-11-23T23:59", "2026-11-24T08:00"),
        ("2026-11-24T00:00", "2026-11-24T08:00"),
        ("2026-11-24T07:59:59", "2026-11-24T08:00"),
        ("2026-11-24T08:00", "2026-11-24T08:00"),
        ("2026-12-31T23:00", "2027-01-01T08:00"),
        ("2026-03-28T23:30", "2026-03-29T08:00"),  # an hour is missing in that night
        ("2026-10-25T02:30", "2026-10-25T08:00"),  # and this one comes twice
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
def test_nothing_comes_between_ten_and_eight(local, goes, zone):
    at = ZoneInfo(zone)
    moment = datetime.fromisoformat(local).replace(tzinfo=at)
    assert morning_after(moment.astimezone(UTC), zone) == datetime.fromisoformat(goes).replace(tzinfo=at)
