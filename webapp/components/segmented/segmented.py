"""A segmented control: a few choices side by side, one of them on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Self

from nicegui import ui

from webapp.components.changes import CHANGES_MODULE, take_changes


class Segmented(ui.element, component="segmented.js", esm=CHANGES_MODULE):
    """A radio group in one row; arrow keys move the choice.

    Args:
        options: labels by their values, or labels that are their own values.
        value: the chosen value.
        on_change: called with the new value when a person chooses one.
        label: the name of the group for screen readers.
        tooltips: by value, what choosing it does to sound, speed and memory.
        full: whether it is as wide as its place.
        publish: the name under which scripts of the page find the value (`page` of the module of changes), or "".
        disabled: values that cannot be chosen now; their tooltips say why.
    """

    def __init__(
        self,
        options: Mapping[str, str] | Sequence[str],
        value: str,
        on_change: Callable[[str], object] | None = None,
        *,
        label: str,
        tooltips: Mapping[str, str] | None = None,
        full: bool = False,
        publish: str = "",
        disabled: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._on_change = on_change
        self._tooltips = dict(tooltips or {})
        self._props["label"] = label
        self._props["full"] = full
        self._props["publish"] = publish
        self._props["value"] = value
        self.set_options(options, disabled=disabled)
        take_changes(self, self._chosen, str)

    @property
    def value(self) -> str:
        """The chosen value."""
        return str(self._props["value"])

    def set_value(self, value: str) -> Self:
        """Choose another value without calling `on_change`."""
        self._props["value"] = value
        return self

    def set_options(self, options: Mapping[str, str] | Sequence[str], *, disabled: Sequence[str] = ()) -> Self:
        """Replace the choices."""
        labels = dict(options) if isinstance(options, Mapping) else {option: option for option in options}
        self._props["options"] = [
            {"value": value, "label": text, "tip": self._tooltips.get(value, ""), "disabled": value in disabled}
            for value, text in labels.items()
        ]
        return self

    def _chosen(self, value: str) -> object:
        if not any(option["value"] == value and not option["disabled"] for option in self._props["options"]):
            return None  # it was taken away or disabled meanwhile
        self.set_value(value)
        return self._on_change(value) if self._on_change is not None else None


def segmented(
    options: Mapping[str, str] | Sequence[str],
    value: str,
    on_change: Callable[[str], object] | None = None,
    *,
    label: str,
    tooltips: Mapping[str, str] | None = None,
    full: bool = False,
    publish: str = "",
    disabled: Sequence[str] = (),
) -> Segmented:
    """Place a segmented control; the arguments are those of `Segmented`."""
    return Segmented(
        options, value, on_change, label=label, tooltips=tooltips, full=full, publish=publish, disabled=disabled
    )
