"""The line that says that the recording on the desk was deleted meanwhile, and how to have it again."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import run, ui

from separation.results.kept import Recording
from storage import ArtifactStore, StorageError
from webapp.components.pieces.icons import icon
from webapp.theme import button, text


class GoneNotice:
    """Watches one recording; while it is not there, this says so and offers to bring it back from the trash.

    Args:
        store: where recordings are.
        on_change: called when it has gone, or is there again.
        on_restore: a person wants it back from the trash.
    """

    def __init__(
        self, store: ArtifactStore, *, on_change: Callable[[], object], on_restore: Callable[[], object]
    ) -> None:
        self._store, self._on_change = store, on_change
        self._recording: Recording | None = None
        self._state = "here"
        with ui.element("section").classes("card offer").props("role=alert") as self._line:
            icon("warning")
            self._words = text("", "offer-words", tag="p")
            with ui.element("span").classes("job-buttons"):
                self._back = button("Restore", on_restore, icon_name="undo", tip="Out of the trash, with its results")
        self._line.set_visibility(False)

    @property
    def gone(self) -> bool:
        """Whether there is nothing to play or to separate any more."""
        return self._state != "here"

    def watch(self, recording: Recording | None) -> None:
        """Another recording is on the desk, and it is there; or none is."""
        self._recording = recording
        self._show("here")

    async def look(self) -> None:
        """See whether it is still there."""
        if (recording := self._recording) is None:
            return
        try:
            state = await run.io_bound(self._state_of, recording.key)
        except StorageError:
            return  # a disk that cannot be read just now has not lost it
        if state is None or recording is not self._recording or state == self._state:
            return
        self._show(state)
        self._on_change()

    def _state_of(self, key: str) -> str:
        if self._store.trashed(key):
            return "trashed"
        return "here" if self._store.manifest(key) is not None else "gone"

    def _show(self, state: str) -> None:
        self._state = state
        if self._recording is not None and self.gone:
            name = self._recording.name
            trashed = f"“{name}” was deleted. It is in the trash: restore it to go on where you were."
            lost = f"“{name}” was deleted for good. To go on with it, upload the file again."
            self._words.set_text(trashed if state == "trashed" else lost)
        self._back.set_visibility(state == "trashed")
        self._line.set_visibility(self.gone)
