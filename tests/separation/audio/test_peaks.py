"""The peaks file a waveform is drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from separation.audio.peaks import SAMPLES_PER_PEAK, PeaksWriter


def peaks_of(path, blocks):
    with PeaksWriter(path) as writer:
        for block in blocks:
            writer.write(block)
    return np.fromfile(path, np.int8).reshape(-1, 2)


def noise(n_samples, n_channels=2):
    return (0.3 * np.random.default_rng(3).standard_normal((n_channels, n_samples))).clip(-1, 1).astype(np.float32)


@pytest.mark.parametrize("n_samples", [1, 255, 256, 257, 1_000, 5_119])
def test_each_pair_encloses_its_256_samples_of_all_channels_and_no_more(tmp_path, n_samples):
    x = noise(n_samples)
    pairs = peaks_of(tmp_path / "peaks", [x])
    assert len(pairs) == -(-n_samples // SAMPLES_PER_PEAK)
    for index, (low, high) in enumerate(pairs / 127):
        group = x[:, index * SAMPLES_PER_PEAK : (index + 1) * SAMPLES_PER_PEAK]
        assert low <= group.min() < low + 1 / 127 + 1e-6
        assert high - 1 / 127 - 1e-6 < group.max() <= high + 1e-6


@settings(deadline=None, max_examples=40)
@given(cuts=st.lists(st.integers(0, 3_000), max_size=12))
def test_the_file_is_the_same_however_the_audio_arrives(tmp_path_factory, cuts):
    folder = tmp_path_factory.mktemp("peaks")
    x = noise(3_000)
    whole = peaks_of(folder / "whole", [x])
    pieces = peaks_of(folder / "pieces", np.split(x, sorted(cuts), axis=1))
    np.testing.assert_array_equal(whole, pieces)


def test_silence_is_drawn_as_nothing_and_full_scale_as_everything(tmp_path):
    assert not peaks_of(tmp_path / "a", [np.zeros((1, 600), np.float32)]).any()
    square = np.where(np.arange(512) % 2, 1.0, -1.0).astype(np.float32)[None]
    assert peaks_of(tmp_path / "b", [square]).tolist() == [[-127, 127]] * 2


def test_samples_over_full_scale_are_drawn_at_full_scale(tmp_path):
    loud = np.array([[-30_000, 4.0]], np.float32)
    assert peaks_of(tmp_path / "loud", [loud]).tolist() == [[-127, 127]]


def test_a_quiet_sound_is_still_visible(tmp_path):
    quiet = np.full((1, 256), 1e-4, np.float32)
    assert peaks_of(tmp_path / "quiet", [quiet]).tolist() == [[0, 1]]


def test_no_audio_makes_an_empty_file(tmp_path):
    assert len(peaks_of(tmp_path / "empty", [])) == 0
