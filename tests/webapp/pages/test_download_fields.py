"""The controls of downloads beside the mixer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.engine.engine import Inline
from separation.request import Request
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.separation.audio.test_video import film
from tests.support import odd_files, run_fakes, tagged, toy_backend
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
        assert "MP3, 320 kbit/s does not support 96 kHz: the rate stays as it is." in page.notifications


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


def too_loud(path: Path) -> Path:
    """A tone of four times full scale in both channels: all of it is the middle of the toy's."""
    tone = 4 * np.sin(np.arange(4_000) / 3)
    encode(Waveform(np.stack([tone, tone]).astype(np.float32), toy_backend.RATE), path)
    return path


async def test_what_is_done_about_peaks_can_be_chosen_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_backend.register(monkeypatch)
    store = ArtifactStore(tmp_path / "home")
    recording = import_recording(too_loud(tmp_path / "song.wav"), store)
    list(separate_recording(recording, Request.of("middle", backend="toy"), store, Inline()))
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: "Stems: All of it is turned down by 13.0 dB" in page.text, "the level of the stems")
        assert "Mixture: All of it is turned down by 13.0 dB" in page.text
        assert "peak=" not in str(page.downloads)
        page.set("peak", "clip")
        await page.until(lambda: "Stems: Peaks of up to +12.0 dBFS are clipped" in page.text, "what is clipped")
        assert page.downloads and all("peak=clip" in address for address in page.downloads)
        page.set("peak", "float")
        await page.until(lambda: "Stems: Written as 32-bit float" in page.text, "floats")
        page.set("format", "flac")
        await page.until(lambda: "Stems: All of it is turned down" in page.text, "no floats in FLAC")
        assert "Only WAV has float samples: what is too loud is turned down." in page.notifications
        assert [option["value"] for option in page.setting("peak")["options"]] == ["rescale", "clip"]
        page.set("format", "wav32f")
        await page.until(lambda: page.setting("peak") == {}, "no choice where there is no ceiling")
        await page.until(lambda: "Stems:" not in page.text, "nothing to say")


async def test_nothing_is_said_of_what_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_backend.register(monkeypatch)
    store = ArtifactStore(tmp_path / "home")
    recording = import_recording(run_fakes.song(tmp_path / "song.wav", 0.5), store)
    list(separate_recording(recording, Request.of("middle", backend="toy"), store, Inline()))
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: page.setting("peak"), "the choice")
        page.set("format", "flac")
        await page.until(lambda: page.setting("format")["value"] == "flac", "the format")
        assert "Stems:" not in page.text and "Mixture:" not in page.text


async def test_tags_can_be_switched_off_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_backend.register(monkeypatch)
    store = ArtifactStore(tmp_path / "home")
    (tmp_path / "tagged.flac").write_bytes(odd_files.stored("FLAC"))
    with_tags = import_recording(tagged.tag(tmp_path / "tagged.flac"), store)
    without = import_recording(run_fakes.song(tmp_path / "song.wav", 0.5), store)
    for recording in (with_tags, without):
        list(separate_recording(recording, Request.of("middle", backend="toy"), store, Inline()))
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={with_tags.key}")
        await page.until(lambda: page.setting("tags"), "the switch")
        assert page.setting("tags")["value"] is True and "tags=" not in str(page.downloads)
        page.set("tags", False)
        await page.until(lambda: page.setting("tags")["value"] is False, "the switch is off")
        assert page.downloads and all("tags=0" in address for address in page.downloads)
        await page.open(f"/?recording={without.key}")
        await page.until(lambda: page.setting("format"), "the controls")
        assert page.setting("tags") == {}
