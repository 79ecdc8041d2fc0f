"""Tracks that add up null, and what they lack is told in dB."""

from __future__ import annotations

import numpy as np
import pytest

from separation.audio.waveform import Waveform
from separation.metrics.null_test import MOST_BLOCKS, null_level_db

RATE = 8_000


def noise(seed, n_samples=3 * RATE + 17):
    return np.random.default_rng(seed).normal(0, 0.1, (2, n_samples)).astype(np.float32)


def level(mixture, **tracks):
    return null_level_db(Waveform(mixture, RATE), {name: Waveform(track, RATE) for name, track in tracks.items()})


def test_tracks_that_add_up_null_to_the_rounding_of_floats():
    a, b = noise(1), noise(2)
    assert level(a + b, a=a, b=b) < -130


def test_what_is_missing_is_heard_at_its_level():
    a, b = noise(1), noise(2)
    assert level(a + b, a=a, b=0.9 * b) == pytest.approx(20 * np.log10(0.1) - 10 * np.log10(2), abs=0.1)
    assert level(a, a=0 * a) == pytest.approx(0)
    assert level(a, a=a, again=a) == pytest.approx(0, abs=1e-6), "what is there twice is too much"


def test_a_models_own_residuals_are_sums_of_their_own_and_the_worst_counts():
    dog, rest = noise(1), noise(2)
    tracks = {"dog": dog, "everything but dog": rest, "cat": rest, "everything but cat": 0.5 * dog}
    assert level(dog + rest, **tracks) == pytest.approx(20 * np.log10(0.5) - 10 * np.log10(2), abs=0.1)
    tracks["everything but cat"] = dog
    assert level(dog + rest, **tracks) < -130


def test_silence_and_no_tracks_say_nothing():
    silence = np.zeros((1, RATE), np.float32)
    assert level(silence, a=silence) is None
    assert level(noise(1)) is None


def test_of_long_recordings_only_so_many_seconds_are_read():
    read = []

    class Counting(Waveform):
        def read(self, start, stop):
            read.append((start, stop))
            return super().read(start, stop)

    long = noise(1, 2 * MOST_BLOCKS * 1000)
    assert null_level_db(Counting(long, 1000), {"a": Waveform(0.5 * long, 1000)}) == pytest.approx(-6.02, abs=0.1)
    assert len(read) == MOST_BLOCKS and read[0][0] == 0 and read[-1][1] == long.shape[1]
