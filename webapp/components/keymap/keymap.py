"""The dialog of keyboard shortcuts, opened with “?”."""

from __future__ import annotations

from nicegui import ui

from webapp.components.player import PLAYER_MODULE

# Title of a group to keys (parted by blanks) to what they do.
KEYS = {
    "Playing": {
        "K P": "Play and pause",
        "J L": "Five seconds back, five on",
        "Home": "To the start",
        "< >": "Slower, faster, at the same pitch",
        "A B": "Of two results that are compared, this or that",
    },
    "On the waveform": {
        "← →": "A little back, a little on (Shift: five seconds)",
        "PageUp PageDown": "Ten seconds on, ten back",
        "+ - 0": "Closer, further, all of it",
    },
    "On a track": {"M S": "Mute, solo"},
    "Spans": {
        "Y N": "Here it is, here it is not: a second at the playhead",
        "← →": "Move the span by a frame (Shift: ten)",
        "↑ ↓": "Move its end; with Alt its start",
        "+ -": "Set its sign",
        "Enter": "Type its times",
        "Delete": "Remove it",
        "Ctrl+Z": "Undo; with Shift, redo",
    },
    "Comparing": {
        "1-8": "Hear that side",
        "D": "Hear the difference of two sides",
        "N": "Pin a note to the playhead",
    },
    "Prompts": {"Alt+← Alt+→": "Change the order", "Delete": "Leave it out"},
}


class Keymap(ui.element, component="keymap.js", esm=PLAYER_MODULE):
    """A button that opens a dialog listing the keyboard shortcuts."""

    def __init__(self) -> None:
        super().__init__()
        self._props["groups"] = [{"title": title, "keys": list(keys.items())} for title, keys in KEYS.items()]
