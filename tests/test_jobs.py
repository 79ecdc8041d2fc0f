from __future__ import annotations

import asyncio
import threading
import time

import pytest

from separation import Request
from separation.cluster import Cluster
from separation.engine import Inline
from separation.errors import SeparationError
from separation.runs import import_recording
from storage import ArtifactStore, StorageError
from tests import run_fakes
from webapp.jobs import Jobs, State

LONG_S = 60.0  # nothing here takes a second on a free computer


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home")


@pytest.fixture
def recording(store, tmp_path):
    return import_recording(run_fakes.song(tmp_path / "song.wav"), store)


@pytest.fixture
def backend(monkeypatch):
    return run_fakes.install(monkeypatch)


@pytest.fixture
async def jobs(store):
    jobs = Jobs(store, Inline())
    yield jobs
    await asyncio.to_thread(jobs.close)


async def until(condition):
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


class Gate:
    """Stops the model before an evaluation until it is opened."""

    def __init__(self, backend):
        self.reached, self.opened = threading.Event(), threading.Event()
        backend.before_evaluation = self.wait

    def wait(self):
        self.reached.set()
        assert self.opened.wait(LONG_S)


async def test_a_job_is_queued_then_runs_then_is_done_with_a_result(jobs, recording, backend, store):
    gate = Gate(backend)
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    assert (first.state, second.state) == (State.RUNNING, State.QUEUED)
    assert (jobs.ahead_of(first), jobs.ahead_of(second)) == (0, 1)
    assert jobs.active(recording.key) is second
    assert (first.backend, first.loading) == ("fake", None)
    assert len(first.chunks) == len(first.spans_s) == 5
    assert first.chunks[0] > 0 and first.chunks[1:] == [0, 0, 0, 0]
    assert first.remaining_s is None, "nothing is known yet"
    gate.opened.set()
    await until(lambda: first.over and second.over)
    assert (first.state, second.state) == (State.DONE, State.DONE)
    assert first.chunks == [1] * 5
    assert first.result == store.get(first.result.key)
    assert (first.cached, first.error) == (False, None)
    assert first.rtf is not None and first.seconds > 0
    assert first.remaining_s == pytest.approx(0)
    assert jobs.ahead_of(second) == 0


async def test_jobs_run_one_after_another_in_order(jobs, recording, backend):
    running = []
    submitted = []
    backend.before_evaluation = lambda: running.append([job.state for job in submitted].index(State.RUNNING))
    submitted += [jobs.submit(recording, Request.of(name)) for name in ("drums", "bass", "vocals")]
    await until(lambda: all(job.over for job in submitted))
    assert running == [0] * 5 + [1] * 5 + [2] * 5


async def test_a_kept_result_is_there_at_once_and_says_so(jobs, recording, backend):
    first = jobs.submit(recording, Request.of("drums"))
    await until(lambda: first.over)
    n_evaluations = backend.n_evaluations
    again = jobs.submit(recording, Request.of("drums"))
    await until(lambda: again.over)
    assert (again.state, again.cached, again.result) == (State.DONE, True, first.result)
    assert backend.n_evaluations == n_evaluations


async def test_a_cancelled_job_stops_after_the_evaluation_it_is_in_and_leaves_nothing(jobs, recording, backend, store):
    gate = Gate(backend)
    job = jobs.submit(recording, Request.of("drums"))
    await until(gate.reached.is_set)
    jobs.cancel(job)
    gate.opened.set()
    await until(lambda: job.over)
    assert (job.state, job.error, job.result) == (State.CANCELLED, None, None)
    assert backend.n_evaluations == 1
    assert store.list("result") == []
    assert list(store._scratch.iterdir()) == []


async def test_a_queued_job_is_cancelled_at_once_and_never_begins(jobs, recording, backend):
    gate = Gate(backend)
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    third = jobs.submit(recording, Request.of("vocals"))
    told = []
    jobs.changed.subscribe(told.append)
    await until(gate.reached.is_set)
    jobs.cancel(second)
    assert second.state is State.CANCELLED
    assert jobs.ahead_of(third) == 1
    await until(lambda: second in told)
    gate.opened.set()
    await until(lambda: first.over and third.over)
    assert second.started_s is None
    assert backend.n_evaluations == 10


async def test_cancelling_what_is_over_changes_nothing(jobs, recording, backend):
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: job.over)
    jobs.cancel(job)
    assert job.state is State.DONE


@pytest.mark.parametrize(
    "error", [SeparationError("It broke.", "It was glass.", "Buy a cup."), StorageError("Full.", "Disk.", "Delete.")]
)
async def test_a_failed_job_says_what_why_and_what_to_do(jobs, recording, backend, error):
    def fail():
        raise error

    backend.before_evaluation = fail
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: job.over)
    assert (job.state, job.error) == (State.FAILED, (error.what, error.why, error.todo))


async def test_an_error_nobody_foresaw_becomes_sentences_and_the_next_job_runs(jobs, recording, backend, caplog):
    def fail():
        backend.before_evaluation = lambda: None
        raise ZeroDivisionError("the moon is full")

    backend.before_evaluation = fail
    job, following = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(lambda: following.over)
    assert job.state is State.FAILED
    what, why, todo = job.error
    assert what and "the moon is full" in why and todo
    assert "Traceback" in caplog.text, "the log keeps the details"
    assert following.state is State.DONE


async def test_a_prompt_that_cannot_be_answered_fails_in_words(jobs, recording, backend):
    job = jobs.submit(recording, Request.of("dog barking"))
    await until(lambda: job.over)
    assert job.state is State.FAILED and "dog barking" in job.error[0]


async def test_warnings_reach_the_page(jobs, recording, backend, monkeypatch):
    from separation import pipeline
    from separation.events import Warned

    usual = pipeline.separate_settled

    def warning(*arguments, **options):
        yield Warned(message="It may rain.")
        yield from usual(*arguments, **options)

    monkeypatch.setattr(pipeline, "separate_settled", warning)
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: job.over)
    assert job.warnings == ["It may rain."]


async def test_changes_are_told_on_the_event_loop_and_last_of_all_the_end(jobs, recording, backend):
    told = []
    jobs.changed.subscribe(lambda job: told.append((threading.get_ident(), job.state)))
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: told and told[-1][1] is State.DONE)
    assert {thread for thread, _ in told} == {threading.get_ident()}
    assert job.state is State.DONE


async def test_a_thousand_changes_at_once_are_told_once(jobs, recording, backend):
    gate = Gate(backend)
    told = []
    job = jobs.submit(recording, Request.of("drums"))
    await until(gate.reached.is_set)
    await asyncio.sleep(0.3)  # what was announced so far is told by then
    jobs.changed.subscribe(told.append)
    for _ in range(1000):
        jobs._announce(job)
    await until(lambda: told)
    await asyncio.sleep(0.3)
    assert told == [job]
    gate.opened.set()


async def test_closing_cancels_everything_and_returns(store, recording, backend):
    jobs, gate = Jobs(store, Inline()), Gate(backend)
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    closing = asyncio.create_task(asyncio.to_thread(jobs.close))
    await until(lambda: second.state is State.CANCELLED)
    gate.opened.set()
    await closing
    assert first.state is State.CANCELLED
    assert store.list("result") == []


async def test_on_the_real_engine_a_job_is_done_and_another_cancelled(store, tmp_path):
    short = import_recording(run_fakes.song(tmp_path / "short.wav", 1.0), store)
    long = import_recording(run_fakes.song(tmp_path / "long.wav", 600.0), store)
    engine = Cluster()
    jobs = Jobs(store, engine)
    try:
        done, cancelled = jobs.submit(short, Request.of("drums")), jobs.submit(long, Request.of("drums"))
        await until(lambda: done.over and cancelled.chunks and cancelled.chunks[0] == 1)
        jobs.cancel(cancelled)
        await until(lambda: cancelled.over)
    finally:
        await asyncio.to_thread(jobs.close)
        await asyncio.to_thread(engine.close)
    assert done.state is State.DONE and done.result.info["tracks"] == ["drums", "everything else"]
    assert cancelled.state is State.CANCELLED and min(cancelled.chunks) == 0
    assert [result.key for result in store.list("result")] == [done.result.key]
