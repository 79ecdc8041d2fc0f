"""The card of a job: what it is doing, chunk by chunk, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable

from webapp.components.cells import Cell
from webapp.jobs import Job, State
from webapp.theme import JobCard, button


class JobView:
    """Shows one job while it goes on, or nothing.

    Args:
        on_cancel: called with the job when a person wants it stopped.
    """

    def __init__(self, *, on_cancel: Callable[[Job], object]) -> None:
        self.job: Job | None = None
        self._on_cancel = on_cancel
        self._card = JobCard("Separating")
        with self._card.buttons:
            self._cancel = button("Cancel", self._stop, tip="Stops at the model's next step; earlier results stay")
            self._dismiss = button("Dismiss", lambda: self._card.set_visibility(False), tip="Puts this line away")
        self._drawn: list[float] = []
        self._card.set_visibility(False)

    def show(self, job: Job | None) -> None:
        """Draw how the job stands now. A finished one gives its place to its tracks, a failed one to its sentence."""
        self.job = job
        self._card.set_visibility(job is not None and job.state not in (State.DONE, State.FAILED))
        if job is None:
            return
        self._cancel.set_visibility(not job.over and not job.cancel.is_set())
        self._dismiss.set_visibility(job.over)
        self._card.set_state(*_words(job))
        self._draw_cells(job)

    def _draw_cells(self, job: Job) -> None:
        if len(job.chunks) != len(self._drawn):
            self._card.cells.set_cells([_cell(done) for done in job.chunks])
        else:
            for index, (before, now) in enumerate(zip(self._drawn, job.chunks, strict=True)):
                if before != now:
                    cell = _cell(now)
                    self._card.cells.update_cell(index, cell["state"], cell["fraction"])
        self._drawn = list(job.chunks)

    def _stop(self) -> None:
        if self.job is not None:
            self._on_cancel(self.job)
            self.show(self.job)


def _cell(done: float) -> Cell:
    return Cell(state="done" if done >= 1 else "running" if done > 0 else "pending", fraction=done)


def _words(job: Job) -> tuple[str, str, str]:
    """Title, detail and time left."""
    if job.state is State.CANCELLED:
        return "Cancelled", "nothing was kept of this run", ""
    if job.cancel.is_set():
        return "Stopping", "at the model's next step", ""
    if job.state is State.QUEUED:
        return "Queued", "starts when the job before it ends", ""
    if job.loading is not None and job.loading.total_bytes:
        read = f"{job.loading.done_bytes / 1e6:.0f} of {job.loading.total_bytes / 1e6:.0f} MB"
        return "Loading the model", f"{job.loading.model} · {read}", ""
    if not job.chunks:
        return "Starting", "waking the process that separates", ""
    current = next((index for index, done in enumerate(job.chunks) if done < 1), len(job.chunks) - 1)
    return "Separating", f"chunk {current + 1} of {len(job.chunks)}", _left(job.remaining_s)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} left"
