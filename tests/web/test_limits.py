"""Ceilings: so many an hour for each, and no memory that grows."""

import pytest

from newsletter.web.limits import HOUR_S, Ceiling, network_prefix


def test_so_many_are_taken_and_then_they_come_back_evenly():
    ceiling = Ceiling(4)
    assert [ceiling.take("a", 0.0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert ceiling.take("b", 0.0)
    assert not ceiling.take("a", HOUR_S / 4 - 1)
    assert ceiling.take("a", HOUR_S / 4)
    assert not ceiling.take("a", HOUR_S / 4)
    assert [ceiling.take("a", 10 * HOUR_S) for _ in range(5)] == [True] * 4 + [False]


def test_it_keeps_so_many_in_mind_and_forgets_who_was_seen_longest_ago():
    ceiling = Ceiling(1, keys=2)
    for key in ("a", "b", "c"):
        assert ceiling.take(key, 0.0)
    assert not ceiling.take("c", 0.0)
    assert ceiling.take("a", 0.0)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_network_is_told_by_its_prefix(host, network):
    assert network_prefix(host) == network
