"""`expected` estimates a run's time and memory from finished runs; `preflight` says if it fits into the free memory.

Estimates are ranges, made from the reports of runs that finished on this computer.

Time. A request is a number of operations for each second of audio (its backend's `RunCost`), in units of 10^9
floating-point operations where they were counted. A finished run shows how long a unit takes here (its pace), how long
loading took, and what the rest takes for each second of audio:

    seconds = loading + duration * (work * pace + rest)

Memory. A loaded model takes a fixed amount, and more for each second of audio that it processes at once:

    bytes = loaded + slope * seconds of a chunk

Each similar run (same backend, model, device, precision) gives one estimate, and the range spans them. Before the
first run, the figures are those of computers we measured, widened, and labelled as such.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from separation.backends import registry
from separation.backends.sam_mlx import preferred_here
from separation.errors import PlaygroundError
from separation.estimates import fallbacks
from separation.formatted import size_range, time_range
from separation.hardware.footprint import NVIDIA
from separation.model import RunCost
from separation.request import Request

NEWEST = 10  # runs that count; older ones may be of other versions of this program
ONE_RUN = (0.75, 1.5)  # how far the next run may be from the only one so far
ONE_RUN_MEMORY = (0.9, 1.2)  # which varies less than time, as other programs do not slow it down
SEVERAL = (0.9, 1.15)  # and from the quickest and slowest of several

# Units a second. A core with AVX-512 does 100; older ones less. Published times of graphics cards vary as widely.
PACE_PER_CORE, CORES_VARY = 100.0, (0.7, 4.0)
PACES = {"cuda": 5000.0, "mps": 1500.0}
CARDS_VARY = (0.4, 4.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """Ranges (low, high) of time and memory, each None if it is unknown.

    Args:
        seconds: of the whole run, loading included.
        memory_bytes: peak of the process in which the model works.
        n_runs: finished runs on this computer that it is based on; 0 for figures of other computers.
    """

    seconds: tuple[float, float] | None
    memory_bytes: tuple[float, float] | None
    n_runs: int

    @property
    def needed_bytes(self) -> float | None:
        """The memory that should be free: the most that similar runs took, else the middle of the range."""
        if self.memory_bytes is None:
            return None
        low, high = self.memory_bytes
        return high if self.n_runs else (low + high) / 2

    @property
    def source(self) -> str:
        """The basis of the estimate, in words."""
        if not self.n_runs:
            return "not measured here yet"
        return f"learned from {self.n_runs} run{'s' * (self.n_runs != 1)} here"

    def __str__(self) -> str:
        known = [words for words in (time_range(self.seconds), size_range(self.memory_bytes)) if words]
        return f"{', '.join(known) or 'unknown before the first run'}; {self.source}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preflight:
    """An estimate compared with the free memory.

    Args:
        request: the estimated request, settled.
        estimate: of the request.
        available_bytes: free memory; None if it is unknown.
        fitting: the nearest smaller request that fits, if this one does not; None if there is none, or no need.
    """

    request: Request
    estimate: Estimate
    available_bytes: int | None
    fitting: Request | None = None

    @property
    def fits(self) -> bool:
        """Whether memory suffices; True also if that is unknown."""
        needed = self.estimate.needed_bytes
        return needed is None or self.available_bytes is None or needed <= self.available_bytes

    def warning(self, *, options: bool = False) -> str | None:
        """Return a warning if memory does not suffice, else None; `options` adds the terminal's options that help."""
        if self.fits:
            return None
        assert self.estimate.needed_bytes is not None
        assert self.available_bytes is not None
        needed, free = (size_range((size, size)) for size in (self.estimate.needed_bytes, self.available_bytes))
        shortage = f"Memory may run out: this takes about {needed}, and {free} are free"
        if self.fitting is None:
            return f"{shortage}; no smaller setting would fit either."
        return f"{shortage}; {fallbacks.changed(self.request, self.fitting, options=options)} would fit."


def preflight(
    request: Request, duration_s: float, past: Iterable[Mapping[str, Any]], available_bytes: int | None
) -> Preflight:
    """Estimate a run, and find the nearest smaller request if it does not fit into memory.

    Args:
        request: settled.
        duration_s: of the recording.
        past: reports of finished runs, newest first, of any kind.
        available_bytes: free memory; see `footprint.available_bytes`.
    """
    reports = tuple(past)

    def found(step: Request) -> Preflight:
        estimate = expected(step, duration_s, reports)
        return Preflight(request=step, estimate=estimate, available_bytes=available_bytes)

    asked = found(request)
    step: Request | None = request
    while step is not None and not found(step).fits:
        step = fallbacks.smaller(step, duration_s=duration_s)
    return asked if step is request else replace(asked, fitting=step)


def expected(request: Request, duration_s: float, past: Iterable[Mapping[str, Any]] = ()) -> Estimate:
    """Estimate the time and memory of a run.

    Args:
        request: settled.
        duration_s: of the recording.
        past: reports of finished runs (`results.report`), newest first; those of other models are passed over.
    """
    alike = list(islice((run for report in past if (run := _Run.of(report, request)) is not None), NEWEST))
    if not alike:
        return Estimate(
            seconds=_usual_seconds(request, duration_s), memory_bytes=_usual_bytes(request, duration_s), n_runs=0
        )
    seconds = [run.seconds(request, duration_s) for run in alike]
    memory = [size for run in alike if (size := run.bytes(request, duration_s)) is not None]
    return Estimate(
        seconds=_range(seconds, ONE_RUN),
        memory_bytes=_range(memory, ONE_RUN_MEMORY) if memory else None,
        n_runs=len(alike),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """The constants that one finished run gives for estimating the next."""

    load_s: float
    pace: float  # seconds a unit of work
    rest: float  # seconds a second of audio
    loaded_bytes: float | None
    slope: float  # bytes a second of a chunk

    @classmethod
    def of(cls, report: Mapping[str, Any], like: Request) -> _Run | None:
        """Return the constants of a reported run; None if it is not similar to `like`, or computed nothing."""
        try:
            if report["backend"] != like.backend:
                return None
            request = Request.from_dict(report["settings"])
            steps, chunks, duration_s = report["steps"], report["chunks"], float(report["recording"]["duration_s"])
            computed = chunks["computed"] / chunks["total"]
            if not _alike(request, like, report["device"]) or computed == 0:
                return None
            names = [name for name in ("separate", "encode", "velocity", "decode") if name in steps]
            load_s = float(steps["load"]["total_s"])
            passed_s = float(report["total_s"]) - load_s
            worked_s = min(passed_s, sum(float(steps[name]["total_s"]) for name in names))
            separated_s, cost = _separated_s(request, duration_s), _cost(request, duration_s)
            loaded = steps["load"].get("peak_memory_mb")
            peak = max((steps[name].get("peak_memory_mb", 0) for name in names), default=0)
            return cls(
                load_s=load_s,
                pace=worked_s / (cost.work * separated_s * computed),
                rest=(passed_s - worked_s) / separated_s,
                loaded_bytes=None if loaded is None else 1e6 * float(loaded),
                slope=max(0.0, 1e6 * (peak - (loaded or 0)) / cost.held_s),
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError, PlaygroundError):
            return None  # of another version of this program

    def seconds(self, request: Request, duration_s: float) -> float:
        """Return the seconds that `request` would take."""
        work = _cost(request, duration_s).work
        return self.load_s + _separated_s(request, duration_s) * (work * self.pace + self.rest)

    def bytes(self, request: Request, duration_s: float) -> float | None:
        """Return the bytes that `request` would hold."""
        if self.loaded_bytes is None:
            return None
        return self.loaded_bytes + self.slope * _cost(request, duration_s).held_s


def _alike(request: Request, other: Request, device: str) -> bool:
    """Whether two requests differ only in what a backend's `RunCost` accounts for."""
    same_place = request.device == other.device or other.device == device
    return (
        same_place
        and request.model == other.model
        and request.sam.precision == other.sam.precision
        and request.demucs.mixed_precision == other.demucs.mixed_precision
        and request.demucs.folder == other.demucs.folder
    )


def _separated_s(request: Request, duration_s: float) -> float:
    """Return the seconds of the recording that the request processes."""
    chunks = request.chunks
    if chunks is None or chunks.max_chunks is None or chunks.chunk_s is None:
        return duration_s
    return min(duration_s, chunks.max_chunks * (chunks.chunk_s - chunks.overlap_s) + chunks.overlap_s)


def _cost(request: Request, duration_s: float) -> RunCost:
    backend = registry.BACKENDS.get(request.backend)
    return RunCost(work=1.0, held_s=duration_s) if backend is None else backend.cost(request, duration_s)


def _usual_seconds(request: Request, duration_s: float) -> tuple[float, float] | None:
    """Return the range of seconds before the first run here, from the computers we measured."""
    cost = _cost(request, duration_s)
    if cost.load_s is None:
        return None
    pace, (low, high) = PACES.get(_place(request.device), PACE_PER_CORE * _n_cores()), CARDS_VARY
    if _place(request.device) == "cpu":
        pace, (low, high) = PACE_PER_CORE * _n_cores(), CORES_VARY
    seconds = _separated_s(request, duration_s) * cost.work / pace
    return cost.load_s[0] + low * seconds, cost.load_s[1] + high * seconds


def _usual_bytes(request: Request, duration_s: float) -> tuple[float, float] | None:
    """Return the range of bytes before the first run here: a measured size, plus a rate for each second of a chunk."""
    cost = _cost(request, duration_s)
    if cost.loaded_mb is None:
        return None
    held = 1e6 * (cost.loaded_mb + cost.mb_per_s * cost.held_s)
    return 0.8 * held, 1.4 * held


def _place(device: str) -> str:
    """Return the device that “auto” would probably take; certainty would need an import of PyTorch."""
    if device != "auto":
        return device
    return "cuda" if NVIDIA.exists() else "mps" if preferred_here() else "cpu"


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _range(values: list[float], of_one: tuple[float, float]) -> tuple[float, float]:
    low, high = of_one if len(values) == 1 else SEVERAL
    return low * min(values), high * max(values)
