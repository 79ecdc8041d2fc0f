"""Multi-diffusion: the windows of a recording are solved together, not blended after separate solutions.

MultiDiffusion (Bar-Tal et al. 2023): where windows overlap, the velocity is the weighted mean of theirs (eq. 5), with
the gains of the crossfade as weights. Noise, features, state and velocities of the whole recording lie on disk, so
memory is that of one window.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from separation import solvers
from separation.chunking.crossfade import CrossfadeStream
from separation.chunking.model_inputs import ModelInputs
from separation.chunking.plan import Chunk, pairwise_starts
from separation.chunking.spool import DiskArray, WeightedSum
from separation.engine.engine import Ahead, Call, Engine, Work
from separation.errors import SettingsError
from separation.events import Event, SolverStep
from separation.model import ModelFacts, Samples, Window
from separation.pipeline import tasks
from separation.pipeline.groups import Candidates
from separation.request import Request

# Writes the velocity at (state, t) into the array it is given, reporting as it goes.
Evaluate: TypeAlias = Callable[[DiskArray, float, DiskArray], Generator[Event, None, None]]


def check(facts: ModelFacts, request: Request, label: str) -> None:
    """Raise SettingsError where the windows of a recording cannot be solved together.

    Args:
        facts: of the model.
        request: what is to be solved.
        label: the backend's name for a person.
    """
    if facts.latents is None:
        raise SettingsError(
            f"{label} cannot stitch by multi-diffusion.",
            "It has no velocity field in which windows could be blended.",
            "Choose the stitching “crossfade”.",
        )
    if request.sam.rerolls:
        raise SettingsError(
            "Chunks cannot be re-rolled with multi-diffusion.",
            "The whole recording is solved at once, from one noise.",
            "Choose another seed, or the stitching “crossfade”.",
        )


class Multidiffusion:
    """Estimates chunks from one solution of the whole recording, which is computed with the first estimate."""

    def __init__(self, windows: ModelInputs, order: tasks.Order, engine: Engine) -> None:
        latents, frame = windows.facts.latents, windows.facts.frame
        assert latents is not None
        assert frame is not None
        self._windows, self._order = windows, order
        self._request = order.request
        self._latents, self._frame = latents, frame
        self._spans = [_in_frames(chunk, frame) for chunk in windows.chunks]
        self._n_clips = 0
        self._solved: DiskArray | None = None
        self._to_decode: Iterator[Call[Mapping[str, Samples]]] = iter(())
        self._ahead: Ahead[Any] = Ahead(engine, self._request.device)

    def is_kept(self, chunk: Chunk) -> bool:
        """Return False: no chunk is finished separately."""
        return False

    def close(self) -> None:
        """Cancel the calls that still run."""
        self._ahead.close()

    def candidates(self, chunk: Chunk) -> Generator[Event, None, Candidates]:
        """Return the one estimate of `chunk`: stems of shape (channels, chunk.stop - chunk.start).

        They are decoded with enough context to equal a decode of the whole recording, so neighbours agree where they
        overlap.
        """
        if self._solved is None:
            self._solved = yield from self._solution()
            self._to_decode = (
                self._call(tasks.decode_window, *self._solved_window(wider, self._solved))
                for wider in map(self._wider, self._windows.chunks)
            )
        self._ahead.fill(self._to_decode)
        stems = yield from self._ahead.next()
        return [self._windows.answered(stems, self._wider(chunk))]

    def _call(self, work: Work[Any], *arguments: Any) -> Call[Any]:
        return Call(work, (*arguments, self._order), device=self._request.device)

    def _wider(self, chunk: Chunk) -> Chunk:
        """Return `chunk` with the context that decoding needs."""
        context = self._latents.context_frames * self._frame
        start, stop = max(0, chunk.start - context), min(self._windows.mixture.n_samples, chunk.stop + context)
        return replace(chunk, read_start=start, read_stop=stop)

    def _solved_window(self, chunk: Chunk, solved: DiskArray) -> tuple[Window, Samples]:
        """Return the window of `chunk` and its state (prompts, clips, frames, channels)."""
        seen = _in_frames(chunk, self._frame)
        return self._windows.of(chunk), self._shaped(solved.read(seen.read_start, seen.read_stop))

    def _solution(self) -> Generator[Event, None, DiskArray]:
        """Return the state at t = 1 of the whole recording, (frames, prompts * clips * state channels)."""
        features = yield from self._encoded()
        solver = self._request.solver
        times = solvers.times(solver.n_steps, solver.grid)
        total = solvers.nfe(solver.method, solver.n_steps) * len(self._spans)
        done = 0

        def evaluate(state: DiskArray, t: float, velocity: DiskArray) -> Generator[Event, None, None]:
            nonlocal done
            for event in self._velocity(features, state, t, velocity):
                done += isinstance(event, SolverStep)
                yield SolverStep(done=done, total=total) if isinstance(event, SolverStep) else event

        return (yield from integrated(solver.method, evaluate, self._noise(), times))

    def _encoded(self) -> Generator[Event, None, DiskArray]:
        """Encode every window once; return the features: the frames of its clips, window after window."""
        features: DiskArray | None = None
        at = 0
        calls = (self._call(tasks.encode_window, self._windows.of(chunk)) for chunk in self._windows.chunks)
        for _ in self._windows.chunks:
            self._ahead.fill(calls)
            encoded = yield from self._ahead.next()
            if features is None:
                self._n_clips = len(encoded)
                n_frames = sum(span.stop - span.start for span in self._spans)
                features = DiskArray(self._n_clips * n_frames, encoded.shape[-1])
            features.write(at, encoded.reshape(-1, encoded.shape[-1]))
            at += self._n_clips * encoded.shape[1]
        assert features is not None
        assert at == features.n_rows
        return features

    def _velocity(
        self, features: DiskArray, state: DiskArray, t: float, velocity: DiskArray
    ) -> Generator[Event, None, None]:
        """Write the velocity of the whole recording at `state`, yielding a `SolverStep` after each window."""
        blend = CrossfadeStream(self._windows.facts.windowing.fade)
        calls = self._evaluations(features, state, t)
        for span, next_start in pairwise_starts(self._spans):
            self._ahead.fill(calls)
            answer = yield from self._ahead.next()
            flat = np.moveaxis(answer, 2, -1).reshape(-1, answer.shape[2])  # (all else, frames), as a crossfade has it
            velocity.write(span.start, blend.add(span, next_start, {"": flat})[""].T)
            yield SolverStep(done=1, total=1)

    def _evaluations(self, features: DiskArray, state: DiskArray, t: float) -> Iterator[Call[Samples]]:
        """Yield a call for the velocity of every window."""
        at = 0
        for chunk, span in zip(self._windows.chunks, self._spans, strict=True):
            n_rows = self._n_clips * (span.stop - span.start)
            here = features.read(at, at + n_rows).reshape(self._n_clips, -1, features.width)
            at += n_rows
            there = self._shaped(state.read(span.start, span.stop))
            yield self._call(tasks.velocity_window, self._windows.silent(chunk), here, there, t)

    def _noise(self) -> DiskArray:
        """Return the initial noise, the same draw for every prompt and clip."""
        n_channels = self._latents.state_channels
        n_copies = len(self._request.prompts) * self._n_clips
        start = DiskArray(self._spans[-1].stop, n_copies * n_channels)
        blocks = noise_blocks(self._request.seed, [stop - first for first, stop in start.spans()], n_channels)
        for (first, _), block in zip(start.spans(), blocks, strict=True):
            start.write(first, np.tile(block, (1, n_copies)))
        return start

    def _shaped(self, rows: Samples) -> Samples:
        """Reshape (frames, prompts * clips * channels) to a model's state: (prompts, clips, frames, channels)."""
        parts = (len(self._request.prompts), self._n_clips, self._latents.state_channels)
        return np.ascontiguousarray(np.moveaxis(rows.reshape(-1, *parts), 0, 2))


def integrated(
    method: str, evaluate: Evaluate, start: DiskArray, times: Sequence[float]
) -> Generator[Event, None, DiskArray]:
    """Run `solvers.integrate` on arrays on disk with evaluations that report events; return the last state.

    A solver cannot yield events while it calls its velocity. So it is given arrays that are still empty, of which it
    forms symbolic sums, and they are filled before it takes the next step.
    """
    asked: list[tuple[WeightedSum, float, DiskArray]] = []

    def velocity(x: WeightedSum, t: float) -> WeightedSum:
        answer = DiskArray(start.n_rows, start.width)
        asked.append((x, t, answer))
        return WeightedSum({answer: 1.0})

    solved = start
    for state in solvers.integrate(method, velocity, WeightedSum({start: 1.0}), times):
        while asked:
            x, t, answer = asked.pop(0)
            yield from evaluate(x.stored(), t, answer)
        solved = state.stored()
    return solved


def noise_blocks(seed: int, lengths: Sequence[int], n_channels: int) -> Iterator[Samples]:
    """Yield the noise of a whole recording, shape (frames, channels), in blocks of the given lengths.

    Joined, they are `models.sam_audio.noise.noise(seed, 0, sum(lengths), n_channels)`: a generator that is asked for a
    few numbers at a time gives the same ones.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(0,))))
    for n_frames in lengths:
        yield generator.standard_normal((n_frames, n_channels), dtype=np.float32)


def _in_frames(chunk: Chunk, frame: int) -> Chunk:
    """Return a chunk in latent frames; its window starts on a whole frame and may end inside its last."""
    assert all(samples % frame == 0 for samples in (chunk.start, chunk.read_start, chunk.overlap))
    return replace(
        chunk,
        start=chunk.start // frame,
        stop=-(-chunk.stop // frame),
        read_start=chunk.read_start // frame,
        read_stop=-(-chunk.read_stop // frame),
        overlap=chunk.overlap // frame,
    )
