"""The button that starts a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from nicegui import ui

from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.components.changes import CHANGES_MODULE, take_changes


class RunButton(ui.element, component="run_button.js", esm=CHANGES_MODULE):
    """The button that starts a run of all prompts that are drawn when it is pressed.

    Its children stand there instead while what those prompts ask for is made.

    Args:
        on_press: called once for each press; a press that a broken connection loses is sent again.
        tip: the tooltip.
    """

    def __init__(self, on_press: Callable[[], object], *, tip: str) -> None:
        super().__init__()
        only_for(self, Right.RUN)
        self._props["tip"] = tip
        take_changes(self, lambda _: on_press(), Literal["press"])

    def show(self, words: str, *, ready: bool, verb: str, heard: Sequence[str] = ()) -> None:
        """Show its label.

        Args:
            words: the label.
            ready: whether it can be pressed.
            verb: the word before the number of sounds, where both depend on that number alone; then the browser counts
                those that it draws. "" where they do not.
            heard: the prompts of which everything is made and heard; empty if something is to be done.
        """
        for name, value in {"words": words, "ready": ready, "verb": verb, "heard": list(heard)}.items():
            if self._props.get(name) != value:
                self._props[name] = value
