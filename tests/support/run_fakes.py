"""A separator that counts its evaluations, installed as the only backend, for tests of runs and jobs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.backends import registry
from separation.cli import batch  # noqa: F401 - its --backend lists the real backends, if it is read before they go
from separation.events import Event
from separation.model import Model, Samples, Window
from separation.model.windowing import Windowing
from separation.pipeline import tasks
from separation.request import Request
from tests.support.fakes import FakeBackend, FakeModel

RATE = 8_000


@dataclass
class CountingBackend(FakeBackend):
    """Splits into quarters chunk by chunk; `before_evaluation` may wait, raise or look around."""

    n_evaluations: int = 0
    version: str = "1"
    before_evaluation: Callable[[], None] = lambda: None

    def revision(self, request: Request) -> str:
        return self.version

    def load(self, request: Request) -> Generator[Event, None, Model]:
        model = yield from super().load(request)
        return _Counting(model, self)


class _Counting:
    def __init__(self, model: FakeModel, backend: CountingBackend) -> None:
        self.facts, self._model, self._backend = model.facts, model, backend

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        self._backend.n_evaluations += 1
        self._backend.before_evaluation()
        return (yield from self._model.separate(window, request))


def install(monkeypatch: pytest.MonkeyPatch, chunk_s: float = 0.5) -> CountingBackend:
    """Make a `CountingBackend` the only backend there is, called "fake"."""
    backend = CountingBackend(
        split=_shares,
        windowing=Windowing(chunk=round(chunk_s * RATE), overlap=RATE // 20),
        sample_rate=RATE,
        known_models=("only", "another"),
    )
    monkeypatch.setattr(registry, "BACKENDS", {"fake": backend})
    monkeypatch.setattr(tasks, "warm", {})
    return backend


def _shares(samples: Samples, window: Window) -> dict[str, Samples]:
    shares = {"drums": 0.4, "bass": 0.3, "vocals": 0.2, "other": 0.1}
    return {name: (share * samples).astype(np.float32) for name, share in shares.items()}


def song(path: Path, duration_s: float = 2.0, seed: int = 0) -> Path:
    """Write stereo noise as float32 WAV, whatever the file is called."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (2, round(duration_s * RATE))).astype(np.float32)
    return encode(Waveform(samples, RATE), path.with_name(f"{path.name}.wav")).path.replace(path)
