"""The same asked for again is one job, however often and from wherever; on an engine in this process."""

from __future__ import annotations

import asyncio

import pytest

from separation import Request
from separation.engine.engine import Inline
from separation.request import ChunkSettings
from separation.results.kept import result_of
from storage.records import JobRecord, JobTable
from tests.support.job_steps import Gate, until
from webapp.state.queue.jobs import Jobs, State


@pytest.fixture
async def jobs(store):
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    yield jobs
    await asyncio.to_thread(jobs.close)


OTHERS = {
    "another sound": Request.of("bass"),
    "one more sound": Request.of("drums", "bass"),
    "other chunks": Request.of("drums", chunks=ChunkSettings(chunk_s=1.0, overlap_s=0.0)),
}


async def test_what_waits_already_is_not_queued_again(jobs, recording, backend):
    jobs.pause()
    first = jobs.submit(recording, Request.of("drums"))
    assert jobs.submit(recording, Request.of("drums")) is first
    assert jobs.queue == [first]


@pytest.mark.parametrize("name", OTHERS)
async def test_anything_else_is_a_job_of_its_own(jobs, recording, backend, name):
    jobs.pause()
    first = jobs.submit(recording, Request.of("drums"))
    assert jobs.submit(recording, OTHERS[name]) is not first
    assert len(jobs.queue) == 2


async def test_a_double_click_is_one_job_and_the_page_shows_it_from_its_beginning_to_its_end(jobs, recording, backend):
    gate = Gate(backend)
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("drums"))
    assert first is second is jobs.active(recording.key)
    await until(gate.reached.is_set)
    assert jobs.submit(recording, Request.of("drums")) is first, "while it runs, too"
    gate.opened.set()
    await until(lambda: first.over)
    assert (first.state, jobs.all, backend.n_evaluations) == (State.DONE, [first], 5)


async def test_the_page_shows_what_runs_whatever_was_queued_behind_it(jobs, recording, backend):
    gate = Gate(backend)
    drums, bass = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    assert jobs.active(recording.key) is drums
    gate.opened.set()
    await until(lambda: drums.over)
    assert bass.over or jobs.active(recording.key) is bass
    await until(lambda: bass.over)


async def test_the_page_shows_what_runs_before_what_was_cancelled_behind_it(jobs, recording, backend):
    gate = Gate(backend)
    drums, bass = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    jobs.cancel(bass)
    assert jobs.active(recording.key) is drums
    gate.opened.set()
    await until(lambda: drums.over)


async def test_what_is_being_cancelled_may_be_asked_for_anew(jobs, recording, backend):
    gate = Gate(backend)
    first = jobs.submit(recording, Request.of("drums"))
    await until(gate.reached.is_set)
    jobs.cancel(first)
    again = jobs.submit(recording, Request.of("drums"))
    assert again is not first and jobs.active(recording.key) is again
    gate.opened.set()
    await until(lambda: again.over)
    assert (first.state, again.state) == (State.CANCELLED, State.DONE)


async def test_the_same_of_another_recording_is_another_job(jobs, recording, backend, store):
    jobs.pause()
    other = type(recording)(**{**_fields(recording), "key": "0" * 64})
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(other, Request.of("drums"))
    assert jobs.queue == [first, second]


def _fields(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


async def test_trying_again_what_is_asked_for_already_makes_no_second_one(jobs, recording, backend):
    jobs.pause()
    cancelled = jobs.submit(recording, Request.of("drums"))
    jobs.cancel(cancelled)
    asked = jobs.submit(recording, Request.of("drums"))
    jobs.resume(cancelled)
    assert (jobs.queue, jobs.all) == ([asked], [asked])


async def test_two_of_the_same_that_were_interrupted_go_on_as_one(store, recording, backend):
    book = JobTable(store.folder)
    for name in ("one", "two"):
        asked = Request.of("drums").to_dict()
        book.write(JobRecord(id=name, recording=recording.key, recording_name="", prompts=("drums",), request=asked))
    book.close()
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    jobs.pause()
    jobs.resume(*jobs.interrupted)
    assert (len(jobs.queue), jobs.interrupted) == (1, [])
    await asyncio.to_thread(jobs.close)


async def test_a_job_that_goes_on_is_the_one_that_pages_show(jobs, recording, backend):
    jobs.pause()
    first, second = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    jobs.cancel(first)
    jobs.cancel(second)
    jobs.resume(first)
    assert jobs.active(recording.key) is first


# kept results


async def test_a_kept_result_is_looked_up_however_many_jobs_wait(jobs, recording, backend, store):
    made = jobs.submit(recording, Request.of("drums"))
    await until(lambda: made.over and jobs.running is None)
    jobs.pause()
    waiting = jobs.submit(recording, Request.of("bass"))
    kept = result_of(store.get(made.result.key))
    found = jobs.look_up(recording, Request.of("drums"), kept)
    assert (found.state, found.result, found.cached) == (State.DONE, kept, True)
    assert jobs.queue == [waiting]
    assert jobs.active(recording.key) is waiting
    assert [line.text for line in found.record.log] == ["The same had been done before; nothing had to be computed."]


async def test_looking_up_again_and_again_leaves_one_job(jobs, recording, backend):
    made = jobs.submit(recording, Request.of("drums"))
    await until(lambda: made.over and jobs.running is None)
    assert not made.cached
    for _ in range(3):
        assert jobs.look_up(recording, Request.of("drums"), made.result) is made
    assert made.cached and jobs.all == [made]


async def test_what_was_looked_up_stays_on_record(jobs, store, recording, backend):
    made = jobs.submit(recording, Request.of("drums"))
    await until(lambda: made.over and jobs.running is None)
    other = jobs.submit(recording, Request.of("bass"))
    await until(lambda: other.over and jobs.running is None)
    jobs.look_up(recording, Request.of("drums"), made.result)
    await asyncio.to_thread(jobs.close)
    records = JobTable(store.folder).take_over()
    assert [record.prompts for record in records] == [("drums",), ("bass",), ("drums",)]
    assert {record.state for record in records} == {State.DONE}
