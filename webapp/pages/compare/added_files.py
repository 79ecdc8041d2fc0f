"""Files from outside as sides of a comparison: brought to the page, kept as recordings, at the rate of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nicegui import background_tasks, ui

from separation.errors import PlaygroundError
from separation.results.kept import Recording
from separation.results.resampled import resampled
from webapp.components.upload.upload import UploadArea, Uploaded, UploadRefused
from webapp.state.library.view import LibraryView


class AddedFiles:
    """Takes files that are dropped anywhere on the page or chosen, and shows how far they have come.

    Args:
        library_view: the recordings and results of this server.
        rate: returns the sample rate of what is compared, in Hz; None if there is nothing yet.
        on_added: called with the recording that a file became.
        on_error: called with what went wrong.
    """

    def __init__(
        self,
        library_view: LibraryView,
        *,
        rate: Callable[[], int | None],
        on_added: Callable[[Recording], object],
        on_error: Callable[[PlaygroundError], object],
    ) -> None:
        self._library_view, self._rate = library_view, rate
        self._on_added, self._on_error = on_added, on_error
        self._client = ui.context.client
        self._area = UploadArea(on_uploaded=self._uploaded, on_refused=self._refused)

    def browse(self) -> None:
        """Open the browser's file dialog."""
        self._area.browse()

    def _uploaded(self, uploaded: Uploaded) -> None:
        async def fit() -> None:
            try:
                recording = await asyncio.to_thread(self._fitting, uploaded["key"])
            except PlaygroundError as error:
                self._on_error(error)
                return
            self._library_view.changed.emit()
            with self._client:
                self._on_added(recording)

        background_tasks.create(fit(), name="a file to compare")

    def _fitting(self, key: str) -> Recording:
        recording, rate = self._library_view.recording(key), self._rate()
        if rate in (None, recording.sample_rate):  # it is there as it is, and stays whose it is
            return recording
        return self._library_view.add(lambda: resampled(recording, rate, self._library_view.store))

    def _refused(self, refused: UploadRefused) -> None:
        self._on_error(PlaygroundError(refused["what"], refused["why"], refused["todo"]))
