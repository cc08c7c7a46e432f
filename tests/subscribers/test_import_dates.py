"""A date is read in whatever form a program wrote it, or not at all: never as another day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.import_dates import AmbiguousDate, read_moment

MAY_DAY = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-05-01", MAY_DAY),
        ("20260501", MAY_DAY),
        ("2026-5-1", MAY_DAY),
        ("2026/05/01", MAY_DAY),
        ("1.5.2026", MAY_DAY),
        ("01. 05. 2026", MAY_DAY),
        ("1 May 2026", MAY_DAY),
        ("1-May-2026", MAY_DAY),
        ("May 1st, 2026", MAY_DAY),
        ("5/5/2026", MAY_DAY + timedelta(days=4)),
        ("31/05/2026", MAY_DAY + timedelta(days=30)),
        ("05/31/2026", MAY_DAY + timedelta(days=30)),
        ("2026-05-01T02:30Z", MAY_DAY + timedelta(hours=2, minutes=30)),
        ("2026-05-01 02:30:15.25+02:00", MAY_DAY + timedelta(minutes=30, seconds=15, milliseconds=250)),
        ("2026-05-01 02:30:00 +0200", MAY_DAY + timedelta(minutes=30)),
        ("2026-05-01 02:30:00 UTC", MAY_DAY + timedelta(hours=2, minutes=30)),
        ("1.5.2026 02:30", MAY_DAY + timedelta(hours=2, minutes=30)),
        ("5/31/2026 12:05 AM", MAY_DAY + timedelta(days=30, minutes=5)),
        ("5/31/2026, 1:05:00 pm", MAY_DAY + timedelta(days=30, hours=13, minutes=5)),
        ("Fri, 01 May 2026 02:30:00 -0130", MAY_DAY + timedelta(hours=4)),
    ],
)
def test_dates_are_read_in_the_forms_that_programs_write(cell, moment):
    assert read_moment(cell) == moment


@pytest.mark.parametrize(
    "cell", ["soon", "2026", "45778", "32.1.2026", "1 Mai 2026", "13/13/2026", "1.5.26", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_date_is_none(cell):
    assert read_moment(cell) is None


@given(st.datetimes(datetime(1990, 1, 1), datetime(2026, 11, 22)))  # noqa: DTZ001 - hypothesis wants them naive
def test_a_date_is_never_read_as_another_day(day):
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y", "%B %d, %Y", "%d/%m/%Y", "%m/%d/%Y"):
        try:
            moment = read_moment(day.strftime(form))
        except AmbiguousDate:
            assert "/" in form
            assert day.day <= 12
        else:
            assert moment == datetime(day.year, day.month, day.day, tzinfo=UTC)
