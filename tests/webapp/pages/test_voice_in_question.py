"""“Voice”, of a song or of a talk: the Studio says what it took the recording for, and the other is one press away."""

from __future__ import annotations

from pathlib import Path

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


async def test_talk_is_said_to_be_talk_and_the_song_is_one_press_away(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = imported(home, talk(1))
    async with simulated_studio(home, monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: TAKES_TALK in page.text, "what it was taken for")
        assert "Speech separator" in page.text
        # The sounds that it knows are what is proposed.
        await page.until(lambda: page.prompts["suggestions"][0]["texts"] == ["speech", "noise"], "what can be had")
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


def test_the_strength_is_a_setting_of_the_panel() -> None:
    settled = registry.get("speech").settle(Request.of("speech"))
    fields = {field["name"]: field for group in groups(VOICE, settled) for field in group["fields"]}
    assert fields["speech.attenuation_db"]["label"] == "Strength"
    assert (fields["speech.attenuation_db"]["min"], fields["speech.attenuation_db"]["max"]) == (1, 60)
    assert changed(VOICE, settled, "speech.attenuation_db", 6.0).speech.attenuation_db == 6.0
    assert changed(VOICE, settled, "speech.attenuation_db", None).speech.attenuation_db is None


def test_other_separators_offer_no_podcasts() -> None:
    settled = registry.get("builtin").settle(Request.of("drums"))
    names = [field["name"] for group in groups(Request.of("drums"), settled) for field in group["fields"]]
    assert "speech.attenuation_db" not in names
    assert "Podcast clean-up" not in presets.differing(Request.of("drums"), registry.get("demucs"))
