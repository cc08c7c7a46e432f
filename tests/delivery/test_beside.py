"""The bookkeeper in a process of its own: what it answers, and what happens when one of both dies."""

import os
import select
import signal
import subprocess
import sys

WAIT_S = 60


def asking(what):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.delivery.asking", what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(what):
    process = asking(what)
    out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, err) == (0, "")
    return out.splitlines()


def test_it_answers_in_order_and_its_faults_come_as_they_were_raised():
    same, another_process, fault, bug, thread_in_a_loop = said("answers")
    assert (same, another_process, thread_in_a_loop) == ("True", "True", "True")
    assert fault.endswith("{'reason': 'it rains'}")
    assert bug == "'where' True"


def test_when_it_is_killed_whoever_asks_is_told_at_once_and_ever_after():
    *told, _ = said("killed")
    assert len(told) == 2
    assert all(line.startswith("The process that keeps the sender's books has ended.") for line in told)


def test_a_signal_that_a_terminal_sends_to_both_does_not_end_it():
    assert said("told")[0] == "still here"


def test_it_dies_with_its_worker_even_if_that_is_killed():
    process = asking("waits")
    bookkeeper = os.pidfd_open(int(process.stdout.readline()))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=WAIT_S)
    ended, _, _ = select.select([bookkeeper], [], [], WAIT_S)
    os.close(bookkeeper)
    assert ended
