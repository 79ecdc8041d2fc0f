"""Small benchmarks of the separator that counts, and how they are run: by a job, without the job."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from separation.benchmark import steps, timing
from separation.benchmark.benchmark import Benchmark, CellOutcome, GridCell
from separation.benchmark.grid import Grid
from separation.benchmark.steps import GridStep
from separation.benchmark.timing import Timing
from separation.engine.engine import Engine, Inline
from separation.events import Event, StillRunning
from separation.request import ChunkSettings, Request
from separation.results.store import Store
from tests.support.fakes import result_of
from tests.support.run_fakes import CountingBackend

DRUMS = {"prompts": ["drums"], "chunks": {"chunk_s": 1.0, "overlap_s": 0.0}}


def grid(passage: object = None, n_times: int = 1, reference: object = None, **settings: Any) -> Grid:
    """A grid of the fake separator, timed once unless it is said."""
    own = {"passage": passage or {"start_s": 0.0, "length_s": None}, "n_times": n_times}
    if reference is not None:
        own["reference"] = reference
    return Grid.from_dict({**DRUMS, **settings, **own})


def run(
    benchmark: Benchmark,
    store: Store,
    outcomes: MutableMapping[str, CellOutcome] | None = None,
    engine: Engine | None = None,
    most: int = 200,
) -> list[GridStep]:
    """Do all steps that are left, as a job does them; return them. `outcomes` is what is written down."""
    outcomes = {} if outcomes is None else outcomes
    done = []
    while (step := steps.next_step(benchmark, outcomes)) is not None:
        assert len(done) < most, "it does not come to an end"
        outcomes[step.cell.id] = result_of(steps.perform(step, benchmark, outcomes, store, engine or Inline()))
        done.append(step)
    return done


def told(done: list[GridStep]) -> list[tuple[str, str, str]]:
    """Steps in a few words: kind, model, song."""
    return [(step.kind.value, step.cell.request.model or "", step.cell.song.name) for step in done]


def outcome_of(outcomes: Mapping[str, CellOutcome], cells: Iterator[GridCell], model: str) -> CellOutcome:
    """The outcome of the first cell of a model."""
    return next(outcomes[cell.id] for cell in cells if cell.request.model == model)


def timed(seconds: float, others: float | None = 0.0, **more: Any) -> Timing:
    """A timed run."""
    return Timing(**{"seconds": seconds, "first_sound_s": seconds / 2, "load_s": 0.0, "others": others, **more})


def settled(**changes: Any) -> Request:
    """A settled request of the fake separator."""
    request = Request.of("drums", backend="fake", model="only", chunks=ChunkSettings(chunk_s=1.0, overlap_s=0.0))
    return replace(request, **changes)


class Probe:
    """Stands for `OtherPrograms`: what other programs do is what a test says, one answer a run, the last for ever."""

    def __init__(self, *answers: float) -> None:
        self.answers = list(answers) or [0.0]

    def __call__(self) -> Probe:
        return self

    def cores(self) -> float:
        """The next answer."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def probe(patch: pytest.MonkeyPatch, *answers: float) -> Probe:
    """Have other programs be as busy as that, and wait for none of them."""
    made = Probe(*answers)
    patch.setattr(timing, "OtherPrograms", made)
    patch.setattr(steps, "quiet", waited(True))
    return made


def waited(is_quiet: bool, told: Callable[[], object] = lambda: None) -> Callable[[], Generator[Event, None, bool]]:
    """What stands for `timing.quiet`: one event, and whether the computer is quiet then."""

    def wait() -> Generator[Event, None, bool]:
        told()
        yield StillRunning()
        return is_quiet

    return wait


def failing_for(backend: CountingBackend, *models: str, error: Exception | None = None) -> None:
    """Have the separator fail with these models."""
    load = backend.load

    def loaded(request: Request) -> Any:
        if request.model in models:
            raise error or RuntimeError("a matrix is singular")
        return (yield from load(request))

    backend.load = loaded  # type: ignore[method-assign]


@dataclass(frozen=True)
class _Plain:
    values: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return dict(self.values)


def stub_scores(
    patch: pytest.MonkeyPatch,
    scored: Callable[..., Mapping[str, Any]] | None = None,
    measured: Callable[..., Mapping[str, Mapping[str, Any]]] | None = None,
) -> None:
    """Have scores and distances be what a test says, without measuring anything."""
    module = types.ModuleType("separation.benchmark.scores")
    nothing = {"tracks": {}, "n_dropped_frames": 0, "untold": []}

    def scores_against_truth(*known: Any) -> _Plain:
        return _Plain(nothing if scored is None else scored(*known))

    def distance_from(*results: Any) -> dict[str, _Plain]:
        return {name: _Plain(one) for name, one in (measured or distance)(*results).items()}

    vars(module).update(scores_against_truth=scores_against_truth, distance_from=distance_from)
    patch.setitem(sys.modules, module.__name__, module)


def distance(result: Any, reference: Any) -> dict[str, dict[str, Any]]:
    """A distance that says which two were compared."""
    same = result.key == reference.key
    far = {"error_db": None if same else -20.0, "si_sdr_db": None if same else 20.0, "identical": same}
    return {track.name: far for track in result.tracks}
