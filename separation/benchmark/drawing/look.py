"""Colours and fonts of charts, for dark and light grounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How charts are drawn.

    Attributes:
        ground: of the chart. Each of the other colours but `line` has at least 4.5:1 against it.
        text: of labels.
        mute: of axes, and of points that are not on a frontier.
        line: of the grid.
        accent: of what matters.
        warn: marks times that cannot be trusted.
        series: colours of solvers and bars, in turn.
        font: CSS families.
        font_px: its size.
    """

    ground: str
    text: str
    mute: str
    line: str
    accent: str
    warn: str
    series: tuple[str, ...]
    font: str = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif'
    font_px: int = 12

    def series_color(self, index: int) -> str:
        """Return the colour of the series with this number."""
        return self.series[index % len(self.series)]


# The colours of the pages and of stems; tests/webapp/components/test_chart_look.py holds them together.
DARK = Look(
    ground="#14181e",
    text="#e7eaf0",
    mute="#97a1b0",
    line="#262d37",
    accent="#4fd1b5",
    warn="#f2b14b",
    series=("#5cc8ff", "#ff8a70", "#b79bff", "#74d88f", "#ffb454", "#e58ef0", "#d6d564", "#ff8fb0"),
)
LIGHT = Look(
    ground="#ffffff",
    text="#1a1e25",
    mute="#5a6472",
    line="#dce0e6",
    accent="#0a7561",
    warn="#8a5900",
    series=("#0a6ea8", "#b03a2e", "#6d3fc4", "#1d7a3d", "#96590a", "#8a3b96", "#6b6a00", "#b0305c"),
)
