"""Jobs of a server: queued, running, over, told to pages; on an engine in this process."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from separation import Request
from separation.engine.engine import Inline
from separation.errors import SeparationError
from separation.events import ChunkFinished, ChunkStarted, Kept, Planned, SolverStep
from separation.results.kept import result_of
from storage import Library, StorageError
from storage.records import JobRecord, JobTable
from tests.support.damage import flip, touched
from tests.support.job_steps import Gate, until
from tests.support.store_files import in_the_making
from webapp.state.library.view import LibraryView
from webapp.state.queue.jobs import Job, Jobs, State
from webapp.state.queue.visible_jobs import VisibleJobs

RECORD = JobRecord(id="1", recording="a" * 64, recording_name="", prompts=("drums",), request={})
SILENCE = {"a": np.zeros((1, 4), np.float32)}


@pytest.fixture
def home(store):
    return store.folder


@pytest.fixture
async def jobs(store, home):
    jobs = Jobs(store, Inline(), JobTable(home))
    yield jobs
    await asyncio.to_thread(jobs.close)


@pytest.fixture
def seen(jobs, store):
    """The queue as a host sees it."""
    return VisibleJobs(jobs, LibraryView(Library(store)))


async def test_a_job_is_queued_then_runs_then_is_done_with_a_result(jobs, seen, recording, backend, store):
    gate = Gate(backend)
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    assert (first.state, second.state) == (State.RUNNING, State.QUEUED)
    assert (seen.ahead_of(first), seen.ahead_of(second)) == (0, 1)
    assert jobs.active(recording.key) is first
    assert (first.backend, first.loading) == ("fake", None)
    assert len(first.chunks) == len(first.spans_s) == 5
    assert first.chunks[0] > 0 and first.chunks[1:] == [0, 0, 0, 0]
    assert first.remaining_s is None, "nothing is known yet"
    gate.opened.set()
    await until(lambda: first.over and second.over)
    assert (first.state, second.state) == (State.DONE, State.DONE)
    assert first.chunks == [1] * 5
    assert first.result == result_of(store.get(first.result.key))
    assert (first.cached, first.error) == (False, None)
    assert first.record.run_s == first.result.seconds == first.result.report["total_s"] > 0
    assert first.remaining_s == pytest.approx(0)
    assert seen.ahead_of(second) == 0


async def test_jobs_run_one_after_another_in_order(jobs, recording, backend):
    running = []
    submitted = []
    backend.before_evaluation = lambda: running.append([job.state for job in submitted].index(State.RUNNING))
    jobs.pause()
    submitted += [jobs.submit(recording, Request.of(name)) for name in ("drums", "bass", "vocals")]
    jobs.go_on()
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
    assert in_the_making(store) == []


async def test_a_queued_job_is_cancelled_at_once_and_never_begins(jobs, seen, recording, backend):
    gate = Gate(backend)
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    third = jobs.submit(recording, Request.of("vocals"))
    told = []
    jobs.changed.subscribe(told.append)
    await until(gate.reached.is_set)
    jobs.cancel(second)
    assert second.state is State.CANCELLED
    assert seen.ahead_of(third) == 1
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
    assert (job.state, job.record.error) == (State.FAILED, (error.what, error.why, error.todo))


async def test_an_error_nobody_foresaw_becomes_sentences_and_the_next_job_runs(jobs, recording, backend, caplog):
    def fail():
        backend.before_evaluation = lambda: None
        raise ZeroDivisionError("the moon is full")

    backend.before_evaluation = fail
    job, following = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(lambda: following.over)
    assert job.state is State.FAILED
    what, why, todo = job.record.error
    assert what and "the moon is full" in why and todo
    assert "Traceback" in caplog.text, "the log keeps the details"
    assert following.state is State.DONE


async def test_a_prompt_that_cannot_be_answered_fails_in_words(jobs, recording, backend):
    job = jobs.submit(recording, Request.of("dog barking"))
    await until(lambda: job.over)
    assert job.state is State.FAILED and "dog barking" in job.error.what


async def test_warnings_reach_the_page(jobs, recording, backend, monkeypatch):
    from separation.events import Warned
    from separation.results import track_files

    usual = track_files.separate_settled

    def warning(*arguments, **options):
        yield Warned(message="It may rain.")
        yield from usual(*arguments, **options)

    monkeypatch.setattr(track_files, "separate_settled", warning)
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: job.over)
    assert job.record.warnings[0] == "It may rain."


async def test_changes_are_told_on_the_event_loop_and_last_of_all_the_end(jobs, recording, backend):
    told = []
    jobs.changed.subscribe(lambda job: told.append((threading.get_ident(), job.state)))
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: told and told[-1][1] is State.DONE)
    assert {thread for thread, _ in told} == {threading.get_ident()}
    assert job.state is State.DONE


async def test_sound_and_the_end_are_told_at_once_however_much_progress_was_told_before(
    jobs, recording, backend, monkeypatch
):
    monkeypatch.setattr("webapp.state.queue.jobs.ANNOUNCE_S", 3600.0)
    told = []
    jobs.changed.subscribe(lambda job: told.append((job.state, job.n_ready > 0)))
    jobs.submit(recording, Request.of("drums"))
    await until(lambda: (State.DONE, True) in told)
    assert (State.RUNNING, True) in told


async def test_a_thousand_changes_at_once_are_told_once(jobs, recording, backend):
    gate = Gate(backend)
    told = []
    job = jobs.submit(recording, Request.of("drums"))
    await until(gate.reached.is_set)
    await asyncio.sleep(0.3)  # what was announced so far is told by then
    jobs.changed.subscribe(told.append)
    for _ in range(1000):
        jobs.cancel(job)
    await until(lambda: told)
    await asyncio.sleep(0.3)
    assert told == [job]
    gate.opened.set()


async def test_a_queue_runs_in_the_order_people_give_it(jobs, seen, recording, backend):
    gate = Gate(backend)
    names = ("drums", "bass", "vocals", "other")
    running, bass, vocals, other = (jobs.submit(recording, Request.of(name)) for name in names)
    await until(gate.reached.is_set)
    assert jobs.queue == [bass, vocals, other]
    jobs.move(other, 0)
    assert jobs.queue == [other, bass, vocals]
    jobs.move(other, 1)
    jobs.move(bass, 99)
    assert jobs.queue == [other, vocals, bass]
    jobs.move(running, 2)  # it runs: there is nothing to move
    assert (jobs.running, seen.ahead_of(bass)) == (running, 3)
    jobs.submit(recording, Request.of("no drums"))
    assert jobs.queue[-1].record.prompts == ("no drums",), "a new one goes to the end"
    gate.opened.set()
    await until(lambda: all(job.over for job in jobs.all))
    started = sorted(jobs.all, key=lambda job: job.started_s)
    assert [job.record.prompts[0] for job in started] == ["drums", "other", "vocals", "bass", "no drums"]


async def test_a_paused_queue_ends_what_runs_and_starts_nothing_until_it_goes_on(jobs, recording, backend):
    gate = Gate(backend)
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    jobs.pause()
    gate.opened.set()
    await until(lambda: jobs.running is None)
    third = jobs.submit(recording, Request.of("vocals"))
    await asyncio.sleep(0.05)
    assert [job.state for job in (first, second, third)] == [State.DONE, State.QUEUED, State.QUEUED]
    jobs.go_on()
    await until(lambda: third.over)
    assert (second.state, third.state) == (State.DONE, State.DONE)


async def test_a_failed_or_cancelled_job_can_be_tried_again_behind_those_that_wait(jobs, recording, backend):
    def fail():
        raise SeparationError("It broke.", "It was glass.", "Buy a cup.")

    backend.before_evaluation = fail
    failed = jobs.submit(recording, Request.of("drums"))
    await until(lambda: failed.over)
    jobs.pause()
    waiting, cancelled = jobs.submit(recording, Request.of("bass")), jobs.submit(recording, Request.of("vocals"))
    jobs.cancel(cancelled)
    jobs.resume(failed, cancelled, waiting)  # one of them waits already
    assert jobs.queue == [waiting, failed, cancelled]
    assert failed.error is None
    backend.before_evaluation = lambda: None
    jobs.go_on()
    await until(lambda: all(job.over for job in jobs.all))
    assert {job.state for job in jobs.all} == {State.DONE}
    log = [line.text for line in failed.record.log]
    assert log.index("It broke. It was glass. Buy a cup.") < log.index("Queued again.") < log.index("Done.")


async def test_the_log_tells_a_run_from_its_beginning_to_its_end(jobs, recording, backend):
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: job.over)
    lines = [line.text for line in job.record.log]
    assert lines[:2] == ["Queued.", "Started."]
    assert [line for line in lines if line.startswith("Chunk")] == [f"Chunk {n} of 5 is done." for n in range(1, 6)]
    assert lines[-1] == "Done."
    times = [line.time for line in job.record.log]
    assert times == sorted(times)


async def test_the_log_says_what_a_prompt_is_answered_with_computed_or_kept(jobs, recording, backend):
    asked, answered = Request.of("kick", "bass"), "“kick”: its track holds the whole drum kit, which"
    job = jobs.submit(recording, asked)
    await until(lambda: job.over)
    again = jobs.submit(recording, asked)
    await until(lambda: again.over)
    jobs.discard(job, again)
    known = jobs.look_up(recording, asked, job.result)
    for each in (job, known, again):
        assert sum(answered in line.text for line in each.record.log) == 1
        assert not any("“bass” is answered" in line.text for line in each.record.log)


async def test_what_is_discarded_is_forgotten_and_what_waits_or_runs_cannot_be(jobs, recording, backend, store):
    gate = Gate(backend)
    running, waiting = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    jobs.discard(running, waiting)
    assert jobs.all == [running, waiting]
    gate.opened.set()
    await until(lambda: waiting.over)
    jobs.discard(waiting)
    assert jobs.all == [running]
    assert jobs.active(recording.key) is running
    assert len(store.list("result")) == 2, "what it made stays"


async def test_only_the_newest_jobs_that_are_over_are_remembered(jobs, home, recording, backend, monkeypatch):
    monkeypatch.setattr("webapp.state.queue.requests.N_OVER_KEPT", 2)
    submitted = [jobs.submit(recording, Request.of("drums", seed=seed)) for seed in range(4)]
    await until(lambda: all(job.over for job in submitted) and jobs.running is None)
    assert jobs.all == submitted[2:]
    await asyncio.to_thread(jobs.close)
    assert len(JobTable(home).take_over()) == 2


async def test_a_recording_that_is_gone_is_said_in_words(jobs, recording, backend, store):
    jobs.pause()
    job = jobs.submit(recording, Request.of("drums"))
    store.remove(recording.key)
    jobs.go_on()
    await until(lambda: job.over)
    assert job.state is State.FAILED
    assert job.error.what == "The recording “song.wav” is not in the library any more."


async def test_a_recording_that_is_damaged_is_said_in_words(jobs, recording, backend, store):
    flip(recording.audio, 400)
    touched(recording.audio)
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: job.over)
    assert job.state is State.FAILED
    assert job.error.what == "The kept recording “song.wav” is damaged." and "brought again" in job.error.todo


async def test_a_damaged_result_is_made_again_and_the_log_says_so(jobs, recording, backend, store):
    first = jobs.submit(recording, Request.of("drums"))
    await until(lambda: first.over)
    flip(first.result.tracks[0].audio, 400)
    touched(first.result.tracks[0].audio)
    again = jobs.submit(recording, Request.of("drums"))
    await until(lambda: again.over)
    assert again.state is State.DONE and store.check(first.result.key)
    assert any("The kept result “drums” is damaged." in line.text for line in again.record.log)


async def test_settings_that_are_not_valid_any_more_are_said_in_words(jobs, recording, backend):
    jobs.pause()
    job = jobs.submit(recording, Request.of("drums"))
    job.record = replace(job.record, request={**job.record.request, "warp": 9})
    jobs.go_on()
    await until(lambda: job.over)
    assert job.state is State.FAILED
    assert "settings of this job cannot be used" in job.error.what and "“warp”" in job.error.why


async def test_a_job_ends_well_though_its_record_cannot_be_written(jobs, recording, backend, monkeypatch, caplog):
    gate = Gate(backend)
    job = jobs.submit(recording, Request.of("drums"))
    await until(gate.reached.is_set)

    def full(*records):
        raise StorageError("Full.", "Disk.", "Delete.")

    monkeypatch.setattr(JobTable, "write", full)
    with pytest.raises(StorageError):
        jobs.submit(recording, Request.of("bass"))
    assert jobs.all == [job], "what cannot be written down is not begun"
    gate.opened.set()
    await until(lambda: job.over)
    assert job.state is State.DONE
    assert "is behind" in caplog.text


async def test_several_chunks_in_work_are_all_seen(jobs, recording, backend):
    gate = Gate(backend)
    job = jobs.submit(recording, Request.of("drums"))
    await until(gate.reached.is_set)
    for event in (
        ChunkStarted(index=2, n_chunks=5),
        SolverStep(done=1, total=4, index=2),
        SolverStep(done=2, total=4, index=0),
        SolverStep(done=1, total=4, index=0),  # late news
    ):
        assert job.note(event)
    assert job.chunks == [0.5, 0, 0.25, 0, 0]
    gate.opened.set()


def test_chunks_that_are_solved_together_go_on_together():
    job = Job(record=RECORD)
    job.begin(together=True)
    job.note(Planned(model="m", device="cpu", stems=("a",), spans_s=((0, 1), (1, 2))))
    job.note(ChunkStarted(index=0, n_chunks=2))
    job.note(SolverStep(done=10, total=40))
    assert (job.step, job.chunks) == ((10, 40), [0.225, 0.225])
    job.note(ChunkFinished(index=0, n_chunks=2, start=0, audio=SILENCE))
    assert job.chunks == [1, 0.225]


def test_what_was_kept_does_not_make_the_rest_look_quick():
    job = Job(record=RECORD)
    job.begin(together=False)
    job.note(Planned(model="m", device="cpu", stems=("a",), spans_s=((0, 1),) * 10))
    for index in range(8):
        job.note(ChunkStarted(index=index, n_chunks=10, kept=True))
        job.note(ChunkFinished(index=index, n_chunks=10, start=0, audio=SILENCE))
    assert job.remaining_s is None, "nothing was computed yet"
    job.note(ChunkFinished(index=8, n_chunks=10, start=0, audio=SILENCE))
    job.started_s = time.monotonic() - 60
    assert job.remaining_s == pytest.approx(60, abs=5)


def test_a_second_plan_of_the_same_run_starts_over():
    job = Job(record=RECORD)
    job.begin(together=False)
    job.note(Planned(model="m", device="cpu", stems=("a",), spans_s=((0, 1),) * 2))
    job.note(ChunkStarted(index=1, n_chunks=2, kept=True))
    job.note(Planned(model="m", device="cpu", stems=("a",), spans_s=((0, 1),) * 3))
    assert (job.chunks, job.kept) == ([0, 0, 0], set())


def test_the_tracks_of_a_job_are_where_they_stay_as_soon_as_its_result_is_kept():
    job = Job(record=RECORD)
    job.begin(together=False)
    assert not job.ended.is_set()
    job.note(Kept(key="0" * 64, cached=False))
    assert job.ended.is_set()
    job.begin(together=False)
    assert not job.ended.is_set(), "it is done again"


def test_a_thousand_chunks_do_not_fill_the_log():
    job = Job(record=RECORD)
    finished = [ChunkFinished(index=index, n_chunks=1000, start=0, audio={}) for index in range(1000)]
    assert 90 <= sum(job.log_text(event) != "" for event in finished) <= 100


# the end


async def test_closing_interrupts_everything_and_returns(store, home, recording, backend):
    jobs, gate = Jobs(store, Inline(), JobTable(home)), Gate(backend)
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    closing = asyncio.create_task(asyncio.to_thread(jobs.close))
    await until(lambda: jobs.closing)
    gate.opened.set()
    await closing
    assert (first.state, second.state) == (State.INTERRUPTED, State.INTERRUPTED)
    assert store.list("result") == []


async def test_a_job_that_is_deaf_does_not_keep_the_server_from_ending(store, home, recording, backend, monkeypatch):
    monkeypatch.setattr("webapp.state.queue.jobs.CLOSE_S", 0.05)
    jobs, gate = Jobs(store, Inline(), JobTable(home)), Gate(backend)
    job = jobs.submit(recording, Request.of("drums"))
    await until(gate.reached.is_set)
    await asyncio.to_thread(jobs.close)
    assert job.state is State.INTERRUPTED, "it is offered again after the next start"
    gate.opened.set()
    await until(lambda: not any(thread.name == "jobs" for thread in threading.enumerate()))
    assert job.state is State.INTERRUPTED and store.list("result") == []
