"""What the bench makes of its runs; the runs themselves are for `make bench`."""

from io import StringIO

import pytest
from rich.console import Console

from tools.bench.contenders import Figure
from tools.bench.report import PLAIN, POSTGRESQL, SOURCE, SQLITE, MemoryRow, SpeedRow, speed_table


def figure(rate: float, *, memory_mb: float = 100.0, mails: int = 1_000) -> Figure:
    seconds = mails / rate
    return Figure(mails=mails, seconds=seconds, wall_s=2 * seconds, cpu_s=0.5, memory_mb=memory_mb)


RUNS = {
    # A machine that was half as fast in the second round.
    ("10 kB", SOURCE): [figure(10_000), figure(5_000), figure(10_000)],
    ("10 kB", PLAIN): [figure(3_000), figure(1_500), figure(2_000)],
    ("10 kB", SQLITE): [figure(9_000), figure(4_000), figure(7_000)],
    ("10 kB", POSTGRESQL): [figure(5_000), figure(2_500), figure(5_000)],
}


def test_a_ratio_is_taken_within_a_round_and_not_between_medians():
    row = SpeedRow.of("10 kB", SQLITE, RUNS, 10_000)
    assert (row.of_source.median, row.of_source.least, row.of_source.most) == (0.8, 0.7, 0.9)
    assert row.of_plain.median == 3.0
    assert row.per_second == 7_000
    assert row.wall_per_second == 3_500
    assert row.cpu_s_per_thousand == 0.5


def test_the_median_says_whether_a_promise_is_kept():
    document = SpeedRow.of("10 kB", SQLITE, RUNS, 10_000).document()
    assert document["wanted"] == 0.8
    assert document["met"] is True
    assert document["met_of_plain"] is True
    missed = SpeedRow.of("10 kB", POSTGRESQL, RUNS, 10_000).document()
    assert (missed["wanted"], missed["met"], missed["met_of_plain"]) == (0.6, False, False)


def test_nothing_is_wanted_of_those_that_we_compare_with():
    document = SpeedRow.of("10 kB", PLAIN, RUNS, 10_000).document()
    assert (document["wanted"], document["met"], document["met_of_plain"]) == (None, None, None)


def test_rounds_that_do_not_pair_up_give_no_ratio():
    runs = RUNS | {("10 kB", SQLITE): [figure(9_000)]}
    with pytest.raises(ValueError, match="zip"):
        SpeedRow.of("10 kB", SQLITE, runs, 10_000)


@pytest.mark.parametrize(
    ("memory_mb", "met", "flat"), [(109.0, True, True), (112.0, True, False), (150.0, False, False)]
)
def test_memory_is_flat_if_a_tenth_more_holds_ten_times_the_mails(memory_mb, met, flat):
    row = MemoryRow.of(figure(5_000, memory_mb=memory_mb), 2_000, figure(5_000, memory_mb=100.0))
    assert (row.document()["met"], row.flat) == (met, flat)


def test_the_table_fits_100_columns_and_shows_what_is_missed():
    shown = Console(file=StringIO(), width=100)
    rows = [SpeedRow.of(size, who, RUNS, 10_134) for size, who in RUNS]
    shown.print(speed_table(rows, connections=10, rounds=3))
    text = shown.file.getvalue()
    assert all(who in text for _size, who in RUNS)  # nothing is cut
    assert "0.80 (0.70…0.90)" in text
    assert "≥ 0.8 met" in text
    assert "≥ 0.6 MISSED" in text
