"""A place for charts: it tells how wide it is and whether its ground is dark, which drawings have to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from nicegui import ui

from webapp.components.sent import arguments_to


class ChartGround(TypedDict):
    """How charts have to be drawn here."""

    width_px: int
    dark: bool


class ChartPlace(ui.element, component="chart_place.js"):
    """An element to be filled with charts.

    Args:
        on_place: called at first, and when the width or the scheme has changed.
    """

    def __init__(self, on_place: Callable[[ChartGround], object]) -> None:
        super().__init__()
        self.on("place", arguments_to(on_place, ChartGround))
