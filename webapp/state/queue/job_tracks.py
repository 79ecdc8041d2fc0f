"""The tracks of the running job, and what cancelled jobs had made, which can be heard until it is put away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace

from separation.audio.files import copied
from separation.results.partial import PartialAudio
from storage import ArtifactStore
from webapp.state.queue.job import Job

MAX_HELD_BYTES = 2 * 10**9  # of all parts but the last: forty minutes of two stereo stems


class JobTracks:
    """What can be heard of results that are not kept yet. For any number of threads.

    It is a `webapp.routes.media.InTheMaking`.

    Args:
        store: in whose scratch the parts of cancelled jobs lie; they are gone when this process ends.
        running: returns the job that is running.
    """

    def __init__(self, store: ArtifactStore, running: Callable[[], Job | None]) -> None:
        self._store, self._running = store, running
        self._held: dict[str, tuple[Job, ExitStack, int]] = {}  # by the key of the result: job, its folder, bytes
        self._lock = threading.Lock()

    def partial(self, key: str) -> Mapping[str, PartialAudio]:
        """Return the tracks of the result under a key, as far as they are made."""
        job = self._making(key)
        return {} if job is None or (job.ended.is_set() and not job.stopped) else job.partial

    def wait(self, key: str, timeout_s: float) -> bool:
        """Wait until the job of a key has ended, with a result or without."""
        job = self._making(key)
        return job is None or not job.partial or job.ended.wait(timeout_s)

    def recording_of(self, key: str) -> str:
        """Return the key of the recording of which the result under a key is being made; "" if none is."""
        job = self._making(key)
        return "" if job is None else job.record.recording

    def _making(self, key: str) -> Job | None:
        job, held = self._running(), self._held.get(key)
        if job is not None and job.opened is not None and job.opened.key == key:
            return job
        return None if held is None else held[0]

    def keep(self, job: Job) -> list[Job]:
        """Keep what a job has made so far, while its files are still there; return the jobs that made room for it.

        Raises:
            OSError: the files cannot be given a second place.
            StorageError: there is no place for files.
        """
        opened = job.opened
        if opened is None or not job.n_ready or job.stopped:
            return []
        with ExitStack() as folder:
            place = folder.enter_context(self._store.scratch())
            files = {name: copied(path, place / path.name) for name, path in opened.files.items()}
            size_bytes = sum(path.stat().st_size for path in files.values())
            self._drop(opened.key)
            job.opened, job.stopped = replace(opened, files=files), True
            with self._lock:
                self._held[opened.key] = (job, folder.pop_all(), size_bytes)
        return self._make_room()

    def drop(self, *jobs: Job) -> None:
        """Delete what is kept of these jobs, if anything is."""
        for key in [key for key, (job, _, _) in list(self._held.items()) if job in jobs]:
            self._drop(key)

    def drop_outdated(self, job: Job) -> None:
        """Delete what is kept of a job that has been made again meanwhile."""
        if not job.stopped:
            self.drop(job)

    def close(self) -> None:
        """Delete everything."""
        for key in list(self._held):
            self._drop(key)

    def _make_room(self) -> list[Job]:
        gone: list[Job] = []
        while len(self._held) > 1 and sum(size for _, _, size in self._held.values()) > MAX_HELD_BYTES:
            key = next(iter(self._held))
            gone.append(self._held[key][0])
            self._drop(key)
        return gone

    def _drop(self, key: str) -> None:
        with self._lock:
            held = self._held.pop(key, None)
        if held is not None:
            job, folder, _ = held
            if job.stopped:
                job.put_away()
            folder.close()
