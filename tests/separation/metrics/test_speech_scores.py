"""Scores of speech, against the packages that define them where these are installed."""

from __future__ import annotations

import sys
import types
import warnings

import numpy as np
import pytest
import soxr

from separation.errors import SettingsError
from separation.metrics import speech_scores
from separation.metrics.speech_scores import PESQ_RATE, STOI_RATE, pesq, stoi


def speech(duration_s, rate, seed=1):
    """Syllables of noise on two channels, four a second, of which every fifth is missing; and another noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(duration_s * rate)) / rate
    syllables = np.maximum(0, np.sin(2 * np.pi * 4 * t)) * ((4 * t).astype(int) % 5 > 0)
    voice = 0.2 * rng.standard_normal((2, t.size)) * syllables
    return voice.astype(np.float32), (0.05 * rng.standard_normal((2, t.size))).astype(np.float32)


def heard(samples, rate, to_rate):
    mono = samples.mean(axis=0)
    return mono if rate == to_rate else soxr.resample(mono, rate, to_rate, quality="HQ")


@pytest.mark.parametrize("rate", [STOI_RATE, 44_100])
def test_stoi_is_that_of_its_package_of_the_mean_of_the_channels(rate):
    pystoi = pytest.importorskip("pystoi")
    voice, noise = speech(2, rate)
    expected = pystoi.stoi(heard(voice, rate, STOI_RATE), heard(voice + noise, rate, STOI_RATE), STOI_RATE)
    assert stoi(voice + noise, voice, rate) == pytest.approx(expected, abs=1e-4)
    assert 0.2 < expected < 0.97


def test_stoi_falls_with_noise_and_ignores_gain():
    pytest.importorskip("pystoi")
    voice, noise = speech(2, STOI_RATE)
    assert stoi(voice, voice, STOI_RATE) == pytest.approx(1, abs=1e-6)
    assert stoi(0.1 * voice, voice, STOI_RATE) == pytest.approx(1, abs=1e-6)
    scores = [stoi(voice + gain * noise, voice, STOI_RATE) for gain in (0.1, 1, 10)]
    assert scores == sorted(scores, reverse=True) and scores[0] - scores[2] > 0.2


def test_stoi_of_silence_and_of_less_than_its_frames_is_none():
    pytest.importorskip("pystoi")
    voice, noise = speech(2, STOI_RATE)
    assert stoi(voice, 0 * voice, STOI_RATE) is None
    assert stoi(0 * voice, voice, STOI_RATE) == 0
    for n in (4000, 100):
        assert stoi(noise[:, :n], noise[:, :n], STOI_RATE) is None, f"{n} samples"
    brief = voice * (np.arange(voice.shape[1]) < 3000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stoi(brief + noise, brief, STOI_RATE) is None


@pytest.mark.parametrize("measure", [stoi, pesq])
def test_signals_of_two_lengths_are_refused(measure, fake_pesq):
    if measure is stoi:
        pytest.importorskip("pystoi")
    voice, _ = speech(1, 16_000)
    with pytest.raises(SettingsError):
        measure(voice, voice[:, 1:], 16_000)


def test_pesq_is_that_of_its_package():
    package = pytest.importorskip("pesq")
    voice, noise = speech(4, 16_000)
    expected = package.pesq(PESQ_RATE, voice.mean(axis=0), (voice + noise).mean(axis=0), "wb")
    assert pesq(voice + noise, voice, 16_000) == pytest.approx(expected, abs=1e-3)
    assert pesq(voice, voice, 16_000) > expected > 1


def test_bursts_that_end_the_process_of_whoever_measures_them_at_once_are_measured():
    pytest.importorskip("pesq")
    t = np.arange(30 * PESQ_RATE) / PESQ_RATE
    bursts = (np.random.default_rng(1).standard_normal((1, t.size)) * (t % 0.5 < 0.25)).astype(np.float32)
    assert pesq(bursts, bursts, PESQ_RATE) > 4


@pytest.fixture
def fake_pesq(monkeypatch):
    """A package that finds no speech where the first sample is below 0, and else has that sample as its score."""
    package = types.ModuleType("pesq")
    package.PesqError = type("PesqError", (RuntimeError,), {})
    package.calls = []

    def measured(rate, reference, estimate, mode):
        package.calls.append((rate, reference.size, mode))
        if reference[0] < 0:
            raise package.PesqError
        return reference[0] + 10 * estimate[0]

    package.pesq = measured
    monkeypatch.setitem(sys.modules, "pesq", package)
    return package


def test_pesq_of_more_than_ten_seconds_is_the_mean_of_pieces_in_which_there_is_speech(fake_pesq):
    """The reference code writes beyond its tables of 50 utterances."""
    n = 25 * PESQ_RATE
    reference, estimate = np.zeros((2, 1, n), np.float32)
    for first, score in zip((0, n // 3 + 1, 2 * n // 3 + 1), (0.5, -0.25, 0.25), strict=True):
        reference[:, first - 1 : first + 2] = score
        estimate[:, first - 1 : first + 2] = 0.125
    reference[:, 0], estimate[:, 0] = 0.5, 0.125
    assert pesq(estimate, reference, PESQ_RATE) == pytest.approx((0.5 + 0.25) / 2 + 10 * 0.125)
    assert [size for _, size, _ in fake_pesq.calls] == [133_334, 133_333, 133_333]
    assert {(rate, mode) for rate, _, mode in fake_pesq.calls} == {(PESQ_RATE, "wb")}


def test_pesq_of_silence_and_of_an_instant_is_none(fake_pesq):
    voice, _ = speech(1, PESQ_RATE)
    assert pesq(0 * voice, voice, PESQ_RATE) is None
    assert pesq(voice, 0 * voice, PESQ_RATE) is None
    assert pesq(voice[:, :3999], voice[:, :3999], PESQ_RATE) is None
    assert fake_pesq.calls == []


def test_what_is_not_installed_is_not_there(monkeypatch):
    monkeypatch.setattr(speech_scores, "find_spec", lambda name: name == "pystoi" or None)
    assert (speech_scores.has_stoi(), speech_scores.has_pesq()) == (True, False)
