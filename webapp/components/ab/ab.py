"""A switch between two results that play together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from nicegui import ui

from webapp.components.player import PLAYER_MODULE


class Side(TypedDict):
    """One of the two results: the key that selects it, and how it is labelled and levelled."""

    side: str
    label: str
    match: str  # by how much it is turned down


class Ab(ui.element, component="ab.js", esm=PLAYER_MODULE):
    """The switch that selects which side of the tracks is heard (`Track.side`), also by the keys A and B."""

    def __init__(self) -> None:
        super().__init__()
        self._props["sides"] = []

    def set_sides(self, sides: Sequence[Side]) -> None:
        """Replace the two sides and redraw the switch."""
        self._props["sides"] = list(sides)
