"""A backend of a few lines, sources of sound made on the fly, and pieces of work for an engine to run."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from separation import solvers
from separation.backends import registry
from separation.backends.defaults import BackendDefaults
from separation.errors import PlaygroundError
from separation.events import Event, EventStream, ModelLoading, Planned, SolverStep, Warned
from separation.model import Availability, BackendProfile, ModelFacts, Readiness, Samples, Window
from separation.model.windowing import Windowing
from separation.models.sam_audio.noise import noise
from separation.pipeline import tasks
from separation.prompts import vocabulary
from separation.prompts.targets import Target, residual_stem
from separation.request import Request

Split = Callable[[Samples, Window], Mapping[str, Samples]]


def all_in_drums(samples: Samples, window: Window) -> dict[str, Samples]:
    """The identity: the first stem is the mixture, the others are silent."""
    return {"drums": samples, "bass": 0 * samples, "vocals": 0 * samples, "other": 0 * samples}


def in_quarters(samples: Samples, window: Window) -> dict[str, Samples]:
    """Four equal stems that sum to the mixture."""
    return dict.fromkeys(("drums", "bass", "vocals", "other"), samples / 4)


@dataclass
class FakeModel:
    """Answers with `split`, and remembers the last few windows it was shown."""

    facts: ModelFacts
    split: Split = all_in_drums
    seen: deque[Window] = field(default_factory=lambda: deque(maxlen=4))
    batches: list[list[int]] = field(default_factory=list)

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        self.seen.append(window)
        yield SolverStep(done=1, total=1)
        return self.split(window.samples, window)

    def separate_batch(
        self, windows: Sequence[Window], request: Request
    ) -> Generator[Event, None, list[Mapping[str, Samples]]]:
        self.batches.append([window.index for window in windows])
        self.seen.extend(windows)
        yield SolverStep(done=1, total=1)
        return [self.split(window.samples, window) for window in windows]


FRAME = 10  # samples of a latent frame
CONTEXT = 2  # frames on each side that decoding looks at


@dataclass
class FakeLatentModel(FakeModel):
    """A flow whose solution is known: Euler's method and the midpoint rule carry any noise to the features.

    A latent frame holds its `FRAME` samples of a channel; a clip is a channel; every prompt is answered alike.

    Args:
        curved: bends the flow, differently in every window, so that it matters who solves it and how.
        smear: what decoding adds to each frame of those within `CONTEXT` of it.
    """

    curved: float = 0.0
    smear: float = 0.0
    encoded: list[int] = field(default_factory=list)
    evaluated: list[tuple[int, float]] = field(default_factory=list)

    def encodes(self, window: Window, request: Request) -> bool:
        return True

    def encode(self, window: Window, request: Request) -> Generator[Event, None, Samples]:
        yield from ()
        self.encoded.append(window.index)
        padded = np.pad(window.samples, ((0, 0), (0, -window.samples.shape[-1] % FRAME)))
        return padded.reshape(len(padded), -1, FRAME)

    def velocity(
        self, window: Window, features: Samples, state: Samples, t: float, request: Request
    ) -> Generator[Event, None, Samples]:
        yield from ()
        assert state.shape == (len(request.prompts), *features.shape)
        self.evaluated.append((window.index, t))
        bend = self.curved * np.sin(3 * state + window.index) * np.cos(state.mean(axis=2, keepdims=True))
        return np.asarray((features - state) / (1 - t) + bend, np.float32)

    def decode(self, window: Window, state: Samples, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        yield from ()
        self.seen.append(window)
        near = np.pad(state, ((0, 0), (0, 0), (CONTEXT, CONTEXT), (0, 0)))
        for shift in range(2 * CONTEXT + 1):
            state = state + np.float32(self.smear) * near[:, :, shift : shift + state.shape[2]]
        clips = state.reshape(*state.shape[:2], -1)[:, :, : window.samples.shape[-1]]
        return {prompt.text.strip(): clip for prompt, clip in zip(request.prompts, clips, strict=True)}

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        features = window.features
        if features is None:
            features = yield from self.encode(window, request)
        drawn = noise(request.seed_of(window.index), window.index, features.shape[1], FRAME)
        state = np.broadcast_to(drawn, (len(request.prompts), *features.shape))

        def velocity(x: Samples, t: float) -> Samples:
            return result_of(self.velocity(window, features, x, t, request))

        times = solvers.times(request.solver.n_steps, request.solver.grid)
        for done, after in enumerate(solvers.integrate(request.solver.method, velocity, state, times), start=1):
            state = after
            yield SolverStep(done=done, total=request.solver.n_steps)
        return (yield from self.decode(window, state, request))


def result_of(work: Generator[Event, None, Any]) -> Any:
    """What a piece of work returns, its events unheard."""
    return ran(work)[1]


def ran(work: Generator[Event, None, Any]) -> tuple[list[Event], Any]:
    """All events of a piece of work, and what it returns."""
    stream = EventStream(work)
    return list(stream), stream.result


@dataclass
class FakeBackend(BackendDefaults):
    """A backend whose every answer a test can choose."""

    split: Split = all_in_drums
    windowing: Windowing = field(default_factory=lambda: Windowing(chunk=None))
    sample_rate: int = 44_100
    n_channels: int = 2
    levelled: bool = False
    name: str = "fake"
    names: tuple[str, ...] = ("drums", "bass", "vocals", "other")
    known_models: tuple[str, ...] = ("only",)
    readiness: Readiness = Readiness.USABLE
    sentence: str = "It is a fake."
    licence: str = "none"
    takes_anchors: bool = False
    profile: BackendProfile = field(default_factory=BackendProfile)
    more_facts: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[[ModelFacts, Split], FakeModel] = FakeModel
    n_loads: int = 0
    model: FakeModel | None = None

    @property
    def label(self) -> str:
        return self.name.capitalize()

    def models(self) -> tuple[str, ...]:
        return self.known_models

    def settle(self, request: Request) -> Request:
        return replace(request, backend=self.name, model=request.model or self.known_models[0])

    def revision(self, request: Request) -> str:
        return "1"

    def availability(self, request: Request | None = None) -> Availability:
        return Availability(readiness=self.readiness, sentence=self.sentence)

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        return self.names

    def targets(self, request: Request) -> tuple[Target, ...]:
        return tuple(vocabulary.match(prompt.text, self.names, backend=self.label) for prompt in request.prompts)

    def load(self, request: Request) -> Generator[Event, None, FakeModel]:
        yield ModelLoading(model="only")
        self.n_loads += 1
        facts = ModelFacts(
            model="only",
            revision="1",
            device="cpu",
            sample_rate=self.sample_rate,
            n_channels=self.n_channels,
            windowing=self.windowing,
            levelled=self.levelled,
            **self.more_facts,
        )
        self.model = self.make(facts, self.split)
        return self.model


@dataclass
class PromptableBackend(FakeBackend):
    """Like SAM-Audio: any prompt is a stem of its own, and so, if the model's residuals are wanted, is its residual."""

    def targets(self, request: Request) -> tuple[Target, ...]:
        names = [prompt.text.strip() for prompt in request.prompts]
        if request.sam.residual == "model":
            names += [residual_stem(name) for name in names]
        return tuple(Target(name=name, stems=frozenset({name})) for name in names)


def use_only(patch: pytest.MonkeyPatch, kind: type[FakeBackend] = FakeBackend, **answers: Any) -> FakeBackend:
    """Make a fake the only backend, its model freshly loaded."""
    fake = kind(**answers)
    patch.setattr(registry, "BACKENDS", {fake.name: fake})
    patch.setattr(tasks, "warm", {})
    return fake


@dataclass
class MadeOnTheFly:
    """An `AudioSource` of any length that is never in memory: a tone of 440 Hz under a slow swell."""

    n_samples: int
    sample_rate: int = 8_000
    n_channels: int = 1
    longest_read: int = 0
    n_read: int = 0

    def read(self, start: int, stop: int) -> Samples:
        self.longest_read = max(self.longest_read, stop - start)
        self.n_read += stop - start
        at = np.arange(start, stop)
        inside = (at >= 0) & (at < self.n_samples)
        phase = 2 * np.pi * 440 / self.sample_rate * at
        mono = (0.5 * np.sin(phase) * inside).astype(np.float32)
        return np.repeat(mono[None], self.n_channels, axis=0)


# Work for an engine. A cluster's worker process imports these by name.


def count_to(n: int, tail: str = "") -> Generator[Event, None, str]:
    """Report `n` steps and something with nested values; the last event comes right before the result."""
    yield Planned(model="fake", device="cpu", stems=("a", "b"), spans_s=((0.0, 1.5), (1.0, 2.5)))
    for done in range(n):
        yield SolverStep(done=done + 1, total=n)
    yield Warned(message=f"last{tail}")
    return f"counted to {n}"


def echo(samples: Samples) -> Generator[Event, None, Samples]:
    """Report nothing and hand back what was given."""
    yield from ()
    return samples


def fail_with(error: Exception) -> Generator[Event, None, None]:
    """Report once, then raise."""
    yield Warned(message="about to fail")
    raise error


def fail_as(kind: type[PlaygroundError]) -> Generator[Event, None, None]:
    """Raise one of our errors with all three sentences."""
    yield from fail_with(kind("It broke.", "It was glass.", "Buy a cup."))


def wait(seconds: float) -> Generator[Event, None, str]:
    """Say nothing for a while."""
    yield Warned(message="waiting")
    time.sleep(seconds)
    return "waited"


def work_until_stopped(diary: Path, n_steps: int, pause_s: float) -> Generator[Event, None, None]:
    """Write a line for every evaluation, and one when it is stopped."""
    try:
        for done in range(n_steps):
            with diary.open("a") as file:
                file.write("evaluated\n")
            time.sleep(pause_s)
            yield SolverStep(done=done + 1, total=n_steps)
    finally:
        with diary.open("a") as file:
            file.write("stopped\n")


def work_with_a_fault_of_dask(diary: Path) -> Generator[Event, None, None]:
    """Let Dask report a fault in its own log, as it does of a scheduler that is gone; then work until stopped."""
    try:
        raise ConnectionError("the stream is closed")
    except ConnectionError:
        logging.getLogger("distributed.worker").exception("Failed to communicate with scheduler")
    yield from work_until_stopped(diary, 2_000, 0.05)


def die_until(diary: Path, n_deaths: int) -> Generator[Event, None, str]:
    """Kill the process that runs this, as the system does when memory runs out, for the first `n_deaths` attempts."""
    with diary.open("a") as file:
        file.write(f"{os.getpid()}\n")
    yield SolverStep(done=1, total=2)
    if len(diary.read_text().splitlines()) <= n_deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def process_id() -> Generator[Event, None, int]:
    """Which process this runs in."""
    yield from ()
    return os.getpid()


def loaded_models() -> Generator[Event, None, list[str]]:
    """Return the backends of the models that this process has loaded."""
    yield from ()
    return sorted({request.backend for request in tasks.warm})


def process_id_after(pause_s: float) -> Generator[Event, None, int]:
    """Which process this runs in, after some time in it."""
    yield SolverStep(done=1, total=1)
    time.sleep(pause_s)
    return os.getpid()


def after(answer: Any, pause_s: float) -> Generator[Event, None, Any]:
    """An answer that takes some time."""
    yield SolverStep(done=1, total=1)
    time.sleep(pause_s)
    return answer


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    deadline_s = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def burn(cpu_s: float, n_threads: int) -> Generator[Event, None, float]:
    """Compute for so many seconds of a processor in all, in threads; return how many they were."""
    yield SolverStep(done=0, total=1)
    began_s = time.process_time()

    def spin() -> None:
        while time.process_time() - began_s < cpu_s:
            pass

    threads = [threading.Thread(target=spin) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.process_time() - began_s
