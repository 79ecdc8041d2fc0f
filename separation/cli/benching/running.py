"""Runs a benchmark in the terminal; every finished cell is written down, so that the same command goes on there."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from separation.backends import registry
from separation.benchmark.benchmark import Benchmark, CellOutcome, GridCell
from separation.benchmark.grid import Grid, Passage, expanded
from separation.benchmark.making import cost, cost_left, machine, make
from separation.benchmark.measures import MEASURES, QUALITY
from separation.benchmark.steps import GridStep, StepKind, next_step, perform
from separation.benchmark.table import separator_of, stems, words_of
from separation.benchmark.timing import middle_s
from separation.benchmark.turns import in_turn
from separation.cli.common import Common, printable
from separation.cli.progress_line import can_redraw, redrawn
from separation.errors import PlaygroundError, SettingsError, with_action
from separation.events import ChunkStarted, Event, EventStream, ModelLoading, StillRunning
from separation.formatted import counted, size, size_range, time_range
from separation.prompts.targets import RESIDUAL
from separation.results.kept import Recording, reports_of
from storage.library import newest
from storage.records import BenchmarkTable

if TYPE_CHECKING:
    from storage import ArtifactStore


class KeptBenchmark:
    """A benchmark with what has come out of it, both kept in the data folder under an id made of what was asked for.

    Args:
        store: keeps passages and results.
        grid: what is compared.
        recordings: the passages.

    Attributes:
        benchmark: as it was made, now or when the command was first given.
        outcomes: by the cells' ids.
        n_computed: cells that were computed now.

    Raises:
        SettingsError: nothing can be computed here, or there is too much.
    """

    def __init__(self, store: ArtifactStore, grid: Grid, recordings: Sequence[Recording]) -> None:
        self._store, self._table = store, BenchmarkTable(store.folder)
        self.n_computed = 0
        self.past: tuple[Mapping[str, Any], ...] = tuple(reports_of(newest(store, "result")))
        # The recordings are the passages already.
        whole = replace(grid, passage=Passage(length_s=None))
        made = replace(make(whole, recordings, store, past=self.past), grid=grid)
        id = _id(made)
        self.benchmark = self._read(id) or replace(made, id=id)
        self.outcomes: dict[str, CellOutcome] = {}
        known = {cell.id for cell in self.benchmark.cells()}
        for cell, values in self._table.outcomes(id).items():
            # What failed is tried again, as its cause may be gone.
            if cell in known and (outcome := CellOutcome.from_dict(values)).error is None:
                self.outcomes[cell] = outcome

    def close(self) -> None:
        """Close this thread's connection."""
        self._table.close()

    def forget(self) -> None:
        """Forget what has come out of it."""
        self._table.remove(self.benchmark.id)
        self.outcomes.clear()

    @property
    def tracks(self) -> tuple[str, ...]:
        """The names of the tracks whose quality is known."""
        return stems(self.outcomes.values())

    @property
    def possible_tracks(self) -> tuple[str, ...]:
        """The names of the tracks that some setting makes."""
        requests = self.benchmark.requests
        targets = (target for request in requests for target in registry.get(request.backend).targets(request))
        return (*dict.fromkeys(target.name for target in targets), RESIDUAL)

    def run(self, common: Common, *, keep_busy: bool = False) -> None:
        """Do all that is missing, with a line for each cell.

        Args:
            common: prints the lines.
            keep_busy: whether times that were taken while the computer was busy stay, marked.

        Raises:
            PlaygroundError: something failed that ends the whole.
        """
        from separation.engine.engine import Inline
        from separation.hardware.allocator import keep_freed_memory

        keep_freed_memory()
        self._table.write(self.benchmark.id, self.benchmark.to_dict())
        cells = list(self.benchmark.cells())
        words = dict(zip(self.benchmark.requests, words_of(self.benchmark.requests), strict=True))
        engine = Inline()
        while (step := next_step(self.benchmark, self.outcomes)) is not None:
            if step.kind is StepKind.RETIME and keep_busy:
                return
            name = _name(step.cell, words[step.cell.request], self.benchmark)
            with self._interrupts_said(len(cells)):
                outcome = self._done(step, name, cells, engine, common)
                kept = outcome.to_dict()
                self._table.write_outcome(self.benchmark.id, step.cell.id, kept)
            self.outcomes[step.cell.id] = outcome = CellOutcome.from_dict(kept)  # the same as when it is read again
            self.n_computed += step.kind is StepKind.COMPUTE
            if step.kind is not StepKind.MEASURE:
                number = 1 + next(index for index, cell in enumerate(cells) if cell.id == step.cell.id)
                common.say(printable(f"{number} of {len(cells)}  {name}: {self._told(step, outcome)}"))

    def _done(self, step: GridStep, name: str, cells: Sequence[GridCell], engine: Any, common: Common) -> CellOutcome:
        progress = _Line(f"{len(self.outcomes) + 1} of {len(cells)}  {name}", common)
        work = perform(step, self.benchmark, self.outcomes, self._store, engine)
        if step.kind is not StepKind.MEASURE:
            work = in_turn(self._table.lock, work)
        with closing(progress), closing(EventStream(work)) as events:
            for event in events:
                progress.show(event)
            result: CellOutcome = events.result
        return result

    def _told(self, step: GridStep, outcome: CellOutcome) -> str:
        """Return what came out of a step, in a line."""
        if outcome.error is not None:
            return f"failed. {PlaygroundError(*outcome.error, action=outcome.action)}"
        seconds = middle_s(outcome.timings)
        assert seconds is not None
        said = [
            f"{seconds:.3g} s",
            f"{60 * seconds / step.cell.song.duration_s:.3g} s for a minute of audio",
            *_best(outcome),
        ]
        if step.kind is StepKind.RETIME:
            said.append("timed again")
        if outcome.is_busy:
            said.append("other programs kept the computer busy")
        return ", ".join(said)

    def _read(self, id: str) -> Benchmark | None:
        values = self._table.benchmark(id)
        try:
            return None if values is None else Benchmark.from_dict(values)
        except SettingsError:  # of another version of this program
            return None

    @contextmanager
    def _interrupts_said(self, n_cells: int) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt as stop:
            done = f"{len(self.outcomes)} of {counted(n_cells, 'measurement')}"
            note = f"{done} are finished and kept; no report was written."
            if len(self.outcomes) == n_cells:
                note += " With --keep-busy it is, without timing again what was timed while the computer was busy."
            raise KeyboardInterrupt(note) from stop


def say_before(kept: KeptBenchmark, recordings: Sequence[Recording], common: Common) -> None:
    """Print what is computed, what is left out and why, and what it takes."""
    benchmark = kept.benchmark
    n_cells = len(benchmark.requests) * len(benchmark.songs)
    what = f"{counted(len(benchmark.requests), 'setting')} on {counted(len(benchmark.songs), 'recording')}"
    common.say(printable(f"{benchmark.name}: {what}, {counted(n_cells, 'measurement')}"))
    for one in benchmark.left_out:
        why = with_action(one.why, one.action)
        common.say(printable(f"note: {counted(one.n_combinations, 'combination')} left out: {why}"))
    if benchmark.n_same:
        same = counted(benchmark.n_same, "combination")
        common.say(f"note: {same} left out: the same as another one for their separator")
    if kept.outcomes:
        common.say(f"{len(kept.outcomes)} of {counted(n_cells, 'measurement')} are finished already")
    if common.as_json or len(kept.outcomes) == n_cells:
        return
    whole = cost(
        expanded(benchmark.grid), replace(benchmark.grid, passage=Passage(length_s=None)), recordings, kept.past
    )
    left_s = cost_left(benchmark, kept.outcomes, kept.past)
    time = time_range(left_s) or "unknown before the first runs"
    unknown = (
        f" and {counted(whole.n_unknown, 'measurement')} of which no time is known"
        if left_s and whole.n_unknown
        else ""
    )
    common.say(f"expected: {time}{unknown}")
    memory = size_range(whole.memory_bytes)
    common.say(f"expected: {f'{memory} of memory, ' if memory else ''}{size(whole.disk_bytes)} on disk")


class _Line:
    """The line of a terminal that shows what is being done now; nothing where it cannot be drawn anew."""

    def __init__(self, name: str, common: Common) -> None:
        self._name, self._live = name, not common.as_json and can_redraw(sys.stderr)
        self._n_runs = 0

    def show(self, event: Event) -> None:
        match event:
            case ModelLoading():
                self._draw("reading the model")
            case ChunkStarted():
                self._n_runs += event.index == 0
                self._draw(f"run {self._n_runs}, chunk {event.index + 1} of {event.n_chunks}")
            case StillRunning() if self._n_runs == 0:
                self._draw("waiting")

    def close(self) -> None:
        if self._live:
            click.echo(redrawn(""), nl=False, err=True)

    def _draw(self, doing: str) -> None:
        if self._live:
            click.echo(redrawn(f"{self._name}: {doing}"), nl=False, err=True)


def _id(benchmark: Benchmark) -> str:
    """Return the name under which the same command finds its benchmark: of grid, settings, recordings and computer."""
    what = {
        "grid": benchmark.grid.to_dict(),
        "songs": [song.key for song in benchmark.songs],
        "requests": sorted(json.dumps(request.to_dict(), sort_keys=True) for request in benchmark.requests),
        "machine": machine(),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def _name(cell: GridCell, words: str, benchmark: Benchmark) -> str:
    parts = [separator_of(cell.request), words, cell.song.name if len(benchmark.songs) > 1 else ""]
    return " · ".join(part for part in parts if part)


def _best(outcome: CellOutcome) -> list[str]:
    """Return the first quality of the first track of which one is known."""
    for track, scores in (outcome.scores or {}).get("tracks", {}).items():
        for id in QUALITY:
            if scores.get(id) is not None:
                return [f"{MEASURES[id].label} of {track} {MEASURES[id].formatted(scores[id])}"]
    return []
