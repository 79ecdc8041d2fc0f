"""The benchmarks of this server: each runs in small steps while no job waits, and is written down cell by cell.

One that was not complete when the server stopped is stopped, and goes on from the cells it had finished when a person
says so. Pages call the methods on the event loop, and none of them waits but `make`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum

from nicegui import Event as PageEvent

from separation.benchmark.benchmark import N_RETIMED, Benchmark, CellOutcome
from separation.benchmark.grid import Grid
from separation.benchmark.making import cost_left, make
from separation.benchmark.steps import GridStep, StepKind, next_step, perform
from separation.benchmark.table import separator_of
from separation.benchmark.turns import in_turn
from separation.engine.engine import Engine
from separation.errors import PlaygroundError, SettingsError, unforeseen
from separation.estimates.estimates import Range
from separation.events import EventStream
from separation.results.kept import Recording, reports_of
from storage import ArtifactStore
from storage.library import newest
from storage.records import BenchmarkTable
from webapp.state.queue.jobs import Jobs
from webapp.state.runner import Work

log = logging.getLogger(__name__)
ANNOUNCE_S = 0.25
DOING = {StepKind.COMPUTE: "computing", StepKind.RETIME: "timing again", StepKind.MEASURE: "measuring"}


class BenchmarkState(StrEnum):
    """The states of a benchmark."""

    RUNNING = "running"
    WAITING = "waiting"
    STOPPED = "stopped"
    COMPLETE = "complete"


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkProgress:
    """How far a benchmark is.

    Attributes:
        state: its state.
        n_cells: cells in all.
        n_done: cells with an outcome, failed ones included.
        n_failed: cells that failed.
        n_busy: cells whose times were taken while the computer was busy.
        n_again: those of them that will be timed again.
        doing: what is being done now, for people; "" if nothing is.
        left_s: the seconds that the missing cells will take, as a range; None if unknown.
        error: what happened, why, what to do, if something stopped it.
        is_paused: whether the queue is paused, and nothing starts.
    """

    state: BenchmarkState
    n_cells: int
    n_done: int
    n_failed: int
    n_busy: int
    n_again: int
    doing: str = ""
    left_s: Range | None = None
    error: PlaygroundError | None = None
    is_paused: bool = False


class Benchmarks:
    """Makes, runs and keeps benchmarks.

    Args:
        store: keeps passages and results.
        engine: runs the work.
        jobs: the queue, between whose jobs the steps are done.
        table: keeps benchmarks and outcomes.
        is_local: whether the workers are on this computer, so that its load can be told.

    Attributes:
        changed: is emitted with a benchmark's id when something of it has changed, or it is new or gone.
    """

    def __init__(
        self, store: ArtifactStore, engine: Engine, jobs: Jobs, table: BenchmarkTable, *, is_local: bool = True
    ) -> None:
        self.changed: PageEvent[str] = PageEvent()
        self._store, self._engine, self._jobs, self._table = store, engine, jobs, table
        self._is_local = is_local
        self._benchmarks: dict[str, Benchmark] = {}
        self._outcomes: dict[str, dict[str, CellOutcome]] = {}
        self._wanted: list[str] = []
        self._running = ""
        self._doing = ""
        self._left_s: dict[str, Range | None] = {}
        self._errors: dict[str, PlaygroundError] = {}
        self._due: set[str] = set()
        self._read()
        jobs.do_between(self._next_piece)

    # what pages read

    def all(self) -> list[Benchmark]:
        """Return all benchmarks, the newest first."""
        return sorted(self._benchmarks.values(), key=lambda one: one.created, reverse=True)

    def get(self, id: str) -> Benchmark | None:
        """Return a benchmark; None if there is none."""
        return self._benchmarks.get(id)

    def outcomes(self, id: str) -> Mapping[str, CellOutcome]:
        """Return what has come out of a benchmark's cells so far, by the cells' ids."""
        return dict(self._outcomes.get(id, {}))  # of its own, as threads read it too

    def progress(self, id: str) -> BenchmarkProgress:
        """Return how far a benchmark is."""
        benchmark, outcomes = self._benchmarks[id], self._outcomes[id]
        return BenchmarkProgress(
            state=self._state(id),
            n_cells=len(benchmark.requests) * len(benchmark.songs),
            n_done=len(outcomes),
            n_failed=sum(outcome.error is not None for outcome in outcomes.values()),
            n_busy=sum(outcome.is_busy for outcome in outcomes.values()),
            n_again=sum(outcome.is_busy and outcome.n_retimed < N_RETIMED for outcome in outcomes.values()),
            doing=self._doing if id == self._running else "",
            left_s=self._left_s.get(id),
            error=self._errors.get(id),
            is_paused=self._jobs.paused,
        )

    def parts(self) -> frozenset[str]:
        """Return the keys of what is only here for a benchmark: the passages that it cut, and its results of them."""
        found: set[str] = set()
        for id, benchmark in self._benchmarks.copy().items():
            cut = {song.key for song in benchmark.songs if song.key != song.recording}
            found |= cut
            if cut:
                outcomes = self.outcomes(id)
                cells = (outcomes.get(cell.id) for cell in benchmark.cells() if cell.song.key in cut)
                found |= {outcome.result for outcome in cells if outcome is not None and outcome.result}
        return frozenset(found)

    # what people do

    async def make(self, grid: Grid, recordings: Sequence[Recording]) -> Benchmark:
        """Make a benchmark and run it.

        Raises:
            PlaygroundError: it cannot be made; the message says why.
        """

        def made() -> Benchmark:
            try:
                reports = reports_of(newest(self._store, "result"))
                benchmark = make(grid, recordings, self._store, past=reports)
                self._table.write(benchmark.id, benchmark.to_dict())
                return benchmark
            finally:
                self._store.close()  # this thread's connections
                self._table.close()

        benchmark = await asyncio.to_thread(made)
        self._benchmarks[benchmark.id] = benchmark
        self._outcomes[benchmark.id] = {}
        self.go_on(benchmark.id)
        return benchmark

    def go_on(self, id: str) -> None:
        """Run a benchmark, behind those that run already; what it has finished is not computed again."""
        if id in self._benchmarks and id not in self._wanted:
            self._errors.pop(id, None)
            self._wanted.append(id)
            self._tell(id)
            self._jobs.look_between()

    def try_again(self, id: str) -> None:
        """Compute the cells of a benchmark that failed once more, and go on; what they had is kept until then."""
        if id in self._benchmarks and id not in self._wanted:
            self._outcomes[id] = {cell: one for cell, one in self._outcomes[id].items() if one.error is None}
            self.go_on(id)

    def stop(self, id: str) -> None:
        """Stop a benchmark at the model's next evaluation; its finished cells stay."""
        if id in self._wanted:
            self._wanted.remove(id)
            self._tell(id)

    def remove(self, id: str) -> None:
        """Stop and forget a benchmark; its results stay in the library.

        Raises:
            StorageError: it cannot be deleted.
        """
        self.stop(id)
        self._table.remove(id)
        self._benchmarks.pop(id, None)
        self._outcomes.pop(id, None)
        self._tell(id)

    def rename(self, id: str, name: str) -> None:
        """Give a benchmark another name.

        Raises:
            SettingsError: the name is empty.
            StorageError: it cannot be written down.
        """
        if not name.strip():
            raise SettingsError("A benchmark needs a name.", "", "Type a few words.")
        renamed = replace(self._benchmarks[id], name=name.strip())
        self._table.write(id, renamed.to_dict())
        self._benchmarks[id] = renamed
        self._tell(id)

    # on the event loop

    def _read(self) -> None:
        for id, values in self._table.benchmarks().items():
            try:
                self._benchmarks[id] = Benchmark.from_dict(values)
            except SettingsError as damage:
                log.warning("the benchmark %s is passed over: %s", id, damage)
                continue
            self._outcomes[id] = _outcomes_of(self._table.outcomes(id))

    def _state(self, id: str) -> BenchmarkState:
        if id in self._wanted:
            return BenchmarkState.RUNNING if id == self._running else BenchmarkState.WAITING
        missing = next_step(self._benchmarks[id], self._outcomes[id]) is not None
        return BenchmarkState.STOPPED if missing else BenchmarkState.COMPLETE

    def _next_piece(self) -> Work | None:
        steps: dict[str, GridStep] = {}
        for id in list(self._wanted):
            step = next_step(self._benchmarks[id], self._outcomes[id])
            if step is None:
                self._wanted.remove(id)
                self._tell(id)
            else:
                steps[id] = step
        # What no benchmark has computed yet comes before what one of them times again.
        id = next((id for id in steps if steps[id].kind is not StepKind.RETIME), next(iter(steps), ""))
        self._running, self._doing = id, _words(steps[id]) if id else ""
        if not id:
            return None
        self._tell(id)
        return self._piece(id, steps[id])

    def _piece(self, id: str, step: GridStep) -> Work:
        benchmark, outcomes = self._benchmarks[id], dict(self._outcomes[id])
        return lambda: self._do(step, benchmark, outcomes)

    def _take(self, id: str, cell: str, outcome: CellOutcome, left_s: Range | None) -> None:
        if id in self._outcomes:
            self._outcomes[id][cell] = outcome
            self._left_s[id] = left_s
            self._tell(id)

    def _fail(self, id: str, error: PlaygroundError) -> None:
        self._errors[id] = error
        self.stop(id)
        self._tell(id)

    def _tell(self, id: str) -> None:
        """Tell the pages that a benchmark has changed, a moment later, once for all its changes until then."""

        def due() -> None:
            self._due.discard(id)
            self.changed.emit(id)

        if id not in self._due:
            self._due.add(id)
            asyncio.get_running_loop().call_later(ANNOUNCE_S, due)

    # in the jobs' thread

    def _do(self, step: GridStep, benchmark: Benchmark, outcomes: dict[str, CellOutcome]) -> None:
        try:
            outcome = self._performed(step, benchmark, outcomes)
            if outcome is None:
                return
            self._table.write_outcome(benchmark.id, step.cell.id, outcome.to_dict())
            outcomes[step.cell.id] = outcome
            left_s = cost_left(benchmark, outcomes, reports_of(newest(self._store, "result")))
            self._on_loop(lambda: self._take(benchmark.id, step.cell.id, outcome, left_s))
        except PlaygroundError as error:
            log.info("the benchmark %s stopped: %s", benchmark.id, error)
            failure = error
            self._on_loop(lambda: self._fail(benchmark.id, failure))
        except Exception as error:
            log.exception("the benchmark %s met an error nobody foresaw", benchmark.id)
            shown = unforeseen("benchmark", error, "Go on with it, or leave the setting out")
            self._on_loop(lambda: self._fail(benchmark.id, shown))

    def _performed(
        self, step: GridStep, benchmark: Benchmark, outcomes: Mapping[str, CellOutcome]
    ) -> CellOutcome | None:
        """Return the outcome of a step; None if the benchmark was stopped meanwhile."""
        work = perform(step, benchmark, outcomes, self._store, self._engine, is_local=self._is_local)
        if step.kind is not StepKind.MEASURE:
            work = in_turn(self._table.lock, work)
        with closing(EventStream(work)) as events:
            for _ in events:
                if self._jobs.closing or benchmark.id not in self._wanted:
                    return None
            return events.result

    def _on_loop(self, call: Callable[[], object]) -> None:
        self._jobs.tell(call)


def _words(step: GridStep) -> str:
    return f"{DOING[step.kind]} {separator_of(step.cell.request)} on {step.cell.song.name}"


def _outcomes_of(values: Mapping[str, Mapping[str, object]]) -> dict[str, CellOutcome]:
    """Return the outcomes that can be read; a cell without one is computed again."""
    found = {}
    for cell, outcome in values.items():
        try:
            found[cell] = CellOutcome.from_dict(outcome)
        except (TypeError, ValueError, KeyError) as damage:
            log.warning("the outcome of the cell %s is passed over: %s", cell, damage)
    return found
