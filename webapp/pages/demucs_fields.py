"""The settings only Demucs has: model, shifts, overlap, segment, precision."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from separation.backends import registry
from separation.request import DemucsSettings, Request
from webapp.theme import heading, text


class DemucsFields:
    """A group of the side panel that stays in step with a request.

    Args:
        on_change: called whenever a person changes one of them.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        self._showing = False
        self._on_change = on_change
        models = registry.get("demucs").models()
        with ui.element("div").classes("stack") as self._box:
            heading("Demucs")
            with ui.element("div").classes("field"):
                text("Model", "mute")
                self._model = ui.select(list(models), value=models[0], on_change=self._changed).classes("grow")
                self._model.props('outlined dense aria-label="Model"').tooltip(
                    "htdemucs_ft sounds a little better at four times the time and room on disk; "
                    "htdemucs_6s also knows guitar and piano."
                )
            with ui.element("div").classes("field"):
                text("Shifts", "mute")
                self._shifts = ui.slider(min=0, max=10, value=0, on_change=self._changed).classes("grow")
                self._shifts.props('aria-label="Shifts"').tooltip(
                    "Averages estimates of shifted copies: up to 0.2 dB better; each shift costs the time of one run. "
                    "Memory stays the same."
                )
                self._shifts_now = text("0", "field-value", tag="b")
            with ui.element("div").classes("field"):
                text("Overlap", "mute")
                self._overlap = ui.slider(min=0, max=0.5, step=0.05, value=0.25, on_change=self._changed)
                self._overlap.props('aria-label="Overlap"').classes("grow").tooltip(
                    "What neighbouring segments share: smoother seams, up to twice the time. Memory stays the same."
                )
                self._overlap_now = text("25 %", "field-value", tag="b")
            with ui.element("div").classes("field"):
                text("Segment", "mute")
                self._segment = ui.number(value=None, min=1, max=60, suffix="s", on_change=self._changed)
                self._segment.props('outlined dense placeholder="longest" aria-label="Segment"').classes("grow")
                self._segment.tooltip(
                    "How much of the song is heard at once. Shorter segments save memory with the mdx models only: "
                    "the others fill them up to 7.8 s, so shorter ones just take longer."
                )
            self._split = ui.switch("Split into segments", value=True, on_change=self._changed).tooltip(
                "Keeps memory steady however long the recording is. Transformer models always split."
            )
            self._mixed = ui.switch("Half precision", value=False, on_change=self._changed).tooltip(
                "On CUDA it needs less memory and time, for a sound a hair less exact; elsewhere it does nothing."
            )
        self._box.set_visibility(False)

    @property
    def model(self) -> str:
        """The chosen model."""
        return str(self._model.value)

    @property
    def settings(self) -> DemucsSettings:
        """The values as they stand."""
        return DemucsSettings(
            shifts=int(self._shifts.value),
            overlap_ratio=round(float(self._overlap.value), 2),
            split=bool(self._split.value),
            segment_s=None if self._segment.value is None else float(self._segment.value),
            mixed_precision=bool(self._mixed.value),
        )

    def set_visibility(self, visible: bool) -> None:
        """Show or hide all of them."""
        self._box.set_visibility(visible)

    def show(self, request: Request) -> None:
        """Set the fields to a request's values without reporting each as a change."""
        self._showing = True
        self._model.set_value(request.model or self._model.options[0])
        self._shifts.set_value(request.demucs.shifts)
        self._overlap.set_value(request.demucs.overlap_ratio)
        self._segment.set_value(request.demucs.segment_s)
        self._split.set_value(request.demucs.split)
        self._mixed.set_value(request.demucs.mixed_precision)
        self._showing = False
        self._show_numbers()

    def _show_numbers(self) -> None:
        self._shifts_now.set_text(f"{self._shifts.value:.0f}")
        self._overlap_now.set_text(f"{100 * self._overlap.value:.0f} %")

    def _changed(self) -> None:
        if not self._showing:
            self._show_numbers()
            self._on_change()
