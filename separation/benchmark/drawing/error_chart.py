"""Draws the error against evaluations of the network, with the order that each solver shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from separation.benchmark.drawing.label_places import clipped, spread_out, width_of
from separation.benchmark.drawing.look import DARK, Look
from separation.benchmark.drawing.plotting import (
    HEIGHT_PX,
    MARKER_PX,
    SYMBOLS,
    WIDTH_PX,
    Axis,
    ChartFrame,
    Figure,
    empty,
    figure,
    left_margin,
    linear_axis,
    log_axis,
    shown,
)
from separation.benchmark.drawing.rows import ERROR, Sets, dash, hover, told, why_empty
from separation.benchmark.orders import floor_of, order_of

if TYPE_CHECKING:
    from separation.benchmark.table import SettingRow

Seen = TypeVar("Seen")


def error_against_nfe(sets: Sets, look: Look = DARK, *, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> Figure:
    """Return the chart of the distance from the reference against evaluations of the network, a line for each solver.

    The error is in dB, so both axes are logarithmic, and the slope of a line is the order of its solver.
    """
    found = solver_lines(sets)
    points = [point for line in found for point in line.points]
    if not points:
        why = why_empty(sets, "both a number of evaluations and a distance from a reference setting")
        return empty(why, width_px, height_px, look)
    x = log_axis([nfe for _, nfe, _ in points], "model evaluations, log", width_px)
    y = linear_axis([error for _, _, error in points], "distance from the reference, dB")
    widest = max(width_of(line.label, look.font_px) for line in found)
    beside = widest < 0.36 * width_px and look.font_px * 1.4 * len(found) < height_px - 70
    frame = ChartFrame(
        width=width_px,
        height=height_px,
        left=left_margin([text for _, text in y.ticks], look),
        right=math.ceil(widest) + 34 if beside else 16,
        top=14 if beside else 20 + 20 * math.ceil(len(found) * (widest + 60) / width_px),
    )
    traces = []
    for line in found:
        color = look.series_color(line.color)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": shown(line.label),
                "x": [nfe for _, nfe, _ in line.points],
                "y": [error for _, _, error in line.points],
                "line": {"color": color, "width": 2, "dash": dash(line.dash)},
                "marker": {"color": color, "size": MARKER_PX - 1, "symbol": SYMBOLS[line.number % len(SYMBOLS)]},
                **hover([told(row, sets, line.number, [f"error {error:.1f} dB"]) for row, _, error in line.points]),
                "customdata": [[row.setting, ""] for row, _, _ in line.points],
                "meta": {"set": line.number},
            }
        )
    notes, leaders = _end_labels(found, frame, x, y, look) if beside else ([], [])
    layout = {"x": x.layout(look), "y": y.layout(look)}
    return figure(
        traces, frame, look, **layout, annotations=notes, name="error-against-nfe", legend=not beside, shapes=leaders
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SolverLine:
    """One solver with one separator and otherwise equal settings.

    Attributes:
        number: of the set it is from.
        label: its name, with the order it shows.
        order: the slope; None if too few points are above the floor.
        color: number of its colour, that of its method.
        dash: number of its dashes, those of its separator and other settings.
        points: settings with evaluations and error, fewest evaluations first.
    """

    number: int
    label: str
    order: float | None
    color: int
    dash: int
    points: tuple[tuple[SettingRow, float, float], ...]


def solver_lines(sets: Sets) -> list[SolverLine]:
    """Return a line for each solver of each separator in each set; a floor is common to those of one separator."""
    lines: list[SolverLine] = []
    methods, others = list[str](), list[tuple[int, str, str]]()
    for number, (name, rows) in enumerate(sets):
        groups: dict[tuple[str, str, str], list[tuple[SettingRow, float, float]]] = {}
        for row in rows:
            if ERROR in row.values and row.values.get("nfe", 0) > 0:
                key = (row.separator, row.request.solver.method, _otherwise(row))
                groups.setdefault(key, []).append((row, row.values["nfe"], row.values[ERROR]))
        separators = list(dict.fromkeys(separator for separator, _, _ in groups))
        floors = {one: floor_of(_errors(group) for key, group in groups.items() if key[0] == one) for one in separators}
        many = len({otherwise for _, _, otherwise in groups}) > 1
        for (separator, method, otherwise), group in groups.items():
            order = order_of(_errors(group), floors[separator])
            parts = [
                name if len(sets) > 1 else "",
                separator if len(separators) > 1 else "",
                method,
                otherwise if many else "",
            ]
            label = clipped(" ".join(part for part in parts if part), 34)
            shows = "no order" if order is None else f"{order:.1f}"
            points = tuple(sorted(group, key=lambda point: point[1]))
            lines.append(
                SolverLine(
                    number=number,
                    label=f"{label} {shows}",
                    order=order,
                    color=_place_in(methods, method),
                    dash=_place_in(others, (number, separator, otherwise)),
                    points=points,
                )
            )
    return lines


def _place_in(seen: list[Seen], one: Seen) -> int:
    """Return the place of something in a list, at the end of which it is put if it is new."""
    if one not in seen:
        seen.append(one)
    return seen.index(one)


def _otherwise(row: SettingRow) -> str:
    """Return the words of a setting without those on its solver and steps."""
    parts = (part.strip() for part in row.words.split(","))
    return ", ".join(part for part in parts if part and not part.startswith(("method ", "steps ")))


def _errors(group: Sequence[tuple[SettingRow, float, float]]) -> list[tuple[float, float | None]]:
    return [(nfe, error) for _, nfe, error in group]


def _end_labels(
    lines: Sequence[SolverLine], frame: ChartFrame, x: Axis, y: Axis, look: Look
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the labels right of the plot, moved apart where lines end close together, and lines that lead to them."""
    ends = [frame.place(x, y, line.points[-1][1:]) for line in lines]
    step = look.font_px * 1.4
    moved = spread_out([y_px for _, y_px in ends], step, step / 2, frame.plot_height - step / 2)
    assert moved is not None  # else the names are in the legend
    notes, leaders = [], []
    for line, y_px in zip(lines, moved, strict=True):
        color = look.series_color(line.color)
        level = 1 - y_px / frame.plot_height
        notes.append(
            {
                "text": shown(line.label),
                "xref": "paper",
                "yref": "paper",
                "x": 1,
                "y": level,
                "xanchor": "left",
                "yanchor": "middle",
                "xshift": 18,
                "borderpad": 0,
                "showarrow": False,
                "font": {"color": color, "size": look.font_px},
            }
        )
        joint = y.low + level * (y.high - y.low)
        leaders.append(
            {
                "type": "line",
                "x0": line.points[-1][1],
                "y0": line.points[-1][2],
                "x1": x.high,
                "y1": joint,
                "line": {"color": color, "width": 1, "dash": "dot"},
                "layer": "below",
            }
        )
    return notes, leaders
