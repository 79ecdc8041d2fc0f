"""The anchors' measured frequency response against the mask of BS.1534-3, and that they are in time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from separation.errors import SettingsError
from separation.listening.anchors import LOW_ANCHOR_HZ, MID_ANCHOR_HZ, low_passed

RATES = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000]


def response_db(rate, cutoff, n_samples=None):
    """The frequencies in Hz, and the response in dB, from a single impulse in the middle."""
    n_samples = n_samples or rate
    impulse = np.zeros((1, n_samples), np.float32)
    impulse[0, n_samples // 2] = 1
    heard = low_passed(impulse, rate, cutoff)[0].astype(float)
    return np.fft.rfftfreq(n_samples, 1 / rate), 20 * np.log10(np.abs(np.fft.rfft(heard)) + 1e-12)


@pytest.mark.parametrize(
    ("cutoff", "rate"), [(LOW_ANCHOR_HZ, r) for r in RATES] + [(MID_ANCHOR_HZ, r) for r in RATES[2:]]
)
def test_the_response_is_within_the_mask_of_the_standard(rate, cutoff):
    hz, db = response_db(rate, cutoff)
    print(f"{cutoff:.0f} Hz at {rate} Hz: within {np.abs(db[hz <= cutoff]).max():.4f} dB, "
          f"{-db[hz >= cutoff * 8 / 7].max(initial=-200):.1f} dB down")  # fmt: skip
    assert np.abs(db[hz <= cutoff]).max() < 0.1
    assert db[hz >= cutoff * 4.0 / 3.5].max() < -59
    assert db[hz >= cutoff * 4.5 / 3.5].max(initial=-200) < -59
    middle = db[np.argmin(np.abs(hz - cutoff * 7.5 / 7))]
    assert middle == pytest.approx(-6.02, abs=0.3), "no steeper than it has to be"


def test_the_numbers_of_the_standard_for_the_low_anchor():
    assert (LOW_ANCHOR_HZ, MID_ANCHOR_HZ) == (3500, 7000)
    hz, db = response_db(48_000, LOW_ANCHOR_HZ)
    assert np.abs(db[hz <= 3500]).max() < 0.1
    assert db[hz == 4000] < -25 and db[hz == 4500] < -50


@pytest.mark.parametrize("n_samples", [1, 2, 100, 347, 4_801])
def test_the_anchor_is_in_time_and_of_the_same_length_also_if_shorter_than_the_filter(n_samples):
    place = n_samples // 2
    impulse = np.zeros((2, n_samples), np.float32)
    impulse[0, place] = 1
    heard = low_passed(impulse, 48_000, MID_ANCHOR_HZ)
    assert heard.shape == impulse.shape and heard.dtype == np.float32
    assert np.argmax(heard[0]) == place
    reach = min(place, n_samples - 1 - place)
    around = heard[0, place - reach : place + reach + 1]
    assert np.allclose(around, around[::-1], atol=1e-7), "linear phase"
    assert not heard[1].any()


@pytest.mark.parametrize("rate", range(44_100, 44_500, 25))
def test_the_anchor_rings_for_4_ms_before_and_after_and_as_long_before_as_after_at_any_rate(rate):
    impulse = np.zeros((1, rate // 10), np.float32)
    impulse[0, rate // 20] = 1
    heard = low_passed(impulse, rate, LOW_ANCHOR_HZ)[0]
    sounding = np.flatnonzero(np.abs(heard) > 1e-7) - rate // 20
    assert sounding[0] == -sounding[-1]
    assert 0.003 < sounding[-1] / rate < 0.004


def test_a_low_tone_stays_as_it_is_and_a_high_one_vanishes():
    t = np.arange(48_000) / 48_000
    low, high = np.sin(2 * np.pi * 1000 * t), np.sin(2 * np.pi * 9000 * t)
    heard = low_passed((0.4 * np.stack([low, low + high])).astype(np.float32), 48_000, LOW_ANCHOR_HZ)
    inside = slice(1000, -1000)
    assert np.abs(heard[:, inside] - 0.4 * low[inside]).max() < 0.001


def test_one_channel_without_a_channel_axis_is_filtered_alike():
    noise = np.random.default_rng(1).normal(0, 0.1, (2, 2000)).astype(np.float32)
    assert np.allclose(low_passed(noise[1], 44_100, 3500), low_passed(noise, 44_100, 3500)[1], atol=1e-7)


def test_where_there_is_nothing_to_take_away_samples_come_back_unchanged():
    noise = np.random.default_rng(1).normal(0, 0.1, (1, 500)).astype(np.float32)
    for rate in (6_000, 7_000, 7_500):
        heard = low_passed(noise, rate, 3500)
        assert np.array_equal(heard, noise) and heard is not noise
    assert not np.array_equal(low_passed(noise, 7_501, 3500), noise)
    assert low_passed(np.zeros((2, 0), np.float32), 48_000, 3500).shape == (2, 0)


@pytest.mark.parametrize(
    ("rate", "cutoff"),
    [(0, 3500.0), (-1, 3500.0), (48_000, 0.0), (48_000, -1.0), (48_000, math.nan), (48_000, math.inf)],
)
def test_a_filter_that_cannot_be_is_refused(rate, cutoff):
    with pytest.raises(SettingsError) as refused:
        low_passed(np.zeros((1, 10), np.float32), rate, cutoff)
    assert refused.value.what and refused.value.why and refused.value.todo
