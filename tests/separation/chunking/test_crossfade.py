"""Fades, and the overlap-add that joins chunk estimates."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from separation.chunking.crossfade import CrossfadeStream, fade_in
from separation.chunking.plan import pairwise_starts, plan
from separation.errors import SettingsError
from separation.model.windowing import Windowing
from separation.request import FADES


def stitch(windowing, n_samples, estimates):
    """All chunk estimates through a stream, the pieces laid end to end."""
    stream = CrossfadeStream(windowing.fade)
    starts = pairwise_starts(plan(n_samples, windowing))
    return np.concatenate(
        [stream.add(*where, {"stem": x})["stem"] for where, x in zip(starts, estimates, strict=True)], 1
    )


def random_estimates(windowing, n_samples, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((2, c.stop - c.start)).astype(np.float32) for c in plan(n_samples, windowing)]


def demucs_overlap_add(windowing, n_samples, estimates):
    """Triangular weights, summed and normalised, in float64: what `demucs.apply.apply_model` does when it splits."""
    length = windowing.chunk
    weight = np.concatenate([np.arange(1, length // 2 + 1), np.arange(length - length // 2, 0, -1)]).astype(float)
    total, weights = np.zeros((2, n_samples)), np.zeros(n_samples)
    for offset, estimate in zip(range(0, n_samples, length - windowing.overlap), estimates, strict=True):
        here = slice(offset, offset + estimate.shape[-1])
        total[:, here] += weight[: estimate.shape[-1]] * estimate
        weights[here] += weight[: estimate.shape[-1]]
    return total / weights


@pytest.mark.parametrize("fade", FADES)
@given(n_samples=st.integers(1, 500))
def test_a_fade_and_its_mirror_image_sum_to_one_and_the_fade_only_rises(fade, n_samples):
    rise = fade_in(fade)(n_samples)
    assert rise.shape == (n_samples,)
    assert rise.dtype == np.float32
    np.testing.assert_allclose(rise + rise[::-1], 1, atol=2e-7)
    assert np.all(np.diff(rise) > 0)
    assert np.all((rise > 0) & (rise < 1))


@settings(deadline=None)
@given(
    fade=st.sampled_from(sorted(FADES)),
    chunk=st.integers(1, 120),
    share=st.floats(0, 0.5),
    fixed=st.booleans(),
    n_samples=st.integers(1, 700),
)
def test_a_constant_stays_constant_over_every_seam(fade, chunk, share, fixed, n_samples):
    windowing = Windowing(chunk=chunk, overlap=int(share * chunk), fade=fade, fixed=fixed)
    estimates = [np.ones_like(x) for x in random_estimates(windowing, n_samples)]
    joined = stitch(windowing, n_samples, estimates)
    assert joined.shape == (2, n_samples)
    np.testing.assert_allclose(joined, 1, atol=2e-7)


@pytest.mark.parametrize("overlap_ratio", [0.25, 0.5])
@pytest.mark.parametrize("chunk", [100, 64, 20])
@pytest.mark.parametrize("n_samples", [1, 99, 100, 101, 149, 151, 176, 200, 997, 1_009])
def test_the_linear_fade_is_demucs_normalised_triangle(overlap_ratio, chunk, n_samples):
    windowing = Windowing(chunk=chunk, overlap=chunk - int((1 - overlap_ratio) * chunk), fade="linear", fixed=True)
    estimates = random_estimates(windowing, n_samples, seed=n_samples)
    expected = demucs_overlap_add(windowing, n_samples, estimates)
    np.testing.assert_allclose(stitch(windowing, n_samples, estimates), expected, atol=1e-6)


@settings(deadline=None)
@given(chunk=st.integers(2, 101), share=st.floats(0, 0.5), n_samples=st.integers(1, 700))
def test_the_linear_fade_is_demucs_triangle_for_odd_segments_and_any_overlap_too(chunk, share, n_samples):
    windowing = Windowing(chunk=chunk, overlap=int(share * chunk), fade="linear", fixed=True)
    estimates = random_estimates(windowing, n_samples)
    expected = demucs_overlap_add(windowing, n_samples, estimates)
    np.testing.assert_allclose(stitch(windowing, n_samples, estimates), expected, atol=1e-6)


def test_a_last_chunk_that_lies_inside_the_overlap_is_blended_in_where_it_lies():
    windowing = Windowing(chunk=100, overlap=50, fade="linear", fixed=True)  # starts 0 and 50; 60 samples
    ones, zeros = np.ones((1, 60), np.float32), np.zeros((1, 10), np.float32)
    joined = stitch(windowing, 60, [ones, zeros])[0]
    np.testing.assert_array_equal(joined[:50], 1)
    np.testing.assert_allclose(joined[50:], 1 - np.arange(1, 11) / 51, atol=1e-6)


def test_the_cosine_fade_passes_its_middle_with_half_of_each():
    assert fade_in("cosine")(101)[50] == pytest.approx(0.5)


def test_an_estimate_handed_in_is_left_as_it_was():
    windowing = Windowing(chunk=10, overlap=5)
    estimates = random_estimates(windowing, 15)
    before = [x.copy() for x in estimates]
    stitch(windowing, 15, estimates)
    assert all(np.array_equal(x, y) for x, y in zip(estimates, before, strict=True))


def test_a_piece_comes_out_as_soon_as_no_later_chunk_can_change_it():
    windowing = Windowing(chunk=10, overlap=4)
    stream = CrossfadeStream(windowing.fade)
    lengths = []
    for (chunk, next_start), x in zip(
        pairwise_starts(plan(20, windowing)), random_estimates(windowing, 20), strict=True
    ):
        lengths.append(stream.add(chunk, next_start, {"stem": x})["stem"].shape[-1])
    assert lengths == [6, 6, 8]


def test_memory_holds_no_more_than_one_overlap():
    chunks = plan(30_000, Windowing(chunk=10_000, overlap=100))
    stream = CrossfadeStream("linear")
    tracemalloc.start()
    try:
        for chunk, next_start in list(pairwise_starts(chunks))[:2]:
            stream.add(chunk, next_start, {"": np.ones((2, chunk.stop - chunk.start), np.float32)})
        held = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    finally:
        tracemalloc.stop()
    assert sum(trace.size for trace in held.traces) == 2 * 100 * 4


def test_a_misspelt_fade_is_refused_with_the_ones_there_are():
    with pytest.raises(SettingsError, match=r"“cosinus”.*cosine, linear"):
        CrossfadeStream("cosinus")
