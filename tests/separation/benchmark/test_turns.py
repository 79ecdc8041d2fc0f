"""Timed work takes turns, also between programs, and a program that was killed keeps nobody waiting."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from separation.benchmark.turns import in_turn
from separation.events import EventStream, StillRunning
from tests.support.job_steps import wait_until

HOLD = """
import sys, time
from pathlib import Path
from separation.benchmark.turns import in_turn
from separation.events import StillRunning

def work():
    yield StillRunning()
    print("holds", flush=True)
    time.sleep(600)

for _ in in_turn(Path(sys.argv[1]), work()):
    pass
"""


def work(done):
    yield StillRunning()
    done.append(1)
    return "made"


def test_work_is_done_and_its_result_returned(tmp_path):
    done = []
    stream = EventStream(in_turn(tmp_path / "lock", work(done)))
    assert list(stream) == [StillRunning()] and stream.result == "made" and done == [1]


def test_the_second_waits_until_the_first_is_done_or_closed(tmp_path):
    done = []
    first, second = (in_turn(tmp_path / "lock", work(done)) for _ in range(2))
    next(first)
    assert next(second) == StillRunning() and done == []
    assert next(second) == StillRunning() and done == []
    first.close()
    wait_until(lambda: next(second, None) is None)
    assert done == [1]


def test_who_waits_may_give_up(tmp_path):
    done = []
    first, second = (in_turn(tmp_path / "lock", work(done)) for _ in range(2))
    next(first)
    next(second)
    second.close()
    assert next(first, None) is None and done == [1]


def test_an_error_lets_the_next_one_go(tmp_path):
    def broken():
        yield StillRunning()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(in_turn(tmp_path / "lock", broken()))
    assert list(in_turn(tmp_path / "lock", work([]))) == [StillRunning()]


def test_another_program_is_waited_for_until_it_is_killed(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "holds\n"
        done = []
        mine = in_turn(tmp_path / "lock", work(done))
        assert next(mine) == StillRunning() and done == []
        other.send_signal(signal.SIGKILL)
        other.wait(60)
        wait_until(lambda: next(mine, None) is None)
        assert done == [1]
    finally:
        other.kill()
