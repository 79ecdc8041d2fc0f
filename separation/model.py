"""What a backend is. Narrow enough that a five-line fake satisfies it; see `tests/support/fakes.py`.

A `Backend` is the cheap half: names, availability, which prompts it can answer. Importing it imports no framework, so
the process that serves pages can ask it. A `Model` is the loaded half and lives where the work is done.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from separation.events import Event
from separation.prompts.targets import Target
from separation.request import ChunkSettings, Prompt, Request, RequestField

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
class Windowing:
    """How a model wants to see a long mixture, in samples at the model's rate.

    Args:
        chunk: samples of a chunk; None lets the model see the whole mixture at once.
        overlap: samples neighbouring chunks share, at most half a chunk.
        context: samples the model sees on each side of a chunk, beyond what it answers for.
        fade: name of the crossfade between neighbours.
        fixed: cut as Demucs does: chunks start at every hop inside the mixture.
        fill_last: with `fixed`, a short last chunk is seen in a window of full length, centred, with the audio (or
            silence) around it; otherwise in a window as short as itself.
    """

    chunk: int | None
    overlap: int = 0
    context: int = 0
    fade: str = "cosine"
    fixed: bool = False
    fill_last: bool = True

    @classmethod
    def of(cls, chunks: ChunkSettings, sample_rate: int, frame: int = 1) -> Windowing:
        """The settings in samples, cut on whole frames so that anchors fall on the same ones in any cut."""
        if chunks.chunk_s is None:
            return cls(chunk=None, fade=chunks.fade)
        chunk = max(1, round(chunks.chunk_s * sample_rate / frame))
        overlap = min(round(chunks.overlap_s * sample_rate / frame), chunk // 2)  # half of an odd chunk rounds up
        return cls(chunk=chunk * frame, overlap=overlap * frame, fade=chunks.fade)

    def __post_init__(self) -> None:
        assert self.context >= 0
        assert self.chunk is None or 0 <= self.overlap <= self.chunk // 2


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentFacts:
    """A model's latent space.

    Args:
        state_channels: channels of the state that a solver carries from noise to audio.
        context_frames: frames on each side that decoding has to see for the frames between to come out exact.
    """

    state_channels: int
    context_frames: int


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
        frame: samples of a latent frame, for models that take anchors; chunks start on whole frames.
        generative: it may invent sound, so its estimates are measured against the mixture.
        batch: how many windows of one length it works on together.
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
    """What a model sees of one chunk: a pure value, fit to be sent to another machine.

    Args:
        samples: float32 (channels, samples) at the model's rate, context included.
        index: number of the chunk, from 0; with the request's seed it decides every random draw.
        stems: those that are wanted; a model may leave out the others where that saves work.
        anchors: prompt (its text, stripped) to its spans as they fall in this window, for models that take anchors.
        features: what `LatentModel.encode` gave for this window before, so that it need not be encoded again.
    """

    samples: Samples = field(repr=False)
    index: int
    stems: frozenset[str]
    anchors: Mapping[str, tuple[FrameSpan, ...]] = field(default_factory=dict)
    features: Samples | None = field(default=None, repr=False)

    def leaves_out(self, prompt: Prompt, request: Request) -> bool:
        """Whether a prompt is not computed here, so that its target is silent; see `SamSettings.leaves_out`."""
        here = self.anchors.get(prompt.text.strip(), ())
        return request.sam.leaves_out(prompt.anchors, reached=any(span.sign == "+" for span in here))


class Model(Protocol):
    """A loaded model. Knows nothing of files, chunks, pages or caches."""

    facts: ModelFacts

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Separate one window.

        Yields a `SolverStep` after each evaluation and returns, for at least the stems that are wanted, samples of the
        window's shape.
        """
        ...


class LatentModel(Model, Protocol):
    """A model whose velocity field can be evaluated window by window: what multi-diffusion needs.

    The state has shape (prompts, clips, frames, state_channels), prompts in the request's order. What `separate` is
    given as a window's features it does not compute again.
    """

    def encodes(self, window: Window, request: Request) -> bool:
        """Whether `separate` needs this window's features: not where nothing is to be computed, or prompts chained."""
        ...

    def encode(self, window: Window, request: Request) -> Generator[Event, None, Samples]:
        """Latents of what the model hears of a window, shape (clips, frames, latent channels)."""
        ...

    def velocity(
        self, window: Window, features: Samples, state: Samples, t: float, request: Request
    ) -> Generator[Event, None, Samples]:
        """The velocity at `state` and time `t`, of the state's shape. Of the window only the anchors are read."""
        ...

    def decode(self, window: Window, state: Samples, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Stems of the window's shape from a solved state whose frames cover the window; the answer of `separate`."""
        ...


class ChunkLayout(NamedTuple):
    """How a request's chunks lie: Hz of the model, samples of a latent frame (1 without), and where it is cut."""

    sample_rate: int
    frame: int
    windowing: Windowing


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCost:
    """What a settled request takes, before anything of it was measured on this computer.

    Args:
        work: operations for a second of audio, in units of 10^9 where they were counted; what overlapping chunks share
            counts twice. Only its proportion between two requests of one backend has to be right.
        held_s: seconds of audio that the model holds at once, on which its memory depends.
        load_s: the range of seconds that loading takes; None where nothing is known of this model elsewhere.
        loaded_mb: MB (10^6 bytes) that its process holds once it is loaded; None likewise.
        mb_per_s: MB more for each second of `held_s`.
    """

    work: float
    held_s: float
    load_s: tuple[float, float] | None = None
    loaded_mb: float | None = None
    mb_per_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedModel:
    """One model to fetch.

    Args:
        name: what the terminal calls it; unique.
        backend: the backend or family it belongs to, as in `Request.backend`.
        model: its name in `Request.model`; None for a part of other models.
        label: what people read.
        size_bytes: of the download, about.
        licence: of the weights.
        gated: access has to be granted to an account first.
        repository: where it is published.
        on_disk_bytes: what it takes up on this computer; None unless all of it is there.
        partial_bytes: what is kept of a download that has not finished.
        needs: names of other entries it does not work without.
        path: the folder its files lie in; None unless all of it is there.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class BackendProfile:
    """What a backend tells of itself, whatever is asked of it.

    Args:
        family: of backends that share their models and a card on the Models page; "" for one that stands alone.
        label_in_family: what a list says that names its family as well; "" for its label.
        command: its command of `audio-playground extract`; "" for its name.
        command_options: what that command needs to take this backend and no other of its family.
        about: a sentence that begins with “By”, for the help of that command; "" for its label.
        packages: what it computes with, beside this program and Python; a report has their versions.
        free_prompts: prompts are any words, and every prompt is a stem.
        experimental: stems that are tried without a promise.
        precisions: it can compute in, the exact one first; empty where that is no choice.
        stitches: how its chunks can become one (`ChunkSettings.stitch`).
        rerolls: one chunk can be computed again from another seed.
        presets: a preset's name to the fields of `Request` that it sets. Other than `model` and `chunks`, they are set
            for every backend, so that a preset stays that preset when another one is chosen.
        models_tip: how its models differ, in a sentence or two.
        model_card: a Markdown file about its weights, if it has one.
    """

    family: str = ""
    label_in_family: str = ""
    command: str = ""
    command_options: tuple[str, ...] = ()
    about: str = ""
    packages: tuple[str, ...] = ()
    free_prompts: bool = False
    experimental: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    stitches: tuple[str, ...] = ("crossfade",)
    rerolls: bool = False
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models_tip: str = ""
    model_card: Path | None = None


class Backend(Protocol):
    """A family of models: what the registry, the pages and the terminal list.

    `backends.defaults.BackendDefaults` answers all that is not special about a backend.
    """

    name: str
    label: str
    licence: str
    takes_anchors: bool  # whether the spans of a prompt change what it does
    profile: BackendProfile

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

    def uses(self, request: Request) -> frozenset[RequestField]:
        """The settings that make a difference here; the panel, reports and commands show no others."""
        ...

    def layout(self, request: Request) -> ChunkLayout | None:
        """How a settled request is cut, before anything is loaded; None where only the loaded model knows."""
        ...

    def cost(self, request: Request, duration_s: float) -> RunCost:
        """What a settled request takes for a recording of `duration_s` seconds."""
        ...

    def smaller(self, request: Request, duration_s: float) -> Iterator[Request]:
        """Every single step down from a settled request where memory does not do, what costs the least sound first.

        Models among them need not be on this computer.

        Args:
            request: settled.
            duration_s: of the recording, infinite where it is not known: a chunk longer than it is no step.
        """
        ...

    def summary(self, request: Request) -> tuple[str, ...]:
        """The model and the settings that tell its results apart, in a few short words for a file's name."""
        ...

    def published(self) -> tuple[PublishedModel, ...]:
        """The models that can be fetched for it, the default first, each listed by one backend of a family."""
        ...

    def fetch(self, entry: PublishedModel) -> Generator[Event, None, None]:
        """Download one of `published`, yielding `ModelLoading`; raises as `backends.catalogue.download` says."""
        ...

    def remove(self, entry: PublishedModel) -> int:
        """Delete one of `published` from this computer, half-finished downloads too; returns the bytes freed."""
        ...
