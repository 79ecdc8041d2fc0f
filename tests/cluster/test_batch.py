"""A batch in processes of its own: they share the work, may die, and say nothing when they are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest

from separation.engine.dask import Cluster
from separation.engine.engine import Inline
from separation.errors import AudioError, SeparationError
from separation.events import StillRunning
from separation.workflows import batch

ROOT = Path(__file__).parents[2]

# Work for processes: what they do has to be importable.


def square(number):
    yield StillRunning()
    return number * number


def odd_ones_fail(number):
    if number % 2:
        raise AudioError(f"{number} is odd.", "It was made so.", "Take another.")
    return (yield from square(number))


def after_the_others(folder, number):
    """The first file ends when all others have."""
    deadline_s = time.monotonic() + 60
    while number == 0 and len(list(folder.iterdir())) < 5 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    (folder / str(number)).touch()
    yield StillRunning()
    return os.getpid()


def three_is_lethal(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return (yield from square(number))


def meet(folder, number):
    """Wait for another one at the same time."""
    yield StillRunning()
    (folder / str(number)).touch()
    deadline_s = time.monotonic() + 30
    while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return len(list(folder.iterdir()))


def hold_a_file(folder, number):
    """Keep a file for as long as this is at work, which is longer than any test; cleaning up takes a while."""
    path = folder / str(number)
    try:
        path.touch()
        for _ in range(6_000):
            yield StillRunning()
            time.sleep(0.01)
    finally:
        time.sleep(0.3)
        path.unlink(missing_ok=True)


def number_of_threads(number):
    yield StillRunning()
    return [os.environ[f"{library}_NUM_THREADS"] for library in ("OMP", "MKL", "OPENBLAS")]


def unforeseen(number):
    yield StillRunning()
    raise ZeroDivisionError("by nothing")


def not_to_be_carried(number):
    yield StillRunning()
    return threading.Lock()


# Running


@pytest.fixture(scope="module")
def processes():
    """Two of them."""
    with closing(Cluster(n_workers=2, niceness=0)) as engine:
        yield engine


@pytest.fixture(params=[1, 2])
def run(request):
    """`batch.run` with one job in this process, and with two in as many."""
    if request.param == 1:
        return partial(batch.run, engine=Inline(), jobs=1)
    return partial(batch.run, engine=request.getfixturevalue("processes"), jobs=2)


def test_outcomes_come_in_the_order_of_the_files_and_failures_stop_nothing(run):
    outcomes = list(run(range(7), odd_ones_fail))
    assert [outcome.file for outcome in outcomes] == list(range(7))
    assert [outcome.result for outcome in outcomes] == [0, None, 4, None, 16, None, 36]
    failed = [outcome.error for outcome in outcomes if outcome.error]
    assert [str(error) for error in failed] == [f"{n} is odd. It was made so. Take another." for n in (1, 3, 5)]
    assert all(type(error) is AudioError for error in failed)


def test_an_error_nobody_foresaw_is_that_files_failure(run):
    (outcome,) = run([0], unforeseen)
    assert type(outcome.error) is SeparationError
    assert "ZeroDivisionError: by nothing" in outcome.error.why and "report it" in outcome.error.todo


def test_a_result_that_cannot_leave_its_process_is_that_files_failure(processes):
    outcomes = list(batch.run([0, 1], not_to_be_carried, processes, 2))
    assert [type(outcome.error) for outcome in outcomes] == [SeparationError] * 2
    assert [outcome.result for outcome in batch.run([2], square, processes, 2)] == [4]


def test_a_slow_file_holds_up_the_reports_and_not_the_work(processes, tmp_path):
    started = []
    outcomes = batch.run(range(6), partial(after_the_others, tmp_path), processes, 2, started=started.append)
    first = next(outcomes)
    assert first.file == 0 and sorted(started) == list(range(6)) and started[0] == 0
    workers = {outcome.result for outcome in outcomes}
    assert len({first.result, *workers}) == 2, "the processes last"
    assert os.getpid() not in workers


def test_jobs_work_at_the_same_time(processes, tmp_path):
    assert [outcome.result for outcome in batch.run([1, 2], partial(meet, tmp_path), processes, 2)] == [2, 2]


def test_jobs_share_the_cores(monkeypatch):
    for library in ("OMP", "MKL", "OPENBLAS"):
        monkeypatch.delenv(f"{library}_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    with closing(Cluster(n_workers=2, niceness=0)) as engine:
        (outcome,) = batch.run([0], number_of_threads, engine, 2)
    assert outcome.result == ["3"] * 3


def test_workers_of_a_batch_give_way_to_nobody(processes):
    (outcome,) = batch.run([0], niceness, processes, 2)
    assert outcome.result == psutil.Process().nice()


def niceness(number):
    yield StillRunning()
    return psutil.Process().nice()


def test_a_file_that_kills_its_process_is_the_only_one_lost(processes):
    outcomes = list(batch.run(range(6), three_is_lethal, processes, 2))
    assert [outcome.result for outcome in outcomes] == [0, 1, 4, None, 16, 25]
    assert type(outcomes[3].error) is SeparationError
    assert "died" in outcomes[3].error.what and "memory" in outcomes[3].error.why and "jobs" in outcomes[3].error.todo


def test_nothing_to_do_is_done_at_once(processes):
    assert list(batch.run([], square, processes, 2)) == []


def test_closing_early_breaks_off_what_runs_and_lets_it_clean_up(processes, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "PATIENCE_S", 60.0)  # a worker that has little of a busy computer is slow to clean up
    outcomes = batch.run(range(9), partial(after_the_first, tmp_path), processes, 2)
    assert next(outcomes).result == 0
    wait_for(lambda: any(tmp_path.iterdir()))
    outcomes.close()
    assert list(tmp_path.iterdir()) == []
    assert [outcome.result for outcome in batch.run([2], square, processes, 2)] == [4], "the processes are free"
    assert list(tmp_path.iterdir()) == [], "nothing more was started"


def after_the_first(folder, number):
    return (yield from hold_a_file(folder, number)) if number else 0


def test_a_worker_that_does_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "PATIENCE_S", 0.3)
    with closing(Cluster(n_workers=2, niceness=0)) as engine:
        outcomes = batch.run([0, 1], partial(stubborn, tmp_path), engine, 2)
        workers = [next(outcomes).result]
        wait_for(lambda: (tmp_path / "1").exists() and (tmp_path / "1").read_text())
        workers.append(int((tmp_path / "1").read_text()))
        outcomes.close()
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    wait_for(lambda: not any(psutil.pid_exists(worker) for worker in workers))


def stubborn(folder, number):
    yield StillRunning()
    if number:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        (folder / str(number)).write_text(str(os.getpid()))
        time.sleep(600)
    return os.getpid()


@pytest.mark.parametrize("whom", ["the program", "the whole group, as a terminal does"])
@pytest.mark.parametrize("when", ["at work", "while the workers start"])
def test_an_interrupt_ends_all_processes_without_a_word_from_them(tmp_path, whom, when):
    code = (
        "from contextlib import closing\nfrom functools import partial\nfrom pathlib import Path\n"
        "from separation.engine.dask import Cluster\nfrom separation.workflows import batch\n"
        "from tests.cluster.test_batch import hold_a_file\n"
        "try:\n"
        "    with closing(Cluster(n_workers=2, niceness=0)) as engine:\n"
        f"        list(batch.run(range(9), partial(hold_a_file, Path({str(tmp_path)!r})), engine, 2))\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    if when == "at work":
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    else:
        wait_for(lambda: len(psutil.Process(program.pid).children(recursive=True)) >= 2)
    if whom == "the program":
        program.send_signal(signal.SIGINT)
    else:
        os.killpg(program.pid, signal.SIGINT)
    output, errors = program.communicate(timeout=60)
    assert (output, errors) == ("interrupted\n", "")
    assert list(tmp_path.iterdir()) == []


def wait_for(condition):
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
