"""Copying the settings as a recipe, and pasting one."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from webapp.components.copying import COPYING_MODULE
from webapp.components.sent import arguments_to


class Recipe(ui.element, component="recipe.js", esm=COPYING_MODULE):
    """A button that copies a text, and one that opens a dialog to paste into.

    Args:
        on_paste: called with a pasted text; returns a sentence that says what is wrong with it, or "".
    """

    def __init__(self, on_paste: Callable[[str], str]) -> None:
        super().__init__()
        self._props["text"] = ""
        self.on("paste", arguments_to(lambda text: self.run_method("answer", on_paste(text)), str))

    def set_text(self, text: str) -> None:
        """Set the text that the copy button copies; "" while there is none."""
        if self._props["text"] != text:
            self._props["text"] = text
