"""The rows of a benchmark in charts: their values, what they are called, and what is told where one points at them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from separation.benchmark.drawing.label_places import clipped
from separation.benchmark.drawing.plotting import shown

if TYPE_CHECKING:
    from separation.benchmark.measures import Measure
    from separation.benchmark.table import SettingRow

Sets = Sequence[tuple[str, Sequence["SettingRow"]]]  # the name and rows of each benchmark that is shown

ERROR = "error_db"
MOST_SIGNS = 30
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def value_of(values: Mapping[str, float], measure: Measure) -> float | None:
    """Return a measure's value; None if there is none."""
    return values.get(measure.id)


def titled(measure: Measure) -> str:
    """Return the title of an axis of a measure, with its unit."""
    unit = f", {measure.unit}" if measure.unit else ""
    return f"{measure.label}{unit}{' (lower is better)' if measure.better == 'lower' else ''}"


def short_names(rows: Sequence[SettingRow]) -> list[tuple[str, ...]]:
    """Return what to write beside each point, in one or two lines: what all have in common is left out."""
    one_separator = len({row.separator for row in rows}) == 1
    return [tuple(clipped(part, MOST_SIGNS) for part in parts_of(row, one_separator=one_separator)) for row in rows]


def parts_of(row: SettingRow, *, one_separator: bool) -> list[str]:
    """Return separator and settings of a row, as short as they are clear: “midpoint 16” for its solver and steps."""
    words = re.sub(r"\bmethod (\w+), steps (\d+)", r"\1 \2", row.words)
    return [words] if one_separator and words else [part for part in (row.separator, words) if part]


def hover(texts: Iterable[str]) -> dict[str, Any]:
    """Return what makes a trace show texts where one points at it."""
    return {"hovertext": list(texts), "hoverinfo": "text"}


def told(row: SettingRow, sets: Sets, number: int, values: Iterable[str]) -> str:
    """Return the hover text of a setting: what it is, of which set, the values of the chart, and all that it cost."""
    lines = [row.separator, row.words, sets[number][0] if len(sets) > 1 else "", *values]
    if "rtf" in row.values:
        lines.append(f"{row.values['rtf'] * 60:.3g} s for a minute of audio")
    if row.spread > 0:
        lines.append(f"its times lie {100 * row.spread:.0f} % apart")
    if "nfe" in row.values:
        lines.append(f"{row.values['nfe']:,.0f} model evaluations")
    if row.is_busy:
        lines.append("timed while other programs kept the computer busy")
    if not row.is_done:
        lines.append(f"{len(row.figures)} of {row.n_songs} recordings so far")
    return "<br>".join(shown(line) for line in lines if line)


def why_empty(sets: Sets, what: str) -> str:
    """Return why a chart has no points."""
    rows = [row for _, mine in sets for row in mine]
    if not rows:
        return "Nothing is measured yet."
    failed = [one for row in rows for one in row.figures if one.error is not None]
    if failed and all(one.error is not None for row in rows for one in row.figures):
        what_happened = failed[0].error
        assert what_happened is not None
        return f"All that was tried has failed: {what_happened[0]}"
    return f"No finished setting has {what}."


def dash(number: int) -> str:
    """Return how the lines of a set are drawn, so that they differ without colour."""
    return DASHES[number % len(DASHES)]
