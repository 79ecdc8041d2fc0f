"""What the tab of each file says: how far it is."""

from __future__ import annotations

from separation.formatted import clock
from webapp.components.file_tabs.file_tabs import FileTab
from webapp.pages.queue.job_words import title_of
from webapp.pages.studio.together.files import BroughtFile
from webapp.state.queue.job import Job
from webapp.state.queue.jobs import State
from webapp.state.uploads import Upload


def tab_of(file: BroughtFile, job: Job | None, upload: Upload | None, *, is_made: bool) -> FileTab:
    """Return the tab of a file.

    Args:
        file: the file.
        job: the last job of its recording, if there is one.
        upload: its upload, once that has begun.
        is_made: whether there is a result of its recording.
    """
    if file.refused:
        return FileTab(id=file.id, name=file.name, words="Not taken", ready=False, look="bad")
    if file.recording is None:
        return _coming(file, upload)
    if job is not None and not job.over:
        percent = f" {100 * job.progress:.0f} %" if job.chunks else ""
        words = f"{title_of(job)}{percent}"
        return FileTab(id=file.id, name=file.name, words=words, ready=True, look="", fraction=job.progress)
    if job is not None and job.state is not State.DONE:
        return FileTab(id=file.id, name=file.name, words=title_of(job), ready=True, look="bad")
    if is_made:
        return FileTab(id=file.id, name=file.name, words="Separated", ready=True, look="ok")
    return FileTab(id=file.id, name=file.name, words=clock(file.recording.duration_s), ready=True, look="")


def _coming(file: BroughtFile, upload: Upload | None) -> FileTab:
    if upload is None:
        return FileTab(id=file.id, name=file.name, words="Waiting", ready=False, look="")
    coming = FileTab(id=file.id, name=file.name, words="Uploading", ready=False, look="", fraction=0.0)
    if upload.audio is not None and upload.audio.n_expected:
        coming["fraction"] = min(1.0, upload.audio.n_ready / upload.audio.n_expected)
    return coming
