"""Benchmarks on worker processes: what a worker computes is a run's own, and no other program's."""

from __future__ import annotations

import time

import psutil
import pytest

from separation.benchmark.making import make
from separation.engine.dask import Cluster
from separation.events import StillRunning
from separation.hardware import others
from separation.hardware.others import OtherPrograms
from separation.results.runs import import_recording
from tests.support import benchmarks, fakes, run_fakes
from tests.support.benchmarks import grid, run
from tests.support.fakes import ran

BURNT_S = 2.0


@pytest.fixture(scope="module")
def cluster():
    engine = Cluster()
    yield engine
    engine.close()


def test_what_a_worker_and_its_threads_compute_does_not_count_as_others(cluster, monkeypatch):
    ran(cluster.run(fakes.burn, 0.1, 1))  # it is there
    times = psutil.cpu_times()
    monkeypatch.setattr(others.psutil, "cpu_times", lambda: times)
    watched, began_s = OtherPrograms(), time.monotonic()
    _, burnt_s = ran(cluster.run(fakes.burn, BURNT_S, 3))
    # All that the processors did, as far as this test says, is what the worker did.
    monkeypatch.setattr(others.psutil, "cpu_times", lambda: times._replace(user=times.user + burnt_s))
    assert burnt_s >= BURNT_S
    assert watched.cores() * (time.monotonic() - began_s) < 0.1 * BURNT_S


def test_a_benchmark_runs_on_workers(cluster, store, tmp_path, monkeypatch):
    benchmarks.probe(monkeypatch, 0.0)
    song = import_recording(run_fakes.song(tmp_path / "song.wav", 4.0), store)
    asked = grid(backend="builtin-dsp", chunks={"chunk_s": [1, 2], "overlap_s": 0.25}, n_times=2)
    bench, outcomes = make(asked, [song], store), {}
    run(bench, store, outcomes, engine=cluster)
    assert len(outcomes) == 2
    for outcome in outcomes.values():
        assert outcome.error is None and len(outcome.timings) == 2
        assert all(0 < one.first_sound_s <= one.seconds and one.load_s >= 0 for one in outcome.timings)


def test_a_run_on_a_worker_can_be_closed(cluster, store, tmp_path):
    from separation.benchmark.steps import next_step, perform

    song = import_recording(run_fakes.song(tmp_path / "song.wav", 20.0), store)
    bench = make(grid(backend="builtin-dsp", chunks={"chunk_s": 1, "overlap_s": 0.0}), [song], store)
    work = perform(next_step(bench, {}), bench, {}, store, cluster)
    while isinstance(next(work), StillRunning):
        pass
    work.close()
    assert store.list("result") == []
