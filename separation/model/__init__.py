"""The protocols `Backend` and `Model`, and the values they exchange; see `tests/support/fakes.py` for a small one.

A `Backend` describes a family of models and imports no framework, so the process that serves pages can use it. A
`Model` is loaded, and lives in the process that runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from separation.errors import Action, with_action
from separation.events import Event
from separation.model.windowing import Windowing
from separation.prompts.targets import Target
from separation.request import Prompt, Request, RequestField

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Samples: TypeAlias = "NDArray[np.float32]"
# Scores of candidates, higher for better ones, from a prompt, the candidates, the mixture and their rate in Hz.
Judge: TypeAlias = Callable[[str, Sequence["Samples"], "Samples", int], Sequence[float]]


class Readiness(Enum):
    """Whether a backend can work here."""

    USABLE = "usable"
    NEEDS_WEIGHTS = "needs weights"
    NEEDS_HARDWARE = "needs hardware"
    NOT_INSTALLED = "not installed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """Readiness, a sentence on it (if usable, on what the backend will use), and what to do; `str` adds its command."""

    readiness: Readiness
    sentence: str
    action: Action | None = None

    def __str__(self) -> str:
        return with_action(self.sentence, self.action)

    @property
    def usable(self) -> bool:
        """True when a run can start now, without the network."""
        return self.readiness is Readiness.USABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentFacts:
    """The properties of a model's latent space."""

    state_channels: int  # of the state that a solver carries from noise to audio
    context_frames: int  # on each side, which decoding needs for the frames between to be exact


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """The properties of a loaded model that the pipeline needs.

    Args:
        model: its name for people.
        revision: changes when its weights or code change; part of every key.
        device: the device it runs on: "cpu", "cuda" or "mps".
        sample_rate: Hz of the audio it takes and gives.
        n_channels: channels of the audio it takes and gives.
        windowing: how long audio is cut, for the request it was loaded for.
        levelled: it takes mixtures normalised to zero mean and unit standard deviation over the whole recording.
        frame: samples of a latent frame, for models that take anchors; chunks start on whole frames.
        generative: it may invent sound, so its estimates are measured against the mixture.
        batch: how many windows of one length it processes together.
        latents: its latent space, for models that are a `LatentModel`.
    """

    model: str
    revision: str
    device: str
    sample_rate: int
    n_channels: int
    windowing: Windowing
    levelled: bool = False
    frame: int | None = None
    generative: bool = False
    batch: int = 1
    latents: LatentFacts | None = None


class FrameSpan(NamedTuple):
    """An anchor on the latent frames [first, stop) of a window; `sign` is "+" or "-"."""

    sign: str
    first: int
    stop: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The model's input for one chunk: a pure value that can be sent to another machine.

    Args:
        samples: float32 (channels, samples) at the model's rate, context included.
        index: number of the chunk, from 0; with the request's seed it decides every random draw.
        candidate: of several of one chunk, from 0; each has a seed of its own.
        stems: the requested stems; a model may leave out the others where that saves work.
        anchors: prompt (its text, stripped) to its spans as they fall in this window, for models that take anchors.
        features: the result of `LatentModel.encode` for this window, if known, so that it is not encoded again.
    """

    samples: Samples = field(repr=False)
    index: int
    stems: frozenset[str]
    anchors: Mapping[str, tuple[FrameSpan, ...]] = field(default_factory=dict)
    features: Samples | None = field(default=None, repr=False)
    candidate: int = 0

    def seed(self, request: Request) -> int:
        """Return the seed of this window's random draws."""
        return request.seed_of(self.index, self.candidate)

    def leaves_out(self, prompt: Prompt, request: Request) -> bool:
        """Whether a prompt is skipped in this window, so that its target is silent; see `SamSettings.leaves_out`."""
        here = self.anchors.get(prompt.text.strip(), ())
        return request.sam.leaves_out(prompt.anchors, reached=any(span.sign == "+" for span in here))


class Model(Protocol):
    """A loaded model. Knows nothing of files, chunks, pages or caches."""

    facts: ModelFacts

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Separate one window.

        Yields a `SolverStep` after each evaluation. Returns samples of the window's shape for at least the requested
        stems.
        """
        ...


class LatentModel(Model, Protocol):
    """A model whose velocity field can be evaluated window by window, as multi-diffusion needs.

    The state has shape (prompts, clips, frames, state_channels), prompts in the request's order. `separate` uses a
    window's features if it has some, instead of encoding it again.
    """

    def encodes(self, window: Window, request: Request) -> bool:
        """Whether `separate` needs this window's features: not if nothing is computed, or if prompts are chained."""
        ...

    def encode(self, window: Window, request: Request) -> Generator[Event, None, Samples]:
        """Encode the window's mono clips; return latents of shape (clips, frames, latent channels)."""
        ...

    def velocity(
        self, window: Window, features: Samples, state: Samples, t: float, request: Request
    ) -> Generator[Event, None, Samples]:
        """Return the velocity at `state` and time `t`, of the state's shape; only the window's anchors are used."""
        ...

    def decode(self, window: Window, state: Samples, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Decode a solved state whose frames cover the window to stems of the window's shape, as `separate` returns."""
        ...


class ChunkLayout(NamedTuple):
    """A request's chunk layout: the model's rate in Hz, samples of a latent frame (1 without frames), and the cut."""

    sample_rate: int
    frame: int
    windowing: Windowing


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCost:
    """The work and memory of a settled request, as far as known before any measurement on this computer.

    Args:
        work: operations for a second of audio, in units of 10^9 where they were counted; what overlapping chunks share
            counts twice. Only its proportion between two requests of one backend has to be right.
        held_s: seconds of audio that the model holds at once, on which its memory depends.
        load_s, loaded_mb: how many seconds loading takes, and MB (10^6 bytes) its process holds then; None if unknown.
        mb_per_s: MB more for each second of `held_s`.
    """

    work: float
    held_s: float
    load_s: tuple[float, float] | None = None
    loaded_mb: float | None = None
    mb_per_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedModel:
    """One downloadable model.

    Args:
        name, label: its unique name in the terminal; what pages call it.
        backend: the backend or family it belongs to, as in `Request.backend`.
        model: its name in `Request.model`; None for a part of other models.
        size_bytes: of the download, about.
        licence: of the weights.
        gated: access has to be granted to an account first.
        repository: where it is published; if several publish it, whence it came, or the next download would come.
        provenance: who made its files, in words; "" for those whose work it is.
        terms: name of the licence (`hub.licences`) that has to be accepted first; "" if that is not asked for.
        on_disk_bytes, partial_bytes: its size on this computer, None unless it is complete; of what arrived until then.
        needs: names of other entries that it requires.
        path: the folder its files lie in; None unless all of it is there.
        files: those of its files that are on this computer.
        damaged: names of files that are not what was published; they are never used, and fetched anew.
    """

    name: str
    backend: str
    model: str | None
    label: str
    size_bytes: int
    licence: str
    gated: bool
    repository: str
    on_disk_bytes: int | None
    partial_bytes: int
    needs: tuple[str, ...]
    path: Path | None
    files: tuple[Path, ...] = ()
    damaged: tuple[str, ...] = ()
    provenance: str = ""
    terms: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackendProfile:
    """The properties of a backend that do not depend on a request.

    Args:
        family: of backends that share their models and a card on the Models page; "" for one that stands alone.
        label_in_family: its label in lists that name its family as well; "" for its label.
        command: its command of `audio-playground extract`; "" for its name.
        command_options: options that make that command use this backend and no other of its family.
        about: a sentence that begins with “By”, for the help of that command; "" for its label.
        packages: the packages it computes with; reports list their versions.
        free_prompts: prompts are any words, and every prompt is a stem.
        precisions: those it can compute in, the exact one first; empty if there is no choice.
        stitches, rerolls, batches: how its chunks can become one; one can be made anew; several go together on a card.
        presets: a name to the fields of `Request` that it sets, all but `model` and `chunks` whichever the backend.
        offered, models_tip: presets that pages offer beside the generic ones; how its models differ, in a sentence.
        model_card: a Markdown file about its weights, if it has one.
    """

    family: str = ""
    label_in_family: str = ""
    command: str = ""
    command_options: tuple[str, ...] = ()
    about: str = ""
    packages: tuple[str, ...] = ()
    free_prompts: bool = False
    precisions: tuple[str, ...] = ()
    stitches: tuple[str, ...] = ("crossfade",)
    rerolls: bool = False
    batches: bool = False
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    offered: tuple[str, ...] = ()
    models_tip: str = ""
    model_card: Path | None = None


class Backend(Protocol):
    """A separation backend, as the registry, the pages and the terminal list it.

    `backends.defaults.BackendDefaults` has default implementations.
    """

    name: str
    label: str
    licence: str
    takes_anchors: bool  # whether the spans of a prompt change what it does
    profile: BackendProfile

    def models(self) -> tuple[str, ...]:
        """Return the names of its models, the default first."""
        ...

    def settle(self, request: Request) -> Request:
        """Return the request with this backend and a model filled in, and every setting it ignores at its default.

        So settings that do not affect the sound do not affect the key either.
        """
        ...

    def revision(self, request: Request) -> str:
        """Return an identifier of the weights and the code; fast, part of every key."""
        ...

    def availability(self, request: Request | None = None) -> Availability:
        """Return whether it can run here, with this request's model if one is given. Never goes online."""
        ...

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """Return the stems it separates, with this request's model if one is given."""
        ...

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Return the target of each prompt in terms of stems; raise `PromptError`, which lists what it can do."""
        ...

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Load a model, yielding `ModelLoading`; raise `BackendUnavailable`, which says what to do."""
        ...

    def uses(self, request: Request) -> frozenset[RequestField]:
        """Return the settings that it uses; the panel, reports and commands show no others."""
        ...

    def without_effect(self, request: Request) -> frozenset[str]:
        """Return the settings of used fields, as "chunks.fade", whose value makes no difference to a settled request.

        The panel does not show them.
        """
        ...

    def layout(self, request: Request) -> ChunkLayout | None:
        """Return the chunk layout of a settled request without loading; None if only the loaded model knows it."""
        ...

    def cost(self, request: Request, duration_s: float) -> RunCost:
        """Return the work and memory of a settled request for a recording of `duration_s` seconds."""
        ...

    def smaller(self, request: Request, duration_s: float) -> Iterator[Request]:
        """Yield requests that are one step smaller, for lack of memory; those that cost the least quality first.

        Models among them need not be on this computer.

        Args:
            request: settled.
            duration_s: of the recording, infinite if unknown; chunks longer than the recording are skipped.
        """
        ...

    def is_unmeasured(self, request: Request) -> bool:
        """Whether `settle` would answer otherwise once this computer is measured; see `measure`. Loads no framework."""
        ...

    def measure(self, request: Request) -> None:
        """Measure what `settle` depends on, where the request would run, and remember it; may load a framework."""
        ...

    def judge(self, request: Request) -> Judge | None:
        """Return a model that scores the candidates of a chunk; None for `separation.metrics.candidates.scores`."""
        ...

    def summary(self, request: Request) -> tuple[str, ...]:
        """Return the model and the main settings in a few short words, for a file's name."""
        ...

    def published(self, model: str | None = None) -> tuple[PublishedModel, ...]:
        """Return its downloadable models, the default first, or one and its parts; one backend lists a family's."""
        ...

    def fetch(self, entry: PublishedModel) -> Generator[Event, None, None]:
        """Download one of `published`, yielding `ModelLoading`; raise the errors of `backends.catalogue.download`."""
        ...

    def remove(self, entry: PublishedModel) -> int:
        """Delete one of `published` from this computer, half-finished downloads too; return the bytes freed."""
        ...
