"""Mixes that are recalled by a press: the usual ones and saved ones, and a field to save the present mix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from nicegui import ui

from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.components.changes import CHANGES_MODULE, take_changes
from webapp.components.player import PLAYER_MODULE


class MixedTrack(TypedDict):
    """A track that is shown, and the name under which mixes hold its settings."""

    id: str
    sound: str


class SoundMix(TypedDict):
    """The mixer settings of one sound."""

    gain_db: float
    muted: bool
    solo: bool
    pan: float


Mix = Mapping[str, SoundMix]  # by the name of a sound


class SavedMixChange(TypedDict, total=False):
    """What a person does: saves the present mix under a name, or removes the one of that name."""

    save: str
    levels: dict[str, SoundMix]
    remove: str


class Mixes(ui.element, component="mixes.js", esm=CHANGES_MODULE | PLAYER_MODULE):
    """A row of buttons with the usual and the saved mixes of one recording.

    A press sets the mixer in the browser; `Tracks` of the same page then reports what has changed, as after a fader.

    Args:
        on_save: called with a name and the mix to save under it.
        on_remove: called with the name of a saved mix to delete.
    """

    def __init__(self, *, on_save: Callable[[str, Mix], object], on_remove: Callable[[str], object]) -> None:
        super().__init__()
        asks(self, Asks.SESSION)
        self._on_save, self._on_remove = on_save, on_remove
        for name in ("usual", "saved", "tracks"):
            self._props[name] = []
        take_changes(self, self._changed, SavedMixChange)

    def show(self, tracks: Sequence[MixedTrack], usual: Mapping[str, Mix], saved: Mapping[str, Mix]) -> None:
        """Draw the buttons; without usual mixes the row is hidden.

        Args:
            tracks: the tracks that are shown.
            usual: mixes that every recording has, by their labels.
            saved: the person's own, by their names.
        """
        self.set_visibility(bool(usual))
        wanted = {"tracks": list(tracks), "usual": _listed(usual), "saved": _listed(saved)}
        for name, value in wanted.items():
            if self._props[name] != value:
                self._props[name] = value

    def _changed(self, change: SavedMixChange) -> object:
        if "save" in change:
            return self._on_save(change["save"], change.get("levels", {}))
        return self._on_remove(change["remove"]) if "remove" in change else None


def _listed(mixes: Mapping[str, Mix]) -> list[dict[str, object]]:
    return [{"name": name, "levels": dict(levels)} for name, levels in mixes.items()]
