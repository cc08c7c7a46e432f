import random
import sys
from datetime import date, timedelta
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.outcome import Accepted, Deferred, Refused, Uncertain, Why
from newsletter.delivery.pace import BURST_S, FIRST_WINDOW, KEPT_DOMAINS, LONGEST_PAUSE_S, Bucket, Pace
from newsletter.delivery.warm_up import DAYS, FIRST_DAY, allowance

OK, SOFT, SLOW = Accepted("250 ok"), Deferred("451 later"), Deferred("451 4.7.28 less", Why.SLOW_DOWN)


def places(pace, domain, now=0.0):
    """Take all places that there are."""
    taken = 0
    while pace.ask(domain, now) == 0.0:
        taken += 1
        assert taken < 1000
    return taken


def end(pace, domain, outcome, times, now=0.0):
    for _ in range(times):
        pace.ended(domain, outcome, now)


def test_without_a_limit_the_bucket_is_never_empty():
    bucket = Bucket(None)
    for _ in range(1000):
        bucket.spend()
    assert bucket.wait(0.0) == 0.0
    assert bucket.room(0.0, within_s=1.0) == sys.maxsize


@given(st.floats(0.01, 500), st.lists(st.floats(-5, 5), min_size=1, max_size=60))
def test_no_more_goes_than_the_rate_allows_however_the_clock_runs(rate, steps):
    bucket, now, high, sent = Bucket(rate), 0.0, 0.0, 0
    bucket.wait(now)
    forward = 0.0
    for step in steps:
        now += step
        forward += max(0.0, step)
        high = max(high, now)
        while bucket.wait(now) == 0.0:
            bucket.spend()
            sent += 1
    assert sent <= forward * rate + max(1.0, rate * BURST_S) + 1


def test_after_the_wait_that_it_names_the_next_one_may_go():
    bucket = Bucket(2.0)
    while bucket.wait(10.0) == 0.0:
        bucket.spend()
    wait = bucket.wait(10.0)
    assert 0 < wait <= 0.5
    assert bucket.wait(10.0 + wait + 1e-6) == 0.0


def test_a_domain_begins_with_five_at_once_and_grows_by_one_for_each_window_of_successes():
    pace = Pace(per_second=None, concurrency=50)
    assert places(pace, "a.example") == FIRST_WINDOW
    assert places(pace, "b.example") == FIRST_WINDOW
    end(pace, "a.example", OK, 5)
    assert places(pace, "a.example") in {5, 6}
    for _ in range(60):
        end(pace, "a.example", OK, 5)
        for _ in range(5):
            pace.ask("a.example", 0.0)
    assert pace._domains["a.example"].window > 15


def test_no_domain_gets_more_than_there_are_connections_for():
    pace = Pace(per_second=None, concurrency=3)
    for _ in range(100):
        end(pace, "a.example", OK, places(pace, "a.example"))
    assert places(pace, "a.example") == 3


def test_deferrals_of_mails_that_were_under_way_together_halve_once():
    pace = Pace(per_second=None, concurrency=50)
    pace.ask("a.example", 0.0)
    pace._domains["a.example"].window = 16.0
    taken = 1 + places(pace, "a.example")
    assert taken == 16
    end(pace, "a.example", SOFT, 16)
    assert pace._domains["a.example"].window == 8.0
    assert places(pace, "a.example") == 8
    end(pace, "a.example", SOFT, 8)
    assert pace._domains["a.example"].window == 4.0


def test_it_never_comes_to_a_standstill():
    pace = Pace(per_second=None, concurrency=50)
    for _ in range(100):
        end(pace, "a.example", SOFT, places(pace, "a.example"))
    assert places(pace, "a.example") == 1


def test_a_domain_that_says_slow_down_is_left_alone_for_ever_longer_and_forgiven_after_a_success():
    pace, now, waits = Pace(per_second=None, concurrency=10), 0.0, []
    for _ in range(12):
        assert pace.ask("a.example", now) == 0.0
        pace.ended("a.example", SLOW, now)
        waits.append(pace.ask("a.example", now))
        now += waits[-1]
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert waits[-1] == LONGEST_PAUSE_S
    assert pace.ask("b.example", now) == 0.0, "others are not concerned"
    assert pace.ask("a.example", now) == 0.0
    pace.ended("a.example", OK, now)
    assert pace.ask("a.example", now) == 0.0
    pace.ended("a.example", SLOW, now)
    assert pace.ask("a.example", now) == 2.0


@pytest.mark.parametrize(
    "outcome",
    [
        Uncertain("lost"),
        *[Deferred("x", why) for why in (Why.LOST, Why.BUSY, Why.POLICY, Why.SENDER, Why.BARRED, Why.FULL)],
    ],
)
def test_what_is_not_about_the_domain_only_frees_the_place(outcome):
    pace = Pace(per_second=None, concurrency=10)
    taken = places(pace, "a.example")
    assert pace.ask("a.example", 0.0) == inf
    end(pace, "a.example", outcome, taken)
    assert pace._domains["a.example"].window == FIRST_WINDOW
    assert places(pace, "a.example") == taken


def test_a_place_from_which_nothing_was_sent_costs_nothing():
    pace = Pace(per_second=1.0, concurrency=10)
    assert pace.bucket.wait(0.0) == 0.0
    pace.ask("a.example", 0.0)
    assert pace.bucket.wait(0.0) > 0
    pace.withdrawn("a.example")
    assert pace.bucket.wait(0.0) == 0.0
    assert places(pace, "a.example") == FIRST_WINDOW


def test_it_keeps_no_more_domains_than_it_needs():
    pace = Pace(per_second=None, concurrency=10)
    pace.ask("held.example", 0.0)
    for number in range(3 * KEPT_DOMAINS):
        assert pace.ask(f"d{number}.example", 0.0) == 0.0
        pace.ended(f"d{number}.example", OK, 0.0)
    assert len(pace._domains) <= KEPT_DOMAINS + 1
    assert "held.example" in pace._domains, "what is under way is not forgotten"


@given(st.integers(0, 2**32))
def test_places_are_neither_lost_nor_made_up(seed):
    chance, pace, under_way = random.Random(seed), Pace(per_second=None, concurrency=8), []  # noqa: S311
    outcomes = [OK, SOFT, SLOW, Refused("550 no"), Uncertain("x"), Deferred("x", Why.LOST)]
    now = 0.0
    for _ in range(300):
        now += chance.random()
        domain = chance.choice(["a.example", "b.example"])
        if chance.random() < 0.5 and pace.ask(domain, now) == 0.0:
            under_way.append(domain)
        elif under_way:
            pace.ended(under_way.pop(chance.randrange(len(under_way))), chance.choice(outcomes), now)
        for known, state in pace._domains.items():
            assert state.under_way == under_way.count(known) <= 8
            assert 1 <= state.window <= 8


def test_a_new_sender_begins_with_few_and_is_known_after_a_month():
    first = date(2026, 11, 23)
    days = [allowance(day=first + timedelta(days=n), daily_limit=None, warm_up_from=first) for n in range(DAYS + 1)]
    assert days[0] == FIRST_DAY
    assert all(after > before for before, after in pairwise(days[:-1]))
    assert days[16] > 100_000
    assert days[DAYS] is None
    assert allowance(day=first - timedelta(days=9), daily_limit=None, warm_up_from=first) == FIRST_DAY


def test_the_daily_limit_holds_with_and_without_a_warm_up():
    day = date(2026, 11, 23)
    assert allowance(day=day, daily_limit=None, warm_up_from=None) is None
    assert allowance(day=day, daily_limit=50, warm_up_from=None) == 50
    assert allowance(day=day, daily_limit=50, warm_up_from=day) == 50
    assert allowance(day=day, daily_limit=5000, warm_up_from=day) == FIRST_DAY
    assert allowance(day=day + timedelta(days=DAYS), daily_limit=5000, warm_up_from=day) == 5000


def test_senders_share_the_rate_that_the_server_grants():
    bucket = Bucket(10.0)
    bucket.share(2)
    bucket.wait(0.0)
    bucket.spend()
    assert bucket.wait(0.1) == pytest.approx(0.1)
    bucket.share(1)
    assert bucket.wait(0.1) == pytest.approx(0.05)
