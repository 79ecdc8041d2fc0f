"""The requests of jobs: put into records, read from them, and compared."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from separation.errors import PlaygroundError, SettingsError
from separation.request import Request
from separation.results.kept import Recording, recording_of
from storage import ArtifactStore, StorageError
from storage.records import JobRecord, JobState
from storage.records.jobs import STOPPED, utc_now
from webapp.state.queue.job import Job

N_OVER_KEPT = 200  # jobs that are over and not waiting for a decision; older ones are forgotten


def new_record(
    recording: Recording, request: Request, people: Mapping[str, str], position: int = 0, fetch: str = ""
) -> JobRecord:
    """Return the record of a new job of some people, which waits at a position and may begin with a download."""
    return JobRecord(
        id=uuid.uuid4().hex,
        recording=recording.key,
        recording_name=recording.name,
        prompts=tuple(prompt.text for prompt in request.prompts),
        request=request.to_dict(),
        people=people,
        fetch=fetch,
        position=position,
    )


def recording_for(record: JobRecord, store: ArtifactStore) -> Recording:
    """Return the recording of a job.

    Raises:
        StorageError: it is not here any more, or damaged.
    """
    item = store.get(record.recording)
    if item is not None:
        return recording_of(item)
    if (damage := store.checks.lost.get(record.recording)) is not None:
        raise StorageError(damage.what, damage.why, damage.todo)
    raise StorageError(
        f"The recording “{record.recording_name}” is not in the library any more.",
        "It was removed, or evicted to stay within the size limit.",
        "Upload the file again and start anew; chunks that were finished are used again.",
    )


def request_of(record: JobRecord) -> Request:
    """Return the request of a record.

    Raises:
        SettingsError: another version of this program wrote it, with settings that are not valid here.
    """
    try:
        return Request.from_dict(record.request)
    except PlaygroundError as error:
        raise SettingsError(
            "The settings of this job cannot be used any more.", error.message, "Start it anew from the Studio."
        ) from error


def find_same(jobs: Iterable[Job], recording: str, asked: Mapping[str, Any]) -> Job | None:
    """Return the first of these jobs that has the same recording and request, or None.

    Args:
        jobs: the jobs to look among.
        recording: the key of the recording.
        asked: the request as a record holds it.
    """
    return next((job for job in jobs if (job.record.recording, job.record.request) == (recording, asked)), None)


def resumable(jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs that go on when the same is asked for: interrupted ones, and those that are heard in part."""
    stopped = [job for job in jobs if job.over and (job.state is JobState.INTERRUPTED or job.stopped)]
    return in_order(stopped)


def last_of(jobs: Iterable[Job], recording: str) -> Job | None:
    """Return the job of a recording that runs, else waits, else was asked for last; see `Jobs.active`."""
    counting = [
        job
        for job in jobs
        if job.record.recording == recording
        and not (job.earlier and job.over and job.state is not JobState.INTERRUPTED)
    ]
    going = [job for job in counting if not job.over]
    wanted = [job for job in going if not job.cancel.is_set()]
    running = [job for job in wanted if job.state is JobState.RUNNING]
    return next(iter(running or in_order(wanted) or going or counting[-1:]), None)


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """Return jobs in the order in which they run."""
    return sorted(jobs, key=lambda job: (job.record.position, job.record.created))


def interrupted(record: JobRecord) -> JobRecord:
    """Return the record of a job that the end of its server stopped."""
    return replace(record, state=JobState.INTERRUPTED, ended=utc_now()).noting(STOPPED)


def outdated(jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs to forget: those that are over and not waiting for a decision, but for the last ones."""
    over = [job for job in jobs if job.over and job.state is not JobState.INTERRUPTED]
    return sorted(over, key=lambda job: job.record.ended)[:-N_OVER_KEPT]
