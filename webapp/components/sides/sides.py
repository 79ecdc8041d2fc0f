"""A switch between the sides of a comparison, which play together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from nicegui import ui

from webapp.components.player import PLAYER_MODULE


class Side(TypedDict):
    """One side: the key that selects it, how it is labelled, and what is done about its level."""

    side: str  # one letter or digit, which is its key too
    label: str
    match: str  # by how much it is turned down
    settings: NotRequired[str]  # a second line: those in which it differs from the others
    about: NotRequired[str]  # what else there is to say of it


class Sides(ui.element, component="sides.js", esm=PLAYER_MODULE):
    """The switch that selects which side of the tracks is heard (`Track.side`), also by the key of each side.

    Args:
        many: whether there may be more than two, each of which then has a card of its own.
    """

    def __init__(self, *, many: bool = False) -> None:
        super().__init__()
        self._props["sides"] = []
        self._props["many"] = many

    def set_sides(self, sides: Sequence[Side]) -> None:
        """Replace the sides and redraw the switch."""
        self._props["sides"] = list(sides)
