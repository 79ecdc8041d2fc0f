"""The table of solvers and steps: how much faster than four midpoint steps each is, and how far from the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from separation.benchmark.measures import MEASURES, NONE
from separation.benchmark.table import SettingRow

UNIT = ("midpoint", 4)  # method and steps, whose speed is 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SolverFigures:
    """One solver with a number of steps, in one separator.

    Attributes:
        separator: with its model, and what else its settings differ in.
        method: of the solver.
        n_steps: of it.
        nfe: evaluations of the network in a run; None if unknown.
        seconds: of a run; None if unknown.
        speed: how many times as fast as midpoint with 4 steps; None without one.
        error_db: the distance from the reference; None if unknown.
    """

    separator: str
    method: str
    n_steps: int
    nfe: float | None
    seconds: float | None
    speed: float | None
    error_db: float | None


def solver_figures(rows: Sequence[SettingRow]) -> list[SolverFigures]:
    """Return the settings of each separator that has several solvers or steps; none if there is no such separator."""
    groups: dict[str, list[SettingRow]] = {}
    for row in rows:
        groups.setdefault(row.separator, []).append(row)
    return [
        line
        for separator, group in groups.items()
        if len({(row.request.solver.method, row.request.solver.n_steps) for row in group}) > 1
        for line in _lines(separator, group)
    ]


HEAD = ("Separator", "Method", "Steps", "Evaluations", "Time", "Speed", "Distance")


def cells(one: SolverFigures) -> list[tuple[float | None, str]]:
    """Return a line below `HEAD`: each cell's number, None if it is none, and its text."""
    return [
        (None, one.separator),
        (None, one.method),
        (one.n_steps, str(one.n_steps)),
        (one.nfe, MEASURES["nfe"].formatted(one.nfe)),
        (one.seconds, NONE if one.seconds is None else f"{one.seconds:.3g} s"),
        (one.speed, NONE if one.speed is None else f"{one.speed:.2g} \N{MULTIPLICATION SIGN}"),
        (one.error_db, MEASURES["error_db"].formatted(one.error_db)),
    ]


def _lines(separator: str, group: Sequence[SettingRow]) -> list[SolverFigures]:
    unit_s = next((row.values.get("seconds") for row in group if _named(row) == UNIT), None)
    found = []
    for row in sorted(group, key=_named):
        method, n_steps = _named(row)
        seconds = row.values.get("seconds")
        found.append(
            SolverFigures(
                separator=separator,
                method=method,
                n_steps=n_steps,
                nfe=row.values.get("nfe"),
                seconds=seconds,
                speed=unit_s / seconds if unit_s and seconds else None,
                error_db=row.values.get("error_db"),
            )
        )
    return found


def _named(row: SettingRow) -> tuple[str, int]:
    return row.request.solver.method, row.request.solver.n_steps
