"""The classical signal-processing backend: no weights; for comparison, and if the built-in weights are missing."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace

from separation.backends.defaults import UNUSED_SAM, BackendDefaults, chunk_of, overlapping
from separation.errors import SettingsError
from separation.events import Event, ModelLoading, SolverStep
from separation.model import (
    Availability,
    BackendProfile,
    ChunkLayout,
    Model,
    ModelFacts,
    Readiness,
    RunCost,
    Samples,
    Window,
)
from separation.model.windowing import Windowing
from separation.prompts import vocabulary
from separation.prompts.targets import Target
from separation.request import ChunkSettings, Request, RequestField

SAMPLE_RATE = 44_100
# Chunks long enough for repetition to show, short enough for the first one to be played early.
DEFAULT_CHUNKS = ChunkSettings(chunk_s=10.0, overlap_s=1.0)
STEMS = ("drums", "bass", "vocals", "other")
METHODS = "classical"
# Changes whenever the methods' output does, so that kept results are never mistaken for new ones.
REVISION = "1"
WORK = 12.0  # in units of the network's time, which is about the same


class ClassicalBackend(BackendDefaults):
    """Four stems by harmonic-percussive medians, pitch and stereo cues, behind the common `Backend` protocol."""

    name = "builtin-dsp"
    label = "Built-in, classical methods"
    licence = "MIT, part of this program"
    profile = BackendProfile(
        family="builtin",
        about="By classical signal processing, to compare with: drums, bass, vocals, other.",
        packages=("numpy", "scipy"),
    )

    def models(self) -> tuple[str, ...]:
        """Return the name of the one set of methods."""
        return (METHODS,)

    def settle(self, request: Request) -> Request:
        """Keep prompts and chunks, reset all else; an unknown model raises `SettingsError`."""
        if request.model not in (None, METHODS):
            raise SettingsError(
                f"The classical separator has no model “{request.model}”.",
                "",
                f"Leave the model open, or name {METHODS}.",
            )
        return Request(
            prompts=request.prompts,
            backend=self.name,
            model=METHODS,
            device="cpu",
            chunks=replace(request.chunks or DEFAULT_CHUNKS, stitch="crossfade"),
            sam=UNUSED_SAM,
        )

    def revision(self, request: Request) -> str:
        """Return the version of the methods."""
        return f"{METHODS}-{REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Always usable."""
        return Availability(
            readiness=Readiness.USABLE, sentence="Works without weights or network: drums, bass, vocals, other."
        )

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """Return the four stems, the same for every request."""
        return STEMS

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Match prompts to the four stems by the vocabulary's synonyms; `PromptError` if none fits."""
        backend = "the classical separator"
        return tuple(vocabulary.match(prompt.text, STEMS, backend=backend) for prompt in request.prompts)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Return the model; nothing is loaded but SciPy."""
        yield ModelLoading(model=METHODS)
        return _Classical(self.layout(request))

    def uses(self, request: Request) -> frozenset[RequestField]:
        """Return only the chunk settings: it always runs on the CPU."""
        return frozenset({RequestField.CHUNKS})

    def layout(self, request: Request) -> ChunkLayout:
        """Return the chunk layout: the requested chunks, without context."""
        return ChunkLayout(SAMPLE_RATE, 1, Windowing.of(request.chunks or DEFAULT_CHUNKS, SAMPLE_RATE))

    def cost(self, request: Request, duration_s: float) -> RunCost:
        """Return the cost as measured on two cores."""
        return RunCost(
            work=WORK * overlapping(request),
            held_s=chunk_of(request, duration_s),
            load_s=(0.2, 2.0),
            loaded_mb=170.0,
            mb_per_s=12.0,
        )


class _Classical:
    def __init__(self, layout: ChunkLayout) -> None:
        self.facts = ModelFacts(
            model=METHODS,
            revision=REVISION,
            device="cpu",
            sample_rate=layout.sample_rate,
            n_channels=2,
            windowing=layout.windowing,
        )

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        from separation.models.classical.classical import separate_classical  # SciPy takes 0.3 s to import

        stems = separate_classical(window.samples, SAMPLE_RATE)
        yield SolverStep(done=1, total=1)
        return stems
