"""Measures against the mixture alone, on sounds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from separation.errors import SettingsError
from separation.metrics import unreferenced as measures
from separation.metrics.unreferenced import explained_energy, gain_drift_db, matching_gain_db, null_depth_db

RATE = 48_000
N = 48_000


def noise(seed, level=0.1, n_samples=N):
    return (level * np.random.default_rng(seed).standard_normal((2, n_samples))).astype(np.float32)


def tone(hz, level=0.2, n_samples=N):
    return np.tile(level * np.sin(2 * np.pi * hz * np.arange(n_samples) / RATE), (2, 1)).astype(np.float32)


SOURCE, REST = noise(1), noise(2)
SILENT = np.zeros_like(SOURCE)
LENGTHS = [1, 2, 100, 511, 2_048, 4_801]


@pytest.mark.parametrize("n_samples", LENGTHS)
def test_a_target_that_is_the_whole_mixture_is_explained_and_has_no_drift(n_samples):
    mixture = noise(0, n_samples=n_samples)
    assert explained_energy(mixture, mixture, RATE) == pytest.approx(1)
    assert gain_drift_db(mixture, mixture) == pytest.approx(0, abs=1e-9)
    assert matching_gain_db(mixture, mixture) == pytest.approx(0, abs=1e-9)
    assert null_depth_db(mixture, mixture, 0 * mixture) == measures.NULL_FLOOR_DB


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_a_source_that_shares_no_bin_with_the_others_is_wholly_explained(rate):
    low, high = tone(440 * RATE / rate), tone(3_000 * RATE / rate)
    assert explained_energy(low, low + high, rate) == pytest.approx(1, abs=1e-3)


def test_a_tone_where_the_mixture_is_silent_is_not_explained_at_all():
    assert explained_energy(tone(440), SILENT, RATE) == 0
    first_half = np.where(np.arange(N) < N // 2, REST, 0).astype(np.float32)
    assert explained_energy(REST - first_half, first_half, RATE) < 0.02


def test_a_tone_between_the_mixtures_partials_is_not_explained():
    assert explained_energy(tone(3_000), tone(440), RATE) < 1e-3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_was_invented_is_missing_from_the_explained_energy(share):
    true, invented = tone(440, np.sqrt(share) * 0.3), tone(3_000, np.sqrt(1 - share) * 0.3)
    assert explained_energy(true + invented, true, RATE) == pytest.approx(share, abs=2e-3)


def test_of_two_noises_of_one_level_each_is_mostly_explained():
    assert explained_energy(SOURCE, SOURCE + REST, RATE) == pytest.approx(0.83, abs=0.02)


def test_a_sound_on_the_wrong_side_is_not_explained():
    left, right = SOURCE * [[1], [0]], SOURCE * [[0], [1]]
    assert explained_energy(left.astype(np.float32), right.astype(np.float32), RATE) == 0


@pytest.mark.parametrize("gain", [1, 2, 10])
def test_energy_beyond_the_mixtures_is_unexplained(gain):
    assert explained_energy(np.float32(gain) * SOURCE, SOURCE, RATE) == pytest.approx(1 / gain**2)


def test_explained_energy_is_the_same_however_many_frames_are_worked_on_at_once(monkeypatch):
    at_once = explained_energy(SOURCE, SOURCE + REST, RATE)
    for frames in (1, 7):
        monkeypatch.setattr(measures, "FRAMES_AT_ONCE", frames)
        assert explained_energy(SOURCE, SOURCE + REST, RATE) == pytest.approx(at_once, rel=1e-6)


def test_silence_around_a_sound_changes_no_measure():
    def around(x):
        return np.pad(x, ((0, 0), (4 * 512, 10 * 512)))

    target, mixture, residual = 2 * SOURCE, SOURCE + REST, REST
    alone = explained_energy(target, mixture, RATE)
    assert explained_energy(around(target), around(mixture), RATE) == pytest.approx(alone, rel=1e-5)
    assert gain_drift_db(around(target), around(mixture)) == pytest.approx(gain_drift_db(target, mixture))
    assert matching_gain_db(around(target), around(mixture)) == pytest.approx(matching_gain_db(target, mixture))
    null = null_depth_db(mixture, target, residual)
    assert null_depth_db(around(mixture), around(target), around(residual)) == pytest.approx(null)


def test_two_chunks_measured_apart_add_up_to_both_measured_together():
    # Silence between them keeps the frames of one from seeing the other.
    a, b, gap = SOURCE, noise(3, 0.3), SILENT
    together = np.concatenate([a, gap, b], axis=1)
    mixture = np.concatenate([a + REST, gap, REST], axis=1)
    energies = np.array([np.sum(a**2), np.sum(b**2)])
    apart = [explained_energy(a, a + REST, RATE), explained_energy(b, REST, RATE)]
    assert explained_energy(together, mixture, RATE) == pytest.approx(energies @ apart / energies.sum(), abs=2e-3)


def test_a_source_uncorrelated_with_the_rest_has_no_drift():
    assert gain_drift_db(SOURCE, SOURCE + REST) == pytest.approx(0, abs=0.1)
    assert gain_drift_db(tone(440), tone(440) + tone(3_000)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("gain", [0.2, 0.5, 2, 3, 5])
def test_a_louder_target_drifts_and_is_matched_by_that_many_decibels(gain):
    level = 20 * np.log10(gain)
    drift = gain_drift_db(SOURCE, SOURCE + REST)
    scaled = np.float32(gain) * SOURCE
    assert gain_drift_db(scaled, SOURCE + REST) == pytest.approx(drift + level, abs=1e-5)
    assert matching_gain_db(scaled, SOURCE + REST) == pytest.approx(np.clip(-drift - level, -12, 12), abs=1e-5)


def test_a_matched_target_has_no_drift_left():
    mixture = SOURCE + REST
    matched = 3 * SOURCE * np.float32(10 ** (matching_gain_db(3 * SOURCE, mixture) / 20))
    assert gain_drift_db(matched, mixture) == pytest.approx(0, abs=1e-5)


def test_a_target_that_twelve_decibels_do_not_bring_near_the_mixture_is_left_alone():
    assert matching_gain_db(100 * SOURCE, SOURCE + REST) == 0


def test_a_target_upside_down_has_no_drift_and_is_left_alone():
    assert gain_drift_db(-SOURCE, SOURCE + REST) is None
    assert matching_gain_db(-SOURCE, SOURCE + REST) == 0


@pytest.mark.parametrize(("invented", "expected_db"), [(0.5, -1.94), (2.0, 0.0)])
def test_a_gain_is_only_matched_where_at_least_half_of_the_target_is_in_the_mixture(invented, expected_db):
    true = tone(440)
    assert matching_gain_db(true + np.float32(invented) * tone(3_000), true) == pytest.approx(expected_db, abs=0.01)


def test_an_invented_tone_is_left_alone():
    assert matching_gain_db(tone(3_000), SILENT) == 0
    assert matching_gain_db(tone(3_000), tone(440) + tone(3_000, 1e-3)) == 0


def test_a_silent_target_has_no_measures():
    hiss = np.clip(noise(4, 2e-5), -9e-5, 9e-5)
    for target in (SILENT, hiss):
        assert explained_energy(target, REST, RATE) is None
        assert gain_drift_db(target, REST) is None
        assert matching_gain_db(target, REST) == 0


@pytest.mark.parametrize("sign", [1, -1])
def test_one_click_in_silence_sounds(sign):
    click = SILENT.copy()
    click[0, 700] = sign * 2e-4
    assert explained_energy(click, click, RATE) == pytest.approx(1)
    assert gain_drift_db(click, click) == pytest.approx(0, abs=1e-6)


def test_no_samples_at_all_are_silent():
    nothing = np.zeros((2, 0), np.float32)
    assert explained_energy(nothing, nothing, RATE) is None
    assert null_depth_db(nothing, nothing, nothing) is None


def test_an_exact_sum_nulls_to_the_floor():
    assert null_depth_db(SOURCE + REST, SOURCE, REST) == measures.NULL_FLOOR_DB
    assert null_depth_db(SOURCE + SOURCE, SOURCE, SOURCE) == measures.NULL_FLOOR_DB


@pytest.mark.parametrize("level_db", [-100, -40, 0, 6])
def test_the_null_depth_is_the_level_of_what_does_not_add_up(level_db):
    mixture = SOURCE + REST
    error = mixture.astype(np.float64) * 10 ** (level_db / 20)
    assert null_depth_db(mixture, SOURCE, REST + error) == pytest.approx(level_db, abs=0.01)


def test_the_null_depth_does_not_depend_on_the_level_of_the_recording():
    null = null_depth_db(SOURCE + REST, SOURCE, REST / 2)
    quiet = np.float32(0.01)
    assert null_depth_db(quiet * (SOURCE + REST), quiet * SOURCE, quiet * REST / 2) == pytest.approx(null, abs=1e-4)


def test_a_silent_mixture_has_no_null_depth():
    assert null_depth_db(SILENT, SOURCE, -SOURCE) is None


@pytest.mark.parametrize(
    "measure",
    [
        lambda a, b: explained_energy(a, b, RATE),
        gain_drift_db,
        matching_gain_db,
        lambda a, b: null_depth_db(a, b, a),
        lambda a, b: null_depth_db(a, a, b),
    ],
)
def test_signals_of_different_shape_are_refused_by_naming_both_shapes(measure):
    with pytest.raises(SettingsError, match=r"\(2, 48000\).*\(2, 47999\)"):
        measure(SOURCE, REST[:, 1:])
