"""The queue of this server, in a panel that the header opens: every job, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui

from storage import StorageError
from webapp.access.handlers import asks, only_for
from webapp.access.roles import Right
from webapp.access.routes import Asks
from webapp.pages.queue.job_row import JobRow
from webapp.state.queue.jobs import Job
from webapp.state.queue.visible_jobs import VisibleJobs, ended_of
from webapp.theme import Messages, button, heading, icon_button, text

N_OVER = 10  # jobs that are over, until a person wants to see the older ones


class QueueView:
    """A button that shows the number of jobs, and the panel that it opens; all pages show the same jobs.

    Args:
        jobs: the jobs that the visitor sees.
        on_open: called with the key of a recording that a person wants to open in the Studio.
    """

    def __init__(self, jobs: VisibleJobs, *, on_open: Callable[[str], object]) -> None:
        self._jobs, self._on_open = jobs, on_open
        self._rows: dict[str, JobRow] = {}
        self._n_over = N_OVER
        self._button = icon_button("queue", "Queue", self.open).classes("queue-button")
        with self._button:
            self._count = text("", "badge num").props("aria-hidden=true")
        self._dialog = asks(ui.dialog().props('position=right aria-label="Queue"'), Asks.SESSION)
        self._drawn = False  # most pages are loaded without it ever being opened
        jobs.changed.subscribe(self._job_changed)
        jobs.arranged.subscribe(self._arranged)
        self._label()

    def open(self) -> None:
        """Open the panel."""
        self._n_over = N_OVER
        if not self._drawn:
            self._drawn = True
            with self._dialog:
                self._panel()
        self._dialog.open()
        self._arrange()

    def _panel(self) -> None:
        jobs = self._jobs
        with ui.element("div").classes("queue"):
            with ui.element("div").classes("queue-head"):
                text("Queue", tag="h2")
                text("", "grow")
                self._pause = button(
                    "Pause",
                    lambda: self._do(jobs.pause),
                    icon_name="pause",
                    tip="The running job is finished; the next one waits until you press “Go on”",
                )
                self._go_on = button(
                    "Go on", lambda: self._do(jobs.go_on), icon_name="play", classes="go-on", tip="Starts the next job"
                )
                for arranging in (self._pause, self._go_on):
                    only_for(arranging, Asks.HOST)
                icon_button("close", "Close", self._dialog.close)
            self._messages = Messages()
            self._note = text("", "queue-note", tag="p").props("role=status")
            with ui.element("div").classes("queue-body"):
                with ui.element("div").classes("queue-empty") as self._empty:
                    text("Nothing is waiting", "drop-title", tag="p")
                    text(
                        "Press “Separate” and the job appears here. It continues when you leave the page.",
                        "mute",
                        tag="p",
                    )
                self._interrupted = _JobGroup("Interrupted")
                with self._interrupted.head:
                    self._resume_all = button(
                        "Go on with all",
                        lambda: self._do(partial(jobs.resume, *jobs.interrupted)),
                        tip="In the order in which they would have run; finished chunks are not computed again",
                    )
                only_for(self._resume_all, Right.RUN)
                self._now = _JobGroup("Now")
                self._next = _JobGroup("Next")
                self._over = _JobGroup("Earlier")
                with self._over.head:
                    clear = button(
                        "Clear", self._clear, kind="plain", tip="Empties this list; results stay in the library"
                    )
                    only_for(clear, Right.RUN)
                self._older = button("Show older", self._show_older, kind="plain")

    # what happens

    def _job_changed(self, job: Job) -> None:
        if self._dialog.value and job.id in self._rows:
            self._show(self._rows[job.id])

    def _arranged(self) -> None:
        self._label()
        if self._dialog.value:
            self._arrange()

    # what people do

    def _do(self, action: Callable[[], object]) -> None:
        try:
            action()
        except StorageError as error:
            self._messages.say(error)
        self._label()
        self._arrange()

    def _move(self, job: Job, places: int, pressed: ui.element) -> None:
        if job in self._jobs.queue:
            self._do(partial(self._jobs.move, job, places))
            # The button may be taken out of the page and put back on the way to its new place.
            ui.run_javascript(f"setTimeout(() => getHtmlElement({pressed.id})?.focus(), 50)")

    def _open_recording(self, job: Job) -> None:
        self._dialog.close()
        self._on_open(job.record.recording)

    def _clear(self) -> None:
        mine = (job for job in ended_of(self._jobs) if self._jobs.may_change(job))
        self._do(partial(self._jobs.discard, *mine))

    def _show_older(self) -> None:
        self._n_over = len(self._jobs.all)
        self._arrange()

    # what is shown

    def _label(self) -> None:
        jobs = self._jobs
        counts = {
            "running": int(jobs.running is not None),
            "waiting": len(jobs.queue),
            "interrupted": len(jobs.interrupted),
        }
        parts = [f"{count} {what}" for what, count in counts.items() if count] + ["paused"] * jobs.paused
        self._button.props["aria-label"] = f"Queue: {', '.join(parts) or 'empty'}"
        total = sum(counts.values())
        self._count.set_text(str(total) if total else "")
        self._count.classes(remove="warn", add="warn" if counts["interrupted"] or jobs.paused else "")

    def _arrange(self) -> None:
        """Put the row of every job at its place in its group; rows that are there already are not moved."""
        jobs = self._jobs
        over = ended_of(jobs)
        now = [jobs.running] if jobs.running is not None else []
        groups = {
            self._interrupted: jobs.interrupted,
            self._now: now,
            self._next: jobs.queue,
            self._over: over[: self._n_over],
        }
        shown = {job.id for members in groups.values() for job in members}
        for gone in [job_id for job_id in self._rows if job_id not in shown]:
            self._rows.pop(gone).element.delete()
        for group, members in groups.items():
            for job in members:
                if job.id not in self._rows:
                    with group.list:
                        self._rows[job.id] = self._row(job)
            group.hold([self._rows[job.id].element for job in members])
        for row in self._rows.values():
            self._show(row)
        self._empty.set_visibility(not shown)
        self._older.set_visibility(len(over) > self._n_over)
        self._resume_all.set_visibility(len(jobs.interrupted) > 1)
        self._pause.set_visibility(not jobs.paused)
        self._go_on.set_visibility(jobs.paused)
        self._note.set_text(_note(jobs))
        self._note.set_visibility(bool(_note(jobs)))

    def _row(self, job: Job) -> JobRow:
        jobs = self._jobs
        return JobRow(
            job,
            on_open=partial(self._open_recording, job),
            on_move=partial(self._move, job),
            on_cancel=lambda: self._do(partial(jobs.cancel, job)),
            on_resume=lambda: self._do(partial(jobs.resume, job)),
            on_discard=lambda: self._do(partial(jobs.discard, job)),
        )

    def _show(self, row: JobRow) -> None:
        queue = self._jobs.queue
        place = queue.index(row.job) if row.job in queue else 0
        ahead = self._jobs.ahead_of(row.job)
        jobs = self._jobs
        row.show(
            place=place,
            n_waiting=len(queue) if jobs.may_arrange else 0,
            n_ahead=ahead,
            paused=jobs.paused,
            behind_cell=jobs.is_between,
            is_mine=jobs.may_change(row.job),
        )


class _JobGroup:
    """A heading and a list under it; hidden while the list is empty."""

    def __init__(self, title: str) -> None:
        with ui.element("section").classes("queue-group") as self._section:
            with ui.element("div").classes("queue-group-head") as self.head:
                heading(title).classes("grow")
            self.list = ui.element("ul").classes("queue-list")
        self._section.set_visibility(False)

    def hold(self, rows: list[ui.element]) -> None:
        """Show exactly these rows in this order; rows of other groups are moved here."""
        for index, row in enumerate(rows):
            here = self.list.default_slot.children
            if index >= len(here) or here[index] is not row:
                row.move(self.list, index)
        self._section.set_visibility(bool(rows))


def _note(jobs: VisibleJobs) -> str:
    """Return a sentence about the queue as a whole, such as that it is paused."""
    if jobs.paused and jobs.running is not None:
        return "Paused: the running job is finished, and the next one waits."
    if jobs.paused:
        return f"Paused: nothing starts until {'you go' if jobs.may_arrange else 'the host goes'} on."
    return ""
