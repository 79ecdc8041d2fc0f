"""The side panel: who separates, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from nicegui import ui

from separation import presets
from separation.backends import registry
from separation.errors import PlaygroundError
from separation.request import DEVICES, DemucsSettings, Prompt, Request
from webapp.theme import CostBox, heading, segmented, text

PLACEHOLDER = (Prompt(text="drums"),)  # a request needs a prompt; the page's own are put in when it runs


class SettingsPanel:
    """Everything of a request but its prompts. Invalid combinations cannot be entered.

    Args:
        on_change: called whenever a setting changes.
    """

    def __init__(self, *, on_change: Callable[[], object]) -> None:
        self._on_change = on_change
        self._draft = Request(prompts=PLACEHOLDER)
        self._preset = segmented(
            [*presets.GENERIC, presets.CUSTOM],
            presets.name_of(self._draft),
            self._choose_preset,
            label="Preset",
            full=True,
            tooltips={
                "Preview": "The quickest answer: to hear whether it is worth a longer run",
                "Balanced": "What most songs need",
                "Quality": "Everything the model has; up to ten times slower",
                presets.CUSTOM: "Your own values, set below",
            },
        )
        heading("Who separates")
        backends = {"auto": "Automatic"} | {name: backend.label for name, backend in registry.BACKENDS.items()}
        self._backend = ui.select(backends, value="auto", on_change=self._backend_changed).classes("w-full")
        self._backend.props('outlined dense aria-label="Who separates"')
        self._why = text("", "mute small", tag="p")
        self._demucs = _DemucsFields(self._changed)
        heading("Run")
        with ui.element("div").classes("field"):
            text("Device", "mute")
            self._device = ui.select(list(DEVICES), value="auto", on_change=self._changed).classes("grow")
            self._device.props('outlined dense aria-label="Device"')
            self._device.tooltip("Where the model runs. Automatic takes a graphics card if there is one.")
        with ui.element("div").classes("field"):
            text("Seed", "mute")
            self._seed = ui.number(value=0, min=0, max=2**31, precision=0, on_change=self._changed).classes("grow")
            self._seed.props('outlined dense aria-label="Seed"')
            self._seed.tooltip("The same seed and settings give the same result, on every computer.")
        self._facts = CostBox()
        self.explain([])

    @property
    def backend(self) -> str:
        """The chosen backend, or "auto"."""
        return str(self._backend.value)

    @property
    def stems(self) -> tuple[str, ...]:
        """What the backend that would be used can surely separate."""
        return self._stems

    @property
    def takes_any_text(self) -> bool:
        """Whether prompts are free text."""
        return False

    def request(self, texts: Sequence[str]) -> Request:
        """The request as it stands.

        Raises:
            SettingsError: a value makes no sense; it says which.
        """
        return replace(self._draft, prompts=tuple(Prompt(text=words) for words in texts))

    def explain(self, texts: Sequence[str]) -> None:
        """Say who would separate these prompts and why, or what is in the way."""
        asked = replace(self._draft, prompts=tuple(Prompt(text=words) for words in texts) or PLACEHOLDER)
        name = "builtin" if self.backend == "auto" else self.backend
        try:
            settled, why = registry.choose(asked)
            name = settled.backend
            self._why.set_text(why)
        except PlaygroundError as error:
            self._why.set_text(str(error))
        backend = registry.get(name)
        self._stems = backend.stems(asked)
        self._facts.set_rows({"Uses": backend.label, "Separates": ", ".join(self._stems), "Licence": backend.licence})

    def _backend_changed(self) -> None:
        self._demucs.set_visibility(self.backend == "demucs")
        self._changed()

    def _changed(self) -> None:
        try:
            self._draft = Request(
                prompts=PLACEHOLDER,
                backend=self.backend,
                model=self._demucs.model if self.backend == "demucs" else None,
                device=str(self._device.value),
                demucs=self._demucs.settings,
                seed=int(self._seed.value or 0),
            )
        except PlaygroundError as error:
            self._why.set_text(str(error))
            return
        self._preset.set_value(presets.name_of(self._draft))
        self._on_change()

    def _choose_preset(self, name: str) -> None:
        if name == presets.CUSTOM:
            self._preset.set_value(presets.name_of(self._draft))
            return
        self._draft = presets.apply(name, self._draft)
        self._demucs.show(self._draft)
        self._on_change()


class _DemucsFields:
    """What only Demucs has: model, shifts, overlap, segment."""

    def __init__(self, on_change: Callable[[], object]) -> None:
        self._showing = False
        self._on_change = on_change
        backend = registry.get("demucs")
        with ui.element("div").classes("stack tight") as self._box:
            heading("Demucs")
            with ui.element("div").classes("field"):
                text("Model", "mute")
                self._model = ui.select(list(backend.models()), value=backend.models()[0], on_change=self._changed)
                self._model.props('outlined dense aria-label="Model"').classes("grow")
                self._model.tooltip(
                    "htdemucs_ft is four times slower and a little better; htdemucs_6s knows guitar and piano."
                )
            with ui.element("div").classes("field"):
                text("Shifts", "mute")
                self._shifts = ui.slider(min=0, max=10, value=0, on_change=self._changed).classes("grow")
                self._shifts.props('label aria-label="Shifts"')
                self._shifts.tooltip(
                    "Averages estimates of shifted copies: up to 0.2 dB better, each shift costs one run more."
                )
            with ui.element("div").classes("field"):
                text("Overlap", "mute")
                self._overlap = ui.slider(min=0, max=0.5, step=0.05, value=0.25, on_change=self._changed)
                self._overlap.props('label aria-label="Overlap"').classes("grow")
                self._overlap.tooltip("What neighbouring segments share: smoother seams, up to twice the time.")
            with ui.element("div").classes("field"):
                text("Segment", "mute")
                self._segment = ui.number(value=None, min=1, max=60, suffix="s", on_change=self._changed)
                self._segment.props('outlined dense placeholder="longest" aria-label="Segment"').classes("grow")
                self._segment.tooltip("Shorter segments need less memory and know less of the song.")
            self._split = ui.switch("Split into segments", value=True, on_change=self._changed)
            self._mixed = ui.switch("Half precision where the device has it", value=False, on_change=self._changed)
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
            overlap_ratio=float(self._overlap.value),
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

    def _changed(self) -> None:
        if not self._showing:
            self._on_change()
