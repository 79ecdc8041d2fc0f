"""The side panel: who separates, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nicegui import ui

from separation import ladder, presets, vocabulary
from separation.backends import registry
from separation.errors import PlaygroundError, PromptError
from separation.estimates import Preflight, memory_words, time_words
from separation.request import Prompt, Request
from separation.targets import Target
from storage import Artifact
from webapp.outlook import Outlook
from webapp.pages.demucs_fields import DemucsFields
from webapp.theme import CostBox, button, heading, segmented, text, tipped

PLACEHOLDER = (Prompt(text="drums"),)  # a request needs a prompt; the page's own are put in when it runs
DEVICES = {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA graphics card", "mps": "Apple graphics"}
_WITH_AUTOMATIC = " With “Automatic” it counts if Demucs is what it chooses."


class SettingsPanel:
    """Everything of a request but its prompts. Invalid combinations cannot be entered.

    Args:
        on_change: called whenever a setting changes.
        outlook: what a run would take.
    """

    def __init__(self, *, on_change: Callable[[], object], outlook: Outlook) -> None:
        self._on_change, self._outlook = on_change, outlook
        self._flight: Preflight | None = None
        self._showing = False
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
        tipped(
            self._backend.props('outlined dense aria-label="Who separates"'),
            "Demucs sounds far better and needs its weights and more time; the built-in separator always works, "
            "in little memory. Automatic takes the best that is here.",
        )
        self._why = text("", "mute small", tag="p").props("aria-live=polite")
        self._demucs = DemucsFields(self._changed)
        heading("Run")
        with ui.element("div").classes("field"):
            text("Device", "mute")
            self._device = ui.select(DEVICES, value="auto", on_change=self._changed).classes("grow")
            tipped(
                self._device.props('outlined dense aria-label="Device"'),
                "Where Demucs runs. A graphics card is many times faster and needs its own memory; the sound is the "
                "same. The built-in separator always uses the processor.",
            )
        with ui.element("div").classes("field"):
            text("Seed", "mute")
            self._seed = ui.number(value=0, min=0, max=2**31, precision=0, on_change=self._changed).classes("grow")
            tipped(
                self._seed.props('outlined dense aria-label="Seed"'),
                "The same seed and settings give the same result. It matters only with Demucs's shifts, and costs "
                "neither time nor memory.",
            )
        self._facts = CostBox()
        self._memory = text("", "warn small", tag="p").props("role=status")
        self._smaller = button(
            "", self._take_smaller, tip="Changes just that; the sound may lose a little where pieces meet."
        )
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

    def explain(self, texts: Sequence[str], recording: Artifact | None = None) -> None:
        """Say who would separate these prompts and why, what it would take for a recording, or what is in the way."""
        self._flight = None
        asked = replace(self._draft, prompts=tuple(Prompt(text=words) for words in texts) or PLACEHOLDER)
        name = "builtin" if self.backend == "auto" else self.backend
        try:
            settled, why = registry.choose(asked)
            name = settled.backend
            self._flight = None if recording is None else self._outlook.of(settled, recording)
            self._why.set_text(why).classes(remove="warn")
        except PromptError as error:
            self._why.set_text(error.what).classes("warn")
        except PlaygroundError as error:
            self._why.set_text(str(error)).classes("warn")
        self._uses = registry.get(name)
        stems = ", ".join(self._uses.stems(asked))
        rows = {"Uses": self._uses.label, "Separates": stems, "Licence": self._uses.licence}
        if self._draft.chunks is not None:
            rows["Chunks"] = f"{self._draft.chunks.chunk_s:g} s"
        if self._flight is not None and recording is not None:
            rows |= _cost(self._flight, _disk_bytes(recording, len(asked.prompts) + 1))
        warning = self._flight.warning() if self._flight is not None else None
        self._facts.set_rows(rows, warn=["Memory"] if warning else [])
        self._memory.set_text(warning or "").set_visibility(warning is not None)
        fitting = self._flight.fitting if self._flight is not None else None
        self._smaller.set_visibility(fitting is not None)
        if self._flight is not None and fitting is not None:
            self._smaller.set_text(f"Use {ladder.changed(self._flight.request, fitting, options=False)}")

    def _meaning(self, words: str) -> str | None:
        try:
            (target,) = self._uses.targets(replace(self._draft, prompts=(Prompt(text=words),)))
        except PromptError:
            return None
        return _matched(words, target)

    def _take_smaller(self) -> None:
        """Change what makes the run fit, and nothing else."""
        flight = self._flight
        if flight is None or flight.fitting is None:
            return
        self._draft = _with_changes(self._draft, flight.request, flight.fitting)
        self._showing = True
        self._backend.set_value(self._draft.backend)
        self._demucs.set_visibility(self.backend == "demucs")
        self._demucs.show(self._draft)
        self._preset.set_value(_preset_name(self._draft))
        self._showing = False
        self._on_change()

    def _backend_changed(self) -> None:
        if self._showing:
            return
        self._demucs.set_visibility(self.backend == "demucs")
        if self._preset.value != presets.CUSTOM:
            # A preset names a model for Demucs alone, so it is applied anew.
            self._draft = presets.apply(
                self._preset.value, replace(self._draft, backend=self.backend, model=None, chunks=None)
            )
            self._demucs.show(self._draft)
        self._changed()

    def _changed(self) -> None:
        try:
            self._draft = Request(
                prompts=PLACEHOLDER,
                backend=self.backend,
                model=self._demucs.model if self.backend == "demucs" else None,
                device=str(self._device.value),
                chunks=self._draft.chunks if self._draft.backend == self.backend else None,
                sam=self._draft.sam,
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


def _with_changes(draft: Request, before: Request, after: Request) -> Request:
    """`draft` with what differs between two settled requests, of which the first was made from it."""
    changed = {name: getattr(after, name) for name in ("chunks", "demucs", "sam")}
    changed = {name: value for name, value in changed.items() if value != getattr(before, name)}
    if after.model != before.model:  # a model belongs to a backend
        changed |= {"backend": after.backend, "model": after.model, "chunks": after.chunks}
    return replace(draft, **changed)


def _cost(flight: Preflight, disk_bytes: int) -> dict[str, str]:
    """Rows that say what a run would take, and how that is known."""
    estimate = flight.estimate
    rows = {
        "Expected time": time_words(estimate.seconds) or "unknown",
        "Memory": memory_words(estimate.memory_bytes) or "unknown",
        "On disk": f"{disk_bytes / 1e6:.0f} MB",
    }
    return rows | {"Estimate": estimate.source}


def _disk_bytes(recording: Artifact, n_tracks: int) -> int:
    """What tracks of a recording's length take: float32."""
    n_samples: int = recording.info["n_samples"] * recording.info["n_channels"]
    return 4 * n_samples * n_tracks


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
