"""The controls of downloads beside the mixer."""

from __future__ import annotations

from pathlib import Path

import pytest

from separation.engine.engine import Inline
from separation.request import Request
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.separation.audio.test_video import film
from tests.support import run_fakes, toy_backend
from tests.support.simulated import simulated_studio


async def test_only_rates_that_the_format_knows_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_backend.register(monkeypatch)
    store = ArtifactStore(tmp_path / "home")
    recording = import_recording(run_fakes.song(tmp_path / "song.wav", 0.5), store)
    list(separate_recording(recording, Request.of("middle", backend="toy"), store, Inline()))
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: page.setting("rate"), "the rates")
        page.set("rate", "96000")
        await page.until(lambda: page.setting("rate")["value"] == "96000", "a rate")
        page.set("format", "mp3")
        await page.until(lambda: page.setting("rate")["value"] == "0", "the rate as it is")
        assert [option["value"] for option in page.setting("rate")["options"]] == [
            "0",
            "22050",
            "32000",
            "44100",
            "48000",
        ]
        assert "MP3, 320 kbit/s does not know 96 kHz: the rate stays as it is." in page.notifications


async def test_a_video_has_no_choice_of_rates_which_would_make_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_backend.register(monkeypatch)
    store = ArtifactStore(tmp_path / "home")
    recording = import_recording(film(tmp_path / "film.mp4"), store)
    list(separate_recording(recording, Request.of("middle", backend="toy"), store, Inline()))
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: page.setting("rate"), "the rates")
        page.set("format", "video")
        await page.until(lambda: page.setting("format")["value"] == "video", "the format")
        assert page.setting("rate") == {}
        page.set("format", "flac")
        await page.until(lambda: page.setting("rate"), "the rates again")
