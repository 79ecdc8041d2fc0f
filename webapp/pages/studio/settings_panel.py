"""The settings panel: backend and settings, the estimated cost, and smaller settings if memory is short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nicegui import ui

from separation import solvers
from separation.backends import registry
from separation.errors import PlaygroundError
from separation.estimates import fallbacks
from separation.estimates.estimates import Preflight
from separation.formatted import size, size_range, time_range
from separation.request import Request, RequestField
from separation.results.partial import Sound
from separation.workflows import recipe
from separation.workflows.own_presets import OwnPreset
from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.components.recipe.recipe import Recipe
from webapp.components.settings.entered import field_of, put_right, set_along, with_said
from webapp.components.settings.settings import SettingGroup, Settings
from webapp.pages.presets.findings import with_findings
from webapp.pages.presets.row import PresetRow
from webapp.pages.studio import settings_fields
from webapp.pages.studio.choice import choice_of
from webapp.state.downloads import Downloads
from webapp.state.drafts import Draft
from webapp.state.kept.contents import Contents
from webapp.state.kept.evidence import ListeningEvidence
from webapp.state.kept.own_presets import OwnPresets
from webapp.state.run_estimates import RunEstimates
from webapp.theme import ActionPlace, CostBox, button, text

BRING_THEIR_OWN = ("backend", "model")  # controls whose other settings are expected to be others
NAMES_THE_OTHERS = "preset"  # the control that is set to what the other ones come to
OF_PRESETS = ("model", "solver.", "demucs.", "speech.")  # what a preset is asked for


@dataclass(frozen=True, slots=True)
class SettingsSources:
    """What is known that helps to choose settings.

    Args:
        estimates: what runs take.
        presets: the person's own.
        evidence: what listening tests have found.
        models: those that come.
        contents: what recordings hold.
    """

    estimates: RunEstimates
    presets: OwnPresets
    evidence: ListeningEvidence
    models: Downloads
    contents: Contents


class SettingsPanel:
    """The panel of a draft's settings, without its prompts. Invalid combinations cannot be entered.

    Args:
        on_edit: called with a function that makes the changed draft; it may raise `SettingsError`.
        sources: what helps to choose.
    """

    def __init__(self, *, on_edit: Callable[[Callable[[Draft], Draft]], object], sources: SettingsSources) -> None:
        self._on_edit, self._estimates, self._evidence = on_edit, sources.estimates, sources.evidence
        self._contents = sources.contents
        self._flight: Preflight | None = None
        self._shown: tuple[Draft, Sound | None] | None = None
        self._other: Request | None = None  # who would be asked if the recording were held for the other kind
        self._said: tuple[str, Any, str] = ("", None, "")  # a control, its value, and what was made of an entered one
        self._is_offered = False
        self.choice = choice_of(Draft())  # as it was settled when a draft was last shown
        only_for(ui.context.slot.parent, Right.RUN)
        self._preset = Settings(self._set)
        self._own = PresetRow(sources.presets, on_apply=self._apply_own)
        self._settings = Settings(self._set)
        self._why = text("", "mute small", tag="p").props("aria-live=polite")
        self._action = ActionPlace()
        self._otherwise = button(
            "", self._take_otherwise, tip="You then choose the separator, whatever the recording sounds like."
        )
        self._drop = button(
            "Reset the settings",
            self._back_to_usual,
            tip="Back to Automatic with its usual settings; your sounds and spans stay.",
        )
        self._models = text("See what is missing on the Models page", "small", tag="a").props("href=/models")
        self._recipe = Recipe(self._paste)
        self._facts = CostBox()
        self._memory = text("", "warn small", tag="p").props("role=status")
        self._smaller = button(
            "", self._take_smaller, tip="Changes nothing else; seams between chunks may be a little more audible."
        )
        sources.estimates.changed.subscribe(self.look_again)
        sources.evidence.changed.subscribe(self._show_groups)

    def show(self, draft: Draft, recording: Sound | None) -> None:
        """Redraw the panel: the backend and why it was chosen, and what a run would take or what prevents it."""
        if self._shown == (draft, recording):
            return
        if self._shown is not None and self._shown[1] is not recording:
            self._said = ("", None, "")
        asked = draft.asked
        content = self._contents.of(recording) if registry.listens_first(asked) else None
        self._shown, self.choice = (draft, recording), choice_of(draft, content)
        choice, settled = self.choice, self.choice.settled
        self._other = None if content is None or not choice.possible else registry.otherwise(asked, content)
        self._otherwise.set_visibility(self._other is not None)
        if self._other is not None and content is not None:
            is_not = "talk" if content.is_music else "a song"
            self._otherwise.set_text(f"It is {is_not}: use {registry.shown(self._other.backend).label}")
        self._show_groups()
        self._own.show(settled, choice.uses, possible=choice.possible)
        self._why.set_text(choice.why).classes(add="" if choice.possible else "warn", remove="warn" * choice.possible)
        self._drop.set_visibility(not choice.possible and draft.settings != Draft().settings)
        self._show_missing()
        self._recipe.set_text(recipe.written(draft.request) if draft.prompts else "")
        self._flight = None if recording is None or not choice.possible else self._estimates.of(settled, recording)
        rows = {"Uses": choice.uses.label, "Licence": choice.uses.licence}
        if not choice.uses.profile.free_prompts:
            rows["Separates"] = ", ".join(choice.uses.stems(settled))
        if RequestField.SOLVER in choice.uses.uses(settled):
            n_evaluations = solvers.nfe(settled.solver.method, settled.solver.n_steps)
            rows["Model evaluations"] = f"{n_evaluations} per chunk"
        if self._flight is not None and recording is not None:
            rows |= _cost(self._flight, _disk_bytes(recording, len(settled.prompts) + 1))
        warning = self._flight.warning() if self._flight is not None else None
        self._facts.set_rows(rows, warn=["Memory"] if warning else [])
        self._memory.set_text(warning or "").set_visibility(warning is not None)
        fitting = self._flight.fitting if self._flight is not None else None
        self._smaller.set_visibility(fitting is not None)
        if self._flight is not None and fitting is not None:
            self._smaller.set_text(f"Use {fallbacks.changed(self._flight.request, fitting, options=False)}")

    def leave_to_offer(self, is_offered: bool) -> None:
        """Leave it to an offer beside the sounds to say what is missing here, or say it here."""
        self._is_offered = is_offered
        self._show_missing()

    def _show_missing(self) -> None:
        action = None if self._is_offered else self.choice.action
        self._action.show(action)
        self._models.set_visibility(self.choice.lacking and action is None and not self._is_offered)

    def look_again(self) -> None:
        """Choose and estimate anew, as other models are here now, or more is known of what a run takes."""
        if (shown := self._shown) is not None:
            self._shown = None
            self.show(*shown)

    def _groups(self) -> list[SettingGroup]:
        settings = Draft().settings if self._shown is None else self._shown[0].settings
        return settings_fields.groups(settings, self.choice.settled)

    def _show_groups(self) -> None:
        """Show the controls; what was said of one stays until its value is another."""
        groups, (name, value, said) = self._groups(), self._said
        if said and (field := field_of(groups, name)) is not None and field["value"] == value:
            groups = with_said(groups, name, said)
        groups = with_findings(groups, self.choice.settled, self._evidence)
        presets = [group for group in groups if not group["title"]]
        self._preset.set_groups(presets).set_visibility(bool(presets))
        self._settings.set_groups([group for group in groups if group["title"]])

    def _apply_own(self, preset: OwnPreset) -> None:
        try:
            self._on_edit(lambda draft: replace(draft, settings=preset.applied_to(draft.settings)))
        except PlaygroundError as error:  # another page has chosen another separator meanwhile
            self._why.set_text(error.message).classes("warn")

    def _set(self, name: str, value: Any) -> None:
        choice, before = self.choice, self._groups()
        field, said = field_of(before, name), ""
        if field is not None:
            value, said = put_right(field, value)
        dropped = ""

        def edit(draft: Draft) -> Draft:
            nonlocal dropped
            settings = settings_fields.changed(draft.settings, choice.settled, name, value)
            dropped = dropped_by(draft.settings, settings)
            return replace(draft, settings=settings)

        try:
            self._on_edit(edit)
        except PlaygroundError as error:
            self._why.set_text(error.message).classes("warn")
            return
        now = self._groups()
        along = "" if name in BRING_THEIR_OWN else set_along(before, now, unsaid=(name, NAMES_THE_OTHERS, *OF_PRESETS))
        if (field := field_of(now, name)) is not None:
            self._said = (name, field["value"], " ".join(filter(None, (said, along, dropped))))
        self._show_groups()

    def _paste(self, written: str) -> str:
        """Take all settings from a recipe; return a sentence that says what is wrong with it, or ""."""
        try:
            request = recipe.parse_recipe(written)
        except PlaygroundError as error:
            return error.message
        self._on_edit(lambda draft: Draft.of(request))
        return ""

    def _back_to_usual(self) -> None:
        """Drop settings that nobody here can work with."""
        self._on_edit(lambda draft: replace(draft, settings=Draft().settings))

    def _take_otherwise(self) -> None:
        """Name the backend that would be chosen if the recording held the other of music and talk."""
        if (other := self._other) is not None:
            self._on_edit(lambda draft: replace(draft, settings=replace(draft.settings, backend=other.backend)))

    def _take_smaller(self) -> None:
        """Apply the smaller settings with which the run fits into memory."""
        flight = self._flight
        if flight is not None and (fitting := flight.fitting) is not None:
            self._on_edit(lambda draft: replace(draft, settings=with_changes(draft.settings, flight.request, fitting)))


def dropped_by(before: Request, after: Request) -> str:
    """Return sentences on settings without a control that the change of another one has dropped, or ""."""
    said = []
    if before.backend != after.backend and before.chunks is not None and after.chunks is None:
        said.append("Your chunk settings were dropped: this separator uses segments of its own.")
    if before.sam.rerolls and not after.sam.rerolls:
        said.append("Seeds of single chunks were dropped: the chunks are different now.")
    return " ".join(said)


def with_changes(settings: Request, before: Request, after: Request) -> Request:
    """Return `settings` with the differences of two settled requests, of which the first was made from them."""
    changed = {name: getattr(after, name) for name in ("chunks", "demucs", "sam", "speech")}
    changed = {name: value for name, value in changed.items() if value != getattr(before, name)}
    if after.model != before.model:  # a model belongs to a backend
        changed |= {"backend": after.backend, "model": after.model, "chunks": after.chunks}
    return replace(settings, **changed)


def _cost(flight: Preflight, disk_bytes: int) -> dict[str, str]:
    """Return rows that say what time and memory a run would take, and on what that estimate is based."""
    estimate = flight.estimate
    rows = {
        "Expected time": time_range(estimate.seconds) or "unknown",
        "Memory": size_range(estimate.memory_bytes) or "unknown",
        "On disk": size(disk_bytes),
    }
    return rows | {"Estimate": estimate.source}


def _disk_bytes(recording: Sound, n_tracks: int) -> int:
    """Return the bytes of float32 tracks of a recording's length."""
    return 4 * recording.n_samples * recording.n_channels * n_tracks
