"""How good each model was on this computer: the quality that benchmarks have measured against true stems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from separation.benchmark.benchmark import Benchmark, CellOutcome
from separation.benchmark.table import rows, stems
from separation.prompts.targets import RESIDUAL

MEASURE = "si_sdr_db"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """The quality of a model.

    Attributes:
        si_sdr_db: the mean over the stems of the median over the passages, of the model's best setting.
        stems: the sounds that were asked for.
        benchmark: id of the benchmark.
        name: of the benchmark, for people.
    """

    si_sdr_db: float
    stems: tuple[str, ...]
    benchmark: str
    name: str


def standings(
    benchmarks: Iterable[tuple[Benchmark, Mapping[str, CellOutcome]]],
) -> dict[tuple[str, str | None], Standing]:
    """Return the standing of each (backend, model) that was measured; the newest benchmark counts.

    Args:
        benchmarks: with their outcomes.
    """
    found: dict[tuple[str, str | None], Standing] = {}
    for benchmark, outcomes in sorted(benchmarks, key=lambda one: one[0].created):
        found |= _of_one(benchmark, outcomes)
    return found


def _of_one(benchmark: Benchmark, outcomes: Mapping[str, CellOutcome]) -> dict[tuple[str, str | None], Standing]:
    asked = tuple(stem for stem in stems(outcomes.values()) if stem != RESIDUAL)
    qualities: dict[str, list[float]] = {}
    for stem in asked:
        for row in rows(benchmark, outcomes, stem):
            if MEASURE in row.values:
                qualities.setdefault(row.setting, []).append(row.values[MEASURE])
    found: dict[tuple[str, str | None], Standing] = {}
    for row in rows(benchmark, outcomes, ""):
        measured = qualities.get(row.setting, [])
        model = (row.request.backend, row.request.model)
        if measured and len(measured) == len(asked):
            here = Standing(si_sdr_db=fmean(measured), stems=asked, benchmark=benchmark.id, name=benchmark.name)
            if model not in found or here.si_sdr_db > found[model].si_sdr_db:
                found[model] = here
    return found
