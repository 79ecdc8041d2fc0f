"""Work done here and work done in a worker process: the same events, the same result, the same errors."""

from __future__ import annotations

import mmap
import os
import platform
import signal
import threading
from contextlib import closing
from pathlib import Path

import dask
import distributed  # noqa: F401  settings of Dask that are changed before this are lost afterwards
import numpy as np
import psutil
import pytest

from separation.audio.waveform import Waveform
from separation.engine.dask import HEARTBEAT_S, Cluster
from separation.engine.embedded import NICENESS, RETRIES
from separation.engine.engine import Call, Inline
from separation.errors import (
    AudioError,
    BackendUnavailable,
    PromptError,
    SeparationError,
    SettingsError,
    WeightsMissing,
)
from separation.events import ChunkFinished, SolverStep, StillRunning, Warned
from separation.pipeline import tasks
from separation.pipeline.separate import extract, separate
from separation.request import ChunkSettings, Request
from tests.support import fakes, memory_work
from tests.support.job_steps import wait_until
from tests.support.store_files import in_the_making


@pytest.fixture(scope="module")
def cluster():
    engine = Cluster()
    yield engine
    engine.close()


@pytest.fixture(params=["inline", "cluster"])
def engine(request):
    return Inline() if request.param == "inline" else request.getfixturevalue("cluster")


def run_to_end(engine, work, *arguments):
    """Every event but the heartbeats, and the result."""
    events = []
    steps = engine.run(work, *arguments)
    while True:
        try:
            event = next(steps)
        except StopIteration as stop:
            return events, stop.value
        if not isinstance(event, StillRunning):
            events.append(event)


def lines(diary):
    return diary.read_text().splitlines() if diary.exists() else []


def is_alive(process_id):
    """False for a process that is gone or only waits to be collected by its parent."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_result_and_the_events_are_those_of_the_work_itself(engine):
    events, result = run_to_end(engine, fakes.count_to, 5)
    assert events == list(fakes.count_to(5))
    assert result == "counted to 5"


def test_the_last_event_before_the_result_is_never_lost(cluster):
    for attempt in range(40):
        events, _ = run_to_end(cluster, fakes.count_to, 20, str(attempt))
        assert len(events) == 22
        assert events[-1] == Warned(message=f"last{attempt}")


def test_samples_arrive_as_they_were_sent(engine):
    samples = np.random.default_rng(1).standard_normal((2, 500_000)).astype(np.float32)
    _, back = run_to_end(engine, fakes.echo, samples)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, samples)


@pytest.mark.parametrize(
    "kind", [AudioError, SettingsError, PromptError, BackendUnavailable, WeightsMissing, SeparationError]
)
def test_our_errors_arrive_with_what_why_and_what_to_do(engine, kind):
    with pytest.raises(kind) as failure:
        run_to_end(engine, fakes.fail_as, kind)
    assert type(failure.value) is kind
    assert (failure.value.what, failure.value.why, failure.value.todo) == (
        "It broke.",
        "It was glass.",
        "Buy a cup.",
    )


@pytest.mark.parametrize("error", [ZeroDivisionError("by nothing"), KeyError("nowhere"), MemoryError("much")])
def test_other_errors_arrive_as_they_are_after_the_events_before_them(engine, error):
    steps, heard = engine.run(fakes.fail_with, error), []
    with pytest.raises(type(error), match=str(error).strip("'")):
        while True:
            heard.append(next(steps))
    assert Warned(message="about to fail") in heard


def test_the_work_runs_in_another_process_that_stays(cluster):
    _, first = run_to_end(cluster, fakes.process_id)
    _, second = run_to_end(cluster, fakes.process_id)
    assert first == second != os.getpid()
    assert run_to_end(Inline(), fakes.process_id)[1] == os.getpid()


def test_while_nothing_happens_there_is_a_heartbeat(cluster):
    run_to_end(cluster, fakes.process_id)
    events = list(cluster.run(fakes.wait, 4 * HEARTBEAT_S))
    assert events.count(StillRunning()) >= 2


def test_closing_the_run_stops_the_work_at_its_next_event(engine, tmp_path):
    diary = tmp_path / "diary"
    steps = engine.run(fakes.work_until_stopped, diary, 200, 0.05)
    while not isinstance(next(steps), SolverStep):
        pass
    steps.close()
    fakes.eventually(lambda: "stopped" in lines(diary))
    assert lines(diary).count("evaluated") < 100
    assert lines(diary)[-1] == "stopped"


def test_after_a_cancelled_run_the_same_worker_serves_the_next(cluster, tmp_path):
    _, before = run_to_end(cluster, fakes.process_id)
    steps = cluster.run(fakes.work_until_stopped, tmp_path / "diary", 200, 0.05)
    next(steps)
    steps.close()
    assert run_to_end(cluster, fakes.count_to, 1)[1] == "counted to 1"
    assert run_to_end(cluster, fakes.process_id)[1] == before


def test_work_whose_process_was_killed_is_tried_again(cluster, tmp_path):
    diary = tmp_path / "diary"
    _, result = run_to_end(cluster, fakes.die_until, diary, 1)
    assert result == "survived"
    assert len(set(lines(diary))) == 2  # two attempts in two processes


@pytest.mark.timeout(200)
def test_a_process_that_was_killed_is_started_again_however_long_that_takes():
    # Dask gives it up after this time, as if the computer were so busy that no process starts in time.
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1ms"}), closing(Cluster()) as engine:
        _, first = run_to_end(engine, fakes.process_id)
        os.kill(first, signal.SIGKILL)
        _, second = run_to_end(engine, fakes.process_id)
        assert second != first


def test_work_that_kills_every_process_ends_as_an_error_that_speaks_of_memory(cluster, tmp_path):
    diary = tmp_path / "diary"
    with pytest.raises(SeparationError, match="memory") as failure:
        run_to_end(cluster, fakes.die_until, diary, 1_000)
    assert failure.value.todo
    assert len(lines(diary)) == 1 + RETRIES
    assert run_to_end(cluster, fakes.count_to, 1)[1] == "counted to 1"


# Another number of threads rounds the network's sums differently.
@pytest.mark.parametrize(("backend", "atol"), [("builtin-dsp", 0), ("builtin", 1e-6)])
def test_the_built_in_separators_give_the_same_samples_in_a_worker(cluster, backend, atol):
    samples = (0.2 * np.random.default_rng(2).standard_normal((2, 60_000))).astype(np.float32)
    mixture = Waveform(samples, 48_000)
    request = Request.of("drums", "no vocals", backend=backend, chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.1))
    here, there = extract(mixture, request), extract(mixture, request, engine=cluster)
    assert here.keys() == there.keys()
    for name in here:
        np.testing.assert_allclose(there[name].samples, here[name].samples, atol=atol, rtol=0)


def test_a_cancelled_separation_leaves_the_engine_ready(cluster):
    mixture = Waveform(np.full((2, 200_000), 0.1, np.float32), 44_100)
    request = Request.of("drums", backend="builtin-dsp", chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.0))
    events = separate(mixture, request, engine=cluster)
    while not isinstance(next(events), ChunkFinished):
        pass
    events.close()
    assert run_to_end(cluster, fakes.count_to, 2)[1] == "counted to 2"


def test_closing_the_engine_ends_its_worker_and_a_run_in_progress_and_may_be_done_twice():
    engine = Cluster()
    _, worker = run_to_end(engine, fakes.process_id)
    assert is_alive(worker)
    steps = engine.run(fakes.wait, 60.0)
    while not isinstance(next(steps), Warned):
        pass
    engine.close()
    with pytest.raises(SeparationError, match="stopped"):
        list(steps)
    engine.close()
    fakes.eventually(lambda: not is_alive(worker))


def test_its_own_files_lie_where_it_is_told_and_go_with_it(store):
    engine = Cluster(scratch=store.scratch)
    run_to_end(engine, fakes.process_id)
    (folder,) = in_the_making(store)
    assert [*folder.rglob("*")], "Dask's files"
    engine.close()
    assert in_the_making(store) == []


def listening() -> set[tuple[str, int]]:
    """What this process and its children listen on, as (address, port)."""
    here = psutil.Process()
    return {
        connection.laddr[:2]
        for process in (here, *here.children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def test_nothing_listens_to_other_computers():
    before = listening()  # of other tests: chromedriver listens on ::1 too
    engine = Cluster()
    run_to_end(engine, fakes.process_id)
    opened = listening() - before
    engine.close()
    assert {address for address, _ in opened} == {"127.0.0.1"}


def test_closing_an_engine_that_never_worked_starts_nothing():
    Cluster().close()


def test_the_worker_gives_way_to_the_process_that_serves_pages(cluster):
    _, process_id = run_to_end(cluster, fakes.process_id)
    assert psutil.Process(process_id).nice() == min(19, psutil.Process().nice() + NICENESS)


def test_nobody_else_on_this_computer_can_have_the_embedded_worker_run_code(cluster):
    address = cluster.address
    assert address.startswith("tls://127.0.0.1:")
    for stranger in (address, address.replace("tls://", "tcp://")):
        with pytest.raises(SeparationError, match="no Dask scheduler"):
            run_to_end(Cluster(stranger), fakes.process_id)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere"])
def test_a_scheduler_that_does_not_answer_is_named_in_the_error(address, monkeypatch):
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), pytest.raises(SeparationError) as failure:
        run_to_end(Cluster(address), fakes.count_to, 1)
    assert address in str(failure.value)
    assert failure.value.todo


def test_workers_that_were_prepared_are_there_before_the_first_call():
    with closing(Cluster()) as engine:
        before = _workers()
        engine.prepare()
        engine.prepare()
        wait_until(lambda: _workers() - before)
        prepared = _workers() - before
        _, worker = run_to_end(engine, fakes.process_id)
        assert {worker} == prepared == _workers() - before


def test_a_worker_that_is_prepared_loads_the_model_that_always_works_without_being_asked_for_it():
    with closing(Cluster()) as engine:
        engine.prepare(Call(tasks.warm_up, ()))
        wait_until(lambda: run_to_end(engine, fakes.loaded_models)[1] == ["builtin"])


def test_an_engine_that_is_closed_before_its_workers_start_starts_none():
    before = set(threading.enumerate())
    engine = Cluster()
    engine.prepare()
    assert set(threading.enumerate()) > before
    engine.close()
    assert set(threading.enumerate()) <= before, "nobody is left to start them"


def _workers():
    """The processes that Dask has started for this one, without the one that tidies up after them."""
    children = psutil.Process().children(recursive=True)
    return {child.pid for child in children if "spawn_main" in " ".join(child.cmdline())}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators are left as they are")
def test_a_worker_keeps_freed_memory_and_two_of_its_threads_allocate_without_waiting_for_each_other(cluster):
    _, n_faults = run_to_end(cluster, memory_work.page_faults)
    n_pages = memory_work.N_BLOCKS * memory_work.BLOCK_BYTES // mmap.PAGESIZE
    assert n_faults < n_pages / 100
    _, (one, other) = run_to_end(cluster, memory_work.arenas_of_two_threads)
    assert one != other
