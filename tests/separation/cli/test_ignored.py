"""What was asked for in the terminal and makes no difference is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import run_fakes, toy_backend
from tests.support.terminal import audio_playground


@pytest.fixture
def song(folder: Path, backend: run_fakes.CountingBackend) -> Path:
    """A recording, and a separator that takes no spans and has no presets."""
    (folder / "songs").mkdir()
    return run_fakes.song(folder / "songs" / "song.wav", 0.5)


def test_a_seed_that_nothing_is_drawn_from_is_said(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_backend.register(monkeypatch)
    said = "note: the seed will make no difference to Toy matrix."
    assert said in audio_playground("extract", "auto", song, "-p", "middle", "--seed", 5).output
    assert said not in audio_playground("extract", "auto", song, "-p", "middle").output
    assert said in audio_playground("batch", song.parent, "-p", "middle", "-o", "out", "--seed", 5).output


def test_spans_that_nobody_heeds_are_said(song: Path) -> None:
    recipe = "prompts:\n- text: drums\n  anchors:\n  - {sign: +, start_s: 0, stop_s: 0.1}\n"
    Path("r.yaml").write_text(recipe)
    said = "note: spans will make no difference to"
    assert said in audio_playground("extract", "recipe", song, "r.yaml").output


def test_a_preset_that_nobody_has_is_said(song: Path) -> None:
    command = ("batch", song.parent, "-p", "drums", "-o", "out")
    assert "note: presets will make no difference to" in audio_playground(*command, "--preset", "Quality").output
    assert "presets" not in audio_playground(*command).output
