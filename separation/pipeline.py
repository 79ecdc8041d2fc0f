"""From a mixture and a request to stems: the only place that orders the steps.

mixture -> [model rate, channels, level] -> chunks -> model -> crossfade -> targets -> [mixture rate, channels]
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from separation import tasks
from separation.audio import AudioSource, Waveform
from separation.backends import registry
from separation.backends.protocol import ModelFacts, Samples, Window
from separation.chunking import Chunk, plan
from separation.conform import Level, Returned, conformed, level_of, mono_or_stereo
from separation.crossfade import CrossfadeStream
from separation.engine import Engine, Inline
from separation.errors import AudioError
from separation.events import (
    BackendChosen,
    ChunkFinished,
    ChunkStarted,
    Event,
    Finished,
    Planned,
    StemFinished,
)
from separation.metrics import rtf
from separation.request import Request
from separation.targets import Target, residual


def separate(mixture: AudioSource, request: Request, *, engine: Engine | None = None) -> Iterator[Event]:
    """Separate `mixture`, reporting everything as it happens.

    Each target, and the residual that is left, arrives piece by piece in `ChunkFinished`; the pieces laid end to end
    have exactly the mixture's length, rate and channel count (at most two). Memory does not grow with the recording.
    Closing the iterator cancels the run at the model's next evaluation.

    Args:
        mixture: at least one sample; more than two channels are downmixed to stereo first (ITU-R BS.775).
        request: what to isolate and how.
        engine: where the model runs; in this process unless told otherwise.

    Raises:
        PlaygroundError: with what happened, why and what to do.
    """
    settled, why = registry.choose(request)
    yield BackendChosen(backend=settled.backend, why=why)
    yield from separate_settled(mixture, settled, engine=engine)


def separate_settled(mixture: AudioSource, request: Request, *, engine: Engine | None = None) -> Iterator[Event]:
    """`separate` for a request whose backend and model are settled (`backends.registry.choose`)."""
    if mixture.n_samples == 0:
        raise AudioError("This recording has no samples.", "There is nothing to separate.", "Choose another file.")
    mixture = mono_or_stereo(mixture)
    engine = engine or Inline()
    backend = registry.get(request.backend)
    facts = yield from engine.run(tasks.load, request)
    started_s = time.monotonic()
    targets = backend.targets(request)
    left_over = residual(targets)
    tracks = (*targets, left_over) if left_over else targets
    with conformed(mixture, facts.sample_rate, facts.n_channels) as heard:
        chunks = plan(heard.n_samples, facts.windowing)
        yield Planned(
            model=facts.model,
            device=facts.device,
            stems=tuple(track.name for track in tracks),
            spans_s=tuple((chunk.start / facts.sample_rate, chunk.stop / facts.sample_rate) for chunk in chunks),
        )
        peaks = yield from _chunks(mixture, heard, chunks, facts, request, tracks, engine)
    for name, peak in peaks.items():
        yield StemFinished(stem=name, n_samples=mixture.n_samples, peak=peak)
    seconds = time.monotonic() - started_s
    yield Finished(seconds=seconds, rtf=rtf(seconds, mixture.n_samples / mixture.sample_rate))


def extract(mixture: Waveform, request: Request, *, engine: Engine | None = None) -> dict[str, Waveform]:
    """Separate `mixture` in one call: track name to waveform, the residual last."""
    pieces: dict[str, list[Samples]] = {}
    for event in separate(mixture, request, engine=engine):
        if isinstance(event, ChunkFinished):
            for name, samples in event.audio.items():
                pieces.setdefault(name, []).append(samples)
    return {name: Waveform(np.concatenate(parts, axis=-1), mixture.sample_rate) for name, parts in pieces.items()}


def _chunks(
    mixture: AudioSource,
    heard: AudioSource,
    chunks: Sequence[Chunk],
    facts: ModelFacts,
    request: Request,
    tracks: Sequence[Target],
    engine: Engine,
) -> Generator[Event, None, dict[str, float]]:
    """Work through the chunks in order; returns each track's peak."""
    level = level_of(heard) if facts.levelled else Level()
    crossfade = CrossfadeStream(facts.windowing.fade)
    returned = Returned(mixture, facts.sample_rate, tracks)
    peaks = dict.fromkeys((track.name for track in tracks), 0.0)
    wanted = frozenset[str]().union(*(track.stems for track in tracks))
    start = 0
    for chunk, next_start in pairwise_starts(chunks):
        yield ChunkStarted(index=chunk.index, n_chunks=len(chunks))
        window = Window(samples=_heard(heard, chunk, level), index=chunk.index, stems=wanted)
        estimates = yield from engine.run(tasks.separate_window, window, request)
        answered = _answered(estimates, chunk, level)
        audio = returned.add(crossfade.add(chunk, next_start, answered), last=next_start is None)
        for name, samples in audio.items():
            peaks[name] = max(peaks[name], float(np.abs(samples).max(initial=0.0)))
        yield ChunkFinished(index=chunk.index, n_chunks=len(chunks), start=start, audio=audio)
        start += next(iter(audio.values())).shape[-1]
    assert start == mixture.n_samples
    return peaks


def pairwise_starts(chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, int | None]]:
    """Each chunk with the start of the next one, None for the last."""
    yield from ((chunk, following.start) for chunk, following in pairwise(chunks))
    yield chunks[-1], None


def _heard(heard: AudioSource, chunk: Chunk, level: Level) -> Samples:
    """What the model sees of `chunk`: the mixture at the model's level, and beyond its ends true silence."""
    start, stop = max(0, chunk.read_start), min(heard.n_samples, chunk.read_stop)
    inside = level.apply(heard.read(start, stop))
    return np.pad(inside, ((0, 0), (start - chunk.read_start, chunk.read_stop - stop)))


def _answered(estimates: Mapping[str, Samples], chunk: Chunk, level: Level) -> dict[str, Samples]:
    """Cut each estimate from the window the model saw to the chunk it answers for, at the mixture's level."""
    offset = chunk.start - chunk.read_start
    inside = slice(offset, offset + chunk.stop - chunk.start)
    return {name: level.undo(samples[:, inside]) for name, samples in estimates.items()}
