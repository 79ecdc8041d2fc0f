"""The noisy speech that the speech separator is measured on, as far as it needs no packages."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import speech_set
from benchmarks.bench_speech import by_product
from separation.metrics.reference import si_sdr
from separation.models.speech import carrier
from tests.support.speaker import speaker


@pytest.mark.parametrize(("noise", "db_an_octave"), [("white", 0), ("pink", -3), ("brown", -6)])
def test_noises_fall_as_their_colours_say(noise, db_an_octave):
    made = speech_set.NOISES[noise](np.random.default_rng(0), [], 4 * speech_set.RATE)
    power = np.square(np.abs(np.fft.rfft(made)))
    hz = np.fft.rfftfreq(made.size, 1 / speech_set.RATE)
    octaves = [power[(hz >= low) & (hz < 2 * low)].mean() for low in (250, 500, 1000, 2000, 4000)]
    assert np.diff(10 * np.log10(octaves)) == pytest.approx(np.full(4, db_an_octave), abs=0.5)
    assert np.sqrt(np.mean(made**2)) == pytest.approx(1, abs=0.01)


def test_every_kind_of_noise_has_its_cells():
    assert {noise for noise, _ in speech_set.CELLS} == set(speech_set.NOISES)
    assert {snr_db for _, snr_db in speech_set.CELLS} == {0, 5, 10}


@pytest.mark.skipif(carrier.find() is None, reason=f"{carrier.PACKAGE} is not installed")
def test_what_is_measured_went_through_the_whole_product():
    voice = speaker(3.0)[None]
    noisy = (voice + np.random.default_rng(0).normal(0, 0.05, voice.shape)).astype(np.float32)
    made = by_product(noisy)
    assert made.shape == voice.shape
    assert si_sdr(made, voice) > si_sdr(noisy, voice) + 5
