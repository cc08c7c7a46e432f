"""The thread beside the pages: it sorts what waits when it starts, what comes up, and goes on after a fault."""

import threading

import pytest

from newsletter.web import sorting
from newsletter.web.sorting import Sorting
from subscribers.errors import DatabaseLocked

WAIT_S = 10


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for pause in ("TICK_S", "AGAIN_S"):
        monkeypatch.setattr(sorting, pause, 0.0)


class Work:
    """What is done, and a way to wait until it was."""

    def __init__(self, *faults):
        self.faults = list(faults)
        self.times = 0
        self.done = threading.Semaphore(0)

    def __call__(self):
        if self.faults:
            raise self.faults.pop(0)
        self.times += 1
        self.done.release()

    def wait(self):
        assert self.done.acquire(timeout=WAIT_S), "it was not done"


def test_it_sorts_and_tidies_when_it_starts_and_sorts_again_when_told_to():
    sort, tidy = Work(), Work()
    at_work = Sorting(sort=sort, tidy=tidy)
    with at_work.running():
        tidy.wait()
        sort.wait()
        at_work.soon()
        sort.wait()
    assert (sort.times, tidy.times) == (2, 1)


@pytest.mark.parametrize(
    "fault", [DatabaseLocked(), RuntimeError("Key (address_key)=(rosa@example.org) already exists")]
)
def test_a_fault_is_told_without_an_address_and_what_waited_is_sorted_after_it(caplog, fault):
    sort = Work(fault)
    with Sorting(sort=sort, tidy=Work()).running():
        sort.wait()
    assert caplog.records
    assert "rosa@example.org" not in caplog.text


def test_it_tidies_now_and_then_without_being_told(monkeypatch):
    monkeypatch.setattr(sorting, "TIDY_S", 0.01)
    tidy = Work()
    with Sorting(sort=Work(), tidy=tidy).running():
        tidy.wait()
        tidy.wait()


def test_it_tidies_however_much_is_asked_for(monkeypatch):
    monkeypatch.setattr(sorting, "TIDY_S", 0.01)
    tidy = Work()

    def sort():
        at_work.soon()  # there is always something more

    at_work = Sorting(sort=sort, tidy=tidy)
    with at_work.running():
        for _ in range(3):
            tidy.wait()


def test_it_ends_though_it_was_just_about_to_sort():
    sort = Work()

    def tidy():
        assert at_work._over.wait(WAIT_S)  # the end comes just before it sorts

    at_work = Sorting(sort=sort, tidy=tidy)

    def run():
        with at_work.running():
            pass

    running = threading.Thread(target=run, daemon=True)
    running.start()
    running.join(WAIT_S)
    assert not running.is_alive()
