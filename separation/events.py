"""The events that a separation reports while it runs, for progress bars, pages and reports."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from separation.errors import Action, with_action

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """The base of all events; they arrive in the order in which they happened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackendChosen(Event):
    """The backend and model that were chosen, and why; `answers` are those of `registry.answer_notes`."""

    backend: str
    why: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelLoading(Event):
    """Weights are being fetched or read; `total_bytes` is 0 while it is unknown."""

    model: str
    done_bytes: int = 0
    total_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned(Event):
    """A warning for the user, and perhaps what to do about it; the run goes on. `str` adds the action's command."""

    message: str
    action: Action | None = None

    def __str__(self) -> str:
        return with_action(self.message, self.action)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerRestarted(Warned):
    """A worker process died, and its work is being repeated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductsChosen(Event):
    """A library multiplies the model's matrices that was chosen for this computer; `why` names it and says how fast."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PrecisionMeasured(Event):
    """The precision that a model uses on this computer where none is asked for; `why` names it and says how fast."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelsLaunched(Event):
    """The kernels of an evaluation were launched on a graphics card; `how` says whether at once, and if not, why."""

    how: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned(Event):
    """The chunks are planned. `spans_s` holds (start, stop) of every chunk in seconds; neighbours overlap."""

    model: str
    device: str
    stems: tuple[str, ...]
    spans_s: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TracksOpened(Event):
    """The tracks are being written, to be kept under `key`. Each `ChunkFinished` after it adds to them.

    `files` has the WAV file of each track, "0", "1" and so on in the order of `Planned.stems`, and its picture as
    "0.peaks"; they are moved when all are complete, and deleted if they never are. `n_expected` is their length in
    samples, unless the run stops before the mixture's end.
    """

    key: str
    files: Mapping[str, Path]
    n_channels: int
    sample_rate: int
    n_expected: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkStarted(Event):
    """Work on chunk `index` of `n_chunks` begins; `kept` if it was finished before and is not computed again."""

    index: int
    n_chunks: int
    kept: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchorsMapped(Event):
    """The spans of a prompt in chunk `index`, rounded to the model's latent frames, as the model receives them.

    `spans_s` holds (sign, start, stop) in seconds of the recording; overlapping spans are listed in the order given,
    and later ones win.
    """

    index: int
    prompt: str
    spans_s: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SolverStep(Event):
    """One evaluation inside a chunk is done: a solver step, a shift, a model of a bag.

    `index` is the chunk it belongs to; None where that is not known, or where all chunks are solved together.
    """

    done: int
    total: int
    index: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkMeasured(Event):
    """The time and memory of one piece of work in its process; see `separation.hardware.footprint`.

    Args:
        step: "load", "separate", or of multi-diffusion "encode", "velocity", "decode".
        seconds: from its beginning to its end.
        peak_bytes: peak memory of that process meanwhile; None where the system does not report it.
        device_bytes: the same of its graphics card; None without one.
    """

    step: str
    seconds: float
    peak_bytes: int | None = None
    device_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StillRunning(Event):
    """Sent a few times a second while work runs in another process, so that the caller can cancel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkFinished(Event):
    """Audio that will not change any more, at the mixture's rate and channel count.

    `audio` maps each stem to float32 samples (channels, samples) starting at sample `start`; concatenated over all
    `ChunkFinished` of a run, they are the whole stem.
    """

    index: int
    n_chunks: int
    start: int
    audio: Mapping[str, NDArray[np.float32]] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkMeasured(Event):
    """Measures of how reliable one chunk's estimate of a target is; see `separation.metrics.unreferenced`.

    Args:
        index: of the chunk.
        stem: the target.
        explained_energy: share of the target's energy that the mixture can account for, 0 to 1; low where a model
            invents sound. None where the target is silent.
        gain_drift_db: how much too loud (above 0) the target is relative to the mixture. None where it is undefined.
        null_depth_db: level of mixture minus target minus the model's own residual, relative to the mixture; None where
            the residual is taken from the mixture and the sum is exact.
        gain_db: gain that was applied to match the mixture, 0 without gain matching.
        seed: of the candidate that was chosen; None where there was only one.
        muted: the target was silenced there, since it seemed to be absent or invented.
    """

    index: int
    stem: str
    explained_energy: float | None
    gain_drift_db: float | None
    null_depth_db: float | None = None
    gain_db: float = 0.0
    seed: int | None = None
    muted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StemFinished(Event):
    """One stem is complete; `peak` is the largest absolute sample value."""

    stem: str
    n_samples: int
    peak: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished(Event):
    """The run is over. `rtf` is processing time over audio duration, model loading excluded."""

    seconds: float
    rtf: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept(Event):
    """The result is stored under `key`; `cached` if it was there already and nothing was computed."""

    key: str
    cached: bool


class EventStream(Generic[Result]):
    """Iterates over the events of a piece of work; afterwards `result` is what the work returned.

    A plain `for` loop over a generator loses its return value.

    Args:
        work: a generator that has not been started.
    """

    result: Result

    def __init__(self, work: Generator[Event, None, Result]) -> None:
        self._work = work

    def __iter__(self) -> Iterator[Event]:
        self.result = yield from self._work

    def close(self) -> None:
        """Cancel the work, unless it is over."""
        self._work.close()


def as_part(events: Generator[Event, None, Result], part: int, n_parts: int) -> Generator[Event, None, Result]:
    """Relay the events of part `part` of `n_parts` equal parts; solver steps count on from the parts before."""
    stream = EventStream(events)
    for event in stream:
        if isinstance(event, SolverStep):
            event = SolverStep(done=event.done + part * event.total, total=event.total * n_parts)
        yield event
    return stream.result
