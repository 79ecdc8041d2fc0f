"""A row of cells for the chunks of a job: what is done, what runs, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, TypedDict

from nicegui import ui

from webapp.components.player import PLAYER_MODULE
from webapp.components.player.track import ChunkState


class Cell(TypedDict):
    """One cell of a job card."""

    state: ChunkState
    fraction: float  # 0..1 of a running one


class Cells(ui.element, component="cells.js", esm=PLAYER_MODULE):
    """A row of cells of equal width, drawn on a canvas, so that any number of them fits."""

    def __init__(self, cells: Sequence[Cell] = (), *, label: str = "Chunks of this job") -> None:
        super().__init__()
        self._props["cells"] = list(cells)
        self._props["label"] = label

    def set_cells(self, cells: Sequence[Cell]) -> Self:
        """Replace all cells."""
        self._props["cells"] = list(cells)
        return self

    def update_cell(self, index: int, state: ChunkState, fraction: float = 0.0) -> None:
        """Redraw one cell; it sends only a few bytes, so it may be called at every solver step."""
        cells: list[Cell] = self._props["cells"]
        with self._props.suspend_updates():
            cells[index] = Cell(state=state, fraction=fraction)
        self.run_method("updateCell", index, state, fraction)
