from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.outcome import Why
from newsletter.delivery.retry import JITTER, LAST_TRY, WAITS, next_attempt
from tests.conftest import NOW

FAR = NOW + timedelta(days=30)


@pytest.mark.parametrize("why", list(Why))
def test_waits_grow_and_come_to_a_longest(why):
    moments = [next_attempt(why=why, attempts=n, now=NOW, expires_at=FAR) for n in range(20)]
    assert moments == sorted(moments)
    assert moments[0] == moments[1] == NOW + timedelta(minutes=WAITS[why][0])
    assert moments[-1] == NOW + timedelta(minutes=WAITS[why][-1])


def test_after_greylisting_the_first_wait_is_longer_than_the_five_minutes_that_most_want():
    soonest = next_attempt(why=Why.GREYLISTED, attempts=1, now=NOW, expires_at=FAR, chance=0.0)
    latest = next_attempt(why=Why.GREYLISTED, attempts=1, now=NOW, expires_at=FAR, chance=1.0)
    assert timedelta(minutes=4.5) < soonest - NOW < latest - NOW < timedelta(minutes=8)


def test_what_was_deferred_together_does_not_come_back_together():
    waits = {next_attempt(why=Why.SOFT, attempts=3, now=NOW, expires_at=FAR, chance=n / 10) for n in range(11)}
    assert len(waits) == 11
    assert max(waits) - min(waits) == timedelta(minutes=30) * 2 * JITTER


def test_a_wait_that_would_end_too_late_is_cut_to_one_last_try_before_the_limit():
    limit = NOW + timedelta(minutes=200)
    assert next_attempt(why=Why.SOFT, attempts=6, now=NOW, expires_at=limit) == limit - LAST_TRY
    assert next_attempt(why=Why.SOFT, attempts=6, now=NOW, expires_at=NOW + timedelta(minutes=100)) is None


@given(st.sampled_from(list(Why)), st.integers(0, 50), st.floats(0, 1), st.integers(-60, 100_000))
def test_no_attempt_ever_comes_after_the_limit_or_before_now(why, attempts, chance, left_s):
    limit = NOW + timedelta(seconds=left_s)
    again = next_attempt(why=why, attempts=attempts, now=NOW, expires_at=limit, chance=chance)
    assert again is None or NOW < again < limit
