"""What can be heard of a result that is not kept: while it is made, and after it was cancelled."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from separation import Request
from separation.audio.encode import FloatWavWriter
from separation.engine.engine import Inline
from separation.events import ChunkFinished, Planned, TracksOpened
from separation.results.runs import find_result
from storage.records import JobRecord, JobTable
from tests.support.job_steps import until
from webapp.state.queue import job_tracks
from webapp.state.queue.jobs import Job, Jobs, State

RECORD = JobRecord(id="1", recording="a" * 64, recording_name="", prompts=("drums",), request={})


@pytest.fixture
async def jobs(store):
    jobs = Jobs(store, Inline(), JobTable(store.folder))
    yield jobs
    await asyncio.to_thread(jobs.close)


class Held:
    """Holds a backend up before an evaluation; the first is 0."""

    def __init__(self, backend, before):
        self.reached, self.opened = threading.Event(), threading.Event()
        self._backend, self._before = backend, before
        backend.before_evaluation = self._hold

    def _hold(self):
        if self._backend.n_evaluations >= self._before:
            self.reached.set()
            assert self.opened.wait(60)


def samples_of(tracks, name="0"):
    audio = tracks[name]
    return np.frombuffer(FloatWavWriter.read_part(audio.audio, audio.n_channels, 0, audio.n_ready), "<f4")


async def cancelled_after(n_evaluations, jobs, backend, recording, name="drums"):
    """A job that was cancelled before its next evaluation; the last chunk that it evaluated is not finished."""
    gate = Held(backend, backend.n_evaluations + n_evaluations)
    job = jobs.submit(recording, Request.of(name))
    await until(lambda: gate.reached.is_set() and (job.n_ready or n_evaluations < 2))
    jobs.cancel(job)
    gate.opened.set()
    await until(lambda: job.over)
    assert job.state is State.CANCELLED
    return job


async def test_what_is_made_is_there_until_it_is_kept_and_who_waits_for_it_goes_on_then(
    jobs, recording, backend, store
):
    gate = Held(backend, 2)
    key = find_result(recording, Request.of("drums"), store)[0]
    assert jobs.tracks.partial(key) == {}
    assert jobs.tracks.wait(key, 60), "there is nothing to wait for"
    job = jobs.submit(recording, Request.of("drums"))
    await until(lambda: gate.reached.is_set() and job.n_ready)
    tracks = jobs.tracks.partial(key)
    assert set(tracks) == {"0", "1"} and jobs.tracks.partial("0" * 64) == {}
    assert all(0 < one.n_ready < one.n_expected == recording.n_samples for one in tracks.values())
    assert all(one.audio.exists() and one.peaks.exists() for one in tracks.values())
    assert jobs.tracks.recording_of(key) == recording.key
    assert not jobs.tracks.wait(key, 0.01)
    gate.opened.set()
    assert jobs.tracks.wait(key, 60)
    assert job is jobs.running and jobs.tracks.partial(key) == {}, "also before the event loop has heard of its end"
    assert store.get(key) is not None
    await until(lambda: job.over)
    assert jobs.tracks.partial(key) == {}


async def test_what_was_made_stays_to_be_heard_after_a_cancel(jobs, recording, backend, store):
    job = await cancelled_after(2, jobs, backend, recording)
    key = job.opened.key
    tracks = jobs.tracks.partial(key)
    assert set(tracks) == {"0", "1"}
    assert all(0 < one.n_ready < one.n_expected == recording.n_samples for one in tracks.values())
    assert np.abs(samples_of(tracks)).max() > 0
    assert store.get(key) is None, "it is no result"
    assert jobs.tracks.wait(key, 60), "nobody waits for it"
    assert jobs.tracks.recording_of(key) == recording.key, "whose people may hear it"


async def test_who_goes_on_hears_what_was_made_before_until_as_much_is_made_again(jobs, recording, backend, store):
    job = await cancelled_after(3, jobs, backend, recording)
    key, before = job.opened.key, samples_of(job.partial)
    gate = Held(backend, backend.n_evaluations)
    assert jobs.submit(recording, Request.of("drums")) is job
    assert len(samples_of(jobs.tracks.partial(key))) == len(before), "while it waits, too"
    await until(gate.reached.is_set)
    assert job.state is State.RUNNING and len(samples_of(jobs.tracks.partial(key))) >= len(before)
    gate.opened.set()
    await until(lambda: job.over)
    assert job.state is State.DONE
    assert jobs.tracks.partial(key) == {} and not job.stopped
    assert before.tobytes() in job.result.track("0").audio.read_bytes(), "the same samples"


def test_what_is_heard_never_gets_shorter_while_the_same_is_made_again(tmp_path):
    job = Job(record=RECORD)
    run(job, tmp_path / "a", *[10] * 3)
    job.stopped = True
    job.begin(together=False)
    seen = [(job.n_ready, job.opened.files["0"].parent.name)]
    for event in events(tmp_path / "b", *[10] * 4):
        job.note(event)
        seen.append((job.n_ready, job.opened.files["0"].parent.name))
    assert seen == [(30, "a")] * 5 + [(30, "b"), (40, "b")]
    assert not job.stopped


def test_smaller_settings_make_other_sound_which_is_heard_alone(tmp_path):
    job = Job(record=RECORD)
    run(job, tmp_path / "a", *[10] * 3)
    job.stopped = True
    job.begin(together=False)
    run(job, tmp_path / "b", 10, key="1" * 64)
    assert (job.n_ready, job.opened.files["0"].parent.name, job.stopped) == (10, "b", False)


def events(folder, *lengths, key="0" * 64):
    """What a run tells that makes chunks of these lengths in a folder."""
    spans_s = tuple((10.0 * n, 10.0 * (n + 1)) for n in range(len(lengths)))
    files = {"0": folder / "0.wav", "0.peaks": folder / "0.peaks"}
    yield Planned(model="m", device="cpu", stems=("drums",), spans_s=spans_s)
    yield TracksOpened(key=key, files=files, n_channels=1, sample_rate=1, n_expected=100)
    start = 0
    for index, length in enumerate(lengths):
        audio = {"drums": np.zeros((1, length), np.float32)}
        yield ChunkFinished(index=index, n_chunks=len(lengths), start=start, audio=audio)
        start += length


def run(job, folder, *lengths, **how):
    for event in events(folder, *lengths, **how):
        job.note(event)


async def test_a_second_cancel_keeps_the_longer_part(jobs, recording, backend):
    job = await cancelled_after(2, jobs, backend, recording)
    n_ready = job.n_ready
    gate = Held(backend, backend.n_evaluations + 2)
    jobs.resume(job)
    await until(lambda: gate.reached.is_set() and job.n_ready > n_ready)
    jobs.cancel(job)
    gate.opened.set()
    await until(lambda: job.over)
    assert job.state is State.CANCELLED
    assert jobs.tracks.partial(job.opened.key)["0"].n_ready == job.n_ready > n_ready
    assert len(samples_of(jobs.tracks.partial(job.opened.key))) == job.n_ready * recording.n_channels


@pytest.mark.parametrize("end", ["put_away", "discard", "close"])
async def test_its_files_go_with_it(jobs, recording, backend, end):
    job = await cancelled_after(2, jobs, backend, recording)
    key, folder = job.opened.key, next(iter(job.partial.values())).audio.parent
    assert any(folder.iterdir())
    if end == "close":
        await asyncio.to_thread(jobs.close)
    else:
        getattr(jobs, end)(job)
    assert not folder.exists()
    assert jobs.tracks.partial(key) == {} and job.partial == {} and not job.stopped


async def test_a_job_that_is_cancelled_before_its_first_chunk_leaves_nothing(jobs, recording, backend, store):
    job = await cancelled_after(0, jobs, backend, recording)
    assert not job.stopped and job.partial == {}


async def test_old_parts_make_room_for_new_ones(jobs, recording, backend, monkeypatch):
    first = await cancelled_after(2, jobs, backend, recording, "drums")
    monkeypatch.setattr(job_tracks, "MAX_HELD_BYTES", 1)
    told = []
    jobs.changed.subscribe(told.append)
    second = await cancelled_after(2, jobs, backend, recording, "bass")
    assert (first.stopped, second.stopped) == (False, True), "the last one stays, however large it is"
    await until(lambda: first in told)  # pages that show it hear of that


async def test_a_part_for_which_there_is_no_place_is_gone_and_the_job_is_cancelled_all_the_same(
    jobs, recording, backend, monkeypatch
):
    def full(path: Path, target: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(job_tracks, "copied", full)
    job = await cancelled_after(2, jobs, backend, recording)
    assert not job.stopped and jobs.tracks.partial(job.opened.key) == {}
