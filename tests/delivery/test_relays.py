import asyncio
from dataclasses import dataclass, field

import pytest

from newsletter.delivery.courier import RecordingLine, RelayAway
from newsletter.delivery.relays import FAULTS, FIRST_REST_S, LONGEST_REST_S, Breaker, Relays


@dataclass
class Dialler:
    """A server that is there or not."""

    server: str
    up: bool = True
    asked: int = 0
    taken: list = field(default_factory=list)

    async def open(self, work):
        self.asked += 1
        if not self.up:
            raise RelayAway(server=self.server, reason="refused")
        return RecordingLine(work, self.taken, server=self.server)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def servers(clock):
    first, second = Dialler("first:25"), Dialler("second:25")
    return Relays([first, second], monotonic=clock), first, second


def opened(relays):
    return asyncio.run(relays.open(None))


def test_the_first_server_is_used_while_it_works(servers):
    relays, _first, second = servers
    assert [opened(relays).server for _ in range(5)] == ["first:25"] * 5
    assert second.asked == 0


def test_a_server_that_failed_three_times_is_left_alone_and_tried_again_once_after_a_while(servers, clock):
    relays, first, _second = servers
    first.up = False
    assert [opened(relays).server for _ in range(6)] == ["second:25"] * 6
    assert first.asked == FAULTS
    clock.now += FIRST_REST_S
    opened(relays)
    opened(relays)
    assert first.asked == FAULTS + 1, "half open: one attempt, then a longer rest"
    clock.now += FIRST_REST_S
    opened(relays)
    assert first.asked == FAULTS + 1
    first.up = True
    clock.now += FIRST_REST_S
    assert opened(relays).server == "first:25"


def test_rests_grow_to_ten_minutes_and_no_further(servers, clock):
    relays, first, _second = servers
    first.up = False
    rests = []
    for _ in range(FAULTS - 1):
        opened(relays)
    for _ in range(8):
        opened(relays)
        rests.append(relays._breakers["first:25"].until - clock.now)
        clock.now += rests[-1]
    assert rests[:3] == [30.0, 60.0, 120.0]
    assert rests[-1] == LONGEST_REST_S


def test_if_none_can_be_had_the_fault_of_the_preferred_one_is_told(servers):
    relays, first, second = servers
    first.up = second.up = False
    with pytest.raises(RelayAway, match="first:25"):
        opened(relays)


@pytest.mark.parametrize(("carried", "rests"), [(0, True), (1, False)])
def test_lines_that_break_count_unless_they_had_carried_something(servers, carried, rests):
    relays, _first, _second = servers
    for _ in range(FAULTS):
        line = opened(relays)
        line.carried = carried
        relays.parted(line, RelayAway(server="first:25", reason="hung up"))
    assert opened(relays).server == ("second:25" if rests else "first:25")


def test_a_line_that_ended_in_order_clears_its_server(servers):
    relays, _first, _second = servers
    for _ in range(3 * FAULTS):
        relays.parted(opened(relays), RelayAway(server="first:25", reason="hung up"))
        relays.parted(opened(relays), None)
    assert opened(relays).server == "first:25"


def test_attempts_at_once_that_fail_together_are_one_fault():
    breaker = Breaker()
    for answered_at in (1.0, 1.1, 1.2):
        breaker.fault(answered_at, asked_at=0.9)
    assert (breaker.faults, breaker.until) == (1, 0.0)
    breaker.fault(1.3, asked_at=1.25)
    breaker.fault(1.5, asked_at=1.4)
    assert (breaker.faults, breaker.until) == (3, 1.5 + FIRST_REST_S)
