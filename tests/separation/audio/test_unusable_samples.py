"""Samples that are no sound: infinite ones, NaN, and those so large that sums of their squares are infinite."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from separation.audio.decode import LARGEST, decode
from separation.errors import AudioError


def written(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples.astype(np.float32), 8_000, subtype="FLOAT")
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -2e10])
def test_some_of_them_become_silence_and_are_counted(tmp_path: Path, value: float) -> None:
    sound = 0.5 * np.sin(np.arange(8_000))
    sound[[7, 4_000]] = value
    decoded = decode(written(tmp_path / "song.wav", sound))
    assert decoded.warnings == ("2 samples were infinite, nearly so, or not a number, and became silence.",)
    assert decoded.waveform.samples[0, 7] == decoded.waveform.samples[0, 4_000] == 0
    assert np.count_nonzero(decoded.waveform.samples != sound.astype(np.float32)) == 2


def test_what_can_be_computed_with_stays(tmp_path: Path) -> None:
    sound = np.full(8_000, LARGEST)
    decoded = decode(written(tmp_path / "loud.wav", sound))
    assert decoded.waveform.samples.max() == np.float32(LARGEST)
    assert np.isfinite(np.square(decoded.waveform.samples, dtype=np.float32).sum())


def test_a_file_of_which_half_is_no_sound_is_refused(tmp_path: Path) -> None:
    sound = np.resize([0.1, 1e20], 8_000)
    with pytest.raises(AudioError, match="4000 of its 8000 samples are infinite, nearly so, or not a number"):
        decode(written(tmp_path / "song.wav", sound))


def test_a_midi_sample_dump_is_refused_without_a_word_of_the_library(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    dump = io.BytesIO()
    soundfile.write(dump, np.zeros(8_000), 8_000, format="SDS", subtype="PCM_16")
    (tmp_path / "dump.sds").write_bytes(dump.getvalue())
    capfd.readouterr()
    with pytest.raises(AudioError, match="It is a MIDI sample dump, not audio"):
        decode(tmp_path / "dump.sds")
    assert capfd.readouterr() == ("", "")
