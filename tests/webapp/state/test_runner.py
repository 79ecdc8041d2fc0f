"""The background thread of jobs, downloads, the self-test and estimates."""

from __future__ import annotations

import asyncio
import threading

import pytest

from separation.hardware import allocator
from webapp.state.runner import Runner

LONG_S = 60.0


@pytest.fixture
def runner():
    runner = Runner("test runner")
    yield runner
    runner.close()


class Held:
    """Work that begins and then waits to be let go, deaf to everything else."""

    def __init__(self):
        self.began, self.let_go = threading.Event(), threading.Event()

    def __call__(self):
        self.began.set()
        assert self.let_go.wait(LONG_S)


def do(runner, work):
    """Submit work and wait for its end, and with it for everything before it."""
    over = threading.Event()
    assert runner.submit(lambda: (work(), over.set()))
    assert over.wait(LONG_S)


def test_work_is_done_one_after_another_in_the_order_in_which_it_was_submitted(runner):
    done, held = [], Held()
    runner.submit(held)
    for n in range(50):
        runner.submit(lambda n=n: done.append((n, threading.current_thread().name)))
    assert held.began.wait(LONG_S) and done == []
    held.let_go.set()
    do(runner, lambda: None)
    assert done == [(n, "test runner") for n in range(50)]


def test_there_is_no_thread_while_there_is_no_work(runner):
    for _ in range(3):
        threads = []
        do(runner, lambda: threads.append(threading.current_thread()))  # noqa: B023  # it is over before the next turn
        threads[0].join(LONG_S)
        assert not threads[0].is_alive() and threads[0].daemon


def test_an_error_in_work_is_logged_and_what_follows_is_done(runner, caplog):
    held, done = Held(), []

    def broken():
        raise ZeroDivisionError("nobody foresaw this")

    runner.submit(held)
    runner.submit(broken)
    runner.submit(lambda: done.append("after"))
    held.let_go.set()
    do(runner, lambda: None)
    assert done == ["after"]
    assert "test runner" in caplog.text and "nobody foresaw this" in caplog.text


async def test_what_work_tells_is_called_on_the_event_loop_in_order(runner):
    here, told, over = threading.current_thread(), [], asyncio.Event()

    def work():
        for n in range(5):
            runner.tell(lambda n=n: told.append((n, threading.current_thread())))
        runner.tell(over.set)

    runner.submit(work)
    await asyncio.wait_for(over.wait(), LONG_S)
    assert told == [(n, here) for n in range(5)]


async def test_what_is_told_first_is_called_at_once_and_what_follows_too_soon_is_put_off(runner):
    told = []
    for n in range(3):
        runner.tell_once("a", lambda n=n: told.append(n), LONG_S)
    runner.tell_once("b", lambda: told.append("b"), LONG_S)
    await asyncio.sleep(0)
    assert told == [2, "b"], "once for all that is told at one moment, and no name waits for another"
    runner.tell_once("a", lambda: told.append("too soon"), LONG_S)
    await asyncio.sleep(0.01)
    assert told == [2, "b"]


async def test_what_was_put_off_is_called_once_it_is_due(runner):
    told, over = [], asyncio.Event()
    runner.tell_once("a", lambda: told.append("first"), 0.01)
    await asyncio.sleep(0)
    for n in range(3):
        runner.tell_once("a", lambda n=n: (told.append(n), over.set()), 0.01)
    await asyncio.wait_for(over.wait(), LONG_S)
    assert told == ["first", 2]


def test_telling_without_an_event_loop_or_after_its_end_is_nothing(runner, caplog):
    do(runner, lambda: runner.tell(lambda: pytest.fail("nobody calls this")))

    async def submitting():
        runner.submit(lambda: None)

    asyncio.run(submitting())
    do(runner, lambda: runner.tell(lambda: pytest.fail("that loop is closed")))
    assert caplog.text == ""


def test_closing_waits_for_what_is_being_done_and_begins_nothing_further(runner):
    held, done = Held(), []
    runner.submit(held)
    runner.submit(lambda: done.append("too late"))
    assert held.began.wait(LONG_S) and not runner.closing
    assert not runner.close(0.01), "it is still being done"
    assert runner.closing
    held.let_go.set()
    assert runner.close(LONG_S)
    assert done == []


def test_memory_is_returned_once_there_is_no_more_work(monkeypatch):
    done, over = [], threading.Event()
    monkeypatch.setattr(allocator, "return_freed_memory", lambda: (done.append("returned"), over.set()))
    runner, held = Runner("test runner", returns_memory=True), Held()
    runner.submit(held)
    runner.submit(lambda: done.append("work"))
    held.let_go.set()
    assert over.wait(LONG_S) and runner.close(LONG_S)
    assert done == ["work", "returned"]


def test_work_that_asks_whether_the_end_has_come_ends_soon(runner):
    began = threading.Event()

    def patient():
        began.set()
        while not runner.closing:
            threading.Event().wait(0.001)

    runner.submit(patient)
    assert began.wait(LONG_S) and runner.close(LONG_S)


def test_after_the_end_nothing_is_taken_any_more(runner):
    assert runner.close(), "nothing was being done"
    assert not runner.submit(lambda: pytest.fail("it is closed"))
    assert runner.close(LONG_S), "twice is once"


def test_work_submitted_by_many_threads_is_done_once_each(runner):
    done = []
    threads = [threading.Thread(target=lambda n=n: runner.submit(lambda: done.append(n))) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    do(runner, lambda: None)
    assert sorted(done) == list(range(30))
