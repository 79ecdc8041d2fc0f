"""“Voice”, of a song or of a talk: the Studio says what it took the recording for, and the other is one press away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from separation.backends import registry
from separation.request import Request, SpeechSettings
from separation.results.kept import Recording
from separation.results.runs import import_recording, settle
from separation.workflows import presets
from storage import ArtifactStore
from storage.records import DraftTable, JobTable
from tests.support.simulated import simulated_studio
from tests.support.songs_and_talks import Samples, song, talk
from tests.support.speaker import RATE
from webapp.pages.studio.settings_fields import changed, groups
from webapp.state.drafts import Draft

VOICE = Request.of("voice")
TAKES_TALK, TAKES_MUSIC = "this sounds like talk", "this sounds like music"
STRENGTH = "speech.attenuation_db"
OF_MUSIC_AND_TALK = ["drums", "bass", "vocals", "instrumental", "speech", "noise"]
IS_A_SONG, IS_TALK = "It is a song: use Built-in separator", "It is talk: use Speech separator"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose queue is paused, where the two are usable, and Demucs is not."""
    both = {name: registry.get(name) for name in ("builtin", "speech")}
    monkeypatch.setattr(registry, "BACKENDS", both)
    monkeypatch.setattr("separation.models.speech.carrier.find", lambda: (Path(), Path(), "1"))
    book = JobTable(tmp_path / "home")
    book.pause(True)
    book.close()
    return tmp_path / "home"


def imported(home: Path, samples: Samples) -> Recording:
    file = home.parent / "recording.wav"
    soundfile.write(file, np.clip(samples.T, -1, 1), RATE)
    recording = import_recording(file, ArtifactStore(home))
    drafts = DraftTable(home)
    drafts.write(recording.key, Draft.of(VOICE).to_dict())
    drafts.close()
    return recording


def stored(home: Path, recording: Recording) -> dict[str, Any]:
    """The draft as it is kept."""
    drafts = DraftTable(home)
    try:
        return dict(drafts.read(recording.key) or {})
    finally:
        drafts.close()


async def test_talk_is_said_to_be_talk_and_the_song_is_one_press_away(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = imported(home, talk(1))
    async with simulated_studio(home, monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: TAKES_TALK in page.text, "what it was taken for")
        assert "Speech separator" in page.text
        assert page.prompts["suggestions"][0]["texts"] == OF_MUSIC_AND_TALK
        page.press(IS_A_SONG)
        await page.until(lambda: "Built-in separator, as asked for" in page.text, "the other one")
        assert IS_A_SONG not in page.text and IS_TALK not in page.text


async def test_a_song_is_said_to_be_music_and_the_talk_is_one_press_away(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = imported(home, song(1))
    async with simulated_studio(home, monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: TAKES_MUSIC in page.text, "what it was taken for")
        page.press(IS_TALK)
        await page.until(lambda: "Speech separator, as asked for" in page.text, "the other one")


def test_a_run_takes_whom_the_page_said(home: Path) -> None:
    recording = imported(home, talk(2))
    _, settled, why = settle(recording, VOICE, ArtifactStore(home))
    assert settled.backend == "speech" and TAKES_TALK in why


# The preset


def test_podcast_clean_up_is_a_press_where_speech_is_separated() -> None:
    settled = registry.get("speech").settle(Request.of("speech"))
    preset = groups(VOICE, settled)[0]["fields"][0]
    assert [option["value"] for option in preset["options"]] == ["Balanced", "Podcast clean-up", "Custom"]
    assert preset["value"] == "Balanced"
    cleaned = changed(VOICE, settled, "preset", "Podcast clean-up")
    assert cleaned.speech == SpeechSettings(attenuation_db=12.0) and cleaned.backend == "auto"
    assert presets.name_of(cleaned, registry.get("speech")) == "Podcast clean-up"
    assert presets.apply("Balanced", cleaned).speech == SpeechSettings()


def stops(field: Mapping[str, Any]) -> list[str]:
    return [option["label"] for option in field["options"]]


async def test_the_strength_is_a_slider_that_ends_without_a_limit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = imported(home, talk(1))
    async with simulated_studio(home, monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: page.setting(STRENGTH), "the slider")
        slider = page.setting(STRENGTH)
        assert (slider["kind"], slider["label"], slider["value"]) == ("slider", "Strength", None)
        assert stops(slider) == ["6 dB", "12 dB", "18 dB", "24 dB", "30 dB", "36 dB", "No limit"]
        page.set(STRENGTH, 12)
        await page.until(lambda: page.setting("preset")["value"] == "Podcast clean-up", "the preset of that strength")
        page.set(STRENGTH, 18)
        await page.until(lambda: page.setting(STRENGTH)["value"] == 18, "the value")
        assert stored(home, recording)["settings"]["speech"] == {"attenuation_db": 18}
        page.set(STRENGTH, None)
        await page.until(lambda: page.setting("preset")["value"] == "Balanced", "no limit")
        assert "speech" not in stored(home, recording)["settings"]


def test_a_strength_that_a_recipe_asks_for_stands_where_it_lies_between_the_others() -> None:
    asked = replace(VOICE, speech=SpeechSettings(attenuation_db=10.5))
    settled = registry.get("speech").settle(asked)
    (slider,) = (field for group in groups(asked, settled) for field in group["fields"] if field["name"] == STRENGTH)
    assert slider["value"] == 10.5 and stops(slider)[:3] == ["6 dB", "10.5 dB", "12 dB"]
    assert changed(asked, settled, STRENGTH, 6.0).speech.attenuation_db == 6.0


def test_other_separators_offer_no_podcasts() -> None:
    settled = registry.get("builtin").settle(Request.of("drums"))
    names = [field["name"] for group in groups(Request.of("drums"), settled) for field in group["fields"]]
    assert "speech.attenuation_db" not in names
    assert "Podcast clean-up" not in presets.differing(Request.of("drums"), registry.get("demucs"))
