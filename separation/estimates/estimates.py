"""`expected` estimates a run's time and memory from finished runs; `preflight` says if it fits into the free memory.

Estimates are ranges, made from the reports of runs that finished on this computer.

Time. A request is a number of operations for each second of audio (its backend's `RunCost`), in units of 10^9
floating-point operations where they were counted. Runs show how long a unit takes here (the pace), what the rest takes
for each second of audio, and what both cost whatever the length:

    seconds = loading + (fixed + pace * work * duration) + (fixed + rest * duration)

Memory. A loaded model takes a fixed amount, and more for each second of audio that it processes at once:

    bytes = loaded + (fixed + slope * seconds of a chunk)

Each bracket is fitted to the similar runs (same backend, model, device, precision; `past`) so that neither short runs
nor outliers ruin it (`fit`); the range is that of the middle half of the runs around it. Before the first run, and
while all runs are too short to show a rate, it is that of computers we measured, widened, and labelled as such.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median_low
from typing import Any, TypeAlias

from separation.backends.sam_mlx import preferred_here
from separation.estimates import fallbacks
from separation.estimates.fit import fitted, middle, weight
from separation.estimates.past import PastRun, alike, cost_of, separated_s
from separation.formatted import size_range, time_range
from separation.hardware.footprint import NVIDIA
from separation.request import Request

Range: TypeAlias = tuple[float, float]

ONE_RUN = (0.75, 1.5)  # how far the next run may be from the only one so far
ONE_RUN_MEMORY = (0.9, 1.2)  # which varies less than time, as other programs do not slow it down
SEVERAL = (0.9, 1.15)  # and from the middle half of several
USUAL_MEMORY = (0.8, 1.4)  # and memory from that of other computers
TINY = 1e-9  # keeps ratios finite where nothing was measured to take time

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
        n_short: further runs here that were too short to show more than fixed costs.
    """

    seconds: Range | None
    memory_bytes: Range | None
    n_runs: int
    n_short: int = 0

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
            return "measured here only on very short recordings" if self.n_short else "not measured here yet"
        return f"from {self.n_runs} run{'s' * (self.n_runs != 1)} on this computer"

    def __str__(self) -> str:
        known = [words for words in (time_range(self.seconds), size_range(self.memory_bytes)) if words]
        unknown = f"unknown before {'a longer' if self.n_short else 'the first'} run"
        return f"{', '.join(known) or unknown}; {self.source}"


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
    runs = alike(request, past)
    if not runs:
        return Estimate(
            seconds=_usual_seconds(request, duration_s), memory_bytes=_usual_bytes(request, duration_s), n_runs=0
        )
    seconds, memory = _seconds(runs, request, duration_s), _bytes(runs, request, duration_s)
    n_learned = sum(run.carries > 0 for run in runs)
    if not n_learned and seconds is not None and cost_of(request, duration_s).load_s is None:
        n_learned = len(runs)  # no rate was usual, so theirs was taken
    return Estimate(seconds=seconds, memory_bytes=memory, n_runs=n_learned, n_short=len(runs) - n_learned)


def _seconds(runs: Sequence[PastRun], request: Request, duration_s: float) -> Range | None:
    """Return the range of seconds that the runs lead to; None if all are too short, and nothing is usual."""
    cost, separated = cost_of(request, duration_s), separated_s(request, duration_s)
    pace, (quick, slow) = _usual_pace(request)
    known = cost.load_s is not None
    worked = fitted([run.worked for run in runs], cost.work * separated, 1 / pace if known else None)
    rest = fitted([run.rest for run in runs], separated, 0.0 if known else None)
    if worked is None or rest is None:
        return None
    load_s = middle((run.load_s, 1.0) for run in runs)
    if worked.n_carrying == 0:
        by_audio, other = worked.rate * cost.work * separated, worked.fixed + rest.at(separated)
        low, high = _widened((load_s[0] + other, load_s[1] + other), 1, ONE_RUN)
        return low + quick * by_audio, high + slow * by_audio

    def found(work: float, audio_s: float) -> float:
        return max(TINY, worked.at(work) + rest.at(audio_s))

    took = [(run.worked.cost + run.rest.cost) / found(run.worked.amount, run.rest.amount) for run in runs]
    low, high = middle(zip(took, (run.carries or TINY for run in runs), strict=True))
    again = found(cost.work * separated, separated)
    return _widened((load_s[0] + low * again, load_s[1] + high * again), worked.n_carrying, ONE_RUN)


def _bytes(runs: Sequence[PastRun], request: Request, duration_s: float) -> Range | None:
    """Return the range of bytes that the runs lead to; None if none was measured, or all are too short to tell."""
    measured = [(run.loaded_bytes, run.held) for run in runs if run.loaded_bytes is not None]
    if not measured:
        return None
    cost = cost_of(request, duration_s)
    usual = None if cost.loaded_mb is None else 1e6 * cost.mb_per_s
    held = fitted([run for _, run in measured], cost.held_s, usual)
    if held is None:
        return None
    loaded = median_low([loaded for loaded, _ in measured])
    if held.n_carrying == 0:
        more, other = held.rate * cost.held_s, loaded + held.fixed
        low, high = _widened((other, other), 1, ONE_RUN_MEMORY)
        return low + USUAL_MEMORY[0] * more, high + USUAL_MEMORY[1] * more
    took = [(own + run.cost) / max(TINY, loaded + held.at(run.amount)) for own, run in measured]
    low, high = middle(zip(took, (weight(run.duration_s) or TINY for _, run in measured), strict=True))
    again = loaded + held.at(cost.held_s)
    return _widened((low * again, high * again), held.n_carrying, ONE_RUN_MEMORY)


def _widened(span: Range, n_runs: int, of_one: Range) -> Range:
    low, high = of_one if n_runs == 1 else SEVERAL
    return low * span[0], high * span[1]


def _usual_seconds(request: Request, duration_s: float) -> Range | None:
    """Return the range of seconds before the first run here, from the computers we measured."""
    cost, (pace, (low, high)) = cost_of(request, duration_s), _usual_pace(request)
    if cost.load_s is None:
        return None
    seconds = separated_s(request, duration_s) * cost.work / pace
    return cost.load_s[0] + low * seconds, cost.load_s[1] + high * seconds


def _usual_pace(request: Request) -> tuple[float, Range]:
    """Return the usual units of work a second, and how the seconds for one vary between computers."""
    place = _place(request.device)
    return (PACE_PER_CORE * _n_cores(), CORES_VARY) if place == "cpu" else (PACES[place], CARDS_VARY)


def _usual_bytes(request: Request, duration_s: float) -> Range | None:
    """Return the range of bytes before the first run here: a measured size, plus a rate for each second of a chunk."""
    cost = cost_of(request, duration_s)
    if cost.loaded_mb is None:
        return None
    held = 1e6 * (cost.loaded_mb + cost.mb_per_s * cost.held_s)
    return USUAL_MEMORY[0] * held, USUAL_MEMORY[1] * held


def _place(device: str) -> str:
    """Return the device that “auto” would probably take; certainty would need an import of PyTorch."""
    if device != "auto":
        return device
    return "cuda" if NVIDIA.exists() else "mps" if preferred_here() else "cpu"


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
