"""The texts about a job on all pages: its state, its progress, the time it will take."""

from __future__ import annotations

from separation.formatted import clock, duration, size
from webapp.state.queue.jobs import Job, State

STATES = {
    State.QUEUED: "Queued",
    State.RUNNING: "Separating",
    State.DONE: "Done",
    State.CANCELLED: "Cancelled",
    State.FAILED: "Failed",
    State.INTERRUPTED: "Interrupted",
}


def title_of(job: Job) -> str:
    """Return the state of a job in a word or two."""
    if job.state is not State.RUNNING:
        return STATES[job.state]
    if job.cancel.is_set():
        return "Stopping"
    if job.download is not None:
        return "Getting the model"
    if job.loading is not None and job.loading.total_bytes:
        return "Loading the model"
    return STATES[State.RUNNING] if job.chunks else "Starting"


def detail_of(job: Job, n_ahead: int = 0, *, paused: bool = False, behind_cell: bool = False) -> str:
    """Return a sentence on what a job is doing, or what it waits for.

    Args:
        job: the job.
        n_ahead: the number of jobs that run before it.
        paused: whether the queue is paused.
        behind_cell: whether a cell of a benchmark is being computed, which nothing interrupts.
    """
    match job.state:
        case State.QUEUED if paused:
            return "the queue is paused"
        case State.QUEUED if behind_cell and not n_ahead:
            return "starts as soon as the benchmark's present cell is done"
        case State.QUEUED:
            return f"{n_ahead} job{'s' * (n_ahead != 1)} before it" if n_ahead else "starts right away"
        case State.RUNNING:
            return _doing(job)
        case State.DONE:
            return "nothing had to be computed" if job.cached else ""
        case State.FAILED:
            return job.error.what if job.error else ""
        case _:
            return _kept(job)


def left_of(job: Job) -> str:
    """Return the time since a run began and the time left, as far as they are known; of a download only the latter."""
    if job.download is not None:
        return _left(job.download.remaining_s)
    if job.state is not State.RUNNING or job.elapsed_s is None:
        return ""
    return " · ".join(filter(None, (clock(job.elapsed_s), _left(job.remaining_s))))


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{clock(seconds)} left"


def spoken_of(job: Job | None) -> str:
    """Return what a screen reader says of a job: its state, each quarter of its work, and what can be heard then."""
    if job is None or job.earlier:
        return ""
    if job.state is State.DONE and job.result is not None:
        return f"Done. These can be heard: {', '.join(job.result.track_names)}."
    if job.state is not State.RUNNING or not job.chunks:
        return title_of(job)
    return f"{title_of(job)}, {25 * int(4 * job.progress)} % done"


def took(job: Job) -> str:
    """Return how long the run took that made the job's result; "" if there was none."""
    return duration(job.record.run_s) if job.record.run_s else ""


def _doing(job: Job) -> str:
    if job.cancel.is_set():
        return "after the model's current step"
    if (download := job.download) is not None:
        speed = f" · {size(download.bytes_per_s, fine=True)}/s" if download.bytes_per_s else ""
        arrived = f"{size(download.done_bytes, fine=True)} of {size(download.total_bytes, fine=True)}"
        return f"{download.name} · {arrived}{speed} · then it separates"
    if job.loading is not None and job.loading.total_bytes:
        read = f"{size(job.loading.done_bytes)} of {size(job.loading.total_bytes)}"
        return f"{job.loading.model} · {read}"
    if not job.chunks:
        return "starting the separator"
    n_done = sum(done == 1 for done in job.chunks)
    if job.step is not None and not n_done:
        return f"all chunks together · evaluation {job.step[0]} of {job.step[1]}"
    in_work = sum(0 < done < 1 for done in job.chunks)
    if in_work > 1:
        return f"{n_done} of {len(job.chunks)} chunks done, {in_work} in progress"
    return f"chunk {min(n_done + 1, len(job.chunks))} of {len(job.chunks)}"


def _kept(job: Job) -> str:
    """Return a sentence on the finished chunks that a stopped run left behind."""
    record = job.record
    if not record.n_done:
        kept = f"; what was downloaded of {record.fetch} is kept" if record.fetch else ""
        return f"nothing was computed yet{kept}" if record.started else "it had not started"
    return f"{record.n_done} of {record.n_chunks} chunks are done and kept"
