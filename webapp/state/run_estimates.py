"""Estimates of a run's time and memory, from this server's finished runs, and the memory that is free."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from nicegui import Event as PageEvent

from separation.estimates.estimates import Estimate, Preflight, expected, preflight
from separation.hardware.footprint import available_bytes
from separation.request import Request
from separation.results.kept import reports_of
from separation.results.partial import Sound
from storage import ArtifactStore, StorageError
from storage.library import newest
from webapp.state.queue.job import Job
from webapp.state.runner import Runner

log = logging.getLogger(__name__)
FRESH_S = 20.0  # seconds after which the store is read again, since a run may have finished, here or in a terminal


class RunEstimates:
    """Estimates for pages. They never wait: the reports are read from the store in a thread, now and then.

    Args:
        store: the store with the finished runs.
        here: whether the work is done on this computer, so that its free memory counts.

    Attributes:
        changed: is emitted on the event loop when runs were read that were not known before.
    """

    def __init__(self, store: ArtifactStore, *, here: bool) -> None:
        self.changed: PageEvent[[]] = PageEvent()
        self._store, self._here = store, here
        self._reports: tuple[Mapping[str, Any], ...] = ()
        self._runner = Runner("estimates")
        self._lock = threading.Lock()
        self._read_s = float("-inf")
        self._refresh()

    @property
    def reports(self) -> tuple[Mapping[str, Any], ...]:
        """The reports of finished runs that estimates are made from, the newest first."""
        self._refresh()
        return self._reports

    def of(self, request: Request, recording: Sound) -> Preflight:
        """Return what a settled request would take for a recording, which may still be arriving."""
        self._refresh()
        return preflight(request, recording.duration_s, self._reports, available_bytes() if self._here else None)

    def expected(self, request: Request, duration_s: float) -> Estimate:
        """Return the estimate for a length in seconds, without comparing it to the free memory."""
        self._refresh()
        return expected(request, duration_s, self._reports)

    def job_changed(self, job: Job) -> None:
        """Learn from a job at once if it has just finished."""
        if job.over and job.result is not None and not job.cached:
            self._refresh(at_once=True)

    def _refresh(self, *, at_once: bool = False) -> None:
        now_s = time.monotonic()
        with self._lock:
            if now_s - self._read_s < FRESH_S and not at_once:
                return
            self._read_s = now_s
        self._runner.submit(self._read)

    def _read(self) -> None:
        try:
            results = newest(self._store, "result")
        except StorageError as error:  # pages say so where it matters
            log.warning("finished runs cannot be read: %s", error)
            return
        finally:
            self._store.close()  # this thread's connection
        before, self._reports = self._reports, tuple(reports_of(results))
        if self._reports != before:
            self._runner.tell(self.changed.emit)
