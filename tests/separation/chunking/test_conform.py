"""Rate, channels and level on the way to the model and back."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from separation.audio.waveform import Waveform, resample
from separation.chunking.conform import (
    InputLevel,
    Returned,
    beginning,
    conformed,
    level_of,
    mono_or_stereo,
)
from separation.chunking.plan import conformed_length
from separation.prompts.targets import Target
from tests.support.fakes import MadeOnTheFly

RNG = np.random.default_rng(9)


def noise(n_samples, n_channels=2, sample_rate=44_100):
    return Waveform((0.3 * RNG.standard_normal((n_channels, n_samples)) + 0.05).astype(np.float32), sample_rate)


@pytest.mark.parametrize("n_channels", [1, 2])
def test_the_level_is_the_one_demucs_normalises_by(n_channels):
    mixture = noise(600_001, n_channels)  # more than two blocks
    reference = torch.from_numpy(mixture.samples).mean(0)  # demucs.api.Separator.separate_tensor
    level = level_of(mixture)
    assert level.mean == pytest.approx(reference.mean().item(), rel=1e-4)
    assert level.std == pytest.approx(reference.std().item() + 1e-8, rel=1e-5)
    expected = (torch.from_numpy(mixture.samples) - reference.mean()) / (reference.std() + 1e-8)
    np.testing.assert_allclose(level.apply(mixture.samples), expected.numpy(), atol=1e-4)


@given(
    mean=st.floats(-1, 1),
    std=st.floats(1e-3, 10),
    samples=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20),
)
def test_undoing_a_level_gives_the_samples_back(mean, std, samples):
    level = InputLevel(mean, std)
    x = np.array([samples], np.float32)
    assert level.apply(x).dtype == np.float32
    np.testing.assert_allclose(level.undo(level.apply(x)), x, atol=1e-5)


@pytest.mark.parametrize("samples", [np.zeros((2, 1_000)), np.full((1, 1_000), 0.25), np.full((2, 1), -0.5)])
def test_silence_a_constant_and_a_single_sample_have_a_level_that_divides_nothing_by_zero(samples):
    level = level_of(Waveform(samples.astype(np.float32), 44_100))
    x = samples.astype(np.float32)
    assert np.isfinite(level.apply(x)).all()
    np.testing.assert_allclose(level.undo(level.apply(x)), x, atol=1e-6)


def test_mono_and_stereo_pass_as_they_are_and_more_channels_become_stereo():
    for n_channels in (1, 2):
        mixture = noise(100, n_channels)
        assert mono_or_stereo(mixture) is mixture
    surround = mono_or_stereo(noise(100, 6))
    assert (surround.n_channels, surround.n_samples, surround.sample_rate) == (2, 100, 44_100)
    assert surround.read(-5, 105).shape == (2, 110)
    assert not surround.read(-5, 0).any()


@pytest.mark.parametrize("rates", [(48_000, 44_100), (44_100, 48_000), (22_050, 44_100), (44_100, 8_000)])
def test_a_conformed_mixture_is_the_resampled_one_wherever_it_is_read(rates):
    mixture = noise(300_000, 2, rates[0])
    expected = resample(mixture, rates[1])
    heard = conformed(mixture, rates[1], 2)
    assert (heard.sample_rate, heard.n_channels, heard.n_samples) == (rates[1], 2, expected.n_samples)
    n = heard.n_samples
    for start, stop in [(0, n), (-100, 50), (n - 50, n + 100), (1_000, 1_000), (-20, -10), (n + 1, n + 9), (-5, n + 5)]:
        np.testing.assert_array_equal(heard.read(start, stop), expected.read(start, stop))


@settings(deadline=None, max_examples=40)
@given(
    n_samples=st.integers(1, 150_000),
    rates=st.tuples(*[st.sampled_from([8_000, 16_000, 22_050, 44_100, 44_101, 48_000, 96_000, 192_000])] * 2),
    n_channels=st.integers(1, 2),
    reads=st.lists(st.tuples(st.floats(-0.1, 1.1), st.floats(0, 0.5)), min_size=1, max_size=8),
)
def test_in_whatever_order_it_is_read_every_bit_is_that_of_the_whole_resampled_at_once(
    n_samples, rates, n_channels, reads
):
    mixture = noise(n_samples, n_channels, rates[0])
    expected = resample(mixture, rates[1])
    heard = conformed(mixture, rates[1], n_channels)
    for at, length in reads:
        start = int(at * heard.n_samples)
        stop = start + int(length * heard.n_samples)
        np.testing.assert_array_equal(heard.read(start, stop), expected.read(start, stop))


def test_windows_that_begin_anywhere_in_what_is_kept_lose_no_sample():
    mixture = noise(150_000, 1, 192_000)  # more than two blocks, of 2 731 samples each at the lower rate
    expected = resample(mixture, 8_000).samples
    heard = conformed(mixture, 8_000, 1)
    found = [heard.read(start, start + 2)[:, :1] for start in range(heard.n_samples)]
    np.testing.assert_array_equal(np.concatenate(found, axis=1), expected)


@pytest.mark.parametrize("rates", [(48_000, 44_100), (8_000, 44_100), (192_000, 48_000)])
def test_only_what_is_read_is_resampled_and_once_however_windows_overlap(rates):
    source = MadeOnTheFly(n_samples=600 * rates[0], sample_rate=rates[0])
    heard = conformed(source, rates[1], 2)
    assert source.n_read == 0
    for index in range(30):
        for _ in range(2):  # once to look for what is kept of a chunk, once to compute it
            heard.read(max(0, (9 * index - 1) * rates[1]), (9 * index + 11) * rates[1])
        # The resampler holds some samples back, and blocks are whole.
        assert (9 * index + 11) * rates[0] <= source.n_read <= (9 * index + 11) * rates[0] + 100_000


def test_reading_back_resamples_again_and_only_up_to_there():
    source = MadeOnTheFly(n_samples=600 * 48_000, sample_rate=48_000)
    heard = conformed(source, 44_100, 2)
    heard.read(200 * 44_100, 210 * 44_100)
    far = source.n_read
    heard.read(20 * 44_100, 30 * 44_100)
    assert source.n_read - far < 31 * 48_000 + 100_000


def test_memory_is_that_of_what_is_read_however_long_the_recording():
    def peak(seconds):
        heard = conformed(MadeOnTheFly(n_samples=seconds * 8_000), 48_000, 2)
        tracemalloc.start()
        try:
            for start in range(0, seconds - 10, 5):
                heard.read(start * 48_000, (start + 10) * 48_000)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(15)
    assert peak(300) - peak(30) < 10e6  # 270 s more are 104 MB


def test_at_the_same_rate_nothing_is_copied_and_channels_follow():
    mixture = noise(1_000, 1)
    heard = conformed(mixture, 44_100, 2)
    np.testing.assert_array_equal(heard.read(10, 20), np.repeat(mixture.samples[:, 10:20], 2, axis=0))


def test_nothing_is_written_to_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    heard = conformed(noise(100_000, 2, 48_000), 44_100, 2)
    assert heard.read(0, heard.n_samples).any()
    assert heard.read(0, 10).any()


@pytest.mark.parametrize("n_samples", [1, 60, 100, 1_000])
def test_the_beginning_of_a_mixture_is_the_mixture_up_to_there_and_silence_after(n_samples):
    mixture = noise(100, 2)
    start = beginning(mixture, n_samples)
    assert (start.n_samples, start.n_channels, start.sample_rate) == (min(n_samples, 100), 2, 44_100)
    short = Waveform(np.ascontiguousarray(mixture.samples[:, :n_samples]), 44_100)
    for first, last in [(0, n_samples), (-5, 3), (40, 70), (90, 120), (2_000, 2_010), (50, 50)]:
        np.testing.assert_array_equal(start.read(first, last), short.read(first, last))


@pytest.mark.parametrize("rates", [(48_000, 44_100), (8_000, 44_100), (192_000, 8_000), (44_100, 44_100)])
@pytest.mark.parametrize("n_samples", [1, 997])
def test_the_length_of_a_conformed_mixture_is_known_beforehand(rates, n_samples):
    mixture = noise(n_samples, 1, rates[0])
    heard = conformed(mixture, rates[1], 1)
    assert heard.n_samples == conformed_length(mixture.n_samples, mixture.sample_rate, rates[1])


def test_one_sample_at_a_high_rate_still_makes_a_sample_for_the_model():
    heard = conformed(noise(1, 1, 192_000), 8_000, 1)
    assert heard.n_samples == 1
    np.testing.assert_array_equal(heard.read(0, 1), [[0]])


@settings(deadline=None, max_examples=40)
@given(
    n_samples=st.integers(1, 3_000),
    cuts=st.lists(st.integers(0, 3_000), max_size=6),
    rates=st.sampled_from([(44_100, 44_100), (44_100, 48_000), (48_000, 44_100), (8_000, 44_100), (44_100, 8_000)]),
)
def test_tracks_come_back_with_the_mixtures_length_however_the_stems_arrive(n_samples, cuts, rates):
    model_rate, mixture_rate = rates
    mixture = noise(n_samples, 2, mixture_rate)
    heard = conformed(mixture, model_rate, 2)
    stem = heard.read(0, heard.n_samples)
    parts = np.split(stem, sorted(min(cut, stem.shape[-1]) for cut in cuts), axis=1)

    def tracks_of(pieces):
        targets = [Target(name="a", stems=frozenset("a")), Target(name="rest", stems=frozenset("a"), complement=True)]
        returned = Returned(mixture, model_rate, targets)
        arrived = [returned.add({"a": p}, last=index == len(pieces) - 1) for index, p in enumerate(pieces)]
        return {name: np.concatenate([piece[name] for piece in arrived], axis=1) for name in ("a", "rest")}

    sliced, whole = tracks_of(parts), tracks_of([stem])
    assert sliced["a"].shape == mixture.samples.shape
    np.testing.assert_allclose(sliced["a"] + sliced["rest"], mixture.samples, atol=1e-6)
    np.testing.assert_allclose(sliced["a"], whole["a"], atol=1e-6)
