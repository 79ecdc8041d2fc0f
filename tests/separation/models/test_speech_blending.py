"""Which of two estimates of speech is believed, on estimates of known faults."""

from __future__ import annotations

import numpy as np
import pytest

from separation.metrics.reference import si_sdr
from separation.models.speech.blending import blended, noise_share
from separation.models.speech.levelling import level_gain
from separation.models.speech.stereo import with_shared_gain
from tests.support.speaker import RATE, speaker

VOICE = speaker(4.0)[None]
ALL = np.ones(100, np.bool_)
NOISE = np.random.default_rng(0).normal(0, 0.03, VOICE.shape).astype(np.float32)


def test_where_one_left_noise_the_other_is_believed():
    made = blended(VOICE, VOICE + NOISE, VOICE + NOISE, RATE)
    assert si_sdr(made, VOICE) > si_sdr(VOICE + NOISE, VOICE) + 8


def test_the_silence_around_a_recording_is_no_pause():
    around = ((0, 0), (2 * RATE, 2 * RATE))
    voice, noisy = np.pad(VOICE, around), np.pad(VOICE + NOISE, around)
    made = blended(voice, noisy, noisy, RATE)[:, 2 * RATE : -2 * RATE]
    assert si_sdr(made, VOICE) > si_sdr(VOICE + NOISE, VOICE) + 8
    silence = np.zeros((1, RATE), np.float32)
    assert not blended(silence, silence, silence, RATE).any()


def test_words_that_one_muted_are_no_pauses():
    muted = VOICE.copy()
    muted[:, RATE : 2 * RATE] = 0
    assert si_sdr(blended(muted, VOICE, VOICE, RATE), VOICE) > 15


def test_where_one_took_speech_the_other_is_believed():
    assert si_sdr(blended(0.6 * VOICE, VOICE, VOICE, RATE), VOICE) > 30


def test_two_that_agree_stay_as_they_are():
    np.testing.assert_allclose(blended(VOICE, VOICE, VOICE, RATE), VOICE, atol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 500, 2048])
def test_short_windows_have_a_blend_too(n_samples):
    noisy = (VOICE + NOISE)[:, :n_samples]
    made = blended(VOICE[:, :n_samples], noisy, noisy, RATE)
    assert made.shape == (1, n_samples) and np.isfinite(made).all()


def test_steady_disagreement_is_noise_and_disagreement_with_the_voice_is_not():
    voice = np.tile([1.0, 1.0, 1.0, 1.0, 0.0], 20)
    steady, with_voice = np.ones((100, 1)), voice[:, None]
    assert noise_share(steady, voice, voice, ALL, RATE).min() == pytest.approx(1)
    assert noise_share(with_voice, voice, voice, ALL, RATE).max() == pytest.approx(0)


def test_the_level_of_a_moment_is_that_of_its_surroundings():
    quiet = VOICE * np.float32(0.01)
    loud, soft = level_gain(VOICE, RATE), level_gain(quiet, RATE)
    np.testing.assert_allclose(soft / loud, 100, rtol=0.01)
    later = np.concatenate([VOICE, np.zeros((1, 3 * RATE), np.float32), quiet], axis=1)
    np.testing.assert_allclose(level_gain(later, RATE)[: 2 * RATE], loud[: 2 * RATE], rtol=0.02)


def test_equal_channels_keep_their_own_estimate():
    both = np.tile(VOICE + NOISE, (2, 1))
    np.testing.assert_allclose(with_shared_gain(both * 0.5, both), both * 0.5, atol=1e-6)
