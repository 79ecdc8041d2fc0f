"""Calls that are started ahead: as many as there is room for, results in order, and none is left running."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from separation.engine.engine import Ahead, Call, Inline
from separation.events import Event, StillRunning


class Roomy(Inline):
    """Three calls at a time; a call is under way once it is started."""

    def width(self, device: str) -> int:
        return 3

    def start(self, call):
        task = super().start(call)
        call.arguments[0].append(call.arguments[1])
        return Closable(task, *call.arguments)


class Closable:
    def __init__(self, task, running, number):
        self._task, self._running, self._number = task, running, number

    def follow(self):
        return self._task.follow()

    def news(self):
        return self._task.news()

    def close(self, patience_s=0.0):
        self._task.close(patience_s)
        if self._number in self._running:
            self._running.remove(self._number)


def square(running: list[int], number: int) -> Generator[Event, None, int]:
    yield StillRunning()
    if number == 7:
        raise ValueError(number)
    return number * number


def result(steps):
    try:
        while True:
            next(steps)
    except StopIteration as done:
        return done.value


@pytest.fixture
def running():
    """The numbers of the calls that were started and not closed."""
    return []


def test_no_more_calls_are_read_than_there_is_room_for_and_results_come_in_order(running):
    ahead, calls = Ahead(Roomy(), "cpu"), (Call(square, (running, number)) for number in range(5))
    ahead.fill(calls)
    assert running == [0, 1, 2]
    assert result(ahead.next()) == 0
    assert running == [1, 2]
    ahead.fill(calls)
    assert [result(ahead.next()) for _ in range(3)] == [1, 4, 9]
    assert next(calls).arguments[1] == 4


def test_closing_cancels_all_that_was_started(running):
    ahead = Ahead(Roomy(), "cpu")
    ahead.fill(Call(square, (running, number)) for number in range(3))
    steps = ahead.next()
    next(steps)
    steps.close()
    ahead.close()
    assert running == []


def test_after_a_failure_nothing_is_left_running_once_it_is_closed(running):
    ahead = Ahead(Roomy(), "cpu")
    ahead.fill(Call(square, (running, number)) for number in (7, 8, 9))
    with pytest.raises(ValueError, match="7"):
        result(ahead.next())
    ahead.close()
    assert running == []
