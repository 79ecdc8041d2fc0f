"""Where chunks start and stop."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.chunking.plan import cut_off, plan
from separation.model.windowing import Windowing


@st.composite
def windowings(draw):
    chunk = draw(st.integers(1, 200))
    return Windowing(
        chunk=chunk,
        overlap=draw(st.integers(0, chunk // 2)),
        context=draw(st.integers(0, 50)),
        fixed=draw(st.booleans()),
    )


@given(windowings(), st.integers(1, 2_000))
def test_every_sample_is_in_one_chunk_or_in_two_neighbours(windowing, n_samples):
    chunks = plan(n_samples, windowing)
    covered = np.zeros(n_samples, int)
    for chunk in chunks:
        assert 0 <= chunk.start < chunk.stop <= n_samples
        covered[chunk.start : chunk.stop] += 1
    assert covered.min() >= 1
    assert covered.max() <= 2
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))


@given(windowings(), st.integers(1, 2_000))
def test_neighbours_are_one_hop_apart_and_only_the_first_has_no_overlap_before_it(windowing, n_samples):
    chunks = plan(n_samples, windowing)
    hops = {after.start - before.start for before, after in pairwise(chunks)}
    assert hops <= {windowing.chunk - windowing.overlap}
    assert [chunk.overlap for chunk in chunks] == [0] + [windowing.overlap] * (len(chunks) - 1)


@given(windowings(), st.integers(1, 2_000))
def test_a_model_sees_a_chunk_with_the_same_context_on_both_sides(windowing, n_samples):
    for chunk in plan(n_samples, windowing):
        before, after = chunk.start - chunk.read_start, chunk.read_stop - chunk.stop
        if windowing.fixed:
            assert chunk.read_stop - chunk.read_start == windowing.chunk + 2 * windowing.context
            assert 0 <= after - before <= 1  # centred, an odd sample goes behind
        else:
            assert before == after == windowing.context


@given(windowings(), st.integers(1, 2_000))
def test_a_window_that_is_not_padded_ends_with_the_mixture(windowing, n_samples):
    windowing = replace(windowing, fixed=False)
    for padded, chunk in zip(
        plan(n_samples, windowing), plan(n_samples, replace(windowing, padded=False)), strict=True
    ):
        assert (chunk.start, chunk.stop, chunk.overlap) == (padded.start, padded.stop, padded.overlap)
        assert chunk.read_start == max(0, padded.read_start)
        assert chunk.read_stop == min(n_samples, padded.read_stop)


@given(windowings(), st.integers(1, 2_000))
def test_no_chunk_that_adds_nothing_is_computed_unless_demucs_would(windowing, n_samples):
    chunks = plan(n_samples, windowing)
    if windowing.fixed:  # demucs.apply: offsets = range(0, length, stride)
        starts = list(range(0, n_samples, windowing.chunk - windowing.overlap))
        assert [chunk.start for chunk in chunks] == starts
    else:
        assert all(after.stop > before.stop for before, after in pairwise(chunks))


@pytest.mark.parametrize(
    ("n_samples", "spans"),
    [
        (1, [(0, 1)]),
        (9, [(0, 9)]),
        (10, [(0, 10)]),
        (11, [(0, 10), (8, 11)]),
        (18, [(0, 10), (8, 18)]),
        (19, [(0, 10), (8, 18), (16, 19)]),
    ],
)
def test_lengths_around_a_chunk_of_10_with_2_shared(n_samples, spans):
    chunks = plan(n_samples, Windowing(chunk=10, overlap=2))
    assert [(chunk.start, chunk.stop) for chunk in chunks] == spans


@st.composite
def windowings_with_other_ends(draw):
    windowing = replace(draw(windowings()), fixed=False, padded=draw(st.booleans()))
    first = draw(st.none() | st.integers(windowing.overlap + 1, windowing.chunk)) if windowing.overlap else None
    return replace(windowing, first=first, last=draw(st.none() | st.integers(windowing.chunk, 3 * windowing.chunk)))


@given(windowings_with_other_ends(), st.integers(1, 2_000))
def test_a_short_first_chunk_and_a_long_last_one_leave_no_gap_and_blend_two_at_a_time(windowing, n_samples):
    chunks = plan(n_samples, windowing)
    covered = np.zeros(n_samples, int)
    for chunk in chunks:
        covered[chunk.start : chunk.stop] += 1
    assert covered.min() >= 1 and covered.max() <= 2
    assert [before.stop - after.start for before, after in pairwise(chunks)] == [windowing.overlap] * (len(chunks) - 1)
    lengths = [chunk.stop - chunk.start for chunk in chunks]
    assert lengths[-1] <= (windowing.last or windowing.chunk)
    if len(chunks) > 1:
        assert lengths[0] == (windowing.first or windowing.chunk)
        assert n_samples > (windowing.last or windowing.chunk)
    assert set(lengths[1:-1]) <= {windowing.chunk}


@pytest.mark.parametrize(
    ("n_samples", "spans"),
    [
        (13, [(0, 13)]),
        (14, [(0, 5), (3, 14)]),
        (16, [(0, 5), (3, 16)]),
        (17, [(0, 5), (3, 13), (11, 17)]),
        (25, [(0, 5), (3, 13), (11, 21), (19, 25)]),
    ],
)
def test_chunks_of_10_with_2_shared_of_which_the_first_has_5_and_the_last_up_to_13(n_samples, spans):
    chunks = plan(n_samples, Windowing(chunk=10, overlap=2, first=5, last=13))
    assert [(chunk.start, chunk.stop) for chunk in chunks] == spans


@given(windowings_with_other_ends(), st.integers(1, 2_000), st.integers(1, 5))
def test_a_mixture_that_is_cut_off_keeps_its_first_chunks(windowing, n_samples, n_chunks):
    whole = plan(n_samples, windowing)
    end = whole[:n_chunks][-1].stop
    for chunk, before in zip(cut_off(whole[:n_chunks], end, windowing), whole, strict=False):
        assert (chunk.start, chunk.stop, chunk.read_start) == (before.start, before.stop, before.read_start)
        assert chunk.read_stop == (before.read_stop if windowing.padded else min(before.read_stop, end))


def test_without_a_chunk_length_the_model_sees_everything_at_once():
    (chunk,) = plan(12_345, Windowing(chunk=None, context=7))
    assert (chunk.start, chunk.stop, chunk.read_start, chunk.read_stop) == (0, 12_345, -7, 12_352)


@pytest.mark.parametrize(
    "wrong",
    [
        {"chunk": 10, "overlap": 6},
        {"chunk": 10, "overlap": -1},
        {"chunk": 9, "context": -1},
        {"chunk": 10, "overlap": 5, "first": 5},
        {"chunk": 10, "first": 11},
        {"chunk": 10, "last": 9},
    ],
)
def test_a_cut_that_would_blend_three_chunks_cannot_be_made(wrong):
    with pytest.raises(AssertionError):
        Windowing(**wrong)
