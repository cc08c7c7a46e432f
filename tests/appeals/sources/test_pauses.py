"""What a site says about when to come again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.appeals.sources.pauses import in_words, retry_after_s

SENT = "Mon, 23 Nov 2026 07:00:00 GMT"


@pytest.mark.parametrize(
    ("said", "sent", "wait_s"),
    [
        ("0", "", 0),
        (" 30 ", "", 30),
        ("86401", "", 86_400),
        ("Mon, 23 Nov 2026 07:00:30 GMT", SENT, 30),
        ("Monday, 23-Nov-26 07:00:30 GMT", SENT, 30),
        ("Mon, 23 Nov 2026 07:00:30 -0000", SENT, None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", SENT, 86_400),
        ("Mon, 23 Nov 2026 06:00:00 GMT", SENT, 0),
        ("Mon, 23 Nov 2026 07:00:30 GMT", "", None),  # from when would it count?
        ("", SENT, None),
        ("-1", SENT, None),
        ("1.5", SENT, None),
        ("٣", SENT, None),
        ("soon", SENT, None),
    ],
)
def test_seconds_and_dates_are_understood(said, sent, wait_s):
    assert retry_after_s(said, sent=sent) == wait_s


@given(st.text(max_size=50), st.one_of(st.just(SENT), st.text(max_size=40)))
def test_whatever_is_said_the_wait_is_at_most_a_day(said, sent):
    wait_s = retry_after_s(said, sent=sent)

    assert wait_s is None or 0 <= wait_s <= 86_400


@pytest.mark.parametrize(
    ("wait_s", "words"),
    [(None, "later"), (0.0, "in 1 seconds"), (119, "in 119 seconds"), (120, "in 2 minutes"), (86_400, "in 24 hours")],
)
def test_a_wait_is_said_in_words(wait_s, words):
    assert in_words(wait_s) == words
