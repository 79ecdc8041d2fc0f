"""A backend of a few lines, sources of sound made on the fly, and pieces of work for an engine to run."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from separation import vocabulary
from separation.backends.protocol import Availability, ModelFacts, Readiness, Samples, Window
from separation.chunking import Windowing
from separation.errors import PlaygroundError
from separation.events import Event, ModelLoading, Planned, SolverStep, Warned
from separation.request import Request
from separation.targets import Target

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

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        self.seen.append(window)
        yield SolverStep(done=1, total=1)
        return self.split(window.samples, window)


@dataclass
class FakeBackend:
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
        )
        self.model = FakeModel(facts, self.split)
        return self.model


@dataclass
class MadeOnTheFly:
    """An `AudioSource` of any length that is never in memory: a tone of 440 Hz under a slow swell."""

    n_samples: int
    sample_rate: int = 8_000
    n_channels: int = 1
    longest_read: int = 0

    def read(self, start: int, stop: int) -> Samples:
        self.longest_read = max(self.longest_read, stop - start)
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
