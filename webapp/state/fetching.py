"""Downloads the model that a job begins with, where a person has asked for it in the Studio."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from separation.backends import catalogue
from separation.events import ModelLoading
from separation.hub.transfer import Busy
from webapp.state.download import Download
from webapp.state.queue.job import Job

LOOK_AGAIN_S = 0.3  # whether another download of the same model has ended


def fetch_for(job: Job, *, then: Callable[[], object]) -> Iterator[None]:
    """Download a job's model and what it needs, unless they are here; `job.download` shows it at each step.

    Closing it stops the download; the bytes that arrived are kept, and the next run of the job goes on from there.

    Args:
        job: the job.
        then: called once the model is here, if anything was fetched.

    Raises:
        PlaygroundError: the errors of `catalogue.download`.
    """
    if not job.record.fetch:
        return
    entry = catalogue.entry(job.record.fetch)
    absent = [one for one in map(catalogue.entry, entry.needs) if one.on_disk_bytes is None]
    if entry.on_disk_bytes is not None and not absent:
        return
    job.download = Download(entry, tuple(absent))
    try:
        yield from _downloaded(job.download)
    finally:
        job.download = None
    then()


def _downloaded(download: Download) -> Iterator[None]:
    """Download a model; where the Models page or another program is at it, wait for them."""
    while True:
        try:
            with closing(catalogue.download(download.name)) as events:
                for event in events:
                    assert isinstance(event, ModelLoading)
                    download.note(event)
                    download.sample(time.monotonic())
                    yield
            return
        except Busy:
            download.rest()
            time.sleep(LOOK_AGAIN_S)
            yield
