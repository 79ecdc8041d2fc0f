"""The steps of a benchmark: which is next, and how each is done. What is finished is never computed again.

First every cell is computed and timed, the cheapest setting first. Then those that were timed while the computer was
busy are timed again, each at most `N_RETIMED` times. Distances from the reference are measured as soon as both are
there. A step is small, so that other work can go between two of them.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from separation.benchmark.benchmark import N_RETIMED, Benchmark, CellOutcome, Excerpt, GridCell, cell_id
from separation.benchmark.timing import Timing, quiet, timed_run
from separation.errors import (
    AudioError,
    BackendUnavailable,
    PromptError,
    SeparationError,
    SettingsError,
    fault_name,
    foreseen,
    unforeseen,
)
from separation.events import Event
from separation.results.kept import DamagedItem, Recording, Result, recording_of, result_of
from separation.results.store import Store

if TYPE_CHECKING:
    from separation.engine.engine import Engine

# Errors of one cell, after which the others can go on; a full disk ends the whole.
OF_A_CELL = (AudioError, BackendUnavailable, DamagedItem, PromptError, SeparationError, SettingsError)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
log = logging.getLogger(__name__)


class StepKind(Enum):
    """The kinds of steps."""

    COMPUTE = "compute"
    RETIME = "time again"
    MEASURE = "measure"


@dataclass(frozen=True, kw_only=True, slots=True)
class GridStep:
    """One step: what to do with which cell."""

    kind: StepKind
    cell: GridCell


def next_step(benchmark: Benchmark, outcomes: Mapping[str, CellOutcome]) -> GridStep | None:
    """Return the next step; None if the benchmark is complete.

    Args:
        benchmark: what is to be done.
        outcomes: what has come out so far, by the cells' ids.
    """
    for cell in benchmark.cells():
        outcome = outcomes.get(cell.id)
        if outcome is None:
            return GridStep(kind=StepKind.COMPUTE, cell=cell)
        if outcome.result and outcome.distances is None and _has_reference(benchmark, cell.song, outcomes):
            return GridStep(kind=StepKind.MEASURE, cell=cell)
    busy = [
        (outcome.n_retimed, index, cell)
        for index, cell in enumerate(benchmark.cells())
        if (outcome := outcomes[cell.id]).is_busy and outcome.n_retimed < N_RETIMED
    ]
    if not busy:
        return None
    _, _, cell = min(busy, key=lambda one: one[:2])
    return GridStep(kind=StepKind.RETIME, cell=cell)


def perform(
    step: GridStep,
    benchmark: Benchmark,
    outcomes: Mapping[str, CellOutcome],
    store: Store,
    engine: Engine,
    *,
    is_local: bool = True,
) -> Generator[Event, None, CellOutcome]:
    """Do a step, yielding the events of its runs; return the new outcome of its cell.

    A cell that cannot be computed has its error as outcome, also if its separator has a defect; what was known of it
    before stays. Closing the generator leaves the outcome as it was.

    Raises:
        PlaygroundError: the store failed or the disk is full, and with it the whole benchmark.
    """
    before = outcomes.get(step.cell.id, CellOutcome())
    try:
        passage = _passage(step.cell, store)
        if step.kind is StepKind.COMPUTE:
            return (yield from _computed(step.cell, passage, benchmark, store, engine, is_local))
        if step.kind is StepKind.RETIME:
            return (yield from _timed_again(step.cell, passage, before, store, engine, is_local))
        return _measured(step.cell, before, benchmark, outcomes, store)
    except Exception as error:
        failed = replace(_with_error(before, error), distances=before.distances or {})
        return replace(failed, n_retimed=N_RETIMED) if step.kind is StepKind.RETIME else failed


def _computed(
    cell: GridCell, passage: Recording, benchmark: Benchmark, store: Store, engine: Engine, is_local: bool
) -> Generator[Event, None, CellOutcome]:
    result, timings = yield from _timed(benchmark.grid.n_times, cell, passage, store, engine, is_local)
    outcome = CellOutcome(result=result.key, timings=timings, nfe=int(result.report.get("evaluations") or 0))
    try:
        return replace(outcome, scores=_scores(result, passage))
    except Exception as error:
        return _with_error(outcome, error)


def _timed_again(
    cell: GridCell, passage: Recording, before: CellOutcome, store: Store, engine: Engine, is_local: bool
) -> Generator[Event, None, CellOutcome]:
    """Time the busy runs of a cell again, as soon as the computer is less busy; those that were not busy stay.

    Where it stays busy nothing is computed, as no time would be better; that counts as one of the attempts.
    """
    if is_local and not (yield from quiet()):
        return replace(before, n_retimed=before.n_retimed + 1)
    trusted = tuple(timing for timing in before.timings if not timing.is_busy)
    n_times = len(before.timings) - len(trusted)
    _, timings = yield from _timed(n_times, cell, passage, store, engine, is_local)
    return replace(before, timings=trusted + timings, n_retimed=before.n_retimed + 1)


def _timed(
    n_times: int, cell: GridCell, passage: Recording, store: Store, engine: Engine, is_local: bool
) -> Generator[Event, None, tuple[Result, tuple[Timing, ...]]]:
    """Run a cell until `n_times` of its runs count; the first one warms up, unless it is long."""
    timings: list[Timing] = []
    is_first = True
    while True:
        result, timing = yield from timed_run(passage, cell.request, store, engine, is_local=is_local)
        if timing.counts_first or not is_first:
            timings.append(timing)
        if len(timings) == n_times:
            return result, tuple(timings)
        is_first = False


def _measured(
    cell: GridCell, before: CellOutcome, benchmark: Benchmark, outcomes: Mapping[str, CellOutcome], store: Store
) -> CellOutcome:
    from separation.benchmark.scores import distance_from

    reference = benchmark.reference_cell(cell.song)
    assert reference is not None
    distances = distance_from(_result(before.result, store), _result(outcomes[reference.id].result, store))
    return replace(before, distances={name: one.to_dict() for name, one in distances.items()})


def _scores(result: Result, passage: Recording) -> dict[str, object] | None:
    from separation.benchmark.scores import scores_against_truth
    from separation.comparing.true_stems import true_stems_of

    truth = true_stems_of(passage)
    return None if truth is None else scores_against_truth(result, passage, truth).to_dict()


def _has_reference(benchmark: Benchmark, song: Excerpt, outcomes: Mapping[str, CellOutcome]) -> bool:
    return bool(outcomes.get(cell_id(benchmark.reference, song), CellOutcome()).result)


def _with_error(outcome: CellOutcome, error: Exception) -> CellOutcome:
    """Return the outcome of a cell with what there is to say of its failure.

    Raises:
        PlaygroundError: it is not the cell's own failure.
    """
    ours = foreseen(error)
    if ours is None:
        ours = unforeseen("separation", error, "Try another backend or setting")
        log.error("a cell stopped, fault %s", fault_name(error), exc_info=error)
    elif ours is error and not isinstance(error, OF_A_CELL):
        raise error
    elif getattr(error, "errno", None) in NO_ROOM:
        raise ours from error
    return replace(outcome, error=(ours.what, ours.why, ours.todo), action=ours.action)


def _passage(cell: GridCell, store: Store) -> Recording:
    item = store.get(cell.song.key)
    if item is None:
        raise SeparationError(
            f"The passage of “{cell.song.name}” is not in the library any more.",
            "It was removed, or evicted to stay within the size limit.",
            "Restore it from the trash, or make the benchmark anew.",
        )
    return recording_of(item)


def _result(key: str, store: Store) -> Result:
    item = store.get(key)
    if item is None:
        raise SeparationError("A result is not in the library any more.", "It was removed or evicted.", "Run it again.")
    return result_of(item)
