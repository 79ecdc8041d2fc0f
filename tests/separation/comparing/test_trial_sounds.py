"""The sounds of a trial: nothing but the samples tells two of them apart, and those are the passage's own."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from separation.comparing.trial_sounds import dithered_wav, passage

RATE = 44_100
STEP = 2.0**-23


def tone(n_channels=2, n_samples=RATE):
    t = np.arange(n_samples) / RATE
    return np.stack([0.3 * np.sin(2 * np.pi * (440 + 100 * k) * t) for k in range(n_channels)]).astype(np.float32)


def read(wav):
    samples, rate = soundfile.read(io.BytesIO(wav), always_2d=True)
    assert rate == RATE and soundfile.info(io.BytesIO(wav)).subtype == "PCM_24"
    return samples.T


def test_the_samples_are_those_of_the_passage_within_the_dither():
    sound = passage(tone(), RATE)
    for seed in range(3):
        assert np.abs(read(dithered_wav(sound, RATE, np.random.default_rng(seed))) - sound).max() <= 2 * STEP


def test_two_of_one_sound_have_one_length_and_one_header_and_other_bytes():
    rng = np.random.default_rng(0)
    sounds = [dithered_wav(passage(samples, RATE), RATE, rng) for samples in (tone(), tone(), tone(1), 0 * tone())]
    assert len({len(one) for one in sounds}) == 1
    assert len({one[:44] for one in sounds}) == 1
    assert len(set(sounds)) == 4


def test_the_dither_is_triangular_and_independent_of_the_sound():
    n_samples = 400_000
    quiet = np.full((2, n_samples), 0.25 + STEP / 4)
    error = (read(dithered_wav(quiet, RATE, np.random.default_rng(1))) - quiet) / STEP
    assert error.mean() == pytest.approx(0, abs=0.01), "the mean of the samples is kept, below one step too"
    assert error.var() == pytest.approx(1 / 4, abs=0.01), "that of two uniform steps and of rounding: 3/12"
    assert abs(np.corrcoef(error)[0, 1]) < 0.01, "each channel by itself"


def test_full_scale_and_beyond_is_cut_and_never_wraps_round():
    loud = np.array([[1.5, -1.5, 1.0, -1.0]] * 2)
    assert read(dithered_wav(loud, RATE, np.random.default_rng(0)))[0] == pytest.approx([1, -1, 1, -1], abs=4 * STEP)


def test_a_passage_begins_and_ends_in_silence_and_has_two_channels():
    mono = np.ones((1, RATE), np.float32)
    found = passage(mono, RATE, gain=0.5)
    assert found.shape == (2, RATE)
    assert found[0, 0] == 0 and found[0, -1] == 0
    n_fade = RATE // 100
    assert (found[:, n_fade:-n_fade] == 0.5).all()
    assert (np.diff(found[0, :n_fade]) > 0).all() and (np.diff(found[0, -n_fade:]) < 0).all()
    assert passage(np.ones((2, 1), np.float32), RATE).shape == (2, 1)
