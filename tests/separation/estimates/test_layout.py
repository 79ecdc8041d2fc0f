"""The cut that is drawn before a run is the one the run makes."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from separation import ChunkSettings, Request, SolverSettings, Waveform, separate
from separation.backends import registry
from separation.estimates.layout import outline
from separation.events import Planned
from tests.support.sam_models import CHECKPOINT, clip


def planned(mixture, request):
    return next(event for event in separate(mixture, request) if isinstance(event, Planned)).spans_s


@pytest.mark.parametrize("rate", [44_100, 48_000, 22_050])
@pytest.mark.parametrize("max_chunks", [None, 2])
def test_sam_audio_cuts_as_outlined(rate, max_chunks):
    request = Request.of(
        "violin",
        backend="sam_torch",
        model=str(CHECKPOINT),
        device="cpu",
        solver=SolverSettings(method="euler", n_steps=1),
        chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.11, max_chunks=max_chunks),
    )
    mixture = Waveform(clip(round(1.3 * rate), channels=1), rate)
    settled, _ = registry.choose(request)
    assert outline(settled, mixture.n_samples, rate).spans_s == planned(mixture, request)


@settings(deadline=None, max_examples=8)
@given(
    st.integers(1, 60_000),
    st.sampled_from([16_000, 44_100]),
    st.floats(0.5, 1.0),
    st.floats(0, 0.25),
    st.sampled_from([None, 1, 2, 3]),
)
# Whole samples of the recording end before the chunk does: 5,999 of 5,999.6.
@example(n_samples=19_200, rate=16_000, chunk_s=0.75, overlap_s=0.0, max_chunks=1)
def test_the_built_in_separator_cuts_as_outlined(n_samples, rate, chunk_s, overlap_s, max_chunks):
    chunks = ChunkSettings(chunk_s=chunk_s, overlap_s=overlap_s, max_chunks=max_chunks)
    request = Request.of("drums", backend="builtin", chunks=chunks)
    settled, _ = registry.choose(request)
    assert outline(settled, n_samples, rate).spans_s == planned(Waveform(clip(n_samples, channels=2), rate), request)


def test_the_cut_of_demucs_is_known_only_to_its_model():
    settled = registry.get("demucs").settle(Request.of("drums", backend="demucs"))
    assert outline(settled, 44_100, 44_100) is None


def test_a_request_that_nobody_can_answer_has_no_layout():
    assert outline(Request.of("dog barking", backend="auto"), 44_100, 44_100) is None
