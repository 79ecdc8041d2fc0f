"""Uploading audio: drop it anywhere on the page, browse for it, or paste it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict

from nicegui import ui

from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.components.sent import arguments_to


class Uploaded(TypedDict):
    """An uploaded recording: its upload ("" of the demo), its key in the library, its name, and warnings about it."""

    id: str
    key: str
    name: str
    warnings: list[str]


class UploadRefused(TypedDict):
    """The error of a file that could not be imported: its upload, what happened, why, and what to do."""

    id: str
    what: str
    why: str
    todo: str


class Uploading(TypedDict):
    """A file that is being sent, or waits for it: the key of its `webapp.state.uploads.Upload`, and its name."""

    id: str
    name: str


class UploadArea(ui.element, component="upload_area.js"):
    """Takes files dropped or pasted anywhere on the page, uploads them one after another, and shows the progress.

    The bytes go over HTTP to `PUT /api/uploads`, never through the page's socket, and an upload can be cancelled.

    Args:
        on_uploaded: called for each recording that is in the library.
        on_refused: called for each file that could not be imported.
        on_taken: called with the files that were brought at once, before the first of them begins.
        on_begun: called when the upload of a file begins.
        on_cancelled: called with the upload that a person has cancelled.
    """

    def __init__(
        self,
        *,
        on_uploaded: Callable[[Uploaded], object],
        on_refused: Callable[[UploadRefused], object],
        on_taken: Callable[[list[Uploading]], object] | None = None,
        on_begun: Callable[[Uploading], object] | None = None,
        on_cancelled: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__()
        only_for(self, Right.UPLOAD)
        if on_taken is not None:
            self.on("taken", arguments_to(on_taken, list[Uploading]))
        if on_begun is not None:
            self.on("begun", arguments_to(on_begun, Uploading))
        if on_cancelled is not None:
            self.on("cancelled", arguments_to(on_cancelled, str))
        self.on("uploaded", arguments_to(on_uploaded, Uploaded))
        self.on("refused", arguments_to(on_refused, UploadRefused))

    def browse(self) -> None:
        """Open the browser's file dialog; browsers allow it only in answer to a click."""
        self.run_method("browse")

    def try_demo(self) -> None:
        """Import the bundled song as if it had been uploaded."""
        self.run_method("tryDemo")

    def leave_out(self, upload: str) -> None:
        """Give up a file that waits or is being sent."""
        self.run_method("leaveOut", upload)

    def list_elsewhere(self, uploads: Sequence[str]) -> None:
        """Show no progress of these uploads here, as the page shows it itself."""
        if self._props.get("listed") != list(uploads):
            self._props["listed"] = list(uploads)
