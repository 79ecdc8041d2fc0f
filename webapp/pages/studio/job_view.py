"""The card of a job: what it is doing, chunk by chunk, and a way to stop it or to go on."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from separation.errors import PlaygroundError
from storage import StorageError
from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.pages.queue.job_cells import JobCells
from webapp.pages.queue.job_words import detail_of, left_of, title_of
from webapp.state.queue.jobs import Job, State
from webapp.state.queue.visible_jobs import VisibleJobs
from webapp.theme import JobCard, button


class JobView:
    """The card of a recording's job while it runs, waits or can be resumed; hidden otherwise.

    Args:
        jobs: the jobs that the visitor sees.
        on_error: called with why a job has failed, or why a change of the queue cannot be stored.
    """

    def __init__(self, jobs: VisibleJobs, *, on_error: Callable[[PlaygroundError], object]) -> None:
        self._job: Job | None = None
        self._jobs, self._on_error = jobs, on_error
        self._put_away_at = ""
        self._failed_at = ""
        self._drawn = False
        self._place = only_for(ui.element("div").classes("job-place"), Right.RUN)
        self._place.set_visibility(False)
        self._clock = ui.timer(1.0, self._say_time, active=False)

    def show(self, job: Job | None) -> None:
        """Redraw the card. It is hidden for a finished job, whose tracks show, and a failed one, whose error shows."""
        self._job = job
        self._clock.active = job is not None and job.state is State.RUNNING
        self.say_failure(job)
        put_away = job is not None and job.over and job.record.ended == self._put_away_at
        self._place.set_visibility(job is not None and not put_away and job.state not in (State.DONE, State.FAILED))
        if job is None:
            return
        if not self._drawn:
            self._drawn = True
            with self._place:
                self._draw()
        is_mine = self._jobs.may_change(job)
        self._cancel.set_visibility(is_mine and not job.over and not job.cancel.is_set())
        for answer in (self._resume, self._discard):
            answer.set_visibility(is_mine and job.state is State.INTERRUPTED)
        self._dismiss.set_visibility(job.state is State.CANCELLED)
        self._place.classes(**{"add" if job.state is State.INTERRUPTED else "remove": "interrupted"})
        self._say_time()
        self._cells.show(job)

    def _say_time(self) -> None:
        """Say what the job is doing and how long it has taken and will take."""
        if (job := self._job) is None or not self._drawn:
            return
        detail = detail_of(job, self._jobs.ahead_of(job), paused=self._jobs.paused, behind_cell=self._jobs.is_between)
        self._card.set_state(title_of(job), detail, left_of(job))

    def say_failure(self, job: Job | None) -> None:
        """Report why a job failed, once per page however often it is called."""
        if job is not None and job.error is not None and job.record.ended != self._failed_at:
            self._failed_at = job.record.ended
            self._on_error(job.error)

    def _draw(self) -> None:
        jobs = self._jobs
        self._card = JobCard("Separating")
        with self._card.buttons:
            self._cancel = self._button(
                "Cancel", jobs.cancel, "Stops after the model's current step; finished chunks are kept"
            )
            self._resume = self._button("Go on", jobs.resume, "Continues it; finished chunks are not computed again")
            self._discard = self._button("Discard", jobs.discard, "Removes this job; finished chunks are kept")
            self._dismiss = self._button(
                "Dismiss",
                self._put_away,
                "Removes this job and what can be heard of it; finished chunks are kept",
            )
        self._cells = JobCells(self._card.cells)

    def _button(self, label: str, action: Callable[[Job], object], tip: str) -> ui.element:
        return button(label, lambda: self._do(action), tip=tip)

    def _put_away(self, job: Job) -> None:
        self._put_away_at = job.record.ended
        self._jobs.put_away(job)

    def _do(self, action: Callable[[Job], object]) -> None:
        if (job := self._job) is None:
            return
        try:
            action(job)
        except StorageError as error:
            self._on_error(error)
        self.show(job if job in self._jobs.all else None)
