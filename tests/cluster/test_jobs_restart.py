"""A server process that is killed or stopped in the middle of a job, and what the next one on its folder offers."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.engine.engine import Inline
from separation.events import Kept
from separation.results.kept import Recording
from separation.results.runs import import_recording, separate_recording
from storage import Artifact, ArtifactStore
from storage.records import JobState, JobTable
from tests.support.browser import wait_until
from tests.support.jobs_app import asking_for
from tests.support.server import STOP_S, RunningServer, running_server

RATE, SONG_S = 44_100, 8.0  # nine chunks
RUN_S = 90.0


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clicks, a bass and a tone that glides: something in every stem, and no two chunks alike."""
    t = np.arange(round(SONG_S * RATE)) / RATE
    samples = 0.2 * np.sin(2 * np.pi * 55 * t) + 0.2 * np.sin(2 * np.pi * (300 + 5 * t) * t)
    samples[:: RATE // 2] += 0.5
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    encode(Waveform(np.stack([samples, 0.5 * samples]).astype(np.float32), RATE), path)
    return path


class Studio:
    """A server on a data folder, as tests/support/jobs_app.py lets one use it."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server

    @property
    def state(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.server.url}/test/jobs", timeout=20).json()
        return answer

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """By the first prompt."""
        return {job["prompt"]: job for job in self.state["jobs"]}

    def submit(self, recording: Recording, prompt: str) -> None:
        params = {"recording": recording.key, "prompt": prompt}
        httpx.post(f"{self.server.url}/test/submit", params=params, timeout=20).raise_for_status()

    def act(self, verb: str, *prompts: str) -> None:
        params = {"job": [self.jobs[prompt]["id"] for prompt in prompts]}
        httpx.post(f"{self.server.url}/test/{verb}", params=params, timeout=20).raise_for_status()

    def until(self, condition: Callable[[dict[str, dict[str, Any]]], bool], what: str) -> None:
        wait_until(lambda: condition(self.jobs), what, RUN_S)


def served(home: Path) -> Any:
    return running_server(module="tests.support.jobs_app", home=home)


def chunks_of(home: Path) -> dict[str, str]:
    """When each finished chunk was kept: another time means that it was computed again."""
    return {chunk.key: chunk.manifest.created for chunk in ArtifactStore(home).list("chunk")}


def bytes_of(result: Artifact) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in result.files.items()}


def undisturbed(song: Path, home: Path, prompt: str) -> Artifact:
    store = ArtifactStore(home)
    events = list(separate_recording(import_recording(song, store), asking_for(prompt), store, Inline()))
    assert isinstance(events[-1], Kept) and not events[-1].cached
    result = store.get(events[-1].key)
    assert result is not None
    return result


def test_a_job_whose_server_was_killed_goes_on_and_its_result_is_the_same_to_the_byte(
    song: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    store = ArtifactStore(home)
    recording = import_recording(song, store)
    with served(home) as server:
        first = Studio(server)
        first.submit(recording, "drums")
        first.submit(recording, "bass")
        first.until(lambda jobs: jobs["drums"]["n_done"] >= 2, "two finished chunks")
        server.process.send_signal(signal.SIGSTOP)  # it is fast asleep, and alive
        with served(home) as beside:
            assert Studio(beside).jobs == {}, "a server that starts takes nothing from one that lives"
        server.kill()
    finished = chunks_of(home)
    assert len(finished) >= 2
    assert store.list("result") == []

    with served(home) as server:
        second = Studio(server)
        jobs = second.jobs
        assert {job["state"] for job in jobs.values()} == {"interrupted"}
        assert jobs["drums"]["n_done"] >= 2
        assert (jobs["bass"]["n_done"], second.state["queue"]) == (0, [])
        second.act("discard", "bass")
        second.act("resume", "drums")
        second.until(lambda jobs: jobs["drums"]["state"] == "done", "the end of the job")
        job = second.jobs["drums"]
        assert len(job["kept"]) == len(finished)
        for line in ("The studio was stopped before this was done.", "Queued again.", "Done."):
            assert line in job["log"]
        assert "Traceback" not in server.log()
    result = store.get(job["result"])
    assert result is not None
    assert finished.items() <= chunks_of(home).items(), "a finished chunk was computed again"
    assert bytes_of(result) == bytes_of(undisturbed(song, tmp_path / "other", "drums"))


def test_ctrl_c_interrupts_and_loses_nothing_and_a_pause_stays(song: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    recording = import_recording(song, ArtifactStore(home))
    with served(home) as server:
        studio = Studio(server)
        studio.submit(recording, "vocals")
        studio.submit(recording, "bass")
        studio.until(lambda jobs: jobs["vocals"]["n_done"] >= 1, "a finished chunk")
        studio.act("pause")
        server.process.send_signal(signal.SIGINT)
        server.process.wait(STOP_S)
        assert "Traceback" not in server.log()
    book = JobTable(home)
    vocals, bass = book.take_over()
    assert (vocals.state, bass.state) == (JobState.INTERRUPTED, JobState.INTERRUPTED)
    assert vocals.n_done >= 1
    assert [line.text for line in vocals.log].count("The studio was stopped before this was done.") == 1
    assert book.paused
    book.close()
