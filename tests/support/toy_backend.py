"""A whole backend in one file: middle and sides of a stereo recording."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import pytest

from separation.backends import registry
from separation.backends.defaults import BackendDefaults, chunk_of, overlapping
from separation.events import Event, ModelLoading, SolverStep
from separation.model import (
    Availability,
    BackendProfile,
    ChunkLayout,
    Model,
    ModelFacts,
    PublishedModel,
    Readiness,
    RunCost,
    Samples,
    Window,
)
from separation.model.windowing import Windowing
from separation.prompts import vocabulary
from separation.prompts.targets import Target
from separation.request import ChunkSettings, Request

RATE = 8_000
MATRIX = PublishedModel(
    name="toy-matrix",
    backend="toy",
    model="wide",
    label="Toy matrix",
    size_bytes=4_000_000,
    licence="CC0",
    gated=False,
    repository="toys/matrix",
    on_disk_bytes=None,
    partial_bytes=0,
    needs=(),
    path=None,
)


class ToyBackend(BackendDefaults):
    """Middle, and what is not in it."""

    name = "toy"
    label = "Toy matrix"
    licence = "CC0"
    profile = BackendProfile(
        about="By sums and differences: middle and sides.",
        packages=("numpy",),
        presets={"Preview": {"chunks": ChunkSettings(chunk_s=5.0)}, "Toyish": {"model": "wide"}},
        models_tip="Wide hears more of the sides.",
    )

    def models(self) -> tuple[str, ...]:
        return ("plain", "wide")

    def revision(self, request: Request) -> str:
        return "1"

    def availability(self, request: Request | None = None) -> Availability:
        if request is not None and request.model == "wide":
            return Availability(readiness=Readiness.NEEDS_WEIGHTS, sentence="Fetch the toy matrix.")
        return Availability(readiness=Readiness.USABLE, sentence="It needs nothing.")

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        return ("middle", "sides")

    def targets(self, request: Request) -> tuple[Target, ...]:
        return tuple(vocabulary.match(one.text, self.stems(), backend="the toy") for one in request.prompts)

    def layout(self, request: Request) -> ChunkLayout:
        return ChunkLayout(RATE, 1, Windowing.of(request.chunks or ChunkSettings(), RATE))

    def cost(self, request: Request, duration_s: float) -> RunCost:
        held_s = chunk_of(request, duration_s)
        return RunCost(work=overlapping(request), held_s=held_s, load_s=(1.0, 2.0), loaded_mb=10.0, mb_per_s=1.0)

    def published(self, model: str | None = None) -> tuple[PublishedModel, ...]:
        return (MATRIX,)

    def fetch(self, entry: PublishedModel) -> Generator[Event, None, None]:
        yield ModelLoading(model=entry.name, done_bytes=entry.size_bytes, total_bytes=entry.size_bytes)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        yield ModelLoading(model="plain")
        return _Matrix(self.layout(request))


class _Matrix:
    def __init__(self, layout: ChunkLayout) -> None:
        self.facts = ModelFacts(
            model="plain",
            revision="1",
            device="cpu",
            sample_rate=layout.sample_rate,
            n_channels=2,
            windowing=layout.windowing,
        )

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        yield SolverStep(done=1, total=1)
        middle = 0 * window.samples + window.samples.mean(axis=0)
        return {"middle": middle, "sides": window.samples - middle}


def register(monkeypatch: pytest.MonkeyPatch) -> ToyBackend:
    """The one registration: after all others, of which none knows of it."""
    toy = ToyBackend()
    monkeypatch.setattr(registry, "BACKENDS", {**registry.BACKENDS, toy.name: toy})
    return toy
