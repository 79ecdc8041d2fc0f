"""Draws quality against time, with the frontier: the chart by which people choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from separation.benchmark.drawing.label_places import Box, placed
from separation.benchmark.drawing.look import DARK, Look
from separation.benchmark.drawing.plotting import (
    EMPHASIS_PX,
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
from separation.benchmark.drawing.rows import Sets, dash, hover, short_names, titled, told, value_of, why_empty
from separation.benchmark.frontier import frontier

if TYPE_CHECKING:
    from separation.benchmark.measures import Measure
    from separation.benchmark.table import SettingRow

TITLE = "seconds for a minute of audio, log"
Points = Sequence[tuple["SettingRow", float, float]]  # a setting, its seconds for a minute, its quality


def quality_against_time(
    sets: Sets, measure: Measure, look: Look = DARK, *, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX
) -> Figure:
    """Return the chart of quality against time. The frontier is drawn: nothing else is both better and faster."""
    found = [
        [
            (row, row.values["rtf"] * 60, quality)
            for row in rows
            if row.values.get("rtf", 0) > 0 and (quality := value_of(row.values, measure)) is not None
        ]
        for _, rows in sets
    ]
    points = [point for one in found for point in one]
    if not points:
        return empty(why_empty(sets, f"both a time and {measure.label}"), width_px, height_px, look)
    x = log_axis([time for _, time, _ in points], TITLE, width_px)
    room = 0.3  # for a label of two lines over the best
    y = linear_axis([quality for _, _, quality in points], titled(measure), above=room)
    several = len(sets) > 1
    frame = ChartFrame(
        width=width_px,
        height=height_px,
        left=left_margin([text for _, text in y.ticks], look),
        top=34 if several else 14,
    )
    traces, lines, wanted = [], [], []
    named = short_names([row for row, _, _ in points])
    n_before = 0
    for number, mine in enumerate(found):
        best = frontier([(time, quality) for _, time, quality in mine], measure.better)
        others = [point for index, point in enumerate(mine) if index not in best]
        line = [mine[index] for index in best]
        lines.append([frame.place(x, y, (time, quality)) for _, time, quality in line])
        wanted += [(n_before + index, named[n_before + index]) for index in best if number == 0]
        n_before += len(mine)
        traces += [
            _trace(members, measure, look, number, sets, on_it=on_it)
            for members, on_it in ((others, False), (line, True))
            if members
        ]
    places = [frame.place(x, y, (time, quality)) for _, time, quality in points]
    ranked = sorted(wanted, key=lambda one: points[one[0]][2], reverse=measure.better == "higher")
    bars = [_error_bar(row, time, quality, frame, x, y) for row, time, quality in points if row.spread > 0]
    labels = placed(
        [(index, places[index], text) for index, text in ranked],
        plot=Box(left=0, top=0, right=frame.plot_width, bottom=frame.plot_height),
        points=places,
        lines=lines,
        taken=bars,
        radius_px=EMPHASIS_PX / 2 + 1,
        font_px=look.font_px,
    )
    notes = []
    for label in labels:
        _, time, quality = points[label.index]
        at, centre = places[label.index], label.centre
        notes.append(
            {
                "x": x.in_annotations(time),
                "y": y.in_annotations(quality),
                "text": "<br>".join(map(shown, label.lines)),
                "showarrow": False,
                "xshift": centre[0] - at[0],
                "yshift": at[1] - centre[1],
                "xanchor": "center",
                "yanchor": "middle",
                "borderpad": 0,
                "font": {"color": look.text, "size": look.font_px},
            }
        )
    layout = {"x": x.layout(look), "y": y.layout(look)}
    return figure(traces, frame, look, **layout, annotations=notes, name="quality-against-time", legend=several)


def _trace(points: Points, measure: Measure, look: Look, number: int, sets: Sets, *, on_it: bool) -> dict[str, Any]:
    """Return the trace of a set's points on its frontier, joined, or of those off it."""
    color = look.accent if on_it else look.mute
    rows = [row for row, _, _ in points]
    halves = [time * row.spread / 2 for row, time, _ in points]
    return {
        "type": "scatter",
        "mode": "lines+markers" if on_it else "markers",
        "name": shown(f"{sets[number][0]}: {'best trade-offs' if on_it else 'others'}"),
        "x": [time for _, time, _ in points],
        "y": [quality for _, _, quality in points],
        "line": {"color": color, "width": 2, "dash": dash(number)},
        "marker": {
            "color": color,
            "size": EMPHASIS_PX if on_it else MARKER_PX,
            "symbol": SYMBOLS[number % len(SYMBOLS)],
            "opacity": 1,
            "line": {"color": look.warn, "width": [2 if row.is_busy else 0 for row in rows]},
        },
        "error_x": {
            "type": "data",
            "array": halves,
            "color": color,
            "thickness": 1,
            "width": 3,
            "visible": any(halves),
        },
        **hover(told(row, sets, number, [f"{measure.label} {measure.formatted(one)}"]) for row, _, one in points),
        "customdata": [[row.setting, ""] for row in rows],
        "meta": {"set": number},
        "cliponaxis": False,
    }


def _error_bar(row: SettingRow, time: float, quality: float, frame: ChartFrame, x: Axis, y: Axis) -> Box:
    """Return the box that the error bar of a point takes."""
    left, middle = frame.place(x, y, (time * (1 - row.spread / 2), quality)) if row.spread < 1.9 else (0.0, 0.0)
    right, middle = frame.place(x, y, (time * (1 + row.spread / 2), quality))
    return Box(left=left, top=middle - 3, right=right, bottom=middle + 3)
