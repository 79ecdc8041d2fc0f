"""What all charts of a benchmark share: axes whose scale is known in pixels, the frame, and text that plotly shows."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from separation.benchmark.drawing.label_places import width_of
from separation.benchmark.drawing.look import Look

Figure = dict[str, Any]  # with "data", "layout" and "config", as plotly.js and NiceGUI's ui.plotly take it

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "triangle-down")
WIDTH_PX, HEIGHT_PX = 640, 340
MARKER_PX, EMPHASIS_PX = 9, 12
DECADE_PX = 110  # in which three texts have room
TITLE_PX, TICK_PX = 24, 5  # room of an axis title; between the plot and its axes' texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One axis: its limits and ticks. What it shows lies where `at` says.

    Attributes:
        low: its lower limit; above 0 if `log`.
        high: its upper limit.
        log: whether it is logarithmic.
        ticks: values with their text.
        title: with the unit; plain text.
    """

    low: float
    high: float
    log: bool
    ticks: tuple[tuple[float, str], ...]
    title: str

    def at(self, value: float) -> float:
        """Return where a value lies between the limits, as a fraction."""
        low, high, here = (math.log10(one) if self.log else one for one in (self.low, self.high, value))
        return (here - low) / (high - low)

    def in_annotations(self, value: float) -> float:
        """Return a value as plotly's annotations want it: its logarithm on a logarithmic axis."""
        return math.log10(value) if self.log else value

    def layout(self, look: Look) -> dict[str, Any]:
        """Return the axis as plotly has it."""
        limits = [self.in_annotations(self.low), self.in_annotations(self.high)]
        return {
            "type": "log" if self.log else "linear",
            "range": limits,
            "autorange": False,
            "tickmode": "array",
            "tickvals": [value for value, _ in self.ticks],
            "ticktext": [shown(text) for _, text in self.ticks],
            "tickfont": {"color": look.mute},
            "title": {"text": shown(self.title), "font": {"color": look.mute}, "standoff": 8},
            "tickangle": 0,
            "ticks": "outside",
            "ticklen": TICK_PX,
            "tickcolor": look.ground,  # only to keep the text off the plot
            "gridcolor": look.line,
            "zeroline": False,
            "automargin": False,
        }


def linear_axis(
    values: Iterable[float], title: str, *, pad: float = 0.12, above: float | None = None, n_ticks: int = 7
) -> Axis:
    """Return an axis on which all values have room, with ticks at round numbers.

    Args:
        values: at least one.
        title: with the unit.
        pad: the room beyond the lowest and highest, as a share of what is between them.
        above: the room beyond the highest, if it differs.
        n_ticks: at most.
    """
    known = list(values)
    low, high = min(known), max(known)
    span = high - low or max(abs(high), 1.0)
    low, high = low - span * pad, high + span * (pad if above is None else above)
    high = high if high > low else low + span
    step = _round_step((high - low) / n_ticks)
    digits = max(0, -math.floor(math.log10(step)))
    first, last = math.ceil(low / step), math.floor(high / step)
    ticks = tuple(
        (index * step, f"{index * step:.{digits}f}".replace("-", "\N{MINUS SIGN}")) for index in range(first, last + 1)
    )
    return Axis(low=low, high=high, log=False, ticks=ticks, title=title)


def log_axis(values: Iterable[float], title: str, width_px: int, *, pad: float = 0.08) -> Axis:
    """Return a logarithmic axis on which all values, above 0, have room, with ticks at 1, 2, 5, 10 and so on."""
    known = list(values)
    low, high = math.log10(min(known)), math.log10(max(known))
    room = max((high - low) * pad, 0.15)
    low, high = low - room, high + room
    decades = range(math.floor(low), math.ceil(high) + 1)
    digits = (1, 2, 5) if width_px / (high - low) > DECADE_PX else (1,)
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    shown_ticks = tuple((tick, plain_number(tick)) for tick in ticks if low <= math.log10(tick) <= high)
    return Axis(low=10**low, high=10**high, log=True, ticks=shown_ticks, title=title)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartFrame:
    """The size of a chart and of the margins around its plot, in pixels."""

    width: int
    height: int
    left: int
    right: int = 16
    top: int = 14
    bottom: int = 48

    @property
    def plot_width(self) -> int:
        """Width of the plot."""
        return self.width - self.left - self.right

    @property
    def plot_height(self) -> int:
        """Height of the plot."""
        return self.height - self.top - self.bottom

    def place(self, x: Axis, y: Axis, point: tuple[float, float]) -> tuple[float, float]:
        """Return where a point lies in pixels from the plot's upper left corner."""
        return x.at(point[0]) * self.plot_width, (1 - y.at(point[1])) * self.plot_height


def left_margin(texts: Iterable[str], look: Look, *, title: bool = True) -> int:
    """Return the room for tick labels on the left, and for a title."""
    widest = max((width_of(text, look.font_px) for text in texts), default=0)
    return math.ceil(widest) + TICK_PX + (TITLE_PX + 8 if title else 4)


def figure(
    data: Sequence[Mapping[str, Any]],
    frame: ChartFrame,
    look: Look,
    *,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    annotations: Sequence[Mapping[str, Any]] = (),
    name: str = "benchmark",
    legend: bool = False,
    **more: Any,
) -> Figure:
    """Return a figure of traces and axes."""
    return {
        "data": [dict(trace) for trace in data],
        "layout": {
            "width": frame.width,
            "height": frame.height,
            "autosize": False,
            "margin": {"l": frame.left, "r": frame.right, "t": frame.top, "b": frame.bottom, "pad": 0},
            "paper_bgcolor": look.ground,
            "plot_bgcolor": look.ground,
            "font": {"family": look.font, "size": look.font_px, "color": look.text},
            "hoverlabel": {
                "bgcolor": look.ground,
                "bordercolor": look.mute,
                "font": {"family": look.font, "size": look.font_px, "color": look.text},
                "align": "left",
            },
            "hovermode": "closest",
            "dragmode": False,  # labels are placed for these limits, and a finger that scrolls the page would zoom
            "xaxis": dict(x),
            "yaxis": dict(y),
            "showlegend": legend,
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "font": {"color": look.text}},
            "annotations": [dict(one) for one in annotations],
            **more,
        },
        "config": {
            "displaylogo": False,
            "displayModeBar": False,  # it covers labels; pages and reports have a button for the picture
            "responsive": False,
            "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
        },
    }


def empty(why: str, width_px: int, height_px: int, look: Look) -> Figure:
    """Return a figure without data which says why."""
    frame = ChartFrame(width=width_px, height=height_px, left=16, bottom=16)
    n_most = max(10, int((width_px - 40) / (0.62 * look.font_px)))
    hidden = {"visible": False, "range": [0, 1]}
    note = {
        "text": "<br>".join(shown(line) for line in _wrapped(why, n_most)),
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "xanchor": "center",
        "yanchor": "middle",
        "showarrow": False,
        "font": {"color": look.mute},
    }
    return figure([], frame, look, x=hidden, y=hidden, annotations=[note])


def shown(text: str) -> str:
    """Return text as plotly shows it unchanged: it would read tags and entities as markup."""
    return html.escape(" ".join(text.split()), quote=False)


def plain_number(value: float) -> str:
    """Format a number without an exponent: 0.05, 2, 1,000."""
    return f"{value:,.0f}" if value >= 1 else f"{value:.12f}".rstrip("0").rstrip(".")


def _round_step(least: float) -> float:
    decade: float = 10.0 ** math.floor(math.log10(least))
    return next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= least * 0.999)


def _wrapped(text: str, n_most: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > n_most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
