"""One job in the queue panel: its recording, prompts and state, and buttons to move, stop or resume it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from nicegui import ui

from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.access.routes import Asks
from webapp.components.cells.cells import Cells
from webapp.pages.queue.job_cells import JobCells
from webapp.pages.queue.job_report import show_report
from webapp.pages.queue.job_words import detail_of, left_of, title_of, took
from webapp.state.queue.jobs import Job, State
from webapp.theme import ActionPlace, button, icon_button, pill, stem_color, text, tipped

PILLS = {State.RUNNING: "ok", State.INTERRUPTED: "warn", State.FAILED: "bad"}
AGAIN = {State.INTERRUPTED: "Go on", State.FAILED: "Try again", State.CANCELLED: "Go on"}


class JobRow:
    """A job as one entry of a list.

    Args:
        job: the job; its recording and its prompts never change.
        on_open: called when a person wants to open its recording in the Studio.
        on_move: called with the number of places to move it (negative is up) and the button that was pressed.
        on_cancel, on_resume, on_discard: called when a person wants to cancel it, resume it, or take it off the list.
    """

    def __init__(
        self,
        job: Job,
        *,
        on_open: Callable[[], object],
        on_move: Callable[[int, ui.element], object],
        on_cancel: Callable[[], object],
        on_resume: Callable[[], object],
        on_discard: Callable[[], object],
    ) -> None:
        self.job = job
        name = job.record.recording_name
        with ui.element("li").classes("job-row") as self.element:
            with ui.element("div").classes("job-row-head"):
                opener = text(name, "job-row-name", tag="button").props("type=button")
                tipped(opener, "Opens this recording in the Studio").on("click", lambda _: on_open(), [])
                self._people = text("", "mute small")
                self._pill = pill("")
            _prompts(job)
            with ui.element("div").classes("job-row-progress") as self._progress:
                cells = Cells(label=f"Chunks of {name}")
                self._percent = text("", "num mute")
            self._cells = JobCells(cells)
            with ui.element("div").classes("job-row-foot"):
                self._words = text("", "mute small job-row-words", tag="p")
                with ui.element("span").classes("job-buttons"):
                    self._up = icon_button("up", f"Move {name} up")
                    self._up.on("click", lambda _: on_move(-1, self._up), [])
                    self._down = icon_button("down", f"Move {name} down")
                    self._down.on("click", lambda _: on_move(1, self._down), [])
                    self._again = button("", on_resume, tip="Finished chunks are not computed again")
                    self._cancel = button(
                        "Cancel", on_cancel, tip="Stops after the model's current step; finished chunks are kept"
                    )
                    self._discard = icon_button("trash", f"Take {name} off the list", on_discard)
                    for move in (self._up, self._down):
                        only_for(move, Asks.HOST)
                    for act in (self._again, self._cancel, self._discard):
                        only_for(act, Right.RUN)
                    self._details = button("Details", self._unfold, kind="plain")
                    self._details.props("aria-expanded=false")
            self._action = ActionPlace()
            self._fold = ui.element("div").classes("job-row-details")
        self._log: ui.element | None = None
        self._n_lines = 0
        self._fold.set_visibility(False)

    def show(self, *, place: int, n_waiting: int, n_ahead: int, paused: bool, behind_cell: bool, is_mine: bool) -> None:
        """Redraw the row.

        Args:
            place: its place among the waiting jobs that the visitor may move; 0 is next.
            n_waiting: their number.
            n_ahead: the number of jobs that run before it.
            behind_cell: whether a cell of a benchmark has to be done first.
            paused: whether the queue is paused.
            is_mine: whether the visitor may stop, resume and forget it.
        """
        job, state = self.job, self.job.state
        self._pill.set_text(title_of(job))
        self._pill.classes(remove="ok warn bad", add=PILLS.get(state, ""))
        self._progress.set_visibility(state is State.RUNNING)
        self._percent.set_text(left_of(job) or f"{100 * job.progress:.0f} %")
        if state is State.RUNNING:
            self._cells.show(job)
        self._words.set_text(self._sentence(n_ahead, paused, behind_cell))
        self._words.classes(remove="whole", add="whole" if state is State.FAILED else "")
        self._action.show(job.error.action if state is State.FAILED and job.error is not None else None)
        waiting = state is State.QUEUED
        for move, possible in ((self._up, place > 0), (self._down, place < n_waiting - 1)):
            move.set_visibility(waiting and n_waiting > 1)
            # Not `disabled`: a person who moves a job to an end by keyboard keeps the focus.
            move.props(f"aria-disabled={'false' if possible else 'true'}")
        self._again.set_text(AGAIN.get(state, ""))
        self._again.set_visibility(is_mine and state in AGAIN)
        self._cancel.set_visibility(is_mine and not job.over and not job.cancel.is_set())
        self._discard.set_visibility(is_mine and job.over)
        self._people.set_text(f"for {', '.join(names)}" if (names := sorted(filter(None, job.people.values()))) else "")
        if self._log is not None:
            self._write_log(self._log)

    def _sentence(self, n_ahead: int, paused: bool, behind_cell: bool) -> str:
        job = self.job
        words = detail_of(job, n_ahead, paused=paused, behind_cell=behind_cell)
        if job.state is State.DONE:
            words = " · ".join(part for part in (when(job.record.ended), words or took(job)) if part)
        return words[:1].upper() + words[1:]

    def _unfold(self) -> None:
        opened = self._log is None
        if opened:
            with self._fold:
                for sentence in (self.job.record.error or ())[1:]:
                    text(sentence, "small", tag="p")
                show_report(self.job)
                with ui.element("ol").classes("job-log").props("tabindex=0") as self._log:
                    pass
                self._log.props["aria-label"] = f"What happened to {self.job.record.recording_name}"
            self._n_lines = 0
            self._write_log(self._log)
        else:
            self._fold.clear()
            self._log = None
        self._fold.set_visibility(opened)
        self._details.props(f"aria-expanded={'true' if opened else 'false'}")

    def _write_log(self, log: ui.element) -> None:
        lines = self.job.record.log
        with log:
            for line in lines[self._n_lines :]:
                with ui.element("li"):
                    text(when(line.time, seconds=True), "mute num", tag="time")
                    text(line.text)
        self._n_lines = len(lines)


def when(time: str, *, seconds: bool = False) -> str:
    """Return a record's time as local clock time, with the date unless it is today; "" for an empty one."""
    if not time:
        return ""
    moment, now = datetime.fromisoformat(time).astimezone(), datetime.now().astimezone()
    clock = moment.strftime("%H:%M:%S" if seconds else "%H:%M")
    return clock if moment.date() == now.date() else f"{moment.day} {moment.strftime('%b')} {clock}"


def _prompts(job: Job) -> None:
    colors: list[str] = []
    with ui.element("p").classes("job-row-prompts"):
        for prompt in job.record.prompts:
            colors.append(stem_color(prompt, colors))
            with ui.element("span").style(f"--stem: {colors[-1]}"):
                ui.element("i").classes("dot")
                text(prompt)
