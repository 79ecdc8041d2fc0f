"""The report of a run: its settings, times, memory and measures, as plain values and as YAML."""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from separation.audio.files import NOTHING_READ, FilesRead, new_file
from separation.backends import registry
from separation.events import (
    ChunkFinished,
    ChunkStarted,
    Event,
    Finished,
    KernelsLaunched,
    Planned,
    PrecisionMeasured,
    ProductsChosen,
    SolverStep,
    Warned,
    WorkerRestarted,
    WorkMeasured,
)
from separation.metrics.presence_value import Presence, sentences
from separation.request import AUTOMATIC, Request, RequestField
from separation.solvers import nfe

HEADER = """\
# A report of Audio Playground. Times are in seconds, memory in MB of 1,000,000 bytes, spans of audio in seconds.
# peak_memory_mb: the most that the process in which the model works held; device_memory_mb: of a graphics card.
# steps: load the model, separate each piece of audio, join the pieces (rates, levels, fades, keeping them), write.
# rtf: time without loading, divided by the recording's duration. evaluations: calls of the network.
# launches: how the kernels of an evaluation are launched on a graphics card, and if not at once, why not.
# answers: by prompt, the sound that it is answered with, which may be more than its words say; notes say so.
# presence: the level of each track beside the recording, and the spans in which it sounds; absent: what is not there.
# quality: from 0 to 1, estimated without a reference; bleed: the share of two tracks that is the same sound.
"""
# Fields of a request that are settings of some backends and not of others.
GROUPS = (RequestField.CHUNKS, RequestField.SOLVER, RequestField.DEMUCS, RequestField.SAM, RequestField.SPEECH)
LISTED = 500  # times of single pieces that are written out; beyond, their summary


class Recorder:
    """Collects a run's times, memory and measures from its events. It does no input or output but reads the clock.

    Args:
        request: settled.
        n_samples: of the recording.
        sample_rate: Hz.
        n_channels: of the recording.
        clock: seconds, from any moment on.
    """

    def __init__(
        self,
        request: Request,
        *,
        n_samples: int,
        sample_rate: int,
        n_channels: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request, self._clock = request, clock
        self._recording = {
            "duration_s": _seconds(n_samples / sample_rate),
            "sample_rate_hz": sample_rate,
            "n_channels": n_channels,
        }
        self._started_s = self._last_s = clock()
        self._last: Event | None = None
        self._products: str | None = None
        self._precision: str | None = None
        self._launches: str | None = None
        self._planned: Planned | None = None
        self._pieces: dict[str, list[WorkMeasured]] = defaultdict(list)
        self._write_s = 0.0
        self._n_kept = self._n_steps = self._n_restarts = 0
        self._finished: Finished | None = None
        self.warnings: list[str] = []

    def take(self, event: Event) -> None:
        """Record an event; call it as soon as the event arrives."""
        now_s = self._clock()
        if isinstance(self._last, ChunkFinished):  # the listeners' time: measuring and writing the chunk
            self._write_s += now_s - self._last_s
        self._last, self._last_s = event, now_s
        match event:
            case ProductsChosen():
                self._products = event.why
            case PrecisionMeasured():
                self._precision = event.why
            case KernelsLaunched():
                self._launches = event.how
            case Planned():
                self._planned = event
            case WorkMeasured():
                self._pieces[event.step].append(event)
            case ChunkStarted():
                self._n_kept += event.kept
            case SolverStep():
                self._n_steps += 1
            case WorkerRestarted():
                self._n_restarts += 1
                self.warnings.append(event.message)
            case Warned():
                self.warnings.append(event.message)
            case Finished():
                self._finished = event

    def report(
        self, *, quality: Mapping[str, Any] | None = None, presence: Mapping[str, Presence] | None = None
    ) -> dict[str, Any]:
        """Return the report so far, in reading order; it holds only strings, numbers, lists and tables.

        Args:
            quality: the estimated quality, if there is one.
            presence: where each track sounds, if it is known.
        """
        seconds = self._clock() - self._started_s
        n_chunks = len(self._planned.spans_s) if self._planned else 0
        report: dict[str, Any] = {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "backend": self._request.backend,
            "model": self._planned.model if self._planned else self._request.model,
            "device": self._planned.device if self._planned else None,
            "products": self._products,
            "usual_precision": self._precision,
            "launches": self._launches,
            "recording": self._recording,
            "total_s": _seconds(seconds),
            "rtf": round(self._finished.rtf, 4) if self._finished else None,
            **_peaks([piece for pieces in self._pieces.values() for piece in pieces]),
            "steps": self._steps(seconds),
            "chunks": {"total": n_chunks, "computed": n_chunks - self._n_kept, "from_store": self._n_kept},
            "evaluations": self._evaluations(),
            "quality": quality,
            "presence": {name: one.to_dict() for name, one in presence.items()} if presence else None,
            "absent": list(sentences(presence or {})) or None,
            "worker_restarts": self._n_restarts,
            "warnings": list(self.warnings),
            "answers": registry.answers(self._request),
            "notes": list(registry.answer_notes(self._request)) or None,
            "settings": settings(self._request),
            "versions": versions(self._request.backend),
        }
        return {name: value for name, value in report.items() if value is not None}

    def _steps(self, seconds: float) -> dict[str, Any]:
        """Return time and memory of every step; “join” is the time that neither the model nor writing took."""
        steps = {name: self._summary(name, pieces) for name, pieces in self._pieces.items()}
        join_s = seconds - self._write_s - sum(piece.seconds for pieces in self._pieces.values() for piece in pieces)
        if join_s >= 0:  # several workers at once do more seconds of work than pass
            steps["join"] = {"total_s": _seconds(join_s)}
        return steps | {"write": {"total_s": _seconds(self._write_s)}}

    def _summary(self, name: str, pieces: Sequence[WorkMeasured]) -> dict[str, Any]:
        each = [piece.seconds for piece in pieces]
        summary: dict[str, Any] = {"total_s": _seconds(sum(each))}
        if len(each) > 1 or name == "separate":
            summary |= {
                "pieces": len(each),
                "min_s": _seconds(min(each)),
                "median_s": _seconds(median(each)),
                "max_s": _seconds(max(each)),
            }
            if len(each) <= LISTED and name == "separate":
                summary["each_s"] = [_seconds(one) for one in each]
        return summary | _peaks(pieces)

    def _evaluations(self) -> int:
        """Return the number of evaluations of the network, from the events: a solver step may take several of them."""
        solver, chunks = self._request.solver, self._request.chunks
        together = chunks is not None and chunks.stitch == "multidiffusion"
        if RequestField.SOLVER not in registry.get(self._request.backend).uses(self._request) or together:
            return self._n_steps
        return round(self._n_steps * nfe(solver.method, solver.n_steps) / solver.n_steps)


def of_result(
    kept: Mapping[str, Any],
    *,
    cached: bool,
    seconds: float | None = None,
    source: str | None = None,
    converted: WorkMeasured | None = None,
) -> dict[str, Any]:
    """Return the report of a kept result for the present use of it.

    Args:
        kept: the report stored with the result; empty if it was made before there were reports.
        cached: nothing was computed now; the report is that of the original run, and says so.
        seconds: duration of this use in all.
        source: the file it was made from.
        converted: time and memory of decoding that file, unless it was kept already.
    """
    head: dict[str, Any] = {} if source is None else {"file": source}
    head["cached"] = cached
    if seconds is not None:
        head["command_s"] = _seconds(seconds)
    if converted is not None:
        head["convert"] = {"total_s": _seconds(converted.seconds), **_peaks([converted])}
    if cached:
        head["note"] = (
            f"Taken from the store. All below is of the run that made it, which finished {kept['finished']} and took "
            f"{kept['total_s']:g} s."
            if kept
            else "Taken from the store. It was made before reports were kept."
        )
    return head | dict(kept)


def to_yaml(report: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """Return a report, or one for each of several files, as YAML with its units explained above it."""
    import yaml  # 30 ms to import

    return HEADER + str(yaml.safe_dump(report, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None))


def write(report: Mapping[str, Any] | Sequence[Mapping[str, Any]], path: Path, read: FilesRead = NOTHING_READ) -> None:
    """Write YAML to `path`, replacing what is there once it is complete.

    Raises:
        FileError: it cannot be written.
        SettingsError: one of the files `read` lies there.
    """
    with new_file(path, read) as part:
        part.write_text(to_yaml(report), encoding="utf-8")


def settings(request: Request) -> dict[str, Any]:
    """Return a settled request as plain values, without the groups of settings that its backend does not have."""
    backend = registry.get(request.backend)
    left_out = {group.value for group in GROUPS if group not in backend.uses(request)}
    values = {name: value for name, value in request.to_dict().items() if name not in left_out}
    # Demucs has a precision and nothing else of SAM-Audio's settings.
    named = RequestField.DEMUCS in backend.uses(request) and request.sam.precision != AUTOMATIC
    return values | ({RequestField.SAM.value: {"precision": request.sam.precision}} if named else {})


def versions(backend: str) -> dict[str, str]:
    """Return the versions of this program, Python, and the backend's packages. Nothing is imported."""
    from separation import __version__

    found = {"audio-playground": __version__, "python": platform.python_version()}
    for package in registry.get(backend).profile.packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _peaks(pieces: Sequence[WorkMeasured]) -> dict[str, float]:
    """Return the peak of each kind of memory, where it is known."""
    known = {
        "peak_memory_mb": [piece.peak_bytes for piece in pieces if piece.peak_bytes is not None],
        "device_memory_mb": [piece.device_bytes for piece in pieces if piece.device_bytes is not None],
    }
    return {name: round(max(values) / 1e6, 1) for name, values in known.items() if values}


def _seconds(value: float) -> float:
    return round(value, 3)
