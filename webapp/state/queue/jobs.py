"""Jobs: the queue of this server, one separation at a time, in an order people can change.

A thread waits for the engine; the model itself runs in the engine's worker process. Pages never wait: they call the
methods of `Jobs` on the event loop, and subscribe to `changed` and `arranged`, which are emitted there: at once, but of
one job and kind of news at most ten times a second.

Every job has a record (`storage.JobTable`), so none is lost when the server stops, however it stops: what waited or ran
is interrupted and offered again, and the chunks it had finished are not computed again. Nothing starts by itself then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial

from nicegui import Event as PageEvent

from separation.backends.registry import answer_notes
from separation.engine.engine import Call, Engine
from separation.errors import PlaygroundError, unforeseen
from separation.events import ChunkFinished, Event, EventStream, TracksOpened, Warned
from separation.pipeline.tasks import warm_up
from separation.request import Request
from separation.results.kept import Recording, Result
from separation.results.runs import separate_recording
from storage import ArtifactStore, StorageError
from storage.records import JobRecord, JobTable
from storage.records import JobState as State
from storage.records.jobs import STOPPED, utc_now
from webapp.access.belongings import THE_HOSTS, Belongings
from webapp.state.fetching import fetch_for
from webapp.state.queue import requests
from webapp.state.queue.job import KEPT, Job
from webapp.state.queue.job_tracks import JobTracks
from webapp.state.runner import Runner, Work

__all__ = ["Job", "Jobs", "State"]

log = logging.getLogger(__name__)
ANNOUNCE_S = 0.1
CLOSE_S = 60.0  # an evaluation of a model that runs in this process has to come to its end


class Jobs:
    """The queue of this server: one heavy model at a time.

    Attributes:
        changed: is emitted with a job when its state or progress has changed.
        arranged: is emitted when jobs were added, removed or moved, or the queue was paused or continued.
        fetched: is emitted when a job has downloaded a model.
        tracks: what can be heard of results that are not kept yet.
        prepare: starts a worker and warms it up in the background, so that the first job need not wait for that.
        is_between: whether a piece of other work is being done, see `do_between`.
    """

    def __init__(
        self, store: ArtifactStore, engine: Engine, book: JobTable, belongings: Belongings | None = None
    ) -> None:
        self.changed: PageEvent[Job] = PageEvent()
        self.arranged: PageEvent[[]] = PageEvent()
        self.fetched: PageEvent[[]] = PageEvent()
        self._store, self._engine, self._book, self._belongings = store, engine, book, belongings or Belongings()
        self.prepare = partial(engine.prepare, Call(warm_up, ()))
        self._runner = Runner("jobs", returns_memory=True)
        self.tracks = JobTracks(store, lambda: self._running)
        self._jobs = {record.id: Job(record=record, earlier=True) for record in book.take_over()}
        self._paused = book.paused
        self._running: Job | None = None
        self._between: Callable[[], Work | None] = lambda: None
        self.is_between = False

    # what pages read

    @property
    def all(self) -> list[Job]:
        """Return every job of this server, in the order in which they were last asked for."""
        return list(self._jobs.values())

    @property
    def queue(self) -> list[Job]:
        """Return the jobs that wait, the next one first."""
        return requests.in_order(job for job in self._jobs.values() if job.state is State.QUEUED)

    @property
    def running(self) -> Job | None:
        """Return the job that is running, or None."""
        return self._running

    @property
    def closing(self) -> bool:
        """Whether the server is stopping: the running job is being interrupted, and no other starts."""
        return self._runner.closing

    @property
    def interrupted(self) -> list[Job]:
        """Return the jobs that a server left unfinished, in the order in which they would have run."""
        return requests.in_order(job for job in self._jobs.values() if job.state is State.INTERRUPTED)

    @property
    def paused(self) -> bool:
        """Whether the queue is paused: the running job goes on to its end, and no other starts."""
        return self._paused

    def active(self, recording_key: str) -> Job | None:
        """Return the job of a recording that runs; else the next that waits; else the one that was asked for last.

        Jobs that ended before this server started do not count, unless they were interrupted.
        """
        return requests.last_of(self._jobs.values(), recording_key)

    # what people do; all of it raises StorageError, and changes nothing, if it cannot be written down

    def submit(
        self, recording: Recording, request: Request, *, fetch: str = "", people: Mapping[str, str] = THE_HOSTS.people
    ) -> Job:
        """Queue a separation behind all others, and return its job; the same asked for twice is one job.

        If the same waits or runs, and is not being cancelled, its job is returned; one that was interrupted, or was
        cancelled and is heard in part, is resumed. It begins with the download of the model `fetch`, if one is named.
        """
        asked = request.to_dict()
        if (job := requests.find_same(self._going, recording.key, asked)) is not None:
            self._join(job, people)
            self._ask_again(job)
            return job
        if (job := requests.find_same(requests.resumable(self._jobs.values()), recording.key, asked)) is not None:
            job.record = replace(job.record, fetch=fetch or job.record.fetch)
            self._join(job, people)
            self.resume(job)
            return job
        queued = requests.new_record(recording, request, people, position=self._last_position() + 1, fetch=fetch)
        job = self._enter(queued.noting("Queued."))
        self._start_next()
        return job

    def look_up(
        self, recording: Recording, request: Request, kept: Result, people: Mapping[str, str] = THE_HOSTS.people
    ) -> Job:
        """Answer a request whose result is kept, whatever waits; return a job that is over, the last one if it fits."""
        self._belongings.note(kept.key, people, is_new=False)
        last = requests.last_of((job for job in self._jobs.values() if job.people == people), recording.key)
        if last is None or last.result is None or last.result.key != kept.key:
            done = replace(requests.new_record(recording, request, people), state=State.DONE, result=kept.key)
            said = " ".join((KEPT, *answer_notes(kept.request)))
            last = self._enter(replace(done, started=done.created, ended=done.created).noting(said))
            last.result = kept
            last.ended.set()
            self._forget_old()
        last.cached = True
        self._tell(last)
        return last

    def cancel(self, job: Job) -> None:
        """Stop a running job at the model's next evaluation, or take a waiting one out of the queue."""
        if job.state is State.RUNNING:
            job.cancel.set()
            self._tell(job)
        elif job.state is State.QUEUED:
            cancelled = replace(job.record, state=State.CANCELLED, ended=utc_now())
            self._write({job: cancelled.noting("Cancelled before it began.")})

    def resume(self, *jobs: Job) -> None:
        """Queue ended jobs again: interrupted ones at their old places, others behind all that wait.

        One of which the same waits or runs is forgotten instead.
        """
        changes: dict[Job, JobRecord] = {}
        spare, last = [], self._last_position()
        for job in jobs:
            if not job.over:
                continue
            if requests.find_same((*self._going, *changes), job.record.recording, job.record.request) is not None:
                spare.append(job)
                continue
            last += job.state is not State.INTERRUPTED
            position = job.record.position if job.state is State.INTERRUPTED else last
            queued = replace(job.record, state=State.QUEUED, position=position, started="", ended="")
            changes[job] = queued.with_error(None).noting("Queued again.")
        self._write(changes)
        for job in changes:
            job.earlier = False
            job.cancel.clear()
            self._ask_again(job)
        if spare:
            self.discard(*spare)
        self._start_next()

    def put_away(self, job: Job) -> None:
        """Delete what a cancelled job had made to be heard; its finished chunks stay in the store."""
        self.tracks.drop(job)
        self._tell(job)

    def discard(self, *jobs: Job) -> None:
        """Forget ended jobs; their results stay in the library, and their chunks in the store."""
        gone = [job.id for job in jobs if job.over]
        self._book.remove(*gone)
        self.tracks.drop(*(job for job in jobs if job.over))
        for job_id in gone:
            self._jobs.pop(job_id, None)
        self._tell(arranged=True)

    def move(self, job: Job, place: int) -> None:
        """Give a waiting job another place in the queue; 0 is next, too large a number is last."""
        queue = self.queue
        if job not in queue:
            return
        queue.remove(job)
        queue.insert(max(0, place), job)
        first = min(other.record.position for other in queue)
        self._write({other: replace(other.record, position=first + n) for n, other in enumerate(queue)})

    def pause(self) -> None:
        """Start no further job, not even after a restart of the server."""
        self._book.pause(True)
        self._paused = True
        self._tell(arranged=True)

    def go_on(self) -> None:
        """Start the jobs that wait, one after another."""
        self._book.pause(False)
        self._paused = False
        self._tell(arranged=True)
        self._start_next()

    def do_between(self, next_piece: Callable[[], Work | None]) -> None:
        """Do other work in the jobs' thread, a piece at a time, while no job waits; `next_piece` may return None."""
        self._between = next_piece

    def tell(self, call: Callable[[], object]) -> None:
        """Call `call` soon on the event loop; from a piece of other work."""
        self._runner.tell(call)

    def look_between(self) -> None:
        """Ask for other work, if nothing runs and no job waits."""
        self._start_next()

    def close(self) -> None:
        """Interrupt the running job, wait for its thread, and release the records for other servers."""
        if not self._runner.close(CLOSE_S):
            log.warning("a job does not stop; it is left behind, and its finished chunks are kept")
        self.tracks.close()
        for job in self._jobs.values():
            if job.state in (State.QUEUED, State.RUNNING):
                self._note_down(job, requests.interrupted(job.record))
        self._book.close()

    # on the event loop

    def _start_next(self) -> None:
        if self._paused or self._running is not None or self.is_between or self.closing:
            return
        if queue := self.queue:
            job = self._running = queue[0]
            started = replace(job.record, state=State.RUNNING, started=utc_now(), n_done=0, n_chunks=0, warnings=())
            self._note_down(job, started.noting("Started."))
            self._tell(job, arranged=True)
            self._runner.submit(lambda: self._work(job))
        elif (piece := self._between()) is not None:
            self.is_between = True
            self._runner.submit(piece)
            self._runner.submit(lambda: self._runner.tell(self._after_piece))

    def _after_piece(self) -> None:
        self.is_between = False
        self._start_next()

    def _ended(self, job: Job) -> None:
        self._running = None
        if self.closing:
            return
        self._forget_old()
        self._tell(job, arranged=True)
        self._start_next()

    def _forget_old(self) -> None:
        try:
            self.discard(*requests.outdated(self._jobs.values()))
        except StorageError as error:  # they are forgotten at the end of the next job, then
            log.warning("old jobs stay on record: %s", error)

    @property
    def _going(self) -> list[Job]:
        """The jobs that wait or run to the end, as far as anybody knows."""
        return [job for job in self._jobs.values() if not job.over and not job.cancel.is_set()]

    def _enter(self, record: JobRecord) -> Job:
        """Add a job; raise `StorageError`, and add none, if its record cannot be stored."""
        self._book.write(record)
        job = self._jobs[record.id] = Job(record=record)
        self._tell(job, arranged=True)
        return job

    def _join(self, job: Job, people: Mapping[str, str]) -> None:
        """Make a job that of further people too."""
        job.people.update(people)
        self._note_down(job, job.record)
        if job.opened is not None:
            self._belongings.note(job.opened.key, people, is_new=False)

    def _ask_again(self, job: Job) -> None:
        """Make a job the one that was asked for last."""
        self._jobs[job.id] = self._jobs.pop(job.id)
        self._tell(job, arranged=True)

    def _write(self, changes: dict[Job, JobRecord]) -> None:
        self._book.write(*changes.values())
        for job, record in changes.items():
            job.record = record
            self._tell(job, arranged=True)

    def _last_position(self) -> int:
        return max((job.record.position for job in self._jobs.values()), default=0)

    def _tell(self, job: Job | None = None, *, news: str = "", arranged: bool = False) -> None:
        """Tell the pages that a job has changed; news of one name, its state's unless given, hold up no others."""
        if job is not None:
            self._runner.tell_once(f"{job.id} {news or job.state}", lambda: self.changed.emit(job), ANNOUNCE_S)
        if arranged:
            self._runner.tell_once("", self.arranged.emit, ANNOUNCE_S)

    # in the jobs' thread

    def _work(self, job: Job) -> None:
        """Run one job until it is done, failed, cancelled or interrupted."""
        n_damaged = len(self._store.checks.found)
        error: PlaygroundError | None = None
        try:
            state, line = self._follow(job)
        except PlaygroundError as failure:
            log.info("job %s failed: %s", job.id, failure, exc_info=failure)
            state, line, error = State.FAILED, failure.message, failure
        except Exception as failure:
            log.exception("job %s met an error nobody foresaw", job.id)
            error = unforeseen("separation", failure, "Try another backend or setting")
            state, line = State.FAILED, error.message
        for damage in self._store.checks.found[n_damaged:]:
            job.record = job.record.noting(str(damage))
        self.tracks.drop_outdated(job)
        job.ended.set()
        made = job.result
        key, run_s = ("", 0.0) if made is None else (made.key, 0.0 if job.cached else made.seconds)
        ended = replace(job.counted, state=state, ended=utc_now(), result=key, run_s=run_s)
        self._note_down(job, ended.with_error(error).noting(line))
        self._runner.tell(lambda: self._ended(job))

    def _follow(self, job: Job) -> tuple[State, str]:
        recording, request = requests.recording_for(job.record, self._store), requests.request_of(job.record)
        job.begin(together=request.chunks is not None and request.chunks.stitch == "multidiffusion")
        for _ in fetch_for(job, then=lambda: self._runner.tell(self.fetched.emit)):
            self._runner.tell(lambda: self._tell(job))
            if self._stop_of(job):
                break
        if stop := self._stop_of(job):
            return stop
        with closing(EventStream(separate_recording(recording, request, self._store, self._engine))) as run:
            for event in run:
                self._take(job, event)
                if stop := self._stop_of(job):
                    if stop[0] is State.CANCELLED:
                        self._keep_heard(job)
                    return stop
            job.result = run.result
            self._belongings.note(run.result.key, job.people, is_new=not job.cached)
            return State.DONE, "Done."

    def _keep_heard(self, job: Job) -> None:
        try:
            for other in self.tracks.keep(job):
                self._runner.tell(partial(self._tell, other))
        except (OSError, StorageError) as error:
            log.warning("what job %s had made cannot be heard any more: %s", job.id, error)

    def _stop_of(self, job: Job) -> tuple[State, str] | None:
        if job.cancel.is_set():
            return State.CANCELLED, "Cancelled; finished chunks are kept."
        return (State.INTERRUPTED, STOPPED) if self.closing else None

    def _take(self, job: Job, event: Event) -> None:
        line = job.log_text(event)
        news = job.note(event)
        if line:
            record = job.counted.noting(line)
            warnings = (*record.warnings, line) if isinstance(event, Warned) else record.warnings
            self._note_down(job, replace(record, warnings=warnings))
        if isinstance(event, TracksOpened):
            self._belongings.note(event.key, job.people, is_new=self._store.manifest(event.key) is None)
        if news:
            kind = "sound" if isinstance(event, ChunkFinished) else "progress"
            self._runner.tell(lambda: self._tell(job, news=kind))

    def _note_down(self, job: Job, record: JobRecord) -> None:
        """Replace the record of a job; if that cannot be stored, log it and go on."""
        job.record = replace(record, people=dict(job.people))
        try:
            self._book.write(job.record)
        except StorageError as error:
            log.warning("the record of job %s is behind: %s", job.id, error)
