"""The notice that offers to resume jobs that were interrupted when the server stopped."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from storage import StorageError
from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.components.pieces.icons import icon
from webapp.state.queue.visible_jobs import VisibleJobs
from webapp.theme import button, text


class InterruptedOffer:
    """Says how many jobs were interrupted, while there are any; one click resumes them all.

    Args:
        jobs: the jobs that the visitor sees.
        on_show: called when a person wants to see them.
        on_error: called with why they cannot be resumed.
    """

    def __init__(
        self, jobs: VisibleJobs, *, on_show: Callable[[], object], on_error: Callable[[StorageError], object]
    ) -> None:
        self._jobs, self._on_error = jobs, on_error
        with ui.element("section").classes("card offer").props("role=status") as self._line:
            only_for(self._line, Right.RUN)
            icon("warning")
            self._words = text("", "offer-words", tag="p")
            with ui.element("span").classes("job-buttons"):
                button("Show queue", on_show, tip="One by one: go on or discard")
                self._resume = button(
                    "", self._resume_all, tip="Continues where it stopped; finished chunks are not computed again"
                )
        self.show(None)

    def _resume_all(self) -> None:
        try:
            self._jobs.resume(*self._jobs.interrupted)
        except StorageError as error:
            self._on_error(error)

    def show(self, recording_key: str | None) -> None:
        """Redraw the notice, or hide it if no job was interrupted.

        Args:
            recording_key: key of the open recording, whose own job has its card; None if none is open.
        """
        interrupted = self._jobs.interrupted
        own = self._jobs.active(recording_key) if recording_key is not None else None
        elsewhere = [job for job in interrupted if job is not own]
        what = f"“{elsewhere[0].record.recording_name}” was" if len(elsewhere) == 1 else f"{len(elsewhere)} jobs were"
        self._words.set_text(f"{what} interrupted when the studio stopped. What was finished is kept.")
        self._resume.set_text("Go on with all" if len(interrupted) > 1 else "Go on")
        self._line.set_visibility(bool(elsewhere))
