"""One line to type something into, and the button that sends it."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from webapp.theme import button

_SEND = """(event) => {
    const field = event.currentTarget.closest(".line-form").querySelector("input");
    const typed = field.value;
    field.value = "";
    emit(typed);
}"""


class LineForm(ui.element):
    """A field with a button; Enter sends it too. What was sent is cleared.

    Args:
        label: the name of the field for screen readers.
        action: what is written on the button.
        on_send: called with what was typed.
        hint: what the field shows while it is empty.
        limit: the most letters.
    """

    def __init__(
        self, label: str, action: str, on_send: Callable[[str], object], *, hint: str, limit: int = 100
    ) -> None:
        super().__init__("div")
        self.classes("line-form")

        def send(event: object) -> object:
            typed = getattr(event, "args", None)
            return on_send(typed[:limit]) if isinstance(typed, str) else None

        with self:
            field = ui.element("input").props(f"type=text autocomplete=off spellcheck=false maxlength={limit}")
            field.props["aria-label"], field.props["placeholder"] = label, hint
            field.on("keydown.enter", send, js_handler=_SEND)
            button(action).on("click", send, js_handler=_SEND)
