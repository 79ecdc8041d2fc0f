"""Times one run of a cell, with what else the computer did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from separation.errors import SeparationError
from separation.estimates import fallbacks
from separation.events import ChunkFinished, Event, EventStream, StillRunning, WorkMeasured
from separation.hardware.energy import EnergyMeter
from separation.hardware.others import BUSY_CORES, OtherPrograms
from separation.request import Request
from separation.results.bypass_cache import BypassCache
from separation.results.kept import Recording, Result
from separation.results.runs import separate_recording
from separation.results.store import NewItem, Store, StoredItem

if TYPE_CHECKING:
    from separation.engine.engine import Engine

READ_ANEW_S = 0.05  # a model that is in memory takes a thousandth of it
PATIENCE_S = 20.0  # before an attempt to time a cell again is given up
LOOK_S, N_LOOKS = 1.0, 4  # how long others are watched, and how often a person may cancel meanwhile
LONG_S = 20.0  # a run in which what is done once for all (libraries, buffers) no longer matters


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """One timed run.

    Attributes:
        seconds: from the request to the kept result, without reading the model.
        first_sound_s: from the request to the first finished chunk, without reading the model.
        load_s: reading the model.
        peak_bytes: peak memory of the process in which the model works; None where the system does not tell.
        device_bytes: the same of its graphics card.
        energy_j: energy of the processors in J; None where the system does not tell.
        others: cores that other programs kept busy meanwhile; None if the work was done on other computers.
    """

    seconds: float
    first_sound_s: float
    load_s: float
    peak_bytes: int | None = None
    device_bytes: int | None = None
    energy_j: float | None = None
    others: float | None = None

    @property
    def is_busy(self) -> bool:
        """Whether other programs kept the computer so busy that the time cannot be trusted."""
        return self.others is not None and self.others > BUSY_CORES

    @property
    def counts_first(self) -> bool:
        """Whether it counts although it was the first: it was long, and its model was in memory."""
        return self.load_s <= READ_ANEW_S and self.seconds >= LONG_S

    def to_dict(self) -> dict[str, Any]:
        """Return the timing as plain values."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def middle_s(timings: Sequence[Timing]) -> float | None:
    """Return the median of the times that can be trusted, or of all if none can; None without any."""
    trusted = [one.seconds for one in timings if not one.is_busy]
    times = trusted or [one.seconds for one in timings]
    return median(times) if times else None


class OnlyResults(BypassCache):
    """A store in which a run finds nothing made before, and which keeps its result but none of its chunks.

    What is timed is computed; a passage is short enough to be computed anew after a kill, and kept twice it would fill
    the disk.
    """

    def put(self, key: str, new: NewItem) -> StoredItem:
        """See `Store.put`; a chunk is dropped, and what is returned for it has no files."""
        return _Dropped(key=key, manifest=new) if new.kind == "chunk" else super().put(key, new)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Dropped:
    """What was not kept, as a stored item."""

    key: str
    manifest: Any
    files: Mapping[str, Path] = field(default_factory=dict)


def quiet(patience_s: float = PATIENCE_S) -> Generator[Event, None, bool]:
    """Wait until other programs keep the computer less busy, yielding events; return False after `patience_s`."""
    end_s = time.monotonic() + patience_s
    while time.monotonic() < end_s:
        others = OtherPrograms()
        for _ in range(N_LOOKS):
            time.sleep(LOOK_S / N_LOOKS)
            yield StillRunning()
        if others.cores() <= BUSY_CORES:
            return True
    return False


def timed_run(
    recording: Recording, request: Request, store: Store, engine: Engine, *, is_local: bool = True
) -> Generator[Event, None, tuple[Result, Timing]]:
    """Separate a recording anew, whatever is kept, yielding the run's events; return the kept result and its time.

    Args:
        recording: the passage.
        request: settled.
        store: keeps the result, and replaces an earlier one.
        engine: runs the work.
        is_local: whether the work is done on this computer.

    Raises:
        PlaygroundError: the run failed, or could only be done with smaller settings.
    """
    energy, others = EnergyMeter(), OtherPrograms()
    started_s, load_s, first_s = time.monotonic(), 0.0, None
    memory: list[WorkMeasured] = []
    with closing(EventStream(separate_recording(recording, request, OnlyResults(store), engine))) as run:
        for event in run:
            if isinstance(event, WorkMeasured):
                load_s += event.seconds if event.step == "load" else 0.0
                memory.append(event)
            elif isinstance(event, ChunkFinished) and first_s is None:
                first_s = time.monotonic() - started_s - load_s
            yield event
        result = run.result
    if result.settings != request.to_dict():
        raise SeparationError(
            "These settings could not be computed here.",
            f"It took {fallbacks.changed(request, result.request, options=False)} to get a result.",
            "Choose smaller settings, or a computer with more memory.",
        )
    passed_s = time.monotonic() - started_s - load_s
    return result, Timing(
        seconds=passed_s,
        first_sound_s=passed_s if first_s is None else first_s,
        load_s=load_s,
        peak_bytes=_most(one.peak_bytes for one in memory),
        device_bytes=_most(one.device_bytes for one in memory),
        energy_j=energy.joules() if is_local else None,
        others=others.cores() if is_local else None,
    )


def _most(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
