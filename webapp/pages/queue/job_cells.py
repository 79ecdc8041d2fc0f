"""The chunks of a job as a row of cells."""

from __future__ import annotations

from webapp.components.cells.cells import Cell, Cells
from webapp.state.queue.jobs import Job

FEW_CELLS = 8  # more of them that change at once are sent together


class JobCells:
    """Draws the chunks of a job into a row of cells and sends only the cells that have changed."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._drawn: list[Cell] = []

    def show(self, job: Job) -> None:
        """Send the cells that have changed since the last call."""
        wanted = cells_of(job)
        if len(wanted) != len(self._drawn):
            self._cells.set_cells(wanted)
        else:
            changed = [index for index, cell in enumerate(wanted) if cell != self._drawn[index]]
            if len(changed) > FEW_CELLS:
                self._cells.set_cells(wanted)
            else:
                for index in changed:
                    self._cells.update_cell(index, wanted[index]["state"], wanted[index]["fraction"])
        self._drawn = wanted


def cells_of(job: Job) -> list[Cell]:
    """Return a cell for each chunk of a job."""
    return [cell_of(job, index) for index in range(len(job.chunks))]


def cell_of(job: Job, index: int) -> Cell:
    """Return the cell of a chunk, which shows how much of it is done."""
    done = job.chunks[index]
    if done >= 1:
        return Cell(state="cached" if index in job.kept else "done", fraction=1.0)
    return Cell(state="running" if done > 0 else "pending", fraction=done)
