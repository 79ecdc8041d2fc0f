"""The queue as guests see it: their own jobs, and the host's of what they hear."""

from __future__ import annotations

import asyncio

import pytest

from separation import Request
from separation.engine.engine import Inline
from separation.results.runs import import_recording
from storage import Library, StorageError
from storage.records import JobTable
from tests.support import run_fakes
from tests.support.job_steps import Gate, until
from tests.support.visitors import EVERYTHING, guest
from webapp.access.belongings import Belongings
from webapp.access.roles import Right
from webapp.access.sessions import owner
from webapp.state.library.view import LibraryView
from webapp.state.queue.jobs import Jobs, State
from webapp.state.queue.visible_jobs import VisibleJobs, keys_known

ANA, BO, HOST = guest("Ana"), guest("Bo"), owner()
DEAF = guest("Cy", EVERYTHING - {Right.LISTEN})
DRUMS, BASS = Request.of("drums"), Request.of("bass")


class Studio:
    """The queue and the library of a server, by who looks at them."""

    def __init__(self, store):
        library = Library(store)
        self.belongings = Belongings(source_of=lambda key: self.jobs.tracks.recording_of(key) or library.source(key))
        self.jobs = Jobs(store, Inline(), JobTable(store.folder), self.belongings)
        self.library = LibraryView(library, self.belongings)

    def of(self, visitor):
        return VisibleJobs(self.jobs, self.library.seen_by(visitor))


@pytest.fixture
async def studio(store, backend):
    studio = Studio(store)
    yield studio
    await asyncio.to_thread(studio.jobs.close)


def results_of(studio, visitor, recording):
    return [result.name for result in studio.library.seen_by(visitor).results(recording.key)]


async def done(job):
    await until(lambda: job.over)
    assert job.state is State.DONE
    return job


async def test_what_a_guest_makes_of_the_hosts_song_is_his_and_the_hosts(studio, recording):
    job = await done(studio.of(ANA).submit(recording, DRUMS))
    assert job in studio.of(ANA).all and job in studio.of(HOST).all and job not in studio.of(BO).all
    assert studio.of(BO).active(recording.key) is None and studio.of(ANA).active(recording.key) is job
    assert results_of(studio, ANA, recording) == results_of(studio, HOST, recording) == ["drums"]
    assert results_of(studio, BO, recording) == []


async def test_what_the_host_makes_is_heard_by_those_who_may_listen(studio, recording):
    job = await done(studio.of(HOST).submit(recording, DRUMS))
    assert job in studio.of(ANA).all and job not in studio.of(DEAF).all
    assert results_of(studio, ANA, recording) == ["drums"] and results_of(studio, DEAF, recording) == []
    assert not studio.of(ANA).may_change(job)


async def test_what_the_host_makes_of_a_guests_recording_is_not_heard_by_the_others(studio, store, tmp_path):
    song = studio.library.seen_by(ANA).add(lambda: import_recording(run_fakes.song(tmp_path / "own.wav", 1.5), store))
    await done(studio.of(HOST).submit(song, DRUMS))
    assert results_of(studio, ANA, song) == ["drums"] and results_of(studio, BO, song) == []
    assert studio.of(BO).all == []


async def test_what_is_being_made_is_heard_by_its_people_only(studio, recording, backend):
    gate = Gate(backend)
    job = studio.of(ANA).submit(recording, DRUMS)
    await until(gate.reached.is_set)
    await until(lambda: job.opened is not None)
    key = job.opened.key
    assert studio.belongings.sees(ANA, key) and not studio.belongings.sees(BO, key)
    assert studio.of(ANA).running is job and studio.of(BO).running is None
    assert studio.of(BO).submit(recording, DRUMS) is job, "it is one job for both"
    assert studio.belongings.sees(BO, key) and studio.of(BO).running is job
    gate.opened.set()
    await done(job)
    assert results_of(studio, ANA, recording) == results_of(studio, BO, recording) == ["drums"]
    assert set(job.record.people) == {ANA.person, BO.person}


async def test_whose_it_is_that_is_being_made_is_not_forgotten_when_something_is_deleted(
    studio, store, recording, backend
):
    gate = Gate(backend)
    job = studio.of(ANA).submit(recording, DRUMS)
    await until(lambda: job.opened is not None)
    studio.belongings.keep_only(keys_known(store, studio.jobs))
    assert not studio.belongings.sees(BO, job.opened.key)
    gate.opened.set()
    await done(job)
    studio.belongings.keep_only(keys_known(store, studio.jobs))
    assert results_of(studio, ANA, recording) == ["drums"] and results_of(studio, BO, recording) == []


async def test_a_job_of_two_is_stopped_by_neither(studio, recording):
    studio.jobs.pause()
    job = studio.of(ANA).submit(recording, DRUMS)
    assert studio.of(BO).submit(recording, DRUMS) is job
    for person in (ANA, BO):
        with pytest.raises(StorageError, match="Somebody else has asked for it"):
            studio.of(person).cancel(job)
    assert job.state is State.QUEUED
    studio.of(HOST).cancel(job)
    assert job.state is State.CANCELLED


async def test_a_guest_stops_resumes_and_forgets_his_own_jobs_alone(studio, recording):
    studio.jobs.pause()
    own, other = studio.of(ANA).submit(recording, DRUMS), studio.of(HOST).submit(recording, BASS)
    mine = studio.of(ANA)
    for act in (mine.cancel, mine.resume, mine.discard):
        with pytest.raises(StorageError):
            act(other)
    mine.cancel(own)
    mine.resume(own)
    assert (own.state, other.state) == (State.QUEUED, State.QUEUED)
    mine.cancel(own)
    mine.discard(own)
    assert studio.jobs.all == [other]


async def test_the_order_of_the_queue_is_the_hosts(studio, recording):
    studio.of(HOST).pause()
    first, second = studio.of(HOST).submit(recording, DRUMS), studio.of(ANA).submit(recording, BASS)
    mine = studio.of(ANA)
    assert not mine.may_arrange and mine.ahead_of(second) == 1
    for act in (lambda: mine.move(second, -1), mine.pause, mine.go_on):
        with pytest.raises(StorageError, match="Its order is the host's"):
            act()
    assert studio.jobs.queue == [first, second] and studio.jobs.paused
    studio.of(HOST).move(second, -1)
    studio.of(HOST).move(second, -1)
    assert studio.jobs.queue == [second, first]


async def test_who_asks_for_what_another_has_made_has_it_too(studio, recording):
    made = await done(studio.of(ANA).submit(recording, DRUMS))
    assert results_of(studio, BO, recording) == []
    job = studio.of(BO).look_up(recording, DRUMS, made.result)
    assert job is not made and job.result is made.result and job in studio.of(BO).all and job not in studio.of(ANA).all
    assert results_of(studio, BO, recording) == ["drums"]
    assert not studio.library.seen_by(BO).may_change(made.result.key)


async def test_a_recording_with_a_job_of_anybody_is_busy(studio, recording):
    studio.jobs.pause()
    job = studio.of(BO).submit(recording, DRUMS)
    assert studio.of(ANA).busy_with([recording.key]) is job and studio.of(ANA).busy_with([]) is None


async def test_whose_a_job_is_outlives_a_restart(studio, recording, store, backend):
    studio.jobs.pause()
    job = studio.of(ANA).submit(recording, DRUMS)
    studio.of(BO).submit(recording, DRUMS)
    studio.of(ANA).submit(recording, BASS)
    studio.jobs.close()
    again = Studio(store)
    try:
        assert [one.people for one in again.of(HOST).interrupted] == [
            {ANA.person: "Ana", BO.person: "Bo"},
            {ANA.person: "Ana"},
        ]
        assert [one.record.prompts for one in again.of(ANA).interrupted] == [("bass",)], "it may resume its own alone"
        assert job.id in [one.id for one in again.of(BO).all]
    finally:
        again.jobs.close()
