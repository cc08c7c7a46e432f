"""What is to be done beside the pages is done there, and ends with them."""

import os
import sys
import threading

import pytest

from newsletter.operations import chores


@pytest.fixture
def reader(monkeypatch, tmp_path):
    """A stand-in for the command that reads: says that it is there, then does as it is told."""

    def stand_in(then):
        program = tmp_path / "python"
        program.write_text(f"#!{sys.executable}\nimport os, sys, time\nos.write({write}, b'x')\n{then}\n")
        program.chmod(0o755)
        monkeypatch.setattr(chores.sys, "executable", str(program))

    told, write = os.pipe()
    os.set_inheritable(write, True)
    real = chores.subprocess.Popen
    monkeypatch.setattr(
        chores.subprocess, "Popen", lambda *a, **k: started.append(real(*a, **k, pass_fds=(write,))) or started[-1]
    )
    started = []
    yield stand_in, told, started
    os.close(told)
    os.close(write)


def test_nothing_is_started_while_nothing_is_due(reader):
    stand_in, _told, started = reader
    stand_in("")
    asked = threading.Semaphore(0)

    def is_due():
        asked.release()
        return False

    with chores.chore(None, "source", "poll", "--due", is_due=is_due, on_fault=pytest.fail, look_s=0.001):
        for _ in range(3):
            assert asked.acquire(timeout=20)
    assert started == []


def test_what_is_due_is_read_by_a_process_that_ends_with_the_pages(reader):
    stand_in, told, started = reader
    stand_in("time.sleep(60)")
    with chores.chore(None, "source", "poll", "--due", is_due=lambda: True, on_fault=pytest.fail, look_s=0.001):
        assert os.read(told, 1) == b"x"
    [process] = started
    assert process.returncode is not None
    assert process.args[1:] == ["-m", "newsletter", "source", "poll", "--due"]


def test_one_reader_comes_after_the_other(reader):
    stand_in, told, started = reader
    stand_in("")
    with chores.chore(None, "source", "poll", "--due", is_due=lambda: True, on_fault=pytest.fail, look_s=0.001):
        for _ in range(3):
            assert os.read(told, 1) == b"x"
    assert all(process.returncode is not None for process in started)


def test_what_a_command_that_failed_says_is_told_and_the_same_thing_once(reader):
    stand_in, told, _started = reader
    stand_in("print('Error: a brace is missing', file=sys.stderr)\nsys.exit(1)")
    said = []
    with chores.chore(None, "digest", "plan", "--due", is_due=lambda: True, on_fault=said.append, look_s=0.001):
        for _ in range(4):
            assert os.read(told, 1) == b"x"
    assert said == ["Error: a brace is missing"]
