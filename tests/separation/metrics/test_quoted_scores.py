"""The measures that tables of source separation quote, against the figures of the programs that define them.

The figures were computed once by msst 0.1.0 (SDR, bleedless, fullness, L1 freq), museval 0.4.1 (SDR in frames) and
log-wmse-audio-quality 0.2.0, of the signals below.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from separation.errors import SettingsError
from separation.metrics.log_wmse import log_wmse
from separation.metrics.sdr import frames_sdr, median_over_tracks, whole_sdr
from separation.metrics.spectral_scores import bleedless_and_fullness, l1_freq, log_spectral_distance_db

RATE = 44_100


def signals(seed, n_channels=2, duration_s=2.0):
    """An estimate with leakage, a wrong level and a hole, its reference, and the mixture."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * RATE)
    t = np.arange(n) / RATE
    tone = np.stack([np.sin(2 * np.pi * hz * t) for hz in (220.0, 331.0)[:n_channels]])
    reference = (0.3 * tone * np.exp(-((t * 3) % 1) * 4) + 0.02 * rng.standard_normal((n_channels, n))).astype(
        np.float32
    )
    rest = (0.1 * rng.standard_normal((n_channels, n)) * (np.sin(2 * np.pi * 0.7 * t) > 0)).astype(np.float32)
    estimate = (0.9 * reference + 0.2 * rest).astype(np.float32)
    estimate[:, n // 3 : n // 3 + 2000] *= 0.1
    return estimate, reference, (reference + rest).astype(np.float32)


FIGURES = [
    # seed, channels, SDR, bleedless, fullness, L1 freq, logWMSE
    (1, 2, 8.644873, 20.431324, 35.969170, 21.050591, 10.612970),
    (2, 2, 8.623053, 20.527639, 35.856205, 20.978172, 10.592907),
    (3, 1, 8.631369, 20.579872, 36.051689, 21.178162, 10.687933),
]


@pytest.mark.parametrize(("seed", "n_channels", "sdr", "bleedless", "fullness", "l1", "wmse"), FIGURES)
def test_the_figures_are_those_of_the_programs_that_define_them(seed, n_channels, sdr, bleedless, fullness, l1, wmse):
    estimate, reference, mixture = signals(seed, n_channels)
    assert whole_sdr(estimate, reference) == pytest.approx(sdr, abs=1e-5)
    assert bleedless_and_fullness(estimate, reference, RATE) == pytest.approx((bleedless, fullness), abs=1e-3)
    assert l1_freq(estimate, reference) == pytest.approx(l1, abs=1e-3)
    assert log_wmse(estimate, reference, mixture, RATE) == pytest.approx(wmse, abs=1e-3)


def test_frames_are_those_of_museval_and_one_with_silence_counts_for_no_stem():
    one, two = signals(1, duration_s=4.5), signals(2, duration_s=4.5)
    two[1][:, RATE : 2 * RATE] = 0
    found = frames_sdr({"a": one[0], "b": two[0]}, {"a": one[1], "b": two[1]}, RATE)
    assert found.frames_db["a"] == pytest.approx((12.400494, 15.348024, 13.224996), abs=1e-5)
    assert found.frames_db["b"] == pytest.approx((12.396046, 15.331079, 13.218258), abs=1e-5)
    assert (found.median_db["a"], found.n_dropped) == (pytest.approx(13.224996, abs=1e-5), 1)


def test_opposite_channels_are_silent_for_museval():
    """It adds the channels up before it looks for silence."""
    tone = np.sin(np.arange(2 * RATE) / 9)[None].astype(np.float32)
    found = frames_sdr({"a": 0.5 * np.repeat(tone, 2, 0)}, {"a": np.concatenate([tone, -tone])}, RATE)
    assert (found.median_db["a"], found.n_dropped) == (None, 2)


def test_a_set_is_the_median_of_its_tracks_medians():
    assert median_over_tracks([1.0, None, 5.0, 2.0]) == 2.0
    assert median_over_tracks([None]) is None


def test_nothing_wrong_is_perfect():
    _, reference, mixture = signals(1)
    assert whole_sdr(reference, reference) > 100
    assert bleedless_and_fullness(reference, reference, RATE) == (100, 100)
    assert l1_freq(reference, reference) == 100
    assert log_spectral_distance_db(reference, reference) == 0
    assert log_wmse(reference, reference, mixture, RATE) == pytest.approx(-4 * math.log(1e-8), abs=1e-4)
    assert frames_sdr({"a": reference}, {"a": reference}, RATE).frames_db["a"] == (math.inf, math.inf)


def test_leakage_costs_bleedless_and_missing_sound_fullness():
    _, reference, mixture = signals(1)
    bleedless, fullness = bleedless_and_fullness(mixture, reference, RATE)
    assert bleedless < 10 < 25 < fullness
    bleedless, fullness = bleedless_and_fullness(0.1 * reference, reference, RATE)
    assert (bleedless, fullness) == (pytest.approx(100), pytest.approx(100 / 21, abs=0.01)), "20 dB are missing"


@pytest.mark.parametrize("gain_db", [-12.0, 6.0])
def test_a_wrong_level_is_its_own_log_spectral_distance(gain_db):
    reference = np.random.default_rng(1).standard_normal((2, RATE)).astype(np.float32)
    assert log_spectral_distance_db(10 ** (gain_db / 20) * reference, reference) == pytest.approx(
        abs(gain_db), abs=0.01
    )


def test_no_frame_of_a_long_sound_is_passed_over():
    """Spectra are taken in blocks of 512 frames; here each frame by itself, of a sound that changes all along."""
    n_frames = 1_100
    rng = np.random.default_rng(1)
    reference = (rng.standard_normal(n_frames * 1024) * np.linspace(0, 1, n_frames * 1024) ** 2).astype(np.float32)
    estimate = (reference + 0.1 * rng.standard_normal(reference.size)).astype(np.float32)
    padded = [np.pad(one, 1024, mode="reflect") for one in (estimate, reference)]
    spectra = [
        [np.abs(np.fft.rfft(one[1024 * frame : 1024 * frame + 2048])) for frame in range(n_frames + 1)]
        for one in padded
    ]
    difference = np.mean(np.abs(np.array(spectra[0]) - np.array(spectra[1])))
    assert l1_freq(estimate[None], reference[None]) == pytest.approx(100 / (1 + 10 * difference), rel=1e-5)


@pytest.mark.parametrize(
    "measure",
    [
        whole_sdr,
        l1_freq,
        log_spectral_distance_db,
        lambda a, b: bleedless_and_fullness(a, b, RATE),
        lambda a, b: log_wmse(a, b, b, RATE),
        lambda a, b: log_wmse(b, b, a, RATE),
        lambda a, b: frames_sdr({"a": a}, {"a": b}, RATE),
        lambda a, b: frames_sdr({"a": a}, {"b": a}, RATE),
        lambda a, b: frames_sdr({}, {}, RATE),
    ],
)
def test_what_cannot_be_compared_is_refused(measure):
    a = np.zeros((2, 4096), np.float32)
    with pytest.raises(SettingsError):
        measure(a, a[:, 1:])
