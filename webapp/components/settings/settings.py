"""Settings as plain controls in groups, drawn from a description of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NotRequired, Self, TypedDict

from nicegui import ui

from webapp.components.changes import CHANGES_MODULE, take_changes


class SettingOption(TypedDict):
    """One of a few values."""

    value: str
    label: str
    tip: NotRequired[str]
    disabled: NotRequired[bool]


class SettingField(TypedDict):
    """One control of a setting; a "choice" shows its options side by side, a "select" in a list."""

    name: str
    kind: Literal["choice", "select", "number", "switch"]
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
    said: NotRequired[str]  # what was made of the value that was entered last, if it was put right


class SettingGroup(TypedDict):
    """Controls under a heading."""

    title: str
    fields: list[SettingField]
    fold: NotRequired[bool]  # folded away until wanted; `digest` says what is in it
    digest: NotRequired[str]


class Settings(ui.element, component="settings.js", esm=CHANGES_MODULE):
    """The settings panel: a single element, however many controls there are.

    Args:
        on_set: called with the name of a control and the value that was entered: of a field for a number anything that
            can be typed, None if it was emptied; see `webapp.components.settings.entered`.
    """

    def __init__(self, on_set: Callable[[str, Any], object]) -> None:
        super().__init__()
        self._props["groups"] = []
        take_changes(self, lambda change: on_set(change["set"], change["value"]))

    def set_groups(self, groups: Sequence[SettingGroup]) -> Self:
        """Replace the groups; a control that does not change keeps the person's cursor."""
        if self._props["groups"] != list(groups):
            self._props["groups"] = list(groups)
        return self
