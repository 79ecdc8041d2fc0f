"""A benchmark as Markdown, to paste where people talk about it: a table for each track."""

from __future__ import annotations

import re
from collections.abc import Sequence

from separation.benchmark.benchmark import Benchmark
from separation.benchmark.measures import MEASURES
from separation.benchmark.reporting.facts import Outcomes, facts
from separation.benchmark.reporting.shown_rows import MAIN, error_of, shown_rows
from separation.benchmark.reporting.solver_table import HEAD, cells, solver_figures
from separation.benchmark.table import SettingRow, rows, stems

ON_FRONTIER = "**best trade-off**"


def text(benchmark: Benchmark, outcomes: Outcomes, stem: str = "", quality: str = "") -> str:
    """Return the tables of one track, or of all, with all that is to be said of the benchmark."""
    parts = [f"# {plain(benchmark.name)}", ""]
    for track in (stem,) if stem else stems(outcomes.values()) or ("",):
        mine = rows(benchmark, outcomes, track)
        parts += [f"## {plain(track)}", ""] if track else []
        parts += table(mine, quality)
        if solved := solver_table(mine):
            parts += ["", "Solvers; the speed is relative to midpoint with 4 steps.", "", *solved]
        parts.append("")
    parts += [f"- {plain(one.name)}: {plain(one.text)}" for one in facts(benchmark, outcomes)]
    return "\n".join(parts) + "\n"


def table(mine: Sequence[SettingRow], quality: str = "") -> list[str]:
    """Return the lines of a table of settings, and what marks in it mean."""
    shown = shown_rows(mine, quality, MAIN)
    failed = any(error_of(row) for row in mine)
    left = ["Separator", *(["Settings"] if shown.has_settings else [])]
    right = [*([""] if shown.quality else []), *(["Failed"] if failed else [])]
    rules = [*["---"] * len(left), *["---:"] * len(shown.labels), *["---"] * len(right)]
    lines = [_line([*left, *shown.labels, *right]), _line(rules)]
    for row, best, texts in zip(shown.rows, shown.on_frontier, shown.cells, strict=True):
        names = [row.separator, *([row.words] if shown.has_settings else [])]
        marks = [*([ON_FRONTIER if best else ""] if shown.quality else []), *([plain(error_of(row))] if failed else [])]
        lines.append(_line([*map(plain, names), *texts, *marks]))
    if shown.quality:
        lines += ["", f"Best trade-off: nothing else is both faster and better in {MEASURES[shown.quality].label}."]
    return lines


def solver_table(mine: Sequence[SettingRow]) -> list[str]:
    """Return the lines of the table of solvers and steps; none without several."""
    figures = solver_figures(mine)
    if not figures:
        return []
    rules = ["---", "---", *["---:"] * (len(HEAD) - 2)]
    return [_line(HEAD), _line(rules), *(_line([plain(text) for _, text in cells(one)]) for one in figures)]


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, on one line and in a table's cell."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!&])", r"\\\1", " ".join(text.split()))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
