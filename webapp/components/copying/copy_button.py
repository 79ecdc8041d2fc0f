"""A button that copies a text."""

from __future__ import annotations

from nicegui import ui

from webapp.components.copying import COPYING_MODULE


class CopyButton(ui.element, component="copy_button.js", esm=COPYING_MODULE):
    """A button that copies `text` when it is pressed, on plain http too.

    Args:
        label: the text on the button.
        text: the text that it copies.
        tip: the tooltip.
    """

    def __init__(self, label: str, text: str, *, tip: str = "") -> None:
        super().__init__()
        self._props.update(label=label, text=text, tip=tip)
