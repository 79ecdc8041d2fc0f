"""Settings as plain controls in groups, drawn from a description of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NotRequired, Self, TypedDict

from nicegui import ui

from webapp.components.changes import CHANGES_MODULE, take_changes


class SettingOption(TypedDict):
    """One of a few values."""

    value: str | float | None
    label: str
    tip: NotRequired[str]
    disabled: NotRequired[bool]


class SettingNote(TypedDict):
    """A line below a control, with a link at its end."""

    words: str
    link: str
    href: str


class SettingField(TypedDict):
    """One control of a setting; the options of a "choice" stand side by side, of a "select" in a list."""

    name: str
    kind: Literal["choice", "select", "slider", "number", "switch"]
    label: str  # what stands beside it; "" for a choice as wide as its place
    value: Any
    tip: NotRequired[str]
    spoken: NotRequired[str]  # for screen readers, if the label does not say it
    options: NotRequired[list[SettingOption]]
    min: NotRequired[float]
    max: NotRequired[float]
    step: NotRequired[float]  # 1: whole numbers only
    limit: NotRequired[str]  # what `max` is, in a few words
    unit: NotRequired[str]
    placeholder: NotRequired[str]  # what an empty field means; without it a field cannot be emptied
    disabled: NotRequired[bool]
    notes: NotRequired[list[SettingNote]]
    said: NotRequired[str]  # what was made of the value that was entered last, if it was put right


class SettingGroup(TypedDict):
    """Controls under a heading."""

    title: str
    fields: list[SettingField]
    fold: NotRequired[bool]  # folded away until wanted; `digest` says what is in it
    digest: NotRequired[str]


class SettingChange(TypedDict):
    """The name of a control, and what a person has entered there."""

    set: str
    value: str | float | bool | None


class Settings(ui.element, component="settings.js", esm=CHANGES_MODULE):
    """The settings panel: a single element, however many controls there are.

    Args:
        on_set: called with the name of a control and the value that was entered: of a field for a number anything that
            can be typed, None if it was emptied; see `webapp.components.settings.entered`.
    """

    def __init__(self, on_set: Callable[[str, Any], object]) -> None:
        super().__init__()
        self._props["groups"] = []
        self._on_set = on_set
        take_changes(self, self._entered, SettingChange)

    def _entered(self, change: SettingChange) -> object:
        """Pass on what a person can have entered; controls and their options may have become others meanwhile."""
        return self._on_set(change["set"], change["value"]) if offered(self._props["groups"], change) else None

    def set_groups(self, groups: Sequence[SettingGroup]) -> Self:
        """Replace the groups; a control that does not change keeps the person's cursor."""
        if self._props["groups"] != list(groups):
            self._props["groups"] = list(groups)
        return self


def offered(groups: Sequence[SettingGroup], change: SettingChange) -> bool:
    """Return whether the groups have such a control, and it can be set to that value; a number may be put right yet."""
    for field in (field for group in groups for field in group["fields"] if field["name"] == change["set"]):
        if field["kind"] == "number":
            return True
        if field["kind"] == "switch":
            return isinstance(change["value"], bool)
        return any(
            option["value"] == change["value"] and not option.get("disabled") for option in field.get("options", [])
        )
    return False
