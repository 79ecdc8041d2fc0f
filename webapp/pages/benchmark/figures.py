"""The table of a benchmark as people read it: columns, figures, and which rows are on the frontier."""

from __future__ import annotations

from collections.abc import Sequence

from separation.benchmark.frontier import frontier
from separation.benchmark.measures import MEASURES, QUALITY
from separation.benchmark.table import SettingRow
from webapp.components.figure_table.figure_table import Figure, FigureColumn, FigureRow

EXPORTS = {
    "Table for a spreadsheet (CSV)": "table.csv",
    "Table to paste (Markdown)": "table.md",
    "Everything (JSON)": "benchmark.json",
    "Page that opens anywhere (HTML)": "index.html",
}
COSTS_SHOWN = ("nfe", "seconds", "rtf", "first_sound_s", "peak_bytes", "device_bytes", "energy_j")
FEW_COSTS = ("nfe", "seconds", "rtf", "peak_bytes")
BUSY = "Other programs kept the computer busy while this was timed"
SPREAD_SAID = 0.1  # of the median; from here on the spread stands beside the time


def qualities(rows: Sequence[SettingRow]) -> list[str]:
    """Return the ids of the measures of quality that some row has."""
    return [id for id in QUALITY if any(id in row.values for row in rows)]


def label(id: str) -> str:
    """Return a measure's name for people."""
    return MEASURES[id].label


def meaning(id: str) -> str:
    """Return what a measure means, in a sentence; "" for none."""
    return MEASURES[id].meaning if id in MEASURES else ""


def on_frontier(rows: Sequence[SettingRow], quality: str) -> frozenset[str]:
    """Return the ids of the settings than which none is both better and faster."""
    if not quality:
        return frozenset()
    points = [(row.values.get("rtf"), row.values.get(quality)) for row in rows]
    return frozenset(rows[index].setting for index in frontier(points, MEASURES[quality].better))


def columns(rows: Sequence[SettingRow], quality: str, *, all_measures: bool) -> list[FigureColumn]:
    """Return the columns of which some row has a figure.

    Args:
        rows: of the table.
        quality: the measure that is shown in any case.
        all_measures: whether all others are shown too.
    """
    shown = [*COSTS_SHOWN, *QUALITY] if all_measures else [*FEW_COSTS, *dict.fromkeys((quality, "error_db"))]
    return [
        FigureColumn(id=id, label=MEASURES[id].label, tip=MEASURES[id].meaning, better=MEASURES[id].better)
        for id in shown
        if any(id in row.values for row in rows)
    ]


def line(row: SettingRow, frontier_ids: frozenset[str], href: str) -> FigureRow:
    """Return a row as the table shows it."""
    errors = [one.error for one in row.figures if one.error is not None]
    waiting = "" if row.is_done else f" ({len(row.figures)} of {row.n_songs} recordings)"
    return FigureRow(
        id=row.setting,
        title=row.separator,
        detail=f"{row.words}{waiting}",
        best=row.setting in frontier_ids,
        figures={id: _figure(row, id) for id in row.values if id in MEASURES},
        audible=any(one.result for one in row.figures),
        href=href,
        error=" ".join(errors[0]).strip() if errors else "",
    )


def _figure(row: SettingRow, id: str) -> Figure:
    value = row.values[id]
    words = MEASURES[id].formatted(value)
    if id != "seconds":
        return Figure(value=value, text=words)
    words = f"{value:.3g} s"
    if row.spread >= SPREAD_SAID:
        words += f" ±{50 * row.spread:.0f} %"
    return Figure(value=value, text=words, mark=BUSY) if row.is_busy else Figure(value=value, text=words)
