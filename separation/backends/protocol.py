"""What a backend is. Narrow enough that a five-line fake satisfies it; see `tests/fakes.py`.

A `Backend` is the cheap half: names, availability, which prompts it can answer. Importing it imports no framework, so
the process that serves pages can ask it. A `Model` is the loaded half and lives where the work is done.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from separation.chunking import Windowing
from separation.events import Event
from separation.request import Request
from separation.targets import Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Samples: TypeAlias = "NDArray[np.float32]"


class Readiness(Enum):
    """Whether a backend can work here."""

    USABLE = "usable"
    NEEDS_WEIGHTS = "needs weights"
    NEEDS_HARDWARE = "needs hardware"
    NOT_INSTALLED = "not installed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """Readiness, and one sentence that tells a person what to do (or, if usable, what it will use)."""

    readiness: Readiness
    sentence: str

    @property
    def usable(self) -> bool:
        """True when a run can start now, without the network."""
        return self.readiness is Readiness.USABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """What the pipeline has to know of a loaded model.

    Args:
        model: name a person knows it by.
        revision: what changes when its weights or code change; part of every key.
        device: where it runs: "cpu", "cuda" or "mps".
        sample_rate: Hz of the audio it takes and gives.
        n_channels: channels of the audio it takes and gives.
        windowing: how it wants long audio cut, for the request it was loaded for.
        levelled: it takes mixtures brought to zero mean and unit standard deviation over the whole recording.
    """

    model: str
    revision: str
    device: str
    sample_rate: int
    n_channels: int
    windowing: Windowing
    levelled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What a model sees of one chunk: a pure value, fit to be sent to another machine.

    Args:
        samples: float32 (channels, samples) at the model's rate, context included.
        index: number of the chunk, from 0; with the request's seed it decides every random draw.
        stems: those that are wanted; a model may leave out the others where that saves work.
    """

    samples: Samples = field(repr=False)
    index: int
    stems: frozenset[str]


class Model(Protocol):
    """A loaded model. Knows nothing of files, chunks, pages or caches."""

    facts: ModelFacts

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Separate one window.

        Yields a `SolverStep` after each evaluation and returns, for at least the stems that are wanted, samples of the
        window's shape.
        """
        ...


class Backend(Protocol):
    """A family of models: what the registry, the pages and the terminal list."""

    name: str
    label: str
    licence: str

    def models(self) -> tuple[str, ...]:
        """Model names, the default first."""
        ...

    def settle(self, request: Request) -> Request:
        """The request with this backend and a model named, and every setting it ignores at its default.

        What would make no difference to the sound then makes none to the key either.
        """
        ...

    def revision(self, request: Request) -> str:
        """What tells these weights and this code from any other; cheap, part of every key."""
        ...

    def availability(self, request: Request | None = None) -> Availability:
        """Whether it can work here, with this request's model if one is given. Never touches the network."""
        ...

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """What it separates, with this request's model if one is given."""
        ...

    def targets(self, request: Request) -> tuple[Target, ...]:
        """What each prompt means in this backend's stems, or `PromptError` saying what it can do."""
        ...

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Bring a model into memory, yielding `ModelLoading`; raises `BackendUnavailable` with what to do."""
        ...
