"""What seems to be absent is said by the terminal, by --json and by reports, of what is computed and what is kept."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.support import run_fakes
from tests.support.terminal import audio_playground

SAID = "note: There seems to be no “bass” in this recording: its track is empty (silent)."


@pytest.fixture(autouse=True)
def song(folder, monkeypatch):
    backend = run_fakes.install(monkeypatch)
    backend.split = lambda samples, window: {
        "drums": samples,
        **dict.fromkeys(("bass", "vocals", "other"), 0 * samples),
    }
    return run_fakes.song(folder / "song.wav")


def test_an_empty_track_is_named_and_gets_no_quality(folder):
    words = ("extract", "auto", "song.wav", "-p", "drums", "-p", "bass", "--report", "run.yaml")
    for _ in range(2):  # computed, then kept
        said = audio_playground(*words).output
        assert SAID in said and "no “drums”" not in said
        assert "“everything else” is empty (silent): there seems to be nothing else" in said
        report = yaml.safe_load((folder / "run.yaml").read_text("utf-8"))
        assert SAID.removeprefix("note: ") in report["absent"]
        assert report["presence"]["bass"]["empty"] and not report["presence"]["drums"]["empty"]
        assert "bass" not in (report.get("quality") or {}).get("tracks", {})
    found = json.loads(audio_playground(*words[:-2], "--json").stdout)
    assert found["presence"]["bass"] == {
        "level_db": None, "spans_s": [], "duration_s": pytest.approx(2, abs=0.1), "left_over": False,
        "invented": False, "empty": True,
    }  # fmt: skip
    assert found["presence"]["drums"]["spans_s"]


def test_what_is_there_all_along_needs_no_word(folder):
    assert "There seems" not in audio_playground("extract", "auto", "song.wav", "-p", "drums").output
