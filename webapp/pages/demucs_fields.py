"""The settings only Demucs has: model, shifts, overlap, segment, precision."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from separation.backends import registry
from separation.request import DemucsSettings, Request
from webapp.theme import heading, text, tipped


class DemucsFields:
    """A group of the side panel that stays in step with a request. It is drawn when it is first wanted.

    Args:
        on_change: called whenever a person changes one of them.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        self.model = registry.get("demucs").models()[0]
        self.settings = DemucsSettings()
        self._on_change = on_change
        self._showing = self._drawn = False
        self._box = ui.element("div").classes("stack")
        self._box.set_visibility(False)

    def set_visibility(self, visible: bool) -> None:
        """Show or hide all of them."""
        if visible and not self._drawn:
            with self._box:
                self._draw()
            self._drawn = True
            self._fill()
        self._box.set_visibility(visible)

    def show(self, request: Request) -> None:
        """Set the fields to a request's values without reporting each as a change."""
        self.model = request.model or registry.get("demucs").models()[0]
        self.settings = request.demucs
        if self._drawn:
            self._fill()

    def _draw(self) -> None:
        models = list(registry.get("demucs").models())
        heading("Demucs")
        with ui.element("div").classes("field"):
            text("Model", "mute")
            self._model = ui.select(models, value=self.model, on_change=self._changed).classes("grow")
            tipped(
                self._model.props('outlined dense aria-label="Model"'),
                "htdemucs_ft sounds a little better at four times the time and room on disk; "
                "htdemucs_6s also knows guitar and piano.",
            )
        with ui.element("div").classes("field"):
            text("Shifts", "mute")
            self._shifts = ui.slider(min=0, max=10, value=0, on_change=self._changed).classes("grow")
            tipped(
                self._shifts.props('aria-label="Shifts"'),
                "Averages estimates of shifted copies: up to 0.2 dB better; each shift costs the time of one run. "
                "Memory stays the same.",
            )
            self._shifts_now = text("0", "field-value", tag="b")
        with ui.element("div").classes("field"):
            text("Overlap", "mute")
            self._overlap = ui.slider(min=0, max=0.5, step=0.05, value=0.25, on_change=self._changed)
            tipped(
                self._overlap.props('aria-label="Overlap"').classes("grow"),
                "What neighbouring segments share: smoother seams, up to twice the time. Memory stays the same.",
            )
            self._overlap_now = text("25 %", "field-value", tag="b")
        with ui.element("div").classes("field"):
            text("Segment", "mute")
            self._segment = ui.number(value=None, min=1, max=60, suffix="s", on_change=self._changed)
            self._segment.props('outlined dense placeholder="longest" aria-label="Segment"').classes("grow")
            tipped(
                self._segment,
                "How much of the song is heard at once. Shorter segments save memory with the mdx models only: "
                "the others fill them up to 7.8 s, so shorter ones just take longer.",
            )
        self._split = tipped(
            ui.switch("Split into segments", value=True, on_change=self._changed),
            "Keeps memory steady however long the recording is. Transformer models always split.",
        )
        self._mixed = tipped(
            ui.switch("Half precision", value=False, on_change=self._changed),
            "On CUDA it needs less memory and time, for a sound a hair less exact; elsewhere it does nothing.",
        )

    def _fill(self) -> None:
        self._showing = True
        self._model.set_value(self.model)
        self._shifts.set_value(self.settings.shifts)
        self._overlap.set_value(self.settings.overlap_ratio)
        self._segment.set_value(self.settings.segment_s)
        self._split.set_value(self.settings.split)
        self._mixed.set_value(self.settings.mixed_precision)
        self._showing = False
        self._show_numbers()

    def _show_numbers(self) -> None:
        self._shifts_now.set_text(f"{self._shifts.value:.0f}")
        self._overlap_now.set_text(f"{100 * self._overlap.value:.0f} %")

    def _changed(self) -> None:
        if self._showing:
            return
        self.model = str(self._model.value)
        self.settings = DemucsSettings(
            shifts=int(self._shifts.value),
            overlap_ratio=round(float(self._overlap.value), 2),
            split=bool(self._split.value),
            segment_s=None if self._segment.value is None else float(self._segment.value),
            mixed_precision=bool(self._mixed.value),
        )
        self._show_numbers()
        self._on_change()
