"""Prompts in a workflow are checked before anything runs, as far as they are known by then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from separation import Request, decode
from separation.workflows import recipe
from tests.support import run_fakes
from tests.support.terminal import audio_playground


def run(text, status=0):
    Path("w.yaml").write_text(text, "utf-8")
    return audio_playground("run", "--config", "w.yaml", status=status)


@pytest.mark.parametrize("command", ["extract builtin", "extract builtin-dsp", "extract recipe"])
def test_a_prompt_that_nobody_can_answer_is_said_before_the_first_step(folder, command):
    run_fakes.song(folder / "song.wav", 0.2)
    recipe.write(Request.of("a dog", backend="builtin"), folder / "dog.yaml")
    words = "recipe: dog.yaml" if command == "extract recipe" else 'prompt: ["drums", "a dog"]'
    text = f"""
steps:
- {{name: first, command: convert to-wav, with: {{source: song.wav, out: made.wav}}}}
- {{name: dog, command: {command}, with: {{source: song.wav, {words}}}}}
"""
    result = run(text, status=5)
    assert "w.yaml, line 4: “a dog” is not something" in result.stderr
    assert not (folder / "made.wav").exists()


def test_a_prompt_that_is_not_known_yet_is_checked_when_its_turn_comes(folder):
    run_fakes.song(folder / "song.wav", 0.2)
    text = """
variables: {sound: drums}
steps:
- {name: good, command: extract builtin, with: {source: song.wav, prompt: "${sound}"}}
- {name: zero, command: convert to-wav, with: {source: song.wav, out: one.wav}}
- {name: late, command: extract builtin, with: {source: song.wav, prompt: "${zero.n_samples}"}}
"""
    assert "line 6, step late: " in run(text, status=5).stderr
    assert (folder / "one.wav").exists() and (folder / "drums.wav").exists()


@pytest.mark.parametrize("separator", ["builtin", "builtin-dsp"])
def test_a_separator_that_is_always_there_is_a_step_whose_tracks_add_up(folder, separator):
    run_fakes.song(folder / "song.wav", 0.5)
    run(
        f"""
steps:
- {{name: stems, command: extract {separator}, with: {{source: song.wav, prompt: [drums, bass], out: stems}}}}
- {{name: tape, command: merge concat, with: {{sources: "${{stems.tracks.drums}}", out: drums.wav}}}}
"""
    )
    tracks = {path.stem: decode(path).waveform.samples for path in (folder / "stems").iterdir()}
    assert tracks.keys() == {"drums", "bass", "everything else"}
    assert np.abs(sum(tracks.values()) - decode(folder / "song.wav").waveform.samples).max() < 1e-5
    assert np.array_equal(decode(folder / "drums.wav").waveform.samples, tracks["drums"])
