"""A dialog that asks for a name."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from separation.errors import PlaygroundError
from webapp.access.handlers import asks, need_of_event
from webapp.components.pieces.pieces import button, card, text


class NameDialog:
    """A dialog that asks under which name something is kept; Enter keeps it. It stays open until the name is taken.

    Args:
        title: what is done.
        about: a sentence on it.
        limit: the most letters of a name.
        on_name: called with the name; what it raises is shown in the dialog.

    Attributes:
        body: a place for further elements, above the name.
    """

    def __init__(self, title: str, about: str, *, limit: int, on_name: Callable[[str], object]) -> None:
        self._on_name = on_name
        with ui.dialog() as self._dialog, card("pad stack name-dialog"):
            text(title, tag="h2")
            text(about, "mute", tag="p")
            self.body = ui.element("div")
            self._name = ui.input("Name").props(f"outlined dense maxlength={limit} autofocus")
            self._name.on("keydown.enter", self._keep)
            self._refusal = text("", "warn small", tag="p").props("role=alert")
            with ui.element("div").classes("recipe-actions"):
                button("Cancel", self._dialog.close)
                button("Keep", self._keep, kind="primary")
        self._dialog.props["aria-label"] = title
        asks(self._dialog, need_of_event(ui.context.slot.parent, ""))  # a dialog lies outside of the part that opens it

    def ask(self, suggestion: str = "") -> None:
        """Open the dialog."""
        self._name.set_value(suggestion)
        self._refusal.set_text("")
        self._dialog.open()

    def _keep(self) -> None:
        try:
            self._on_name(str(self._name.value or ""))
        except PlaygroundError as error:
            self._refusal.set_text(error.message)
        else:
            self._dialog.close()
