"""A mono estimate laid over a stereo mixture: places stay, nothing is added, and any cut gives the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from separation.audio.stft import stft
from separation.models.sam_audio.stereo import N_FFT, projected, share


def voice(n_samples=24_000, frequency_hz=300.0):
    """Harmonics of a tone at 48 kHz, (samples,)."""
    phase = 2 * np.pi * frequency_hz * np.arange(n_samples) / 48_000
    return sum(np.sin(k * phase) / k for k in (1, 2, 3)).astype(np.float32) * 0.2


def noisy(n_samples=24_000, seed=0, channels=2):
    return (0.2 * np.random.default_rng(seed).standard_normal((channels, n_samples))).astype(np.float32)


@pytest.mark.parametrize("n_samples", [1, 479, 480, 481, 1920, 10_007])
def test_the_whole_mixture_as_an_estimate_gives_the_stereo_mixture_back(n_samples):
    mixture = noisy(n_samples)
    assert projected(mixture.mean(axis=0), mixture) == pytest.approx(mixture, abs=1e-5)


def test_silence_as_an_estimate_gives_silence():
    mixture = noisy()
    assert not projected(np.zeros(24_000, np.float32), mixture).any()


def test_where_the_mixture_is_silent_nothing_is_added():
    mixture = noisy()
    mixture[:, 8_000:16_000] = 0
    inside = projected(voice(), mixture)[:, 8_000 + N_FFT : 16_000 - N_FFT]
    assert np.abs(inside).max() < 1e-6


@settings(max_examples=25, deadline=None)
@given(gain=st.floats(-100, 100), seed=st.integers(0, 9))
def test_no_bin_is_louder_than_in_the_mixture_whatever_the_estimate(gain, seed):
    mixture, estimate = noisy(4_800, seed), np.float32(gain) * noisy(4_800, 99, channels=1)
    mask = share(stft(estimate, N_FFT)[0], stft(mixture.mean(axis=0, keepdims=True), N_FFT)[0])
    assert mask.min() >= 0 and mask.max() <= 1
    made = projected(estimate[0], mixture)
    assert (np.square(made).sum(axis=-1) <= np.square(mixture).sum(axis=-1) * (1 + 1e-5)).all()


def test_the_shares_of_two_sources_of_one_mixture_sum_to_one():
    left, right = (stft(noisy(4_800, seed, channels=1), N_FFT)[0] for seed in (1, 2))
    total = left + right
    assert share(left, total) + share(right, total) == pytest.approx(np.ones(total.shape), abs=1e-4)


@pytest.mark.parametrize("pan", [0.1, 0.5, 0.8])
def test_a_panned_source_keeps_its_place(pan):
    # The voice stands at `pan`, the noise on the other side; the estimate is the voice as the mean of channels has it.
    source, gains = voice(48_000), np.float32([[1 - pan], [pan]])
    mixture = gains * source + gains[::-1] * 0.02 * noisy(48_000, channels=1)
    left, right = projected(gains.mean() * source, mixture)
    level = np.sqrt(np.square(right).sum() / np.square(left).sum())
    assert 20 * np.log10(level / (pan / (1 - pan))) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_mixture_with_equal_channels_has_the_estimate_on_each(channels):
    mixture = np.repeat(noisy(5_000, channels=1), channels, axis=0)
    made = projected(voice(5_000), mixture)
    assert made.shape == (channels, 5_000)
    assert all(np.array_equal(channel, voice(5_000)) for channel in made)


def test_a_chunk_that_starts_on_a_whole_frame_has_the_samples_of_the_whole_recording():
    mixture, estimate = noisy(40 * 1920), voice(40 * 1920)
    whole = projected(estimate, mixture)
    start, stop = 7 * 1920, 29 * 1920
    piece = projected(estimate[start:stop], mixture[:, start:stop])
    assert piece[:, 1920:-1920] == pytest.approx(whole[:, start + 1920 : stop - 1920], abs=1e-6)


def test_stereo_is_as_long_and_as_precise_as_the_mixture():
    made = projected(voice(12_345), noisy(12_345))
    assert made.shape == (2, 12_345) and made.dtype == np.float32
