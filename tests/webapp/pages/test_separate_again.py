"""“Separate” pressed again: the same is one job, and what is kept is shown at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from separation.engine.engine import Inline
from separation.events import EventStream
from separation.request import Request
from separation.results.kept import Recording
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from storage.records import DraftTable, JobTable
from tests.support import run_fakes, toy_backend
from tests.support.damage import flip, touched
from tests.support.simulated import SimulatedStudio, simulated_studio
from webapp.state.drafts import Draft

MIDDLE = Request.of("middle", backend="toy")
SEPARATE = "Separate 1 sound"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose queue is paused, for pages that know a separator of one file."""
    toy_backend.register(monkeypatch)
    book = JobTable(tmp_path / "home")
    book.pause(True)
    book.close()
    return tmp_path / "home"


@pytest.fixture
def recording(home: Path, tmp_path: Path) -> Recording:
    recording = import_recording(run_fakes.song(tmp_path / "song.wav", 0.5), ArtifactStore(home))
    drafts = DraftTable(home)
    drafts.write(recording.key, Draft.of(MIDDLE).to_dict())
    drafts.close()
    return recording


def separated(home: Path, recording: Recording) -> Path:
    """Keep the result, and return a file of it."""
    run = EventStream(separate_recording(recording, MIDDLE, ArtifactStore(home), Inline()))
    list(run)
    return run.result.tracks[0].audio


async def opened(page: SimulatedStudio, recording: Recording) -> SimulatedStudio:
    await page.open(f"/?recording={recording.key}")
    await page.until(lambda: SEPARATE in page.text, "the button")
    return page


def n_queued(page: SimulatedStudio) -> str:
    return "".join(page.all("queue-button"))


async def test_a_double_click_is_one_job(home: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulated_studio(home, monkeypatch) as page:
        await opened(page, recording)
        page.press(SEPARATE, times=3)
        await page.until(lambda: "Queued" in page.text and n_queued(page), "the job")
        assert n_queued(page) == "1"


async def test_a_kept_result_does_not_wait_in_the_queue_and_is_said_to_be_kept(
    home: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    separated(home, recording)
    async with simulated_studio(home, monkeypatch) as page:
        await opened(page, recording)
        assert "from an earlier run" not in page.text
        page.press(SEPARATE, times=2)
        await page.until(lambda: "from an earlier run" in page.text, "what is kept")
        assert n_queued(page) == ""


async def test_a_kept_result_that_is_damaged_is_queued_to_be_made_again(
    home: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = separated(home, recording)
    flip(track, 400)
    touched(track)
    async with simulated_studio(home, monkeypatch) as page:
        await opened(page, recording)
        page.press(SEPARATE)
        await page.until(lambda: n_queued(page) == "1", "the job")
