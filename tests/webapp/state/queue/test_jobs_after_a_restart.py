"""Jobs that a server left when it ended, as the next one on its folder finds them."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from separation import Request
from separation.engine.engine import Inline
from storage.records import JobRecord, JobTable
from tests.support.job_steps import Gate, until, wait_until
from webapp.state.queue.jobs import Jobs, State


@pytest.fixture
def home(store):
    return store.folder


async def test_what_a_stopped_server_left_is_offered_and_goes_on_from_its_finished_chunks(
    store, home, recording, backend
):
    jobs = Jobs(store, Inline(), JobTable(home))
    done = jobs.submit(recording, Request.of("other"))
    await until(lambda: done.over)
    stopping = StopsAt(backend, evaluation=3, jobs=jobs)
    running, waiting = jobs.submit(recording, Request.of("drums")), jobs.submit(recording, Request.of("bass"))
    await until(lambda: running.over)
    await stopping.closed

    n_before, backend.before_evaluation = backend.n_evaluations, lambda: None
    again = Jobs(store, Inline(), JobTable(home))
    assert again.running is None, "nothing starts by itself"
    assert [job.id for job in again.interrupted] == [running.id, waiting.id]
    offered, unbegun = again.interrupted
    assert (offered.record.n_done, offered.record.n_chunks) == (2, 5)
    assert [job.state for job in again.all if job.id == done.id] == [State.DONE]
    assert again.active(recording.key) is unbegun
    newer, newest = (again.submit(recording, Request.of(name)) for name in ("vocals", "no bass"))
    again.resume(*again.interrupted)
    assert (again.running, again.queue) == (newer, [offered, unbegun, newest]), "before what came later"
    await until(lambda: all(job.over for job in again.all))
    assert {job.state for job in again.all} == {State.DONE}
    # 5 each; the third chunk of the interrupted run was computed and lost with its evaluation.
    assert backend.n_evaluations - n_before == 5 + 3 + 5 + 5
    assert offered.kept == {0, 1}
    await asyncio.to_thread(again.close)


class StopsAt:
    """Closes the jobs in the middle of an evaluation, as Ctrl-C does."""

    def __init__(self, backend, *, evaluation, jobs):
        self._left, self._loop = evaluation, asyncio.get_running_loop()
        self.closed = self._loop.create_future()
        self._jobs = jobs
        backend.before_evaluation = self

    def __call__(self):
        self._left -= 1
        if not self._left:
            closing = threading.Thread(target=self._close)
            closing.start()
            wait_until(lambda: self._jobs.closing)

    def _close(self):
        self._jobs.close()
        self._loop.call_soon_threadsafe(self.closed.set_result, None)


async def test_asking_for_what_was_interrupted_resumes_it(store, home, recording, backend):
    book = JobTable(home)
    book.write(interrupted(recording, "drums", position=7))
    book.close()
    jobs = Jobs(store, Inline(), JobTable(home))
    (offered,) = jobs.interrupted
    other = jobs.submit(recording, Request.of("drums", seed=1))
    assert other is not offered
    assert jobs.submit(recording, Request.of("drums")) is offered
    await until(lambda: offered.over and other.over)
    assert offered.state is State.DONE
    assert len(jobs.all) == 2
    await asyncio.to_thread(jobs.close)


def interrupted(recording, prompt, **fields):
    request = Request.of(prompt).to_dict()
    return JobRecord(
        id=prompt,
        recording=recording.key,
        recording_name=recording.name,
        prompts=(prompt,),
        request=request,
        state=State.RUNNING,
        **fields,
    )


async def test_a_pause_outlives_the_server(store, home, recording, backend):
    jobs = Jobs(store, Inline(), JobTable(home))
    jobs.pause()
    jobs.submit(recording, Request.of("drums"))
    await asyncio.to_thread(jobs.close)
    jobs = Jobs(store, Inline(), JobTable(home))
    assert jobs.paused
    jobs.resume(*jobs.interrupted)
    assert (len(jobs.queue), jobs.running) == (1, None)
    jobs.go_on()
    await until(lambda: all(job.over for job in jobs.all))
    await asyncio.to_thread(jobs.close)


async def test_two_servers_on_one_folder_leave_each_other_their_jobs(store, home, recording, backend):
    one = Jobs(store, Inline(), JobTable(home))
    gate = Gate(backend)
    running, waiting = one.submit(recording, Request.of("drums")), one.submit(recording, Request.of("bass"))
    await until(gate.reached.is_set)
    two = Jobs(store, Inline(), JobTable(home))
    assert two.all == []
    own = two.submit(recording, Request.of("vocals"))
    await until(lambda: own.state is State.RUNNING)
    assert (running.state, waiting.state) == (State.RUNNING, State.QUEUED)
    gate.opened.set()
    await until(lambda: running.over and waiting.over and own.over)
    assert {job.state for job in (running, waiting, own)} == {State.DONE}
    assert {job.id for job in one.all} == {running.id, waiting.id}
    await asyncio.to_thread(one.close)
    await asyncio.to_thread(two.close)


async def test_an_old_failure_is_not_news_after_a_restart(store, home, recording, backend):
    book = JobTable(home)
    book.write(replace(interrupted(recording, "drums"), state=State.FAILED, error=("It broke.", "", "")))
    book.close()
    jobs = Jobs(store, Inline(), JobTable(home))
    assert len(jobs.all) == 1
    assert jobs.active(recording.key) is None
    await asyncio.to_thread(jobs.close)
