"""Loudness by the signals of the standard: ITU-R BS.1770-5 and EBU Tech 3341, table 1."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from separation.audio.loudness import integrated_lufs, k_weighting
from separation.audio.waveform import Waveform


def tone(level_db, duration_s, *, rate=48_000, frequency_hz=1000.0, n_channels=2):
    t = np.arange(round(duration_s * rate)) / rate
    return np.tile(10 ** (level_db / 20) * np.sin(2 * np.pi * frequency_hz * t), (n_channels, 1)).astype(np.float32)


def loudness(*parts, rate=48_000):
    return integrated_lufs(Waveform(np.concatenate(parts, axis=1), rate))


def test_the_weighting_is_the_table_of_the_standard_at_48_khz():
    assert k_weighting(48_000) == pytest.approx(
        np.array([
            [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
            [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
        ]),
        abs=1e-8,
    )  # fmt: skip


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_a_full_tone_in_one_channel_is_3_db_below_full_scale(rate):
    only_left = tone(0, 5, rate=rate, frequency_hz=997)
    only_left[1] = 0
    assert loudness(only_left, rate=rate) == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
def test_cases_1_to_5_of_tech_3341(levels, expected):
    assert loudness(*(tone(level_db, duration_s) for level_db, duration_s in levels)) == pytest.approx(
        expected, abs=0.1
    )


def test_it_does_not_depend_on_where_the_reading_is_cut():
    noise = np.random.default_rng(0).standard_normal((2, 48_000 * 23)).astype(np.float32) * 0.1
    shifted = np.concatenate([np.zeros((2, 4_800), np.float32), noise], axis=1)
    assert loudness(noise) == pytest.approx(loudness(shifted), abs=0.02)


def test_silence_has_none_however_short():
    for duration_s in (2, 0.3, 0):
        assert loudness(np.zeros((1, round(48_000 * duration_s)), np.float32)) == -math.inf


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_it_is_what_another_program_measures_of_what_is_played(rate, n_channels):
    noise = np.random.default_rng(1).standard_normal((n_channels, 7 * rate)).astype(np.float32) * 0.05
    noise[:, : 3 * rate] *= 0.1
    played = np.broadcast_to(noise, (2, noise.shape[1]))  # a single channel comes out of both speakers
    assert loudness(noise, rate=rate) == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(played.T), abs=0.05)


def test_a_short_passage_is_as_loud_as_a_long_one_of_the_same_sound():
    long = loudness(tone(-20, 5))
    assert loudness(tone(-20, 0.3)) == pytest.approx(long, abs=0.1)
    assert loudness(tone(-20, 0.3, n_channels=1)) == pytest.approx(long, abs=0.1)
    assert loudness(tone(-20, 0.41)) == pytest.approx(long, abs=0.1)


def test_a_passage_is_measured_by_itself():
    sound = np.concatenate([tone(-10, 3), tone(-30, 3)], axis=1)
    rate = 48_000
    assert integrated_lufs(Waveform(sound, rate), 3 * rate, 6 * rate) == pytest.approx(loudness(tone(-30, 3)), abs=0.1)
    assert integrated_lufs(Waveform(sound, rate), 0, round(0.3 * rate)) == pytest.approx(
        loudness(tone(-10, 3)), abs=0.1
    )
