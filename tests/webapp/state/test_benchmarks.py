"""The benchmarks of a server: they run between jobs, are written down cell by cell, and go on after a stop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from separation import Request
from separation.benchmark.benchmark import CellOutcome
from separation.benchmark.grid import Grid, Passage
from separation.benchmark.steps import StepKind
from separation.benchmark.timing import Timing
from separation.engine.engine import Inline
from separation.errors import SeparationError, SettingsError
from separation.events import StillRunning
from storage import Library, StorageError
from storage.records import BenchmarkTable, JobTable
from tests.support.job_steps import Gate, until
from webapp.pages.queue.job_words import detail_of
from webapp.state.benchmarks import Benchmarks, BenchmarkState
from webapp.state.library.rows import LibraryQuery
from webapp.state.library.view import LibraryView
from webapp.state.queue.jobs import Jobs, State

GRID = Grid(
    settings={"prompts": [["drums"], ["bass"]], "backend": "fake", "model": ["only", "another"]},
    name="Steps",
    passage=Passage(length_s=1),
    n_times=1,
    reference={"model": "only"},
)


@pytest.fixture
async def jobs(store):
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    yield jobs
    await asyncio.to_thread(jobs.close)


@pytest.fixture
def table(store):
    return BenchmarkTable(store.folder)


@pytest.fixture
def benchmarks(store, jobs, table, backend):
    return Benchmarks(store, Inline(), jobs, table, is_local=False)


def is_complete(benchmarks, id):
    return lambda: benchmarks.progress(id).state is BenchmarkState.COMPLETE


async def test_a_benchmark_runs_to_its_end_and_every_cell_has_a_result(benchmarks, recording, store):
    told = []
    benchmarks.changed.subscribe(told.append)
    made = await benchmarks.make(GRID, [recording])
    await until(is_complete(benchmarks, made.id))
    outcomes = benchmarks.outcomes(made.id)
    assert set(outcomes) == {cell.id for cell in made.cells()} and len(outcomes) == len(made.requests)
    assert all(store.get(outcome.result) is not None for outcome in outcomes.values())
    progress = benchmarks.progress(made.id)
    assert (progress.n_done, progress.n_failed, progress.doing) == (progress.n_cells, 0, "")
    await until(lambda: set(told) == {made.id})


async def test_what_was_finished_is_not_computed_again_by_the_next_server(
    benchmarks, jobs, table, recording, store, backend
):
    gate = Gate(backend)
    made = await benchmarks.make(GRID, [recording])
    await until(gate.reached.is_set)
    assert benchmarks.progress(made.id).state is BenchmarkState.RUNNING
    gate.opened.set()
    await until(lambda: len(benchmarks.outcomes(made.id)) >= 1)
    benchmarks.stop(made.id)
    assert benchmarks.progress(made.id).state is BenchmarkState.STOPPED
    await asyncio.to_thread(jobs.close)
    done = dict(benchmarks.outcomes(made.id))

    jobs_after = Jobs(store, Inline(), JobTable(store.folder))
    after = Benchmarks(store, Inline(), jobs_after, BenchmarkTable(store.folder), is_local=False)
    assert after.get(made.id) == made
    before = dict(after.outcomes(made.id))
    assert {id: one.to_dict() for id, one in before.items()} == {id: done[id].to_dict() for id in before}
    assert before
    assert after.progress(made.id).state is BenchmarkState.STOPPED, "nothing starts by itself"
    after.go_on(made.id)
    await until(is_complete(after, made.id))
    assert {id: after.outcomes(made.id)[id].timings for id in before} == {id: one.timings for id, one in before.items()}
    await asyncio.to_thread(jobs_after.close)


async def test_a_job_goes_before_the_next_cell(benchmarks, jobs, recording, backend):
    gate = Gate(backend)
    made = await benchmarks.make(GRID, [recording])
    await until(gate.reached.is_set)
    job = jobs.submit(recording, Request.of("vocals"))
    assert jobs.is_between and "benchmark's present cell" in detail_of(job, behind_cell=jobs.is_between)
    n_done = []
    jobs.changed.subscribe(lambda one: n_done.append(len(benchmarks.outcomes(made.id))) if one.over else None)
    gate.opened.set()
    await until(lambda: job.state is State.DONE)
    await until(lambda: bool(n_done))
    assert n_done[0] < len(made.requests), "it did not wait for the whole benchmark"
    await until(is_complete(benchmarks, made.id))


async def test_what_is_not_computed_yet_comes_before_what_is_timed_again(benchmarks, recording, monkeypatch):
    busy = [Timing(seconds=1, first_sound_s=1, load_s=0, others=others) for others in (1.0, 0.0)]
    done = []
    are_both_made = threading.Event()

    def performed(step, benchmark, outcomes, *_, **__):
        yield StillRunning()
        assert are_both_made.wait(60)
        done.append((benchmark.id, step.kind))
        return CellOutcome(result="r", timings=(busy[step.kind is StepKind.RETIME],), distances={})

    monkeypatch.setattr("webapp.state.benchmarks.perform", performed)
    first, second = [await benchmarks.make(GRID, [recording]) for _ in range(2)]
    are_both_made.set()
    await until(is_complete(benchmarks, first.id))
    await until(is_complete(benchmarks, second.id))
    kinds = [kind for _, kind in done]
    assert kinds == sorted(kinds, key=lambda kind: kind is StepKind.RETIME) and StepKind.RETIME in kinds
    assert benchmarks.progress(first.id).n_again == benchmarks.progress(first.id).n_busy == 0


async def test_a_paused_queue_starts_no_cell_either(benchmarks, jobs, recording):
    jobs.pause()
    made = await benchmarks.make(GRID, [recording])
    await asyncio.sleep(0.2)
    assert not benchmarks.outcomes(made.id)
    assert benchmarks.progress(made.id).state is BenchmarkState.WAITING and benchmarks.progress(made.id).is_paused
    jobs.go_on()
    await until(is_complete(benchmarks, made.id))


async def test_a_cell_that_fails_is_told_and_the_others_go_on(benchmarks, recording, backend):
    load = backend.load

    def only_one(request):
        if request.model == "another":
            raise SeparationError("It broke.", "So it was told.", "Mend it.")
        return (yield from load(request))

    backend.load = only_one
    made = await benchmarks.make(GRID, [recording])
    await until(is_complete(benchmarks, made.id))
    outcomes = benchmarks.outcomes(made.id)
    failed = [cell.request.model for cell in made.cells() if outcomes[cell.id].error is not None]
    assert failed == ["another", "another"]
    assert {one.error for one in outcomes.values()} == {None, ("It broke.", "So it was told.", "Mend it.")}
    assert benchmarks.progress(made.id).n_failed == len(failed)


async def test_what_failed_is_tried_again_and_nothing_else_is(benchmarks, recording, backend):
    load = backend.load

    def only_one(request):
        if request.model == "another":
            raise SeparationError("It broke.", "So it was told.", "Mend it.")
        return (yield from load(request))

    backend.load = only_one
    made = await benchmarks.make(GRID, [recording])
    await until(is_complete(benchmarks, made.id))
    before = benchmarks.outcomes(made.id)
    backend.load = load
    benchmarks.try_again(made.id)
    assert benchmarks.progress(made.id).n_failed == 0
    await until(is_complete(benchmarks, made.id))
    after = benchmarks.outcomes(made.id)
    assert set(after) == set(before) and all(one.error is None and one.result for one in after.values())
    for cell, one in before.items():
        assert one.error is not None or after[cell] == one, "what was finished stays"


async def test_a_store_that_fails_stops_it_and_says_why(benchmarks, table, recording, monkeypatch):
    def full(*_):
        raise StorageError("The outcome cannot be written down.", "The disk is full.", "Make room, and go on.")

    monkeypatch.setattr(table, "write_outcome", full)
    made = await benchmarks.make(GRID, [recording])
    await until(lambda: benchmarks.progress(made.id).error is not None)
    progress = benchmarks.progress(made.id)
    assert progress.state is BenchmarkState.STOPPED and progress.n_done == 0
    assert str(progress.error) == "The outcome cannot be written down. The disk is full. Make room, and go on."
    monkeypatch.undo()
    benchmarks.go_on(made.id)
    assert benchmarks.progress(made.id).error is None
    await until(is_complete(benchmarks, made.id))


async def test_a_removed_one_is_gone_and_another_keeps_its_outcomes(benchmarks, table, recording):
    first, second = [await benchmarks.make(GRID, [recording]) for _ in range(2)]
    await until(is_complete(benchmarks, second.id))
    benchmarks.remove(first.id)
    assert benchmarks.get(first.id) is None and not benchmarks.outcomes(first.id)
    assert set(table.benchmarks()) == {second.id}
    assert table.outcomes(second.id).keys() == benchmarks.outcomes(second.id).keys()
    assert [one.id for one in benchmarks.all()] == [second.id]


async def test_a_benchmark_is_renamed(benchmarks, table, recording):
    made = await benchmarks.make(GRID, [recording])
    benchmarks.rename(made.id, " Choruses ")
    assert benchmarks.get(made.id).name == table.benchmark(made.id)["name"] == "Choruses"
    with pytest.raises(SettingsError):
        benchmarks.rename(made.id, "  ")
    await until(is_complete(benchmarks, made.id))


async def test_without_a_recording_nothing_is_made(benchmarks):
    with pytest.raises(SettingsError, match="No recording"):
        await benchmarks.make(GRID, [])
    assert benchmarks.all() == []


async def test_the_passages_of_a_benchmark_and_what_it_made_of_them_are_its_parts(benchmarks, jobs, recording, store):
    library = LibraryView(Library(store), parts=benchmarks.parts)
    made = await benchmarks.make(GRID, [recording])
    (song,) = made.songs
    assert song.key != recording.key and song.recording == recording.key
    await until(is_complete(benchmarks, made.id))
    results = {one.result for one in benchmarks.outcomes(made.id).values()}
    assert benchmarks.parts() == {song.key, *results}
    assert [one.key for one in library.recordings()] == [recording.key], "under Recent"
    assert [row["key"] for row in library.view(LibraryQuery(), {})["rows"]] == [recording.key], "in the Library"
    assert library.recording(song.key).duration_s == 1, "its page still plays it"
    benchmarks.remove(made.id)
    assert benchmarks.parts() == set()
    rows = library.view(LibraryQuery(), {})["rows"]
    assert {row["key"] for row in rows} == {recording.key, song.key}, "the results of one that was removed stay"


async def test_the_whole_recording_of_a_benchmark_and_its_results_are_no_parts(benchmarks, recording):
    made = await benchmarks.make(replace(GRID, passage=Passage(length_s=None)), [recording])
    await until(is_complete(benchmarks, made.id))
    assert benchmarks.parts() == set()
