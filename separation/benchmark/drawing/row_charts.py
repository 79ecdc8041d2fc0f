"""Draws charts with a row for each setting: peak memory, and the spread among songs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from separation.benchmark.drawing.label_places import clipped, width_of
from separation.benchmark.drawing.look import DARK, Look
from separation.benchmark.drawing.plotting import (
    HEIGHT_PX,
    MARKER_PX,
    SYMBOLS,
    TICK_PX,
    WIDTH_PX,
    ChartFrame,
    Figure,
    empty,
    figure,
    linear_axis,
    shown,
)
from separation.benchmark.drawing.rows import Sets, hover, parts_of, titled, told, value_of, why_empty
from separation.formatted import size

if TYPE_CHECKING:
    from separation.benchmark.measures import Measure
    from separation.benchmark.table import SettingRow

BAR_PX = 24
MOST_CLIPPED = 9  # characters that stay of a separator


def memory_bars(sets: Sets, look: Look = DARK, *, width_px: int = WIDTH_PX) -> Figure:
    """Return the chart of peak memory: of the computer, and of its graphics card where one was used."""
    kinds = (("peak_bytes", "memory", look.accent), ("device_bytes", "graphics memory", look.series[2]))
    rows = [
        (number, row)
        for number, (_, mine) in enumerate(sets)
        for row in mine
        if any(kind in row.values for kind, _, _ in kinds)
    ]
    if not rows:
        return empty(why_empty(sets, "a known peak of memory"), width_px, HEIGHT_PX, look)
    used = [kind for kind in kinds if any(kind[0] in row.values for _, row in rows)]
    frame, names = _row_frame([row for _, row in rows], width_px, len(used), look, top=34 if len(used) > 1 else 14)
    most = max(row.values[kind] for _, row in rows for kind, _, _ in used if kind in row.values)
    unit, factor = ("GB", 1e9) if most >= 0.995e9 else ("MB", 1e6)
    text_px = width_of("8.88 GB", look.font_px)  # stands right of the longest bar
    room = frame.plot_width / max(frame.plot_width - text_px, 1)
    x = linear_axis([0, most / factor * room], f"peak memory, {unit}", pad=0, n_ticks=4)
    traces = []
    for kind, name, color in used:
        for number in sorted({number for number, _ in rows}):
            mine = [(at, row) for at, (of, row) in enumerate(rows) if of == number and kind in row.values]
            values = [row.values[kind] for _, row in mine]
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": name,
                    "showlegend": number == 0,
                    "x": [value / factor for value in values],
                    "y": [at for at, _ in mine],
                    "text": [size(value) for value in values],
                    "textposition": "outside",
                    "textfont": {"color": look.text},
                    "cliponaxis": False,
                    "marker": {"color": color, "opacity": 1 if number == 0 else 0.6, "line": {"width": 0}},
                    **hover([told(row, sets, number, [f"{name} {size(row.values[kind])}"]) for _, row in mine]),
                    "customdata": [[row.setting, ""] for _, row in mine],
                    "meta": {"set": number},
                    "offsetgroup": kind,
                }
            )
    return figure(
        traces,
        frame,
        look,
        x=x.layout(look),
        y=_rows_axis(names, look),
        name="memory",
        legend=len(used) > 1,
        barmode="group",
        bargap=0.35,
    )


def per_song_spread(
    sets: Sets,
    measure: Measure,
    look: Look = DARK,
    *,
    songs: Mapping[str, str] | None = None,
    width_px: int = WIDTH_PX,
) -> Figure:
    """Return the chart of how a setting's quality differs among songs: a point for each, a line at the median.

    Args:
        sets: names and rows of the benchmarks.
        measure: of quality.
        look: colours and font.
        songs: names of the songs by key, for the hover text.
        width_px: of the chart; its height follows from the number of settings.
    """
    rows = [
        (number, row, known)
        for number, (_, mine) in enumerate(sets)
        for row in mine
        if (known := [(one, value) for one in row.figures if (value := value_of(one.values, measure)) is not None])
    ]
    if not rows:
        return empty(why_empty(sets, measure.label), width_px, HEIGHT_PX, look)
    frame, names = _row_frame([row for _, row, _ in rows], width_px, 1, look)
    x = linear_axis([value for _, _, known in rows for _, value in known], titled(measure), pad=0.06)
    traces: list[dict[str, Any]] = []
    medians: dict[str, list[float | None]] = {"x": [], "y": []}
    spans: dict[str, list[float | None]] = {"x": [], "y": []}
    for at, (_, row, known) in enumerate(rows):
        values = sorted(value for _, value in known)
        middle = value_of(row.values, measure)
        spans["x"] += [values[0], values[-1], None]
        spans["y"] += [at, at, None]
        if middle is not None:
            medians["x"] += [middle, middle, None]
            medians["y"] += [at - 0.3, at + 0.3, None]
    line = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    traces.append({**line, **spans, "line": {"color": look.mute, "width": 1}})
    for number in sorted({number for number, _, _ in rows}):
        mine = [
            (at, row, index, one, value)
            for at, (of, row, known) in enumerate(rows)
            if of == number
            for index, (one, value) in enumerate(known)
        ]
        texts = [
            told(row, sets, number, [(songs or {}).get(one.song, ""), f"{measure.label} {measure.formatted(value)}"])
            for _, row, _, one, value in mine
        ]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "showlegend": False,
                "x": [value for *_, value in mine],
                "y": [at + 0.12 * (index % 3 - 1) for at, _, index, _, _ in mine],  # so that equal ones are seen
                "marker": {
                    "color": look.accent,
                    "size": MARKER_PX,
                    "opacity": 0.75,
                    "symbol": SYMBOLS[number % len(SYMBOLS)],
                },
                **hover(texts),
                "customdata": [[row.setting, one.song] for _, row, _, one, _ in mine],
                "meta": {"set": number},
            }
        )
    traces.append({**line, **medians, "line": {"color": look.text, "width": 2}})
    return figure(traces, frame, look, x=x.layout(look), y=_rows_axis(names, look), name="per-recording-spread")


def _row_frame(
    rows: Sequence[SettingRow], width_px: int, n_bars: int, look: Look, *, top: int = 14
) -> tuple[ChartFrame, list[str]]:
    """Return a frame with room for each row, and the rows' names as far as there is room for them."""
    one_separator = len({row.separator for row in rows}) == 1
    parts = [parts_of(row, one_separator=one_separator) for row in rows]
    most_px = width_px * 0.42
    n_most = max(len(" · ".join(one)) for one in parts)
    while n_most > 8 and max(width_of(_row_name(one, n_most), look.font_px) for one in parts) > most_px:
        n_most -= 1
    names = [_row_name(one, n_most) for one in parts]
    left = round(max(width_of(name, look.font_px) for name in names)) + 12
    height = top + 48 + (BAR_PX + 12 * (n_bars - 1)) * len(rows)
    return ChartFrame(width=width_px, height=height, left=left, top=top), names


def _row_name(parts: Sequence[str], n_most: int) -> str:
    """Return a row's name in at most so many characters; the separator gives way to the settings that set it apart."""
    name = " · ".join(parts)
    too_many = len(name) - n_most
    if too_many > 0 and len(parts) > 1:
        name = " · ".join([clipped(parts[0], max(len(parts[0]) - too_many, MOST_CLIPPED)), *parts[1:]])
    return clipped(name, n_most)


def _rows_axis(names: Sequence[str], look: Look) -> dict[str, Any]:
    """Return the axis of rows, the first one on top; equal names stay apart."""
    return {
        "type": "linear",
        "range": [len(names) - 0.5, -0.5],
        "autorange": False,
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [shown(name) for name in names],
        "tickfont": {"color": look.text},
        "ticks": "outside",
        "ticklen": TICK_PX,
        "tickcolor": look.ground,
        "showgrid": False,
        "zeroline": False,
        "automargin": False,
    }
