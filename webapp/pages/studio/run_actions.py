"""The foot of the Studio's side panel: the run button; while a job runs its progress; then listening and keeping."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from separation.errors import PlaygroundError
from webapp.components.run_button.run_button import RunButton
from webapp.pages.queue.job_words import spoken_of
from webapp.pages.studio.job_view import JobView
from webapp.pages.studio.run_stage import RunAction, Stage
from webapp.state.queue.job import Job
from webapp.state.queue.visible_jobs import VisibleJobs
from webapp.theme import button, text

_LISTEN = (
    "() => { const { player } = window.audioPlayground; player.seek(0); player.play(); }"  # in the browser, at once
)


class RunActions:
    """What a person can do next about the sounds that are asked for.

    Args:
        jobs: the jobs that the visitor sees.
        on_run: called when a person wants to separate.
        on_keep: called when a person wants the stems as files.
        on_error: called with why a job has failed, or why a change of the queue cannot be stored.
    """

    def __init__(
        self,
        jobs: VisibleJobs,
        on_run: Callable[[], object],
        on_keep: Callable[[], object],
        *,
        on_error: Callable[[PlaygroundError], object],
    ) -> None:
        self._spoken = text("", "sr-only").props("role=status")
        self._job = JobView(jobs, on_error=on_error)
        tip = "Runs in the background, so you can leave this page. Earlier results are kept."
        self._run = RunButton(on_run, tip=tip)
        with self._run, ui.element("div").classes("made-actions"):
            button("Listen", icon_name="play", tip="Plays the tracks from the start").on("click", js_handler=_LISTEN)
            keep = button("Keep stems", on_keep, kind="primary", icon_name="download", tip="One zip with every track")
            keep.classes("grow")

    def show(self, job: Job | None, action: RunAction) -> None:
        """Show what can be done, and the job unless it is over and heard."""
        self._spoken.set_text(spoken_of(job))
        self._job.show(job)
        self._run.show(action.words, ready=action.ready, verb=action.verb, heard=action.heard)
        self._run.set_visibility(action.stage is not Stage.BUSY)

    def say_failure(self, job: Job) -> None:
        """Report why a job failed, once."""
        self._job.say_failure(job)
