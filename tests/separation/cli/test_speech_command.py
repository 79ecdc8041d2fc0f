"""`extract speech` and `extract auto` of a voice, in the terminal."""

from __future__ import annotations

import shlex

import pytest
import soundfile

from separation.models.speech import carrier
from storage import ArtifactStore, data_folder
from tests.support.songs_and_talks import talk
from tests.support.speaker import RATE
from tests.support.terminal import audio_playground

pytestmark = pytest.mark.skipif(carrier.find() is None, reason=f"{carrier.PACKAGE} is not installed")


@pytest.fixture
def recording(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    soundfile.write(tmp_path / "talk.wav", talk(1)[:, : 4 * RATE].T, RATE)
    return tmp_path / "talk.wav"


def test_a_preset_sets_the_strength_and_the_kept_command_makes_the_same(recording):
    words = ("extract", "speech", recording, "-p", "speech", "-p", "noise", "-o", recording.parent / "out")
    audio_playground(*words, "--model", "deepfilternet3", "--preset", "Podcast clean-up")
    assert {path.name for path in (recording.parent / "out").iterdir()} == {"speech.wav", "noise.wav"}
    (kept,) = ArtifactStore(data_folder()).list("result")
    command = kept.manifest.command
    assert "--attenuation 12" in command and "--model deepfilternet3" in command
    again = [str(recording) if word.endswith("talk.wav") else word for word in shlex.split(command)[1:]]
    assert "Cached" in audio_playground(*again, "-o", recording.parent / "again").output


def test_auto_says_what_it_took_the_recording_for(recording):
    words = ("extract", "auto", recording, "-p", "voice", "-o", recording.parent / "out")
    said = audio_playground(*words).output
    why = "this sounds like talk (it holds no notes and no beat)"
    assert f"Speech separator, the best that can do this here: {why}" in said


def test_a_strength_that_is_none_is_refused(recording):
    words = ("extract", "speech", recording, "-p", "speech", "--attenuation", 90, "-o", recording.parent / "out")
    assert "Choose --attenuation between 1 and 60 dB" in audio_playground(*words, status=2).output
