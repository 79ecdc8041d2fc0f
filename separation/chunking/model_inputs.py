"""Builds the model's input for each chunk: samples at its rate and level, and anchors on its latent frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from separation.audio.waveform import AudioSource
from separation.chunking.anchors import frame_spans
from separation.chunking.conform import InputLevel
from separation.chunking.plan import Chunk
from separation.events import AnchorsMapped
from separation.model import FrameSpan, ModelFacts, Samples, Window
from separation.request import Anchor, Prompt


class Reach(NamedTuple):
    """Whether a chunk contains frames of a "+" span, and of a "-" span."""

    plus: bool
    minus: bool


def reach(
    anchors: Iterable[Anchor],
    spans_s: Iterable[tuple[float, float]],
    *,
    sample_rate: int = 48_000,
    frame: int = 1920,
) -> tuple[Reach, ...]:
    """Return, for each chunk, which kinds of a prompt's anchors reach into it.

    Args:
        anchors: of one prompt, in seconds of the recording.
        spans_s: (start, stop) of each chunk, as `events.Planned` has them.
        sample_rate: Hz, of the model.
        frame: samples of its latent frame; the defaults are SAM-Audio's.
    """
    anchors = tuple(anchors)
    reached = []
    for start_s, stop_s in spans_s:
        inside = _frames_marked(anchors, round(start_s * sample_rate), round(stop_s * sample_rate), sample_rate, frame)
        signs = {span.sign for span in inside}
        reached.append(Reach(plus="+" in signs, minus="-" in signs))
    return tuple(reached)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInputs:
    """Makes the model's input windows of one run.

    Args:
        mixture: the mixture at the model's rate and channel count.
        chunks: the plan, in order.
        facts: of the model.
        prompts: of the request.
        stems: those that are wanted.
        level: what the model's input is brought to.
    """

    mixture: AudioSource
    chunks: Sequence[Chunk]
    facts: ModelFacts
    prompts: Sequence[Prompt]
    stems: frozenset[str]
    level: InputLevel

    def of(self, chunk: Chunk) -> Window:
        """Return the model's input window for `chunk`; beyond the ends of the mixture it is zero."""
        start, stop = max(0, chunk.read_start), min(self.mixture.n_samples, chunk.read_stop)
        inside = self.level.apply(self.mixture.read(start, stop))
        return Window(
            samples=np.pad(inside, ((0, 0), (start - chunk.read_start, chunk.read_stop - stop))),
            index=chunk.index,
            stems=self.stems,
            anchors=self.anchors(chunk),
        )

    def silent(self, chunk: Chunk) -> Window:
        """Return the window of `chunk` without samples, for calls that use features encoded before."""
        nothing = np.zeros((self.mixture.n_channels, 0), np.float32)
        return Window(samples=nothing, index=chunk.index, stems=self.stems, anchors=self.anchors(chunk))

    def anchors(self, chunk: Chunk) -> dict[str, tuple[FrameSpan, ...]]:
        """Return every prompt's spans inside `chunk`, on the frames of its window; empty for models without frames.

        Chunks start on whole frames, so a span marks the same frames of the recording in any cut.
        """
        if self.facts.frame is None:
            return {}
        shift = (chunk.start - chunk.read_start) // self.facts.frame
        return {
            name: tuple(FrameSpan(sign, first + shift, stop + shift) for sign, first, stop in spans)
            for name, spans in self._spans(chunk, self.facts.frame).items()
        }

    def marked(self, chunk: Chunk, prompt: str) -> NDArray[np.bool_] | None:
        """Return which samples of `chunk` lie inside a prompt's + spans; None if it has none there."""
        frame = self.facts.frame
        spans = [] if frame is None else [span for span in self._spans(chunk, frame)[prompt] if span.sign == "+"]
        if frame is None or not spans:
            return None
        marked = np.zeros(chunk.stop - chunk.start, bool)
        for span in spans:
            marked[span.first * frame : span.stop * frame] = True
        return marked

    def mapped(self, chunk: Chunk) -> Iterator[AnchorsMapped]:
        """Yield an event for every prompt that has spans inside `chunk`."""
        frame, rate = self.facts.frame, self.facts.sample_rate
        if frame is None:
            return
        for name, spans in self._spans(chunk, frame).items():
            if spans:
                marked = (
                    (sign, chunk.start + first * frame, min(chunk.start + stop * frame, chunk.stop))
                    for sign, first, stop in spans
                )
                seconds = tuple((sign, start / rate, stop / rate) for sign, start, stop in marked)
                yield AnchorsMapped(index=chunk.index, prompt=name, spans_s=seconds)

    def answered(self, estimates: Mapping[str, Samples], chunk: Chunk) -> dict[str, Samples]:
        """Cut estimates from the model's window to the chunk itself, and restore the mixture's level."""
        offset = chunk.start - chunk.read_start
        inside = slice(offset, offset + chunk.stop - chunk.start)
        return {name: self.level.undo(samples[:, inside]) for name, samples in estimates.items()}

    def _spans(self, chunk: Chunk, frame: int) -> dict[str, tuple[FrameSpan, ...]]:
        """Return every prompt's spans on the frames of `chunk`, counted from 0."""
        rate = self.facts.sample_rate
        return {
            prompt.text.strip(): _frames_marked(prompt.anchors, chunk.start, chunk.stop, rate, frame)
            for prompt in self.prompts
        }


def _frames_marked(
    anchors: Iterable[Anchor], start: int, stop: int, sample_rate: int, frame: int
) -> tuple[FrameSpan, ...]:
    """Return the anchors on the frames of the chunk of samples [start, stop), counted from 0."""
    assert start % frame == 0
    n_frames = -(-(stop - start) // frame)
    return frame_spans(anchors, start // frame, n_frames, sample_rate, frame)
