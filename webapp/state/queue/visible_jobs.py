"""The queue of this server as one visitor sees it: what of it is shown, and what may be done with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from separation.request import Request
from separation.results.kept import Recording, Result
from storage import ArtifactStore, StorageError
from webapp.access.roles import HOST, Right
from webapp.state.library.view import LibraryView
from webapp.state.queue.job import Job
from webapp.state.queue.jobs import Jobs, State
from webapp.state.queue.requests import last_of


class VisibleJobs:
    """The jobs that a visitor sees: those he has asked for, and the host's of recordings that he sees.

    Methods that change a job raise `StorageError` if it is not his alone, or if the change cannot be written down.

    Args:
        jobs: all jobs of this server.
        library: the library as the visitor sees it.

    Attributes:
        changed, arranged, prepare: those of `Jobs`; they tell of all jobs.
    """

    def __init__(self, jobs: Jobs, library: LibraryView) -> None:
        self._jobs, self._library, self._visitor = jobs, library, library.visitor
        self.changed, self.arranged, self.prepare = jobs.changed, jobs.arranged, jobs.prepare

    def sees(self, job: Job) -> bool:
        """Whether the visitor sees a job."""
        if self._visitor.is_host or self._visitor.person in job.people:
            return True
        return HOST in job.people and self._library.sees(job.record.recording)

    def may_change(self, job: Job) -> bool:
        """Whether the visitor may stop, resume and forget a job: he may run jobs, and nobody else has asked for it."""
        visitor = self._visitor
        return visitor.is_host or (visitor.may(Right.RUN) and set(job.people) == {visitor.person})

    @property
    def may_arrange(self) -> bool:
        """Whether the visitor may pause the queue and change its order."""
        return self._visitor.is_host

    @property
    def all(self) -> list[Job]:
        """Return the jobs in the order in which they were last asked for."""
        return [job for job in self._jobs.all if self.sees(job)]

    @property
    def queue(self) -> list[Job]:
        """Return the jobs that wait, the next one first."""
        return [job for job in self._jobs.queue if self.sees(job)]

    @property
    def running(self) -> Job | None:
        """Return the job that is running, or None."""
        running = self._jobs.running
        return running if running is not None and self.sees(running) else None

    @property
    def interrupted(self) -> list[Job]:
        """Return the jobs that a server left unfinished and that the visitor may resume."""
        return [job for job in self._jobs.interrupted if self.may_change(job)]

    @property
    def paused(self) -> bool:
        """Whether the queue is paused."""
        return self._jobs.paused

    @property
    def is_between(self) -> bool:
        """Whether a piece of other work is being done."""
        return self._jobs.is_between

    def active(self, recording: str) -> Job | None:
        """Return the job of a recording that was asked for last; see `Jobs.active`."""
        return last_of(self.all, recording)

    def ahead_of(self, job: Job) -> int:
        """Return how many jobs run before this one, whoever's they are."""
        return self._going.index(job) if job in self._going else 0

    def busy_with(self, recordings: Collection[str]) -> Job | None:
        """Return a job of one of these recordings that waits or runs, whoever's it is."""
        return next((job for job in self._going if job.record.recording in recordings), None)

    @property
    def _going(self) -> list[Job]:
        return [job for job in (self._jobs.running, *self._jobs.queue) if job is not None]

    # what people do

    def submit(self, recording: Recording, request: Request, *, fetch: str = "") -> Job:
        """Queue a separation for the visitor; see `Jobs.submit`."""
        return self._jobs.submit(recording, request, fetch=fetch, people=self._visitor.people)

    def look_up(self, recording: Recording, request: Request, kept: Result) -> Job:
        """Answer a request of the visitor whose result is kept; see `Jobs.look_up`."""
        return self._jobs.look_up(recording, request, kept, people=self._visitor.people)

    def cancel(self, job: Job) -> None:
        """Stop a running job, or take a waiting one out of the queue."""
        self._check_mine([job])
        self._jobs.cancel(job)

    def resume(self, *jobs: Job) -> None:
        """Queue ended jobs again; see `Jobs.resume`."""
        self._check_mine(jobs)
        self._jobs.resume(*jobs)

    def put_away(self, job: Job) -> None:
        """Delete what a cancelled job had made to be heard, if it is the visitor's alone."""
        if self.may_change(job):
            self._jobs.put_away(job)

    def discard(self, *jobs: Job) -> None:
        """Forget ended jobs."""
        self._check_mine(jobs)
        self._jobs.discard(*jobs)

    def move(self, job: Job, places: int) -> None:
        """Move a waiting job by a number of places; up, if it is negative."""
        self._check_arranging()
        queue = self._jobs.queue
        if job in queue and 0 <= queue.index(job) + places < len(queue):
            self._jobs.move(job, queue.index(job) + places)

    def pause(self) -> None:
        """Start no further job."""
        self._check_arranging()
        self._jobs.pause()

    def go_on(self) -> None:
        """Start the jobs that wait, one after another."""
        self._check_arranging()
        self._jobs.go_on()

    def _check_mine(self, jobs: Iterable[Job]) -> None:
        if not all(self.may_change(job) for job in jobs):
            raise StorageError(
                "This job stays as it is.", "Somebody else has asked for it, too.", "Ask the host of this studio."
            )

    def _check_arranging(self) -> None:
        if not self.may_arrange:
            raise StorageError("The queue stays as it is.", "Its order is the host's.", "Ask the host of this studio.")


def keys_known(store: ArtifactStore, jobs: Jobs) -> set[str]:
    """Return the keys of recordings and results that are here, of what these were made from, and of what is being made.

    Raises:
        StorageError: the store cannot be read.
    """
    rows = store.rows("recording", "result")
    making = {job.opened.key for job in jobs.all if job.opened is not None}
    return {row.key for row in rows} | {row.source for row in rows} | making  # a result may outlive its recording


def ended_of(jobs: VisibleJobs) -> list[Job]:
    """Return the jobs that are over, the last one first."""
    ended = [job for job in jobs.all if job.over and job.state is not State.INTERRUPTED]
    return sorted(ended, key=lambda job: job.record.ended, reverse=True)
