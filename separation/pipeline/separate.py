"""Separates a mixture by a request (`separate`, `extract`): the steps of the pipeline in their order.

mixture -> [model rate, channels, level] -> chunks -> model -> crossfade -> targets -> [mixture rate, channels]
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Protocol

import numpy as np

from separation.audio.waveform import AudioSource, Waveform
from separation.backends import registry
from separation.chunking.anchor_notes import notes
from separation.chunking.conform import (
    InputLevel,
    Returned,
    beginning,
    conformed,
    level_of,
    mono_or_stereo,
)
from separation.chunking.crossfade import CrossfadeStream
from separation.chunking.model_inputs import ModelInputs
from separation.chunking.plan import Chunk, conformed_length, cut, pairwise_starts
from separation.engine.engine import Engine, Inline
from separation.errors import AudioError
from separation.events import (
    BackendChosen,
    ChunkFinished,
    ChunkStarted,
    Event,
    Finished,
    Planned,
    StemFinished,
    Warned,
)
from separation.metrics.musical import listen
from separation.metrics.reference import rtf
from separation.model import Samples
from separation.pipeline import multidiffusion, tasks
from separation.pipeline.chunk_keys import Chunks
from separation.pipeline.groups import Candidates, ChunkCache, Groups
from separation.pipeline.measuring import measured
from separation.pipeline.multidiffusion import Multidiffusion
from separation.prompts.targets import Target, tracks_of
from separation.request import ChunkSettings, Request


def separate(mixture: AudioSource, request: Request, *, engine: Engine | None = None) -> Iterator[Event]:
    """Separate `mixture`, yielding events as it goes.

    Each target, and the residual, arrives piece by piece in `ChunkFinished`; the concatenated pieces have exactly the
    mixture's length, rate and channel count (at most two), or end with the last chunk of
    `chunks.max_chunks`. Memory does not grow with the recording. Closing the iterator cancels the run at the model's
    next evaluation.

    Args:
        mixture: at least one sample; more than two channels are downmixed to stereo first (ITU-R BS.775).
        request: what to isolate and how.
        engine: where the model runs; this process by default.

    Raises:
        PlaygroundError: the run failed; the message says what happened, why and what to do.
    """
    content = listen(mixture) if registry.listens_first(request) else None
    settled, why = registry.choose(request, content)
    if registry.is_unmeasured(request, settled):
        yield from (engine or Inline()).run(tasks.measure, settled)
        settled, why = registry.choose(request, content)
    yield BackendChosen(backend=settled.backend, why=why, answers=registry.answer_notes(settled))
    yield from separate_settled(mixture, settled, engine=engine)


def separate_settled(
    mixture: AudioSource,
    request: Request,
    *,
    engine: Engine | None = None,
    kept: Chunks | None = None,
    begins_s: float = 0.0,
) -> Iterator[Event]:
    """`separate` for a request whose backend and model are settled (`backends.registry.choose`).

    With `kept`, chunks that were finished before are taken from there, and computed ones are put there as soon as they
    are finished. Multi-diffusion finishes no chunk separately, and keeps none. What is said of spans counts from the
    start of the recording, in which the mixture begins at `begins_s`.
    """
    if mixture.n_samples == 0:
        raise AudioError("This recording has no samples.", "There is nothing to separate.", "Choose another file.")
    mixture = mono_or_stereo(mixture)
    engine = engine or Inline()
    backend = registry.get(request.backend)
    revision = backend.revision(request)
    facts = yield from engine.run(tasks.load_model, tasks.Order(request=request, revision=revision))
    order = tasks.Order(request=replace(request, device=facts.device), revision=revision)
    chunking = request.chunks or ChunkSettings()
    if chunking.stitch == "multidiffusion":
        multidiffusion.check(facts, request, backend.label)
    if facts.frame is None and any(prompt.anchors for prompt in request.prompts):
        yield Warned(message=f"{backend.label} does not take anchors; they are ignored.")
    started_s = time.monotonic()
    targets = backend.targets(request)
    tracks = tracks_of(targets, request)
    if facts.frame is not None:
        rate = facts.sample_rate
        n_samples = conformed_length(mixture.n_samples, mixture.sample_rate, rate)
        spans = notes(request.prompts, n_samples, sample_rate=rate, frame=facts.frame, begins_s=begins_s)
        yield from (Warned(message=note) for note in spans)
    chunks, n_samples = cut(
        mixture.n_samples, mixture.sample_rate, facts.sample_rate, facts.windowing, chunking.max_chunks
    )
    mixture = beginning(mixture, n_samples)
    model_mixture = conformed(mixture, facts.sample_rate, facts.n_channels)
    yield Planned(
        model=facts.model,
        device=facts.device,
        stems=tuple(track.name for track in tracks),
        spans_s=tuple((chunk.start / facts.sample_rate, chunk.stop / facts.sample_rate) for chunk in chunks),
    )
    if beyond := [reroll.chunk + 1 for reroll in request.sam.rerolls if reroll.chunk >= len(chunks)]:
        yield Warned(message=f"There is no chunk {beyond[0]} to re-roll: the recording has {len(chunks)}.")
    windows = ModelInputs(
        mixture=model_mixture,
        chunks=chunks,
        facts=facts,
        prompts=request.prompts,
        stems=frozenset[str]().union(*(track.stems for track in tracks)),
        level=level_of(model_mixture) if facts.levelled else InputLevel(),
    )
    store = None if kept is None else ChunkCache(kept, order)
    together = chunking.stitch == "multidiffusion"
    estimator = Multidiffusion(windows, order, engine) if together else Groups(windows, order, engine, store)
    with closing(estimator):
        peaks = yield from _chunks(mixture, windows, request, targets, tracks, estimator)
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


class _Estimator(Protocol):
    """Estimates the stems of chunks, which are requested in order; of generative models several candidates."""

    def is_kept(self, chunk: Chunk) -> bool:
        """Whether the stems of `chunk` come from an earlier run."""
        ...

    def candidates(self, chunk: Chunk) -> Generator[Event, None, Candidates]:
        """Return stems of `chunk`, shape (channels, chunk.stop - chunk.start), at the mixture's level."""
        ...

    def close(self) -> None:
        """Cancel the calls that still run."""
        ...


def _chunks(
    mixture: AudioSource,
    windows: ModelInputs,
    request: Request,
    targets: Sequence[Target],
    tracks: Sequence[Target],
    estimator: _Estimator,
) -> Generator[Event, None, dict[str, float]]:
    """Separate the chunks in order; return each track's peak."""
    facts, n_chunks = windows.facts, len(windows.chunks)
    crossfade = CrossfadeStream(facts.windowing.fade)
    returned = Returned(mixture, facts.sample_rate, tracks)
    # Windows are read further ahead than measured audio; with two streams, each read in order, both resample only once.
    to_measure = conformed(mixture, facts.sample_rate, facts.n_channels)
    peaks = dict.fromkeys((track.name for track in tracks), 0.0)
    start = 0
    for chunk, next_start in pairwise_starts(windows.chunks):
        yield ChunkStarted(index=chunk.index, n_chunks=n_chunks, kept=estimator.is_kept(chunk))
        yield from windows.mapped(chunk)
        candidates = yield from estimator.candidates(chunk)
        estimates = candidates[0]
        if facts.generative:
            estimates = yield from measured(candidates, chunk, to_measure, windows, targets, request)
        audio = returned.add(crossfade.add(chunk, next_start, estimates), last=next_start is None)
        for name, samples in audio.items():
            peaks[name] = max(peaks[name], float(np.abs(samples).max(initial=0.0)))
        yield ChunkFinished(index=chunk.index, n_chunks=n_chunks, start=start, audio=audio)
        start += next(iter(audio.values())).shape[-1]
    assert start == mixture.n_samples
    return peaks
