"""Separates a mixture by a request (`separate`, `extract`): the steps of the pipeline in their order.

mixture -> [model rate, channels, level] -> chunks -> model -> crossfade -> targets -> [mixture rate, channels]
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
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
    conformed_length,
    level_of,
    mono_or_stereo,
)
from separation.chunking.crossfade import CrossfadeStream
from separation.chunking.model_inputs import ModelInputs
from separation.chunking.plan import Chunk, pairwise_starts, plan
from separation.engine.engine import Ahead, Call, Engine, Inline
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
from separation.metrics.reference import rtf
from separation.model import ModelFacts, Samples, Window
from separation.pipeline import multidiffusion, tasks
from separation.pipeline.chunk_keys import Chunks, NotKept, chunk_key, features_key
from separation.pipeline.multidiffusion import Multidiffusion
from separation.prompts.targets import Target, own_residuals, residual_stem, tracks_of
from separation.request import ChunkSettings, Request

FEATURES = "features"


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
    settled, why = registry.choose(request)
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
    cut = request.chunks or ChunkSettings()
    if cut.stitch == "multidiffusion":
        multidiffusion.check(facts, request, backend.label)
    if facts.frame is None and any(prompt.anchors for prompt in request.prompts):
        yield Warned(message=f"{backend.label} does not take anchors; they are ignored.")
    started_s = time.monotonic()
    targets = backend.targets(request)
    tracks = tracks_of(targets, request)
    if facts.frame is not None:
        n_samples, rate = conformed_length(mixture, facts.sample_rate), facts.sample_rate
        spans = notes(request.prompts, n_samples, sample_rate=rate, frame=facts.frame, begins_s=begins_s)
        yield from (Warned(message=note) for note in spans)
    mixture = _until_last_chunk(mixture, facts, cut.max_chunks)
    model_mixture = conformed(mixture, facts.sample_rate, facts.n_channels)
    chunks = plan(model_mixture.n_samples, facts.windowing)[: cut.max_chunks]
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
    store = None if kept is None else _ChunkCache(kept, order)
    together = cut.stitch == "multidiffusion"
    estimator = Multidiffusion(windows, order, engine) if together else _Groups(windows, order, engine, store)
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
    """Estimates the stems of chunks, which are requested in order."""

    def is_kept(self, chunk: Chunk) -> bool:
        """Whether the stems of `chunk` come from an earlier run."""
        ...

    def estimates(self, chunk: Chunk) -> Generator[Event, None, Mapping[str, Samples]]:
        """Return the stems of `chunk`, shape (channels, chunk.stop - chunk.start), at the mixture's level."""
        ...

    def close(self) -> None:
        """Cancel the calls that still run."""
        ...


class _ChunkCache:
    """Reads and writes the kept chunks of one model and request."""

    def __init__(self, chunks: Chunks, order: tasks.Order) -> None:
        self._chunks, self._order = chunks, order
        self._refused = False

    def find(self, window: Window) -> Mapping[str, Samples] | None:
        """Return the kept stems of a window, or None."""
        return self._chunks.get(self._key(chunk_key, window))

    def with_features(self, window: Window) -> Window:
        """Return the window with its kept features, if there are some."""
        kept = self._chunks.get(self._key(features_key, window))
        return replace(window, features=None if kept is None else kept.get(FEATURES))

    def keep(self, window: Window, answer: tasks.Answer) -> Iterator[Event]:
        """Keep the computed stems and features; on failure warn once, and stop keeping."""
        yield from self._put(self._key(chunk_key, window), answer.stems)
        if window.features is None and answer.features is not None:
            yield from self._put(self._key(features_key, window), {FEATURES: answer.features})

    def _put(self, key: str, arrays: Mapping[str, Samples]) -> Iterator[Event]:
        if self._refused:
            return
        try:
            self._chunks.put(key, arrays)
        except NotKept as refusal:
            self._refused = True
            yield Warned(message=str(refusal))

    def _key(self, kind: Callable[..., str], window: Window) -> str:
        request = self._order.request
        return kind(window, request, revision=self._order.revision, device=request.device)


class _Groups:
    """Estimates stems by the model's `separate`, in groups of as many windows as it processes together.

    The first chunk goes alone, so that it can be played early. Kept chunks do not change the groups, so a run that is
    resumed rounds like one that was not interrupted.
    """

    def __init__(self, windows: ModelInputs, order: tasks.Order, engine: Engine, store: _ChunkCache | None) -> None:
        self._windows, self._order, self._store = windows, order, store
        self._found: dict[int, Mapping[str, Samples] | None] = {}
        self._ready: dict[int, Mapping[str, Samples]] = {}
        self._waiting = deque(_groups(windows.chunks, windows.facts.batch))
        self._started: deque[list[Window]] = deque()  # the windows of each running call
        self._ahead: Ahead[Sequence[tasks.Answer]] = Ahead(engine, order.request.device)

    def is_kept(self, chunk: Chunk) -> bool:
        """See `_Estimator.is_kept`."""
        return self._kept(chunk) is not None

    def estimates(self, chunk: Chunk) -> Generator[Event, None, Mapping[str, Samples]]:
        """See `_Estimator.estimates`."""
        if not self.is_kept(chunk) and chunk.index not in self._ready:
            self._ahead.fill(self._calls(chunk))
            answers = yield from self._ahead.next()
            # All of them are kept before any is returned, so that stopping there never splits a group.
            for window, made in zip(self._started.popleft(), answers, strict=True):
                answer = made._replace(stems={name: made.stems[name] for name in sorted(window.stems)})
                self._ready[window.index] = answer.stems
                if self._store is not None:
                    yield from self._store.keep(window, answer)
        found = self._found.pop(chunk.index)
        return self._windows.answered(self._ready.pop(chunk.index) if found is None else found, chunk)

    def close(self) -> None:
        """See `_Estimator.close`."""
        self._ahead.close()

    def _calls(self, chunk: Chunk) -> Iterator[Call[Sequence[tasks.Answer]]]:
        """Yield calls for the groups from that of `chunk` on that are not kept.

        They end after as many as can run at once: kept chunks beyond would be held in memory until their turn.
        """
        last = chunk.index + self._windows.facts.batch * self._ahead.width
        while self._waiting and self._waiting[0][0].index <= last:
            group = self._waiting.popleft()
            ours = (member for member in group if member.index >= chunk.index and not self.is_kept(member))
            if windows := [self._window(member) for member in ours]:
                self._started.append(windows)
                # An early chunk of one run goes before a late one of another, so that every run can be played soon.
                device, priority = self._order.request.device, -group[0].index
                yield Call(tasks.separate_windows, (windows, self._order), device=device, priority=priority)

    def _window(self, chunk: Chunk) -> Window:
        """Return the window of `chunk`, with its features if they are kept."""
        window = self._windows.of(chunk)
        if self._store is None or self._windows.facts.latents is None:
            return window
        return self._store.with_features(window)

    def _kept(self, chunk: Chunk) -> Mapping[str, Samples] | None:
        """Return the kept stems of `chunk`, or None; looked up once."""
        if chunk.index not in self._found:
            self._found[chunk.index] = None if self._store is None else self._store.find(self._windows.of(chunk))
        return self._found[chunk.index]


def _groups(chunks: Sequence[Chunk], batch: int) -> Iterator[list[Chunk]]:
    """Yield chunk 0 alone, then groups of up to `batch` chunks of one length."""
    for first in (0, *range(1, len(chunks), batch)):
        together = chunks[first : first + batch if first else 1]
        for _, group in groupby(together, key=lambda chunk: chunk.read_stop - chunk.read_start):
            yield list(group)


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
        estimates = yield from estimator.estimates(chunk)
        if facts.generative:
            estimates = yield from _measured(estimates, chunk, to_measure, targets, request)
        audio = returned.add(crossfade.add(chunk, next_start, estimates), last=next_start is None)
        for name, samples in audio.items():
            peaks[name] = max(peaks[name], float(np.abs(samples).max(initial=0.0)))
        yield ChunkFinished(index=chunk.index, n_chunks=n_chunks, start=start, audio=audio)
        start += next(iter(audio.values())).shape[-1]
    assert start == mixture.n_samples
    return peaks


def _measured(
    estimates: Mapping[str, Samples], chunk: Chunk, source: AudioSource, targets: Sequence[Target], request: Request
) -> Generator[Event, None, Mapping[str, Samples]]:
    """Measure each target of a generative model against the mixture; return the stems, gain-matched if requested.

    The measures are those of the model's output, before any gain.
    """
    from separation.metrics import unreferenced as measures  # SciPy takes 0.3 s to import

    mixture = source.read(chunk.start, chunk.stop)
    residuals = own_residuals((target.name for target in targets), request)
    matched = dict(estimates)
    for target in targets:
        if target.stems.issubset(residuals):
            continue
        (stem,) = target.stems  # a generative model makes one for each prompt
        estimate, left = estimates[stem], estimates[residual_stem(stem)] if residuals else None
        gain_db = measures.matching_gain_db(estimate, mixture) if request.sam.match_gain else 0.0
        yield ChunkMeasured(
            index=chunk.index,
            stem=target.name,
            explained_energy=measures.explained_energy(estimate, mixture, source.sample_rate),
            gain_drift_db=measures.gain_drift_db(estimate, mixture),
            null_depth_db=None if left is None else measures.null_depth_db(mixture, estimate, left),
            gain_db=gain_db,
        )
        matched[stem] = estimate * np.float32(10 ** (gain_db / 20))
    return matched


def _until_last_chunk(mixture: AudioSource, facts: ModelFacts, max_chunks: int | None) -> AudioSource:
    """Return the mixture up to the end of the last requested chunk."""
    chunks = plan(conformed_length(mixture, facts.sample_rate), facts.windowing)
    if max_chunks is None or max_chunks >= len(chunks):
        return mixture
    return beginning(mixture, max(1, chunks[max_chunks - 1].stop * mixture.sample_rate // facts.sample_rate))
