"""The side panel: who separates, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nicegui import ui

from separation import presets, vocabulary
from separation.backends import registry
from separation.errors import PlaygroundError, PromptError
from separation.request import Prompt, Request
from separation.targets import Target
from webapp.pages.demucs_fields import DemucsFields
from webapp.theme import CostBox, heading, segmented, text

PLACEHOLDER = (Prompt(text="drums"),)  # a request needs a prompt; the page's own are put in when it runs
DEVICES = {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA graphics card", "mps": "Apple graphics"}
_WITH_AUTOMATIC = " With “Automatic” it counts if Demucs is what it chooses."


class SettingsPanel:
    """Everything of a request but its prompts. Invalid combinations cannot be entered.

    Args:
        on_change: called whenever a setting changes.
    """

    def __init__(self, *, on_change: Callable[[], object]) -> None:
        self._on_change = on_change
        self._draft = Request(prompts=PLACEHOLDER)
        self._uses = registry.get("builtin")
        self._preset = segmented(
            [*presets.GENERIC, presets.CUSTOM],
            _preset_name(self._draft),
            self._choose_preset,
            label="Preset",
            full=True,
            disabled=(presets.CUSTOM,),
            tooltips={
                "Preview": "The quickest answer, in little memory, with rougher seams." + _WITH_AUTOMATIC,
                "Balanced": "What most songs need: good sound at normal time and memory." + _WITH_AUTOMATIC,
                "Quality": "Everything the model has: a little better, up to ten times slower, four times the weights."
                + _WITH_AUTOMATIC,
                presets.CUSTOM: "Values of your own. Change one of Demucs's settings to come here.",
            },
        )
        heading("Who separates")
        backends = {"auto": "Automatic"} | {name: backend.label for name, backend in registry.BACKENDS.items()}
        self._backend = ui.select(backends, value="auto", on_change=self._backend_changed).classes("w-full")
        self._backend.props('outlined dense aria-label="Who separates"').tooltip(
            "Demucs sounds far better and needs its weights and more time; the built-in separator always works, "
            "in little memory. Automatic takes the best that is here."
        )
        self._why = text("", "mute small", tag="p").props("aria-live=polite")
        self._demucs = DemucsFields(self._changed)
        heading("Run")
        with ui.element("div").classes("field"):
            text("Device", "mute")
            self._device = ui.select(DEVICES, value="auto", on_change=self._changed).classes("grow")
            self._device.props('outlined dense aria-label="Device"').tooltip(
                "Where Demucs runs. A graphics card is many times faster and needs its own memory; the sound is the "
                "same. The built-in separator always uses the processor."
            )
        with ui.element("div").classes("field"):
            text("Seed", "mute")
            self._seed = ui.number(value=0, min=0, max=2**31, precision=0, on_change=self._changed).classes("grow")
            self._seed.props('outlined dense aria-label="Seed"').tooltip(
                "The same seed and settings give the same result. It matters only with Demucs's shifts, and costs "
                "neither time nor memory."
            )
        self._facts = CostBox()
        self.explain([])

    @property
    def backend(self) -> str:
        """The chosen backend, or "auto"."""
        return str(self._backend.value)

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Prompts that the backend that would be used can surely answer."""
        return vocabulary.suggestions(self._uses.stems(self._draft))

    def meanings(self, texts: Sequence[str]) -> Mapping[str, str | None]:
        """What each prompt is matched to; "" where that goes without saying, None where nothing matches."""
        return {words: self._meaning(words) for words in texts}

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
            self._why.set_text(why).classes(remove="warn")
        except PromptError as error:
            self._why.set_text(error.what).classes("warn")
        except PlaygroundError as error:
            self._why.set_text(str(error)).classes("warn")
        self._uses = registry.get(name)
        stems = ", ".join(self._uses.stems(asked))
        self._facts.set_rows({"Uses": self._uses.label, "Separates": stems, "Licence": self._uses.licence})

    def _meaning(self, words: str) -> str | None:
        try:
            (target,) = self._uses.targets(replace(self._draft, prompts=(Prompt(text=words),)))
        except PromptError:
            return None
        return _matched(words, target)

    def _backend_changed(self) -> None:
        self._demucs.set_visibility(self.backend == "demucs")
        if self._preset.value != presets.CUSTOM:
            # A preset names a model for Demucs alone, so it is applied anew.
            self._draft = presets.apply(self._preset.value, replace(self._draft, backend=self.backend, model=None))
            self._demucs.show(self._draft)
        self._changed()

    def _changed(self) -> None:
        try:
            self._draft = Request(
                prompts=PLACEHOLDER,
                backend=self.backend,
                model=self._demucs.model if self.backend == "demucs" else None,
                device=str(self._device.value),
                solver=self._draft.solver,
                demucs=self._demucs.settings,
                seed=int(self._seed.value or 0),
            )
        except PlaygroundError as error:
            self._why.set_text(str(error)).classes("warn")
            return
        self._preset.set_value(_preset_name(self._draft))
        self._on_change()

    def _choose_preset(self, name: str) -> None:
        self._draft = presets.apply(name, self._draft)
        self._demucs.show(self._draft)
        self._on_change()


def _preset_name(request: Request) -> str:
    """Which of the panel's presets this is; a recipe of another name is custom here."""
    name = presets.name_of(request)
    return name if name in presets.GENERIC else presets.CUSTOM


def _matched(words: str, target: Target) -> str:
    stems = " and ".join(sorted(target.stems))
    if target.complement:
        return f"→ all but {stems}"
    if target.stems == {words.strip()}:  # a model that takes any words
        return ""
    return "" if set(words.casefold().split()) - {"and"} == target.stems else f"→ {stems}"
