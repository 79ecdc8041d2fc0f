"""`alike`: the finished runs that tell something of a request, read from their reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from separation.backends import registry
from separation.errors import PlaygroundError
from separation.estimates.fit import Measured, weight
from separation.estimates.layout import outline
from separation.model import RunCost
from separation.request import AUTOMATIC, PRECISIONS, Request

ANY_RATE = 48_000  # Hz at which a recording's length is counted to find its chunks
NEWEST = 10  # runs that count; older ones may be of other versions of this program


@dataclass(frozen=True, slots=True)
class PastRun:
    """What a finished run took.

    Args:
        load_s: loading the model.
        worked: seconds of the model, by units of work.
        rest: seconds of all else, by seconds of audio.
        loaded_bytes: memory after loading; None if it was not measured.
        held: bytes beyond it, by the seconds of audio that the model held at once.
    """

    load_s: float
    worked: Measured
    rest: Measured
    loaded_bytes: float | None
    held: Measured

    @property
    def carries(self) -> float:
        """How far it carries a rate, 0 to 1."""
        return weight(self.worked.duration_s)


def alike(request: Request, reports: Iterable[Mapping[str, Any]]) -> tuple[PastRun, ...]:
    """Return the newest runs of the same backend, model, device and precision: ten, and ten that carry no rate.

    Short runs, however many, do not take the places of those that tell more.

    Args:
        request: settled.
        reports: of finished runs, newest first; those not understood are passed over.
    """
    carrying: list[PastRun] = []
    short: list[PastRun] = []
    for report in reports:
        if (run := _read(report, request)) is None:
            continue
        kind = carrying if run.carries else short
        if len(kind) < NEWEST:
            kind.append(run)
        elif len(carrying) == NEWEST:
            break
    return (*carrying, *short)


def cost_of(request: Request, duration_s: float) -> RunCost:
    """Return the cost of a request; with a backend that is gone, one in proportion to the audio."""
    backend = registry.BACKENDS.get(request.backend)
    return RunCost(work=1.0, held_s=duration_s) if backend is None else backend.cost(request, duration_s)


def separated_s(request: Request, duration_s: float) -> float:
    """Return the seconds of the recording that the request processes."""
    chunks = request.chunks
    if chunks is None or chunks.max_chunks is None or chunks.chunk_s is None:
        return duration_s
    if (cut := outline(request, max(1, int(duration_s * ANY_RATE)), ANY_RATE)) is not None:
        return min(duration_s, cut.spans_s[-1][1])
    return min(duration_s, chunks.max_chunks * (chunks.chunk_s - chunks.overlap_s) + chunks.overlap_s)


def _read(report: Mapping[str, Any], like: Request) -> PastRun | None:
    """Return what a reported run took; None if it is not similar to `like`, or computed nothing."""
    try:
        if report["backend"] != like.backend:
            return None
        request = Request.from_dict(report["settings"])
        steps, chunks, duration_s = report["steps"], report["chunks"], float(report["recording"]["duration_s"])
        computed = chunks["computed"] / chunks["total"]
        if not _same_but_for_cost(request, like, report["device"]) or computed == 0:
            return None
        names = [name for name in ("separate", "encode", "velocity", "decode") if name in steps]
        load_s = float(steps["load"]["total_s"])
        passed_s = max(0.0, float(report["total_s"]) - load_s)
        worked_s = min(passed_s, sum(float(steps[name]["total_s"]) for name in names))
        seconds, cost = separated_s(request, duration_s), cost_of(request, duration_s)
        loaded = steps["load"].get("peak_memory_mb")
        peak = max((steps[name].get("peak_memory_mb", 0) for name in names), default=0)
        if min(seconds, cost.work, cost.held_s) <= 0:
            return None
        return PastRun(
            load_s=load_s,
            worked=Measured(cost.work * seconds * computed, worked_s, seconds * computed),
            rest=Measured(seconds, passed_s - worked_s, seconds),
            loaded_bytes=None if loaded is None else 1e6 * float(loaded),
            held=Measured(cost.held_s, max(0.0, 1e6 * (peak - (loaded or 0))), cost.held_s),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError, PlaygroundError):
        return None  # of another version of this program


def _same_but_for_cost(request: Request, other: Request, device: str) -> bool:
    """Whether two requests differ only in what a backend's `RunCost` accounts for."""
    same_place = request.device == other.device or other.device == device
    return (
        same_place
        and request.model == other.model
        and _precision(request) == _precision(other)
        and request.demucs.mixed_precision == other.demucs.mixed_precision
        and request.demucs.folder == other.demucs.folder
    )


def _precision(request: Request) -> str:
    """Return the precision of a settled request; reports leave out what their separator does not use."""
    return PRECISIONS[0] if request.sam.precision == AUTOMATIC else request.sam.precision
