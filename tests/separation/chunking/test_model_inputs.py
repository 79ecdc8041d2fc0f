"""Anchors fall on the same latent frames of the recording, however it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.audio.waveform import Waveform
from separation.chunking.anchors import first_frame
from separation.chunking.conform import InputLevel
from separation.chunking.model_inputs import ModelInputs, Reach, reach
from separation.chunking.plan import plan
from separation.events import AnchorsMapped, ChunkFinished, ChunkStarted, Planned, Warned
from separation.model import ModelFacts
from separation.model.windowing import Windowing
from separation.models.sam_audio.anchors import NULL, ROWS, anchor_rows
from separation.pipeline.separate import separate
from separation.request import Anchor, ChunkSettings, Prompt, Request, Reroll, SamSettings
from tests.support.fakes import use_only

RATE, FRAME = 1_000, 40


def windows_of(n_samples, windowing, *prompts):
    facts = ModelFacts(
        model="", revision="", device="cpu", sample_rate=RATE, n_channels=1, windowing=windowing, frame=FRAME
    )
    return ModelInputs(
        mixture=Waveform(np.zeros((1, n_samples), np.float32), RATE),
        chunks=plan(n_samples, windowing),
        facts=facts,
        prompts=prompts,
        stems=frozenset(),
        level=InputLevel(),
    )


def n_frames(n_samples):
    return -(-n_samples // FRAME)


anchors = st.builds(
    lambda sign, ends: Anchor(sign=sign, start_s=min(ends), stop_s=max(ends)),
    st.sampled_from(["+", "-"]),
    # Whole frames too, where rounding would show, and beyond the end of the recording.
    st.tuples(*[st.one_of(st.floats(0, 12), st.integers(0, 300).map(lambda frame: frame * FRAME / RATE))] * 2),
)


@given(
    st.lists(anchors, max_size=5),
    st.integers(1, 40),
    st.floats(0, 0.5),
    st.integers(0, 3),
    st.integers(1, 10_000),
)
def test_anchors_mark_the_same_frames_in_any_cut(spans, chunk, share, context, n_samples):
    windowing = Windowing(chunk=chunk * FRAME, overlap=int(share * chunk) * FRAME, context=context * FRAME)
    prompt = Prompt(text=" dog ", anchors=tuple(spans))
    expected = np.full(n_frames(n_samples), NULL)
    for anchor in spans:
        expected[first_frame(anchor.start_s, RATE, FRAME) : first_frame(anchor.stop_s, RATE, FRAME)] = ROWS[anchor.sign]
    whole = windows_of(n_samples, Windowing(chunk=None), prompt)
    uncut = anchor_rows(whole.of(whole.chunks[0]).anchors["dog"], n_frames(n_samples))
    np.testing.assert_array_equal(uncut, expected)
    cut = windows_of(n_samples, windowing, prompt)
    for part in cut.chunks:
        window = cut.of(part)
        rows = anchor_rows(window.anchors["dog"], n_frames(window.samples.shape[-1]))
        first = part.start // FRAME
        here = slice(first, first + n_frames(part.stop - part.start))
        np.testing.assert_array_equal(rows[context:][: here.stop - here.start], expected[here])
        assert cut.silent(part).anchors == window.anchors


@given(st.lists(anchors, max_size=5), st.integers(1, 40), st.integers(1, 10_000))
def test_the_seconds_that_are_reported_are_those_of_the_frames_that_are_marked(spans, chunk, n_samples):
    windows = windows_of(n_samples, Windowing(chunk=chunk * FRAME), Prompt(text="dog", anchors=tuple(spans)))
    for part in windows.chunks:
        marked = windows.of(part).anchors["dog"]
        events = list(windows.mapped(part))
        assert len(events) == bool(marked)
        for event in events:
            assert (event.index, event.prompt) == (part.index, "dog")
            for (sign, start_s, stop_s), span in zip(event.spans_s, marked, strict=True):
                assert sign == span.sign
                assert start_s == (part.start + span.first * FRAME) / RATE
                assert stop_s == min(part.start + span.stop * FRAME, n_samples) / RATE


@given(
    st.lists(anchors, max_size=5),
    st.one_of(st.none(), st.floats(0.5, 6)),
    st.floats(0, 0.5),
    st.integers(1, 10_000),
)
def test_the_spans_said_to_reach_a_chunk_are_those_the_model_is_told_of(spans, chunk_s, share, n_samples):
    settings = ChunkSettings(chunk_s=chunk_s, overlap_s=share * (chunk_s or 0))
    windows = windows_of(n_samples, Windowing.of(settings, RATE, FRAME), Prompt(text="dog", anchors=tuple(spans)))
    spans_s = [(part.start / RATE, part.stop / RATE) for part in windows.chunks]  # as `Planned` has them
    told = [{span.sign for span in windows.of(part).anchors["dog"]} for part in windows.chunks]
    expected = tuple(Reach(plus="+" in signs, minus="-" in signs) for signs in told)
    assert reach(spans, spans_s, sample_rate=RATE, frame=FRAME) == expected


@pytest.fixture
def use(monkeypatch):
    windowing = Windowing(chunk=10 * FRAME, overlap=2 * FRAME)
    return lambda **facts: use_only(monkeypatch, sample_rate=RATE, windowing=windowing, more_facts=facts)


def anchored(text, *spans):
    return Prompt(text=text, anchors=tuple(Anchor(sign=sign, start_s=a, stop_s=b) for sign, a, b in spans))


MIXTURE = Waveform(np.full((1, 1_000), 0.1, np.float32), RATE)
PROMPTS = (anchored("drums", ("+", 0.30, 0.41), ("-", 0.9, 5)), anchored("bass", ("+", 0, 0.01)), Prompt(text="vocals"))


def test_a_model_with_frames_is_told_where_the_anchors_fall_and_so_is_everyone_right_after_the_chunk_started(use):
    fake = use(frame=FRAME)
    events = list(separate(MIXTURE, Request(prompts=PROMPTS)))
    told = [event for event in events if isinstance(event, (ChunkStarted, AnchorsMapped))]
    # Chunks start at 0, 0.32 and 0.64 s. A span begins with the first frame that starts inside it.
    assert told == [
        ChunkStarted(index=0, n_chunks=3),
        AnchorsMapped(index=0, prompt="drums", spans_s=(("+", 0.32, 0.4),)),
        AnchorsMapped(index=0, prompt="bass", spans_s=(("+", 0.0, 0.04),)),
        ChunkStarted(index=1, n_chunks=3),
        AnchorsMapped(index=1, prompt="drums", spans_s=(("+", 0.32, 0.44),)),
        ChunkStarted(index=2, n_chunks=3),
        AnchorsMapped(index=2, prompt="drums", spans_s=(("-", 0.92, 1.0),)),
    ]
    planned = next(event for event in events if isinstance(event, Planned))
    assert reach(PROMPTS[0].anchors, planned.spans_s, sample_rate=RATE, frame=FRAME) == (
        (True, False),
        (True, False),
        (False, True),
    )
    shown = [dict(window.anchors) for window in fake.model.seen]
    assert shown == [
        {"drums": (("+", 8, 10),), "bass": (("+", 0, 1),), "vocals": ()},
        {"drums": (("+", 0, 3),), "bass": (), "vocals": ()},
        {"drums": (("-", 7, 9),), "bass": (), "vocals": ()},
    ]


def test_a_model_without_frames_ignores_anchors_and_the_run_says_so_once(use):
    fake = use()
    events = list(separate(MIXTURE, Request(prompts=PROMPTS)))
    assert [e for e in events if isinstance(e, Warned)] == [
        Warned(message="Fake does not take anchors; they are ignored.")
    ]
    assert [type(event) for event in events].index(Warned) < [type(event) for event in events].index(Planned)
    assert not any(isinstance(event, AnchorsMapped) for event in events)
    assert all(not window.anchors for window in fake.model.seen)
    assert sum(isinstance(event, ChunkFinished) for event in events) == 3


def test_nobody_is_warned_of_anchors_that_were_not_given(use):
    use()
    assert not any(isinstance(event, Warned) for event in separate(MIXTURE, Request.of("drums")))


def test_a_re_roll_of_a_chunk_that_is_not_there_is_said(use):
    use()
    request = Request.of("drums", sam=SamSettings(rerolls=(Reroll(chunk=0, seed=1), Reroll(chunk=3, seed=1))))
    assert [event.message for event in separate(MIXTURE, request) if isinstance(event, Warned)] == [
        "There is no chunk 4 to re-roll: the recording has 3."
    ]


def warnings_of(prompt, **cut):
    request = Request(prompts=(prompt, Prompt(text="bass")), chunks=ChunkSettings(**cut))
    return [event.message for event in separate(MIXTURE, request) if isinstance(event, Warned)]


LOST = (("+", 1, 2), ("-", 5, 6), ("+", 0.001, 0.002), ("+", 0.5, 0.5))  # at the end, beyond it, between frames, empty


@pytest.mark.parametrize("cut", [{}, {"max_chunks": 1}])
def test_spans_that_mark_nothing_are_said(use, cut):
    use(frame=FRAME)
    for span in LOST:
        (said,) = warnings_of(anchored(" drums ", ("+", 0, 0.1), span, ("-", 0.9, 9)), **cut)
        sign, start, stop = span
        assert said.startswith(f"“drums”: the span {sign}{start}-{stop} marks nothing. ")
        assert "1 s long" in said and ("40 ms" in said) == (start < 1)
    behind, short = warnings_of(anchored("drums", *LOST), **cut)
    assert behind.startswith("“drums”: 2 spans, +1-2 the first of them, mark nothing. ")
    assert short.startswith("“drums”: 2 spans, +0.001-0.002 the first of them, mark nothing. ")


def test_spans_that_contradict_each_other_are_said_with_the_one_that_holds(use):
    use(frame=FRAME)
    (said,) = warnings_of(anchored("drums", ("+", 0, 0.4), ("-", 0.2, 0.8), ("+", 0.8, 1)))
    assert said == (
        "“drums”: +0-0.4 and -0.2-0.8 contradict each other from 0.2 to 0.4 s, where the later one, -0.2-0.8, is taken."
    )


def test_nothing_is_said_of_spans_that_only_a_preview_leaves_out(use):
    use(frame=FRAME)
    assert warnings_of(anchored("drums", ("+", 0.9, 1)), max_chunks=1) == []
