"""The mix that is kept is the mix that is heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.audio.mix import Mix
from separation.audio.waveform import Waveform

RNG = np.random.default_rng(0)
STEREO = [Waveform(RNG.standard_normal((2, n)).astype(np.float32), 44_100) for n in (300, 200)]
MONO = Waveform(RNG.standard_normal((1, 250)).astype(np.float32), 44_100)


def samples(mix):
    return mix.read(0, mix.n_samples)


def test_unity_gains_add_up_and_the_longest_decides():
    expected = STEREO[0].samples.copy()
    expected[:, :200] += STEREO[1].samples
    assert np.array_equal(samples(Mix(STEREO, [1.0, 1.0])), expected)


def test_a_mono_track_in_the_middle_is_the_same_on_both_sides():
    mixed = samples(Mix([STEREO[0], MONO], [0.0, 0.5]))
    assert np.array_equal(mixed[:, :250], np.tile(0.5 * MONO.samples, (2, 1)))


def test_mono_tracks_stay_mono_until_one_is_moved():
    assert Mix([MONO], [1.0]).n_channels == 1
    assert Mix([MONO], [1.0], [0.5]).n_channels == 2


@pytest.mark.parametrize(("pan", "silent"), [(-1.0, 1), (1.0, 0)])
def test_at_the_end_of_the_way_all_is_on_one_side_and_nothing_is_lost(pan, silent):
    mixed = samples(Mix([STEREO[0]], [1.0], [pan]))
    assert np.abs(mixed[silent]).max() < 1e-6
    assert mixed[1 - silent] == pytest.approx(STEREO[0].samples.sum(axis=0), abs=1e-6)


@given(st.integers(0, 299), st.floats(-1, 1), st.floats(0, 2))
def test_it_can_be_read_in_any_pieces(cut, pan, gain):
    mix = Mix([*STEREO, MONO], [gain, 1.0, 0.3], [pan, -pan, 0.0])
    assert np.array_equal(np.concatenate([mix.read(0, cut), mix.read(cut, 300)], axis=1), mix.read(0, 300))
