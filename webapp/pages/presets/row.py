"""The person's own presets: chips that apply them, and a button that keeps what is set as another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from separation.model import Backend
from separation.request import Request
from separation.workflows.own_presets import MAX_NAME, OwnPreset
from webapp.components.pieces.name_dialog import NameDialog
from webapp.state.kept.own_presets import OwnPresets
from webapp.theme import button, chip

KEPT = "Saves model, chunks, solver and precision under a name, for every recording; not sounds, spans and device."


class PresetRow:
    """The own presets of the separator in use; those of others are not offered.

    Args:
        presets: all of them.
        on_apply: called with the preset that was chosen.
    """

    def __init__(self, presets: OwnPresets, *, on_apply: Callable[[OwnPreset], object]) -> None:
        self._presets, self._on_apply = presets, on_apply
        self._settled: Request | None = None
        self._used: Backend | None = None
        self._drawn: object = None
        with ui.element("div").classes("own-presets").props('role=group aria-label="My presets"'):
            self._list = ui.element("span").classes("chip-list")
            self._keep = button("Save as preset…", self._ask, kind="plain", tip=KEPT)
        self._dialog = NameDialog("Save as preset", KEPT, limit=MAX_NAME, on_name=self._kept)
        presets.changed.subscribe(self._draw)

    def show(self, settled: Request, used: Backend, *, possible: bool) -> None:
        """Draw the presets of the separator in use, and mark the one whose settings these are.

        Args:
            settled: the settings as they would be used.
            used: the backend that would separate.
            possible: whether it can; else there is nothing that could be kept.
        """
        self._settled = settled if possible else None
        self._used = used
        self._keep.set_visibility(possible)
        self._draw()

    def _draw(self) -> None:
        if self._used is None:
            return
        settled = self._settled
        fitting = [preset for preset in self._presets.all() if preset.fits(self._used)]
        wanted = [(preset, settled is not None and preset.is_in(settled)) for preset in fitting]
        if self._drawn == wanted:
            return
        self._drawn = wanted
        self._list.clear()
        with self._list:
            for preset, on in wanted:
                apply, remove = partial(self._on_apply, preset), partial(self._presets.delete, preset)
                chip(preset.name, "var(--accent)", selected=on, on_click=apply, on_remove=remove)
        self._list.set_visibility(bool(wanted))

    def _ask(self) -> None:
        self._dialog.ask()

    def _kept(self, name: str) -> None:
        if self._settled is not None:
            self._presets.keep(name, self._settled)
