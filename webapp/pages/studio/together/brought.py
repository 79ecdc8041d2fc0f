"""Files come to the Studio: one opens; several are listed, and all can be separated the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from nicegui import run, ui

from separation.errors import PlaygroundError
from separation.results.kept import Recording
from storage import StorageError
from webapp.components.file_tabs.file_tabs import FileTab, FileTabs, SeparateAll
from webapp.components.upload.upload import UploadArea, Uploaded, Uploading, UploadRefused
from webapp.pages.studio.submitting import submit_alike
from webapp.pages.studio.together import files as lists
from webapp.pages.studio.together.files import BroughtFile, Files
from webapp.pages.studio.together.tabs import tab_of
from webapp.state.drafts import Draft, Drafts
from webapp.state.library.view import LibraryView
from webapp.state.queue.job import Job
from webapp.state.queue.visible_jobs import VisibleJobs
from webapp.state.uploads import Upload, Uploads
from webapp.theme import text, tipped


class BroughtFiles:
    """Takes files, opens the first of those that are brought together, and lists all of them if they are several.

    The list stays on the page and in its address; it hides while a recording is open that is not in it.

    Args:
        library_view: the library.
        jobs: the visitor's jobs.
        uploads: the uploads of this server.
        drafts: the visitor's drafts.
        on_begun: called when the file that is to be opened begins to come.
        on_uploaded: called with each file that is here, and whether it is to be opened.
        on_refused: called with each file that was not taken.
        on_stopped: called when the file that was to be opened does not come.
        on_open: called with the key of a recording that a person opens.
        on_listed: called when the recordings in the list are others.
        on_error: called with why a file cannot be separated.
    """

    def __init__(
        self,
        library_view: LibraryView,
        jobs: VisibleJobs,
        uploads: Uploads,
        drafts: Drafts,
        *,
        on_begun: Callable[[Uploading], object],
        on_uploaded: Callable[[Uploaded, bool], object],
        on_refused: Callable[[UploadRefused], object],
        on_stopped: Callable[[], object],
        on_open: Callable[[str], object],
        on_listed: Callable[[], object],
        on_error: Callable[[PlaygroundError], object],
    ) -> None:
        self._view, self._jobs, self._drafts = library_view, jobs, drafts
        self._on_begun, self._on_uploaded, self._on_refused = on_begun, on_uploaded, on_refused
        self._on_stopped, self._on_open, self._on_listed, self._on_error = on_stopped, on_open, on_listed, on_error
        self._files: Files = ()
        self._coming: dict[str, Upload] = {}  # those that have begun
        self._to_open = ""  # the upload that is opened as soon as it begins
        self._open, self._draft, self._ready, self._export = "", Draft(), False, ""
        self._alike: Draft | None = None  # by which those are separated that are still coming
        self._made: dict[str, str] = {}  # the newest result of each recording in the list
        self.area = UploadArea(
            on_taken=self._taken,
            on_begun=self._begun,
            on_uploaded=self._uploaded,
            on_refused=self._refused,
            on_cancelled=self._cancelled,
        )
        self._tabs = FileTabs(on_open=self._choose, on_remove=self._remove)
        with self._tabs, ui.element("div").classes("file-tabs-all"):
            self._stems = tipped(
                text("Download all stems", "button", tag="a"), "One zip with a folder of stems for each file"
            )
            self._stems.props("download")
            self._separate_all = SeparateAll(self._separate)
        jobs.changed.subscribe(self._job_changed)
        uploads.changed.subscribe(self._upload_grown)
        library_view.changed.subscribe(self._look)

    def list_recordings(self, keys: Sequence[str]) -> None:
        """List recordings of the library, such as those of an address; keys that nothing is known by are left out."""
        found = []
        for key in dict.fromkeys(keys):
            try:
                found.append(self._view.recording(key))
            except PlaygroundError:
                continue
        self._files = lists.from_library(found)
        for recording in found:
            self._find_made(recording)

    def show(self, open_key: str, draft: Draft, *, ready: bool, export: str) -> None:
        """Show the list, if the open recording is in it.

        Args:
            open_key: the key of the recording that is open, or of the upload; "" if there is none.
            draft: what is asked for.
            ready: whether it can be separated here.
            export: how downloads are written, as the query of an address.
        """
        self._open, self._draft, self._ready, self._export = open_key, draft, ready, export
        self._redraw()

    @property
    def listed(self) -> list[str]:
        """The keys of the recordings in the list; empty while it is hidden."""
        return [one.key for one in self._files if one.key] if self._is_listed else []

    @property
    def _is_listed(self) -> bool:
        here = not self._open or lists.find(self._files, self._open) is not None
        return here and len(self._files) > 1

    @property
    def _is_any_coming(self) -> bool:
        return any(one.is_coming for one in self._files)

    def _redraw(self) -> None:
        shown = self._files if self._is_listed else ()
        self._tabs.show([self._tab(one) for one in shown], self._current)
        taken = [one for one in shown if not one.refused]
        self._separate_all.show(ready=self._ready)
        made = [self._made.get(one.key, "") for one in taken]
        self._stems.set_visibility(bool(made) and all(made))
        if all(made):
            query = urlencode([("result", key) for key in made])
            self._stems.props["href"] = f"/media/all.zip?{query}&{self._export}"
        self.area.list_elsewhere([one.upload for one in self._files if one.upload and one.upload != self._to_open])

    def _tab(self, file: BroughtFile) -> FileTab:
        job = self._jobs.active(file.key) if file.key else None
        return tab_of(file, job, self._coming.get(file.upload), is_made=file.key in self._made)

    @property
    def _current(self) -> str:
        shown = lists.find(self._files, self._open)
        return shown.id if shown is not None else ""

    # files come

    def _taken(self, taken: list[Uploading]) -> None:
        if not self._is_any_coming:
            self._to_open = taken[0]["id"]
            self._files = self._files if self._is_listed else ()
        self._files += tuple(BroughtFile(name=one["name"], upload=one["id"]) for one in taken)
        self._redraw()

    def _begun(self, file: Uploading) -> None:
        if file["id"] == self._to_open:
            self._on_begun(file)

    def _upload_grown(self, upload: Upload) -> None:
        if lists.find(self._files, upload.key) is not None:
            self._coming[upload.key] = upload
            self._redraw()

    async def _uploaded(self, uploaded: Uploaded) -> None:
        upload = uploaded["id"]
        nothing_open = not self._to_open and lists.find(self._files, self._open) is None
        opens = upload in ("", self._to_open) or nothing_open
        recording = self._recording(uploaded["key"])
        if recording is None:  # it was deleted at once
            self._files = lists.without(self._files, upload)
        else:
            self._files = lists.arrived(self._files, upload, recording)
            self._find_made(recording)
        self._on_uploaded(uploaded, opens)
        self._ended(upload)
        if recording is not None and self._alike is not None:
            await self._separate_one(recording, self._alike)
        if not self._is_any_coming:
            self._alike = None

    def _refused(self, refused: UploadRefused) -> None:
        self._files = lists.refused(self._files, refused["id"], refused["why"] or refused["what"])
        self._on_refused(refused)
        self._ended(refused["id"])

    def _cancelled(self, upload: str) -> None:
        self._files = lists.without(self._files, upload)
        if upload in ("", self._to_open):
            self._on_stopped()
        self._ended(upload)

    def _ended(self, upload: str) -> None:
        self._coming.pop(upload, None)
        if upload == self._to_open:
            self._to_open = ""
        self._redraw()
        self._on_listed()

    def _recording(self, key: str) -> Recording | None:
        try:
            return self._view.recording(key)
        except PlaygroundError:
            return None

    # what people do

    def _choose(self, id: str) -> None:
        chosen = lists.find(self._files, id)
        if chosen is not None and chosen.key:
            self._on_open(chosen.key)

    def _remove(self, id: str) -> None:
        gone = lists.find(self._files, id)
        if gone is None:
            return
        self._files = lists.without(self._files, id)
        if gone.is_coming:
            self.area.leave_out(gone.upload)
        self._redraw()
        self._on_listed()

    async def _separate(self) -> None:
        """Separate all files as the open one is asked to be; those that are still coming as soon as they are here."""
        draft = self._draft
        self._alike = draft if self._is_any_coming else None
        for recording in [one.recording for one in self._files if one.recording is not None]:
            await self._separate_one(recording, draft)

    async def _separate_one(self, recording: Recording, draft: Draft) -> None:
        try:
            await submit_alike(recording, draft, self._view, self._jobs, self._drafts)
        except PlaygroundError as error:
            self._on_error(
                PlaygroundError(f"“{recording.name}”: {error.what}", error.why, error.todo, action=error.action)
            )
        self._redraw()

    # what becomes of them

    def _job_changed(self, job: Job) -> None:
        file = lists.find(self._files, job.record.recording)
        if file is None or not self._jobs.sees(job):
            return
        if job.result is not None:
            self._made[file.key] = job.result.key
        self._redraw()

    def _find_made(self, recording: Recording) -> None:
        try:
            results = self._view.results(recording.key)
        except StorageError:
            return  # the page says so
        if results:
            self._made[recording.key] = results[0].key
        else:
            self._made.pop(recording.key, None)

    async def _look(self) -> None:
        """Drop what was deleted from the list, but for the open recording, of which the page itself says so."""
        if len(self._files) < 2:
            return
        try:
            there = {one.key for one in await run.io_bound(self._view.recordings) or ()}
        except StorageError:
            return  # a disk that cannot be read just now has not lost them
        before = self._files
        self._files = tuple(one for one in before if not one.key or one.key in there or one.key == self._open)
        for recording in [one.recording for one in self._files if one.recording is not None]:
            await run.io_bound(self._find_made, recording)
        self._redraw()
        if self._files != before:
            self._on_listed()
