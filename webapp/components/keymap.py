"""What the keys do, shown with “?”."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui


class Keymap(ui.element, component="keymap.js", esm={"audio-playground-player": "player"}):
    """A button and a dialog.

    Args:
        groups: title to (keys, parted by blanks, to what they do).
    """

    def __init__(self, groups: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__()
        self._props["groups"] = [{"title": title, "keys": list(keys.items())} for title, keys in groups.items()]
