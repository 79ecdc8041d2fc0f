"""From a mixture and a request to stems: the only place that orders the steps.

mixture -> [model rate, channels, level] -> chunks -> model -> crossfade -> targets -> [mixture rate, channels]
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from separation import multidiffusion, tasks
from separation.audio import AudioSource, Waveform
from separation.backends import registry
from separation.backends.protocol import ModelFacts, Samples, Window
from separation.chunk_keys import Chunks, NotKept, chunk_key
from separation.chunking import Chunk, pairwise_starts, plan
from separation.conform import Level, Returned, beginning, conformed, conformed_length, level_of, mono_or_stereo
from separation.crossfade import CrossfadeStream
from separation.engine import Engine, Inline
from separation.errors import AudioError
from separation.events import (
    BackendChosen,
    ChunkFinished,
    ChunkMeasured,
    ChunkStarted,
    Event,
    Finished,
    Planned,
    StemFinished,
    Warned,
)
from separation.metrics import rtf
from separation.multidiffusion import Multidiffusion
from separation.request import ChunkSettings, Request
from separation.targets import Target, residual, residual_stem
from separation.windows import Windows


def separate(mixture: AudioSource, request: Request, *, engine: Engine | None = None) -> Iterator[Event]:
    """Separate `mixture`, reporting everything as it happens.

    Each target, and the residual that is left, arrives piece by piece in `ChunkFinished`; the pieces laid end to end
    have exactly the mixture's length, rate and channel count (at most two), or end with the last chunk of
    `chunks.max_chunks`. Memory does not grow with the recording. Closing the iterator cancels the run at the model's
    next evaluation.

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


def separate_settled(
    mixture: AudioSource, request: Request, *, engine: Engine | None = None, kept: Chunks | None = None
) -> Iterator[Event]:
    """`separate` for a request whose backend and model are settled (`backends.registry.choose`).

    With `kept`, chunks that were finished before are taken from there, and those that are computed are put there as
    soon as they are finished. Multi-diffusion has no chunks that are finished by themselves, and keeps none.
    """
    if mixture.n_samples == 0:
        raise AudioError("This recording has no samples.", "There is nothing to separate.", "Choose another file.")
    mixture = mono_or_stereo(mixture)
    engine = engine or Inline()
    backend = registry.get(request.backend)
    facts = yield from engine.run(tasks.load, request)
    cut = request.chunks or ChunkSettings()
    if cut.stitch == "multidiffusion":
        multidiffusion.check(facts, request, backend.label)
    if facts.frame is None and any(prompt.anchors for prompt in request.prompts):
        yield Warned(message=f"{backend.label} does not take anchors; they are ignored.")
    started_s = time.monotonic()
    targets = backend.targets(request)
    left_over = residual(targets) if request.sam.residual == "mixture" else None
    tracks = (*targets, left_over) if left_over else targets
    mixture = _until_last_chunk(mixture, facts, cut.max_chunks)
    with conformed(mixture, facts.sample_rate, facts.n_channels) as heard:
        chunks = plan(heard.n_samples, facts.windowing)[: cut.max_chunks]
        yield Planned(
            model=facts.model,
            device=facts.device,
            stems=tuple(track.name for track in tracks),
            spans_s=tuple((chunk.start / facts.sample_rate, chunk.stop / facts.sample_rate) for chunk in chunks),
        )
        if beyond := [reroll.chunk + 1 for reroll in request.sam.rerolls if reroll.chunk >= len(chunks)]:
            yield Warned(message=f"There is no chunk {beyond[0]} to re-roll: the recording has {len(chunks)}.")
        windows = Windows(
            heard=heard,
            chunks=chunks,
            facts=facts,
            prompts=request.prompts,
            stems=frozenset[str]().union(*(track.stems for track in tracks)),
            level=level_of(heard) if facts.levelled else Level(),
        )
        store = None if kept is None else _Store(kept, request, backend.revision(request), facts.device)
        peaks = yield from _chunks(mixture, windows, request, targets, tracks, engine, store)
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
    """Who estimates the stems of the chunks, which are asked for in order."""

    def estimates(self, chunk: Chunk) -> Generator[Event, None, Mapping[str, Samples]]:
        """Stems of `chunk`, shape (channels, chunk.stop - chunk.start), at the mixture's level."""
        ...


class _Store:
    """The finished chunks of earlier runs, for one request."""

    def __init__(self, chunks: Chunks, request: Request, revision: str, device: str) -> None:
        self._chunks, self._request = chunks, request
        self._revision, self._device = revision, device
        self._refused = False

    def find(self, window: Window) -> Mapping[str, Samples] | None:
        """What was kept of a window's stems."""
        return self._chunks.get(self._key(window))

    def keep(self, window: Window, stems: Mapping[str, Samples]) -> Iterator[Event]:
        """Keep what was computed; where that fails it is said once, and not tried again."""
        if self._refused:
            return
        try:
            self._chunks.put(self._key(window), stems)
        except NotKept as refusal:
            self._refused = True
            yield Warned(message=str(refusal))

    def _key(self, window: Window) -> str:
        return chunk_key(window, self._request, revision=self._revision, device=self._device)


class _Groups:
    """Estimates by the model's `separate`, as many windows together as it works on at once.

    The first chunk goes alone, so that there is something to hear after one chunk. Groups lie where they would if
    nothing were kept, so that a run that goes on after an interruption rounds as one that was not interrupted.
    """

    def __init__(self, windows: Windows, request: Request, engine: Engine, store: _Store | None) -> None:
        self._windows, self._request, self._engine, self._store = windows, request, engine, store
        self._found: dict[int, Mapping[str, Samples] | None] = {}
        self._ready: dict[int, Mapping[str, Samples]] = {}

    def is_kept(self, chunk: Chunk) -> bool:
        """Whether the stems of `chunk` come from the store."""
        return self._kept(chunk) is not None

    def estimates(self, chunk: Chunk) -> Generator[Event, None, Mapping[str, Samples]]:
        if not self.is_kept(chunk) and chunk.index not in self._ready:
            yield from self._compute([member for member in self._group(chunk) if not self.is_kept(member)])
        found = self._found.pop(chunk.index)
        return self._windows.answered(self._ready.pop(chunk.index) if found is None else found, chunk)

    def _compute(self, group: Sequence[Chunk]) -> Generator[Event, None, None]:
        windows = [self._windows.of(member) for member in group]
        answers = yield from self._engine.run(tasks.separate_windows, windows, self._request)
        # All of them are kept before any is handed on, so that stopping there never splits a group.
        for window, answer in zip(windows, answers, strict=True):
            self._ready[window.index] = {name: answer[name] for name in sorted(window.stems)}
            if self._store is not None:
                yield from self._store.keep(window, self._ready[window.index])

    def _kept(self, chunk: Chunk) -> Mapping[str, Samples] | None:
        """What the store has of `chunk`, looked up once."""
        if chunk.index not in self._found:
            self._found[chunk.index] = None if self._store is None else self._store.find(self._windows.of(chunk))
        return self._found[chunk.index]

    def _group(self, first: Chunk) -> list[Chunk]:
        """`first` and those after it in its group: chunk 0, then as many as the model's batch each."""
        batch = self._windows.facts.batch
        stop = first.index + batch - (first.index - 1) % batch if first.index else 1
        length = first.read_stop - first.read_start
        together = self._windows.chunks[first.index : stop]
        return [chunk for chunk in together if chunk.read_stop - chunk.read_start == length]


def _chunks(
    mixture: AudioSource,
    windows: Windows,
    request: Request,
    targets: Sequence[Target],
    tracks: Sequence[Target],
    engine: Engine,
    store: _Store | None,
) -> Generator[Event, None, dict[str, float]]:
    """Work through the chunks in order; returns each track's peak."""
    facts, n_chunks = windows.facts, len(windows.chunks)
    together = request.chunks is not None and request.chunks.stitch == "multidiffusion"
    groups = None if together else _Groups(windows, request, engine, store)
    estimator: _Estimator = groups or Multidiffusion(windows, request, engine)
    crossfade = CrossfadeStream(facts.windowing.fade)
    returned = Returned(mixture, facts.sample_rate, tracks)
    peaks = dict.fromkeys((track.name for track in tracks), 0.0)
    start = 0
    for chunk, next_start in pairwise_starts(windows.chunks):
        kept = groups is not None and groups.is_kept(chunk)
        yield ChunkStarted(index=chunk.index, n_chunks=n_chunks, kept=kept)
        yield from windows.mapped(chunk)
        estimates = yield from estimator.estimates(chunk)
        if facts.generative:
            estimates = yield from _measured(estimates, chunk, windows.heard, targets, request)
        audio = returned.add(crossfade.add(chunk, next_start, estimates), last=next_start is None)
        for name, samples in audio.items():
            peaks[name] = max(peaks[name], float(np.abs(samples).max(initial=0.0)))
        yield ChunkFinished(index=chunk.index, n_chunks=n_chunks, start=start, audio=audio)
        start += next(iter(audio.values())).shape[-1]
    assert start == mixture.n_samples
    return peaks


def _measured(
    estimates: Mapping[str, Samples], chunk: Chunk, heard: AudioSource, targets: Sequence[Target], request: Request
) -> Generator[Event, None, Mapping[str, Samples]]:
    """Hold each target of a generative model against the mixture; returns the stems, matched to it if so wished.

    What is measured is what the model gave, before any gain.
    """
    from separation import measures  # SciPy takes 0.3 s to import

    mixture = heard.read(chunk.start, chunk.stop)
    own_residuals = {residual_stem(target.name) for target in targets} if request.sam.residual == "model" else set()
    matched = dict(estimates)
    for target in targets:
        if target.stems <= own_residuals:
            continue
        (stem,) = target.stems  # a generative model makes one for each prompt
        estimate, left = estimates[stem], estimates[residual_stem(stem)] if own_residuals else None
        gain_db = measures.matching_gain_db(estimate, mixture) if request.sam.match_gain else 0.0
        yield ChunkMeasured(
            index=chunk.index,
            stem=target.name,
            explained_energy=measures.explained_energy(estimate, mixture, heard.sample_rate),
            gain_drift_db=measures.gain_drift_db(estimate, mixture),
            null_depth_db=None if left is None else measures.null_depth_db(mixture, estimate, left),
            gain_db=gain_db,
        )
        matched[stem] = estimate * np.float32(10 ** (gain_db / 20))
    return matched


def _until_last_chunk(mixture: AudioSource, facts: ModelFacts, max_chunks: int | None) -> AudioSource:
    """The mixture up to the end of the last chunk that is wanted."""
    chunks = plan(conformed_length(mixture, facts.sample_rate), facts.windowing)
    if max_chunks is None or max_chunks >= len(chunks):
        return mixture
    return beginning(mixture, max(1, chunks[max_chunks - 1].stop * mixture.sample_rate // facts.sample_rate))
