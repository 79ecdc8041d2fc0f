"""The button that starts a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from nicegui import ui

from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.components.changes import CHANGES_MODULE, take_changes


class RunButton(ui.element, component="run_button.js", esm=CHANGES_MODULE):
    """The button that starts a run of all prompts that are drawn when it is pressed.

    Args:
        on_press: called once for each press; a press that a broken connection loses is sent again.
        tip: the tooltip.
    """

    def __init__(self, on_press: Callable[[], object], *, tip: str) -> None:
        super().__init__()
        only_for(self, Right.RUN)
        self._props["tip"] = tip
        take_changes(self, lambda _: on_press(), Literal["press"])

    def show(self, words: str, *, ready: bool, asks: bool) -> None:
        """Show its label.

        Args:
            words: the label.
            ready: whether it can be pressed.
            asks: whether both depend on the number of prompts alone; then the browser counts those that it draws.
        """
        for name, value in {"words": words, "ready": ready, "asks": asks}.items():
            if self._props.get(name) != value:
                self._props[name] = value
