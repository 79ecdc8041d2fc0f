"""Notes pinned to times: marks over a waveform, and below it a list with a field for the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NotRequired, Self, TypedDict

from nicegui import ui

from webapp.components.changes import CHANGES_MODULE, take_changes
from webapp.components.player import PLAYER_MODULE


class PinnedNote(TypedDict):
    """A note, and the sound in which it was heard; that has neither `source` nor `label` if only the time counts."""

    id: str
    time_s: float
    text: str
    source: str
    label: str


class NoteSide(TypedDict):
    """A side that can be heard, to which a note can be pinned."""

    side: str  # the player's
    source: str
    label: str
    color: str


class NoteChange(TypedDict):
    """What a person does: adds a note, or edits or removes the one of that id."""

    recording: str  # as the element was given it then
    add: NotRequired[PinnedNote]
    edit: NotRequired[str]
    text: NotRequired[str]  # what the edited note says now
    remove: NotRequired[str]


class PinnedNotes(ui.element, component="notes.js", esm=CHANGES_MODULE | PLAYER_MODULE):
    """A layer inside a waveform, `with WaveformPlot(track): PinnedNotes(...)`, which adds a list below it.

    Anywhere on the page N pins a note to the playhead, and to the side that is heard unless the person decides
    otherwise. Deleting one can be undone.

    Args:
        on_change: called with each change.
    """

    def __init__(self, on_change: Callable[[NoteChange], object]) -> None:
        super().__init__()
        self._props["notes"] = []
        self._props["sides"] = []
        self._props["recording"] = ""
        take_changes(self, on_change, NoteChange)

    def show(self, recording: str, notes: Sequence[PinnedNote], sides: Sequence[NoteSide]) -> Self:
        """Draw the notes of a recording, in the order of their times; without a recording there is no list."""
        for name, value in (("recording", recording), ("notes", list(notes)), ("sides", list(sides))):
            if self._props[name] != value:
                self._props[name] = value
        return self
