"""Buttons that recall a mix: the usual ones and saved ones, and a field to save the current mix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from nicegui import ui

from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.components.sent import arguments_to
from webapp.state.mixers import MAX_NAME, Levels, usual_mixes
from webapp.theme import chip, text, tipped

_ENTER = "(event) => { const name = event.target.value.trim(); if (name) emit(name); event.target.value = ''; }"


class MixRow:
    """A row of buttons with the usual and the saved mixes of one recording.

    Args:
        on_recall: called with the mix that a person has chosen.
        on_save: called with a name under which to save the present mix.
        on_delete: called with the name of a saved mix to delete.
    """

    def __init__(
        self,
        *,
        on_recall: Callable[[Levels], object],
        on_save: Callable[[str], object],
        on_delete: Callable[[str], object],
    ) -> None:
        self._on_recall, self._on_delete = on_recall, on_delete
        self._drawn: object = None
        self._choices: list[tuple[Levels, ui.element]] = []
        with ui.element("div").classes("mixes").props("role=group aria-label=Mixes") as self._row:
            asks(self._row, Asks.SESSION)
            self._list = ui.element("span").classes("chip-list")
            field = ui.element("input").classes("prompt-input mix-name")
            field.props(f"type=text maxlength={MAX_NAME} enterkeyhint=done")
            field.props["placeholder"] = field.props["aria-label"] = "Save this mix as…"
            field.on("keydown.enter", arguments_to(on_save, str), js_handler=_ENTER)
            tipped(field, "Keeps gain, place, mute and solo of every sound under a name. Press Enter.")

    def show(self, sounds: Sequence[str], saved: Mapping[str, Levels], levels: Levels) -> None:
        """Draw the buttons, with those marked that match `levels`."""
        self._row.set_visibility(bool(sounds))
        wanted = (list(sounds), {name: dict(mix) for name, mix in saved.items()})
        if self._drawn != wanted:
            self._drawn = wanted
            self._list.clear()
            self._choices = []
            with self._list:
                for label, mix in usual_mixes(sounds).items() if sounds else ():
                    self._choices.append((mix, self._usual(label, mix)))
                for name, mix in saved.items():
                    remove = partial(self._on_delete, name)
                    one = chip(name, "var(--accent)", on_click=partial(self._on_recall, mix), on_remove=remove)
                    self._choices.append((mix, one))
        self.mark(levels)

    def mark(self, levels: Levels) -> None:
        """Mark the mixes that match the current levels."""
        for mix, element in self._choices:
            audible = {sound: levels[sound] for sound in mix if sound in levels}
            on = bool(audible) and all(mix[sound] == level for sound, level in audible.items())
            element.classes(add="on" if on else "", remove="" if on else "on")
            button = element if element.tag == "button" else element.default_slot.children[0]
            button.props(f"aria-pressed={'true' if on else 'false'}")

    def _usual(self, label: str, mix: Levels) -> ui.element:
        element = text(label, "toggle", tag="button").props("type=button")
        element.on("click", lambda _: self._on_recall(mix), [])
        return element
