"""The tables of a benchmark in a terminal: settings with the frontier marked, and solvers with their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from separation.benchmark.benchmark import Benchmark, CellOutcome
from separation.benchmark.measures import MEASURES
from separation.benchmark.reporting.facts import lacks
from separation.benchmark.reporting.shown_rows import MAIN, error_of, shown_rows
from separation.benchmark.reporting.solver_table import HEAD, cells, solver_figures
from separation.benchmark.table import rows, stems

MARK = "*"
MOST_SETTINGS_SIGNS = 36


def lines(benchmark: Benchmark, outcomes: Mapping[str, CellOutcome], track: str) -> list[str]:
    """Return the lines that are printed at the end."""
    mine = rows(benchmark, outcomes, track)
    shown = shown_rows(mine, only=MAIN)  # a terminal's line has no room for all
    head = ["", "separator", *(["settings"] if shown.has_settings else []), *shown.labels]
    body = [
        [MARK if best else "", row.separator, *([_clipped(row.words)] if shown.has_settings else []), *texts]
        for row, best, texts in zip(shown.rows, shown.on_frontier, shown.cells, strict=True)
    ]
    found = ["", *([f"{track}:"] if track else []), *aligned([head, *body], n_left=2 + shown.has_settings)]
    if shown.quality:
        found.append(
            f"{MARK} best trade-off: nothing else is both faster and better in {MEASURES[shown.quality].label}"
        )
    others = [one for one in stems(outcomes.values()) if one != track]
    if others:
        found.append(f"The report has {', '.join(others)} too; --stem prints one of them.")
    if solved := solver_figures(mine):
        table = [[name.lower() for name in HEAD], *([text for _, text in cells(one)] for one in solved)]
        found += ["", "solvers, with speed relative to midpoint with 4 steps:", *aligned(table, n_left=2)]
    found += ["", *(f"{one.name.lower()}: {one.text}" for one in lacks(benchmark, outcomes))]
    return [line.rstrip() for line in found]


def values(benchmark: Benchmark, outcomes: Mapping[str, CellOutcome], track: str) -> list[dict[str, Any]]:
    """Return the rows of the table as plain values."""
    shown = shown_rows(rows(benchmark, outcomes, track))
    return [
        {
            "setting": row.setting,
            "separator": row.separator,
            "settings": row.words,
            "track": track,
            "on_frontier": best,
            "busy": row.is_busy,
            "error": error_of(row),
            "values": dict(row.values),
        }
        for row, best in zip(shown.rows, shown.on_frontier, strict=True)
    ]


def aligned(table: Sequence[Sequence[str]], n_left: int) -> list[str]:
    """Return the lines of a table whose first columns are aligned left and whose others right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if index < n_left else text.rjust(width)
            for index, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    ]


def _clipped(words: str) -> str:
    return words if len(words) <= MOST_SETTINGS_SIGNS else f"{words[: MOST_SETTINGS_SIGNS - 1]}…"
