"""The place where a page says what went wrong, or was done otherwise than asked: one card, with a list."""

from __future__ import annotations

from functools import partial
from typing import Self

from nicegui import ui

from separation.errors import PlaygroundError
from webapp.components.pieces.pieces import error_card

Said = tuple[str, str, str]  # what happened, why, what to do


class Messages(ui.element):
    """The messages of a page, the newest last. The same is said once, and each can be dismissed."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("messages").props("aria-live=polite")
        self._shown: dict[Said, ui.element] = {}
        self._causes: dict[Said, str] = {}

    def say(self, error: PlaygroundError, *, cause: str = "", accepted: bool = False) -> ui.element:
        """Show a message, and return its element; one that stands there already is not repeated.

        Args:
            error: what happened, why, and what to do.
            cause: what `withdraw` is told when this is no longer so; "" if nothing ends it but a dismissal.
            accepted: whether what was asked for was done, only not as it was meant.
        """
        said = (error.what, error.why, error.todo)
        if said not in self._shown:
            with self:
                shown = error_card(error, on_dismiss=partial(self._dismiss, said), accepted=accepted)
            self._shown[said], self._causes[said] = shown, cause
        return self._shown[said]

    def withdraw(self, cause: str) -> None:
        """Remove the messages of a cause that is gone."""
        for said in [said for said, of in self._causes.items() if of == cause]:
            self._dismiss(said)

    def clear(self) -> Self:
        """Remove all messages."""
        self._shown.clear()
        self._causes.clear()
        return super().clear()

    def _dismiss(self, said: Said) -> None:
        if (shown := self._shown.pop(said, None)) is not None:
            self._causes.pop(said, None)
            shown.delete()
