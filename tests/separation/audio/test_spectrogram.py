"""Spectrograms: what sounds lies in its band at its level, and tiles fit together."""

from __future__ import annotations

import numpy as np
import pytest

from separation.audio.spectrogram import BANDS, COLUMNS, MOST_FRAMES, edges_hz, levels_db, tile
from separation.audio.waveform import Waveform

RATE = 44_100


def tone(hz, amplitude=1.0, seconds=4, rate=RATE):
    wave = amplitude * np.sin(2 * np.pi * hz * np.arange(seconds * rate) / rate)
    return Waveform(wave.astype(np.float32)[None], rate)


def noise(seconds, n_channels=2):
    return Waveform(np.random.default_rng(0).normal(0, 0.1, (n_channels, seconds * RATE)).astype(np.float32), RATE)


@pytest.mark.parametrize("band", [8, 25, 40, 63])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_a_tone_lies_in_its_band_at_its_level(band, rate):
    low, high = edges_hz(rate)[band : band + 2]
    found = levels_db(tone((low * high) ** 0.5, amplitude=0.1, rate=rate), 2, 10, 20)
    narrow = high - low < 2 * 44_100 / 2048  # two bins: narrower than the spectrum of a frame
    assert (abs(found.argmax(axis=1) - band) <= narrow).all()
    together = 10 * np.log10((10 ** (found / 10)).sum(axis=1))
    assert together == pytest.approx(-20, abs=0.1)
    if not narrow:
        assert found[:, band] == pytest.approx(-20, abs=1.5)


def test_power_is_neither_lost_nor_counted_twice():
    found = levels_db(noise(4), 0, 0, 600)
    share = np.diff(edges_hz(RATE)[[0, -1]])[0] / (RATE / 2)
    assert 10 * np.log10((10 ** (found / 10)).sum(axis=1).mean()) == pytest.approx(
        10 * np.log10(2 * 0.1**2 * share), abs=0.2
    )


@pytest.mark.parametrize("level", [0, 3, 5])
def test_tiles_are_the_whole_in_pieces(level):
    sound = noise(9)
    n_columns = -(-sound.n_samples // (256 << level))
    whole = np.clip(1 + levels_db(sound, level, 0, n_columns) / 90, 0, 1) * 255
    tiles = [tile(sound, level, index) for index in range(n_columns // COLUMNS + 2)]
    assert tiles[-1].shape == (0, BANDS), "behind the end is nothing"
    np.testing.assert_allclose(np.concatenate(tiles), whole, atol=0.51)


def test_grey_goes_from_silence_to_a_sine_at_full_scale():
    silence = Waveform(np.zeros((1, RATE), np.float32), RATE)
    assert tile(silence, 0, 0).max() == 0
    band = np.searchsorted(edges_hz(RATE), 1000) - 1
    assert tile(tone(1000), 2, 0)[5:-5, band].min() > 245


def test_what_a_tile_reads_does_not_grow_with_its_length():
    n_read = 0

    class Counting(Waveform):
        def read(self, start, stop):
            nonlocal n_read
            n_read += stop - start
            return super().read(start, stop)

    sound = Counting(np.zeros((1, 60 * RATE), np.float32), RATE)
    tile(sound, 6, 0)
    assert n_read <= COLUMNS * MOST_FRAMES * 2100
