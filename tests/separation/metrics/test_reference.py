"""Measures of quality and speed, against signals whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from separation.errors import SettingsError
from separation.metrics.reference import rtf, si_sdr

RNG = np.random.default_rng(7)
REFERENCE = RNG.standard_normal((2, 4_000))


def orthogonal_noise(level_db: float) -> np.ndarray:
    """Noise without any part of the reference, `level_db` relative to it."""
    noise = RNG.standard_normal(REFERENCE.shape)
    noise -= np.vdot(noise, REFERENCE) / np.vdot(REFERENCE, REFERENCE) * REFERENCE
    return noise * 10 ** (level_db / 20) * np.linalg.norm(REFERENCE) / np.linalg.norm(noise)


@pytest.mark.parametrize("level_db", [-30, -10, 0, 10])
def test_orthogonal_noise_reads_as_its_level_below_the_reference(level_db):
    assert si_sdr(REFERENCE + orthogonal_noise(level_db), REFERENCE) == pytest.approx(-level_db, abs=1e-9)


@pytest.mark.parametrize("gain", [-3.0, 1e-12, 0.5, 1e12])
def test_si_sdr_ignores_the_gain_of_the_estimate_and_of_the_reference(gain):
    estimate = REFERENCE + orthogonal_noise(-10)
    assert si_sdr(gain * estimate, REFERENCE) == pytest.approx(10, abs=1e-6)
    assert si_sdr(estimate, gain * REFERENCE) == pytest.approx(10, abs=1e-6)


def test_si_sdr_counts_swapped_channels_as_an_error():
    left_only = REFERENCE * [[1.0], [0.1]]
    assert si_sdr(left_only[::-1], left_only) < 0


def test_si_sdr_of_an_estimate_without_any_of_the_reference_is_very_low():
    assert si_sdr(orthogonal_noise(0), REFERENCE) < -200


def test_half_precision_audio_of_very_low_level_is_measured_as_well():
    quiet = (1e-30 * REFERENCE).astype(np.float32)
    assert si_sdr(quiet, REFERENCE.astype(np.float32)) > 100


def test_silence_follows_the_stated_rule():
    silence = np.zeros_like(REFERENCE)
    assert si_sdr(silence, silence) == np.inf
    assert si_sdr(REFERENCE, silence) == -np.inf
    assert si_sdr(silence, REFERENCE) == -np.inf


def test_a_perfect_estimate_has_no_distortion():
    assert si_sdr(REFERENCE, REFERENCE) > 250


def test_signals_of_different_shape_are_refused_by_naming_both_shapes():
    with pytest.raises(SettingsError, match=r"\(2, 4000\).*\(2, 3999\)"):
        si_sdr(REFERENCE, REFERENCE[:, 1:])


def test_rtf_is_below_one_when_work_is_faster_than_the_audio():
    assert rtf(2.0, 8.0) == 0.25
    with pytest.raises(SettingsError, match="at least one sample"):
        rtf(1.0, 0.0)
