"""Jobs: one separation after another in a thread of their own, each a state that pages show.

The thread waits for the engine; the model itself runs in the engine's worker process. Pages never wait: they submit,
and subscribe to `Jobs.changed`, which is emitted on the event loop, for one job at most ten times a second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum

from nicegui import Event as PageEvent

from separation.engine import Engine
from separation.errors import PlaygroundError, SeparationError
from separation.events import (
    BackendChosen,
    ChunkFinished,
    ChunkStarted,
    Event,
    Finished,
    Kept,
    ModelLoading,
    Planned,
    SolverStep,
    Warned,
)
from separation.request import Request
from separation.runs import separate_recording
from storage import Artifact, ArtifactStore, StorageError

log = logging.getLogger(__name__)
ANNOUNCE_S = 0.1


class State(Enum):
    """Where a job stands; cancelled is as normal an end as any."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(eq=False)
class Job:
    """One separation as pages see it. Changed by the jobs' thread once it has begun; pages read.

    Attributes:
        chunks: fraction done per chunk, 0 to 1.
        spans_s: (start, stop) of each chunk.
        error: what, why, what to do, if it failed.
        result: the kept result, once done.
        cached: the result was there already.
    """

    recording: Artifact
    request: Request
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: State = State.QUEUED
    backend: str = ""
    why: str = ""
    loading: ModelLoading | None = None
    chunks: list[float] = field(default_factory=list)
    spans_s: tuple[tuple[float, float], ...] = ()
    warnings: list[str] = field(default_factory=list)
    error: tuple[str, str, str] | None = None
    result: Artifact | None = None
    cached: bool = False
    rtf: float | None = None
    started_s: float | None = None
    seconds: float = 0.0
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        """Nothing will change any more."""
        return self.state in (State.DONE, State.CANCELLED, State.FAILED)

    @property
    def remaining_s(self) -> float | None:
        """Expected seconds to the end, from the chunks done so far; None before the first says anything."""
        done = sum(self.chunks)
        if self.started_s is None or not self.chunks or done < 0.5:
            return None
        return (time.monotonic() - self.started_s) * (len(self.chunks) - done) / done


class Jobs:
    """The queue of this server: one heavy model at a time."""

    def __init__(self, store: ArtifactStore, engine: Engine) -> None:
        self.changed: PageEvent[Job] = PageEvent()
        self._store, self._engine = store, engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jobs")
        self._jobs: dict[str, Job] = {}
        self._tickets: dict[str, Future[None]] = {}
        self._due: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, recording: Artifact, request: Request) -> Job:
        """Queue a separation; call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        job = Job(recording=recording, request=request)
        self._jobs[job.id] = job
        self._tickets[job.id] = self._thread.submit(self._work, job)
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job at the model's next evaluation, or take it out of the queue."""
        job.cancel.set()
        if self._tickets[job.id].cancel():  # it had not begun, and never will
            job.state = State.CANCELLED
            self._announce(job)

    def active(self, recording_key: str) -> Job | None:
        """The job of a recording that is queued or running, or the last one that failed or was cancelled."""
        jobs = [job for job in self._jobs.values() if job.recording.key == recording_key]
        return jobs[-1] if jobs else None

    def ahead_of(self, job: Job) -> int:
        """How many jobs run before this one."""
        waiting = [other for other in self._jobs.values() if not other.over]
        return waiting.index(job) if job in waiting else 0

    def close(self) -> None:
        """Cancel everything and wait for the thread to notice."""
        for job in self._jobs.values():
            self.cancel(job)
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _work(self, job: Job) -> None:
        """In the jobs' thread: run one job to its end, whatever that is."""
        job.state, job.started_s = State.RUNNING, time.monotonic()
        self._announce(job)
        try:
            self._follow(job, separate_recording(job.recording, job.request, self._store, self._engine))
        except (PlaygroundError, StorageError) as error:
            log.info("job %s failed: %s", job.id, error, exc_info=error)
            job.state, job.error = State.FAILED, (error.what, error.why, error.todo)
        except Exception as error:
            log.exception("job %s met an error nobody foresaw", job.id)
            unforeseen = SeparationError(
                "The separation stopped because of an error in this program.",
                f"{type(error).__name__}: {error}",
                "The log has the details. Try another backend or setting, and please report it.",
            )
            job.state, job.error = State.FAILED, (unforeseen.what, unforeseen.why, unforeseen.todo)
        job.seconds = time.monotonic() - job.started_s
        self._announce(job)

    def _follow(self, job: Job, run: Generator[Event, None, Artifact]) -> None:
        while True:
            if job.cancel.is_set():
                run.close()
                job.state = State.CANCELLED
                return
            try:
                event = next(run)
            except StopIteration as stop:
                job.result, job.state = stop.value, State.DONE
                return
            if _note(job, event):
                self._announce(job)

    def _announce(self, job: Job) -> None:
        """From any thread: tell the pages soon, once for everything that changed until then."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._announce_on_loop, job)

    def _announce_on_loop(self, job: Job) -> None:
        if job.id not in self._due:
            self._due.add(job.id)
            asyncio.get_running_loop().call_later(ANNOUNCE_S, self._emit, job)

    def _emit(self, job: Job) -> None:
        self._due.discard(job.id)
        self.changed.emit(job)


def _note(job: Job, event: Event) -> bool:
    """Write into the job what an event says; False if pages need not know."""
    match event:
        case BackendChosen():
            job.backend, job.why = event.backend, event.why
        case ModelLoading():
            job.loading = event
        case Planned():
            job.loading, job.spans_s = None, event.spans_s
            job.chunks = [0.0] * len(event.spans_s)
            job.started_s = time.monotonic()
        case SolverStep() if job.chunks:
            running = next((index for index, done in enumerate(job.chunks) if done < 1), 0)
            # The stitching after the last evaluation is part of the chunk.
            job.chunks[running] = min(0.99, event.done / event.total)
        case ChunkStarted():
            job.chunks[event.index] = max(job.chunks[event.index], 0.01)
        case ChunkFinished():
            job.chunks[event.index] = 1.0
        case Warned():
            job.warnings.append(event.message)
        case Finished():
            job.rtf = event.rtf
        case Kept():
            job.cached = event.cached
        case _:
            return False
    return True
