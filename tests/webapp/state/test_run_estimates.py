"""What a run would take: learned from this server's runs, never waiting for them."""

from __future__ import annotations

import asyncio
import time

import pytest

from separation.engine.engine import Inline
from separation.request import ChunkSettings, DemucsSettings, Request
from separation.results.runs import find_result, import_recording, separate_recording
from storage import StorageError
from storage.records import JobTable
from tests.support import job_steps, run_fakes
from webapp.pages.studio.settings_panel import with_changes
from webapp.state import run_estimates
from webapp.state.queue.jobs import Jobs
from webapp.state.run_estimates import RunEstimates


@pytest.fixture
def recording(store, tmp_path, monkeypatch):
    run_fakes.install(monkeypatch)
    return import_recording(run_fakes.song(tmp_path / "song.wav", 6.0), store)


def until(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came about")


def make(recording, store, prompt="drums"):
    list(separate_recording(recording, Request.of(prompt), store, Inline()))
    return find_result(recording, Request.of(prompt), store)[1]


def test_it_learns_from_the_runs_in_the_store(store, recording):
    settled = make(recording, store)
    seen = RunEstimates(store, here=True)
    until(lambda: seen.of(settled, recording).estimate.n_runs == 1)
    assert seen.of(settled, recording).available_bytes is not None


def test_a_run_that_finishes_later_is_learned_from_too(store, recording, monkeypatch):
    seen = RunEstimates(store, here=True)
    settled = make(recording, store)
    monkeypatch.setattr(run_estimates, "FRESH_S", 0.0)
    until(lambda: seen.of(settled, recording).estimate.n_runs == 1)


async def test_a_job_that_has_finished_is_learned_from_at_once_and_pages_are_told(store, recording):
    seen, told = RunEstimates(store, here=True), []
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    jobs.changed.subscribe(seen.job_changed)
    try:
        job = jobs.submit(recording, Request.of("drums"))
        settled = find_result(recording, Request.of("drums"), store)[1]
        assert seen.of(settled, recording).estimate.n_runs == 0
        seen.changed.subscribe(lambda: told.append(seen.of(settled, recording).estimate.n_runs))
        await job_steps.until(lambda: told)
        jobs.submit(recording, Request.of("drums"))
        jobs.look_up(recording, Request.of("drums"), job.result)
        await job_steps.until(lambda: all(one.over for one in jobs.all))
    finally:
        await asyncio.to_thread(jobs.close)
    assert told == [1], "what was kept teaches nothing new"


def test_asking_often_reads_the_store_once(store, recording, monkeypatch):
    settled, reads, usual = make(recording, store), [], store.rows
    monkeypatch.setattr(store, "rows", lambda kind: reads.append(kind) or usual(kind))
    seen = RunEstimates(store, here=True)
    until(lambda: seen.of(settled, recording).estimate.n_runs == 1)
    for _ in range(100):
        seen.of(settled, recording)
    assert reads == ["result"]


def test_a_store_that_cannot_be_read_teaches_nothing_and_breaks_nothing(store, recording, monkeypatch, caplog):
    def broken(kind):
        raise StorageError("It is broken.")

    settled = make(recording, store)
    monkeypatch.setattr(store, "rows", broken)
    seen = RunEstimates(store, here=True)
    until(lambda: "cannot be read" in caplog.text)
    assert seen.of(settled, recording).estimate.n_runs == 0


def test_on_other_computers_this_ones_memory_says_nothing(store, recording):
    settled = make(recording, store)
    assert RunEstimates(store, here=False).of(settled, recording).available_bytes is None


def test_only_what_makes_a_run_fit_is_changed_in_the_panel():
    draft = Request.of("drums", seed=7)
    before = Request.of("drums", backend="builtin", model="classical", device="cpu", chunks=ChunkSettings(chunk_s=10.0))
    after = Request.of("drums", backend="builtin", model="classical", device="cpu", chunks=ChunkSettings(chunk_s=5.0))
    assert with_changes(draft, before, after) == Request.of("drums", seed=7, chunks=ChunkSettings(chunk_s=5.0))
    large, usual = (Request.of("drums", backend="demucs", model=model) for model in ("htdemucs_ft", "htdemucs"))
    assert with_changes(draft, large, usual) == Request.of("drums", backend="demucs", model="htdemucs", seed=7)
    cut = Request.of("drums", backend="demucs", model="htdemucs_ft", demucs=DemucsSettings(segment_s=5.0))
    assert with_changes(draft, large, cut).demucs.segment_s == 5
