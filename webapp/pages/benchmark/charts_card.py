"""The charts of benchmarks, as wide as their place and in its colours; a point that is clicked is heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from separation.backends import registry
from separation.benchmark import charts
from separation.benchmark.benchmark import Excerpt
from separation.benchmark.drawing.look import DARK, LIGHT, Look
from separation.benchmark.measures import MEASURES
from separation.benchmark.table import SettingRow
from separation.request import RequestField
from webapp.components.chart_place.chart_place import ChartGround, ChartPlace
from webapp.components.sent import arguments_to
from webapp.theme import card, icon_button, text

GAP_PX = 12
PADDING_PX = 42  # inside a card, with a bar to scroll
SIDE_BY_SIDE_PX = 900  # from this width on, two charts stand beside each other
BEFORE_PLACED: ChartGround = {"width_px": 1100, "dark": True}  # for heights, which change little with the width
_POINT = "(event) => emit(event.points?.[0]?.customdata ?? [])"


@dataclass(frozen=True, slots=True)
class _Shown:
    sets: Sequence[tuple[str, Sequence[SettingRow]]]
    quality: str
    songs: Mapping[str, str]


class ChartsCard:
    """Up to four charts.

    Args:
        on_point: called with the id of a setting and the key of a passage, or "", when its point is clicked.
    """

    def __init__(self, on_point: Callable[[str, str], object]) -> None:
        self._on_point = on_point
        self._place: ChartGround | None = None
        self._shown: _Shown | None = None
        self._drawn: dict[str, _Chart] = {}
        with ChartPlace(self._placed).classes("charts") as self._room:
            pass

    def show(self, sets: Sequence[tuple[str, Sequence[SettingRow]]], quality: str, songs: Sequence[Excerpt]) -> None:
        """Draw these benchmarks, the page's own first.

        Args:
            sets: names and rows.
            quality: id of the measure of quality.
            songs: that are named in the chart of each recording.
        """
        self._shown = _Shown(sets, quality, {song.key: song.name for song in songs})
        self._draw()

    def _placed(self, place: ChartGround) -> None:
        self._place = place
        self._draw()

    def _draw(self) -> None:
        if self._shown is None:
            return
        figures = self._figures(self._shown, self._place or BEFORE_PLACED)
        for title in [title for title in self._drawn if title not in figures]:
            self._drawn.pop(title).delete()
        for title, (about, figure) in figures.items():
            if title not in self._drawn:
                with self._room:
                    self._drawn[title] = _Chart(title, about, self._clicked)
            self._drawn[title].keep_room(figure["layout"]["height"])
            if self._place is not None:
                self._drawn[title].draw(figure)

    def _figures(self, shown: _Shown, place: ChartGround) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return what is drawn: by title, a line about it and the figure."""
        look = DARK if place["dark"] else LIGHT
        drawings = _drawings(shown)
        beside = place["width_px"] >= SIDE_BY_SIDE_PX and len(drawings) > 1
        width_px = ((place["width_px"] - GAP_PX) // 2 if beside else place["width_px"]) - PADDING_PX
        return {title: (about, draw(look, width_px)) for title, (about, draw) in drawings.items()}

    def _clicked(self, point: list[str]) -> None:
        if point:
            self._on_point(point[0], point[1] if len(point) > 1 else "")


def _drawings(shown: _Shown) -> dict[str, tuple[str, Callable[[Look, int], dict[str, Any]]]]:
    """Return the charts for which there is something to draw: by title, a line about it and what draws it."""
    rows = [row for _, rows in shown.sets for row in rows]
    solved = [(name, [row for row in rows if _is_solved(row)]) for name, rows in shown.sets]
    quality = MEASURES.get(shown.quality)
    found: dict[str, tuple[str, Callable[[Look, int], dict[str, Any]]]] = {}
    if quality is not None:
        found["Quality against time"] = (
            "the line joins the best trade-offs: nothing else is both better and faster",
            lambda look, width_px: charts.quality_against_time(shown.sets, quality, look, width_px=width_px),
        )
    if any(rows for _, rows in solved):
        found["Error against evaluations"] = (
            "the slope is the solver's order",
            lambda look, width_px: charts.error_against_nfe(solved, look, width_px=width_px),
        )
    if any("peak_bytes" in row.values for row in rows):
        found["Memory"] = (
            "the most at any moment",
            lambda look, width_px: charts.memory_bars(shown.sets, look, width_px=width_px),
        )
    if quality is not None and any(len(row.figures) > 1 for row in rows):
        found["Each recording"] = (
            "a point a recording, a line at the median",
            lambda look, width_px: charts.per_song_spread(
                shown.sets, quality, look, songs=shown.songs, width_px=width_px
            ),
        )
    return found


def _is_solved(row: SettingRow) -> bool:
    """Whether a solver made it, and its distance from the reference is known."""
    backend = registry.named(row.request.backend)
    return backend is not None and RequestField.SOLVER in backend.uses(row.request) and "error_db" in row.values


class _Chart:
    """One chart in a card of its own, with a button that saves it as a picture."""

    def __init__(self, title: str, about: str, on_point: Callable[[list[str]], object]) -> None:
        self._name = title.lower().replace(" ", "-")
        self._on_point = on_point
        self._plot: ui.plotly | None = None
        with card("chart") as self._card:
            with ui.element("div").classes("chart-head"):
                text(title, tag="h2")
                text(about, "mute small grow")
                icon_button("download", f"Save “{title}” as a picture", self._save)
            self._body = ui.element("div").classes("chart-body").props("tabindex=0 role=region")
            self._body.props["aria-label"] = title
        self._figure: dict[str, Any] = {}

    def keep_room(self, height_px: float) -> None:
        """Keep the room that the chart takes, so that nothing below it moves when it is drawn."""
        self._body.style(f"height: {height_px:.0f}px")

    def draw(self, figure: dict[str, Any]) -> None:
        if figure == self._figure:
            return
        self._figure = figure
        # The card has a button for the picture; plotly's own row of buttons would cover the chart.
        shown = {**figure, "config": {**figure.get("config", {}), "displayModeBar": False}}
        if self._plot is not None:
            self._plot.update_figure(shown)
            return
        with self._body:
            self._plot = ui.plotly(shown)
            self._plot.on("plotly_click", arguments_to(self._on_point, list[str]), js_handler=_POINT)

    def delete(self) -> None:
        self._card.delete()

    def _save(self) -> None:
        if self._plot is not None:
            self._plot.run_plot_method("downloadImage", {"format": "png", "scale": 2, "filename": self._name})
