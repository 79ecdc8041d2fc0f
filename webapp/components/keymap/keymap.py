"""The dialog of keyboard shortcuts, opened with “?”."""

from __future__ import annotations

from nicegui import ui

from webapp.components.player import PLAYER_MODULE

# Title of a group to keys (parted by blanks) to what they do.
KEYS = {
    "Playing": {
        "Space K": "Play and pause",
        "← →": "Back or forward one second",
        "J L": "Back or forward five seconds",
        "Home": "To the start",
        "< >": "Slower, faster, at the same pitch",
        "[ ]": "Loop from here, loop to here",
        "R": "Loop on and off",
        "Esc": "Remove the passage that is looped",
        "O": "Hold to hear the recording itself",
        "A B": "Hear result A or B of two that are compared",
    },
    "Everywhere": {
        "Ctrl+Enter": "Separate",
        "Ctrl+O": "Open a file",
        "?": "This list",
    },
    "On the waveform": {
        "← →": "Back or forward a little (Shift: five seconds)",
        "PageUp PageDown": "Forward or back ten seconds",
        "+ - 0": "Zoom in, zoom out, show all",
    },
    "Tracks": {"1-9": "Solo that sound, or hear all again", "M S": "Mute or solo the track that was touched last"},
    "Spans": {
        "Y N": "Mark one second from the playhead: the sound is here, or not here",
        "← →": "Move the span by a frame (Shift: ten)",
        "↑ ↓": "Move its end; with Alt its start",
        "+ -": "Say whether the sound is here or not",
        "Enter": "Type its times",
        "Delete": "Remove it",
        "Ctrl+Z": "Undo; with Shift, redo",
    },
    "Comparing": {
        "1-8": "Hear that side",
        "D": "Hear the difference of two sides",
        "N": "Pin a note to the playhead",
    },
    "Prompts": {"Alt+← Alt+→": "Change the order", "Delete": "Remove it"},
}


class Keymap(ui.element, component="keymap.js", esm=PLAYER_MODULE):
    """A button that opens a dialog listing the keyboard shortcuts."""

    def __init__(self) -> None:
        super().__init__()
        self._props["groups"] = [{"title": title, "keys": list(keys.items())} for title, keys in KEYS.items()]
