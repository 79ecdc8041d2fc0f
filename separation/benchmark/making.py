"""Makes a benchmark of a grid and recordings, and estimates what it takes before it starts."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from separation.backends import registry
from separation.benchmark.benchmark import Benchmark, CellOutcome, Excerpt, GridCell, setting_id
from separation.benchmark.grid import Expanded, Grid, expanded
from separation.benchmark.passages import part_of, passage_of
from separation.errors import SettingsError
from separation.estimates.estimates import Range, expected
from separation.hardware.processor import processor
from separation.request import Request
from separation.results.kept import Recording
from separation.results.store import Store

MOST_CELLS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a benchmark takes, as ranges (low, high); None where nothing is known.

    Attributes:
        n_cells: that are to be computed.
        seconds: of all of them, with the warm-ups and repetitions.
        memory_bytes: of the largest.
        disk_bytes: of the kept results.
        n_unknown: cells of which no time is known; they are not in `seconds`.
    """

    n_cells: int
    seconds: Range | None
    memory_bytes: Range | None
    disk_bytes: int
    n_unknown: int = 0


def make(
    grid: Grid, recordings: Sequence[Recording], store: Store, *, past: Iterable[Mapping[str, Any]] = (), id: str = ""
) -> Benchmark:
    """Make a benchmark: its passages are kept, and its cells put in order, the cheapest first. Nothing is computed yet.

    Args:
        grid: what to compare.
        recordings: on which.
        store: keeps the passages.
        past: reports of finished runs on this computer, newest first.
        id: its name in addresses; a new one if not given.

    Raises:
        SettingsError: there is no recording, no cell that can be computed, or there are too many.
        AudioError: a recording's samples cannot be read.
    """
    if not recordings:
        raise SettingsError("No recording was chosen.", "", "Choose at least one, such as the demo.")
    found = expanded(grid)
    if (n_cells := len(found.requests) * len(recordings)) > MOST_CELLS:
        raise SettingsError(
            f"The benchmark has {n_cells} measurements: settings times recordings.",
            f"At most {MOST_CELLS} can be kept and shown.",
            "Take fewer values.",
        )
    songs = [_song(recording, passage_of(recording, grid.passage, store)) for recording in recordings]
    reports = tuple(past)
    ordered = sorted(found.requests, key=lambda request: _expense(request, max(songs, key=_length).duration_s, reports))
    return Benchmark(
        id=id or uuid.uuid4().hex[:12],
        name=grid.name or "Benchmark",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        grid=grid,
        songs=tuple({song.key: song for song in songs}.values()),
        requests=tuple(ordered),
        reference="" if found.reference is None else setting_id(found.reference),
        left_out=found.left_out,
        n_same=found.n_same,
        machine=machine(),
    )


def slowest(requests: Sequence[Request], duration_s: float, past: Iterable[Mapping[str, Any]]) -> Request:
    """Return the setting that takes longest on so much audio, as far as that can be told."""
    reports = tuple(past)
    return max(requests, key=lambda request: _expense(request, duration_s, reports))


def cost(found: Expanded, grid: Grid, sounds: Sequence[Recording], past: Iterable[Mapping[str, Any]]) -> Cost:
    """Return what the settings of an expanded grid take on these recordings' passages.

    Raises:
        SettingsError: a recording ends before its passage begins.
    """
    reports = tuple(past)
    parts = [part_of(sound, grid.passage) for sound in sounds]
    runs, memory, disk, n_unknown = [], [], 0, 0
    for request in found.requests:
        n_tracks = len(registry.get(request.backend).targets(request)) + 1
        for sound, part in zip(sounds, parts, strict=True):
            length_s = (sound.duration_s if part.end_s is None else part.end_s) - part.start_s
            estimate = expected(request, length_s, reports)
            disk += n_tracks * round(length_s * sound.sample_rate) * sound.n_channels * 4
            if estimate.memory_bytes is not None:
                memory.append(estimate.memory_bytes)
            if estimate.seconds is None:
                n_unknown += 1
            else:
                runs.append(estimate.seconds)
    return Cost(
        n_cells=len(found.requests) * len(sounds),
        seconds=_sum(runs, grid.n_times) if runs else None,
        memory_bytes=max(memory, key=lambda span: span[1]) if memory else None,
        disk_bytes=disk,
        n_unknown=n_unknown,
    )


def cost_left(
    benchmark: Benchmark, outcomes: Mapping[str, CellOutcome], past: Iterable[Mapping[str, Any]]
) -> Range | None:
    """Return the seconds that the cells without an outcome will take; None if nothing is known of them."""
    reports = tuple(past)
    cells = [cell for cell in benchmark.cells() if cell.id not in outcomes]
    known = [seconds for cell in cells if (seconds := _seconds(cell, reports)) is not None]
    return _sum(known, benchmark.grid.n_times) if known or not cells else None


def machine() -> dict[str, str]:
    """Return the computer on which times are taken: processor, cores, system, and versions that matter to them."""
    from separation.doctor import installed

    versions = {name: installed.version(name) for name in ("torch", "mlx")}
    shown = {name: version for name, version in versions.items() if version[0].isdigit()}
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "system": installed.system(),
        "python": installed.python(),
        **shown,
    }


def _song(recording: Recording, passage: Recording) -> Excerpt:
    return Excerpt(key=passage.key, name=recording.name, recording=recording.key, duration_s=passage.duration_s)


def _length(song: Excerpt) -> float:
    return song.duration_s


def _expense(request: Request, duration_s: float, reports: Sequence[Mapping[str, Any]]) -> float:
    """Return about how long a run takes; only for the order."""
    seconds = expected(request, duration_s, reports).seconds
    if seconds is not None:
        return sum(seconds) / 2
    return registry.get(request.backend).cost(request, duration_s).work * duration_s / 100


def _seconds(cell: GridCell, reports: Sequence[Mapping[str, Any]]) -> Range | None:
    return expected(cell.request, cell.song.duration_s, reports).seconds


def _sum(runs: Sequence[Range], n_times: int) -> Range:
    """Return the time of all runs, each done `n_times`; warm-ups are in the upper end, where each cell has one."""
    return sum(low for low, _ in runs) * n_times, sum(high for _, high in runs) * (n_times + 1)
