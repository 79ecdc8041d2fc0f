"""Notices of what is gone: a recording that was deleted, or a draft that cannot be read any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from nicegui import ui

from separation.results.kept import Recording, Result
from storage import ArtifactStore, StorageError
from webapp.access.handlers import asks
from webapp.access.roles import Right
from webapp.components.pieces.icons import icon
from webapp.pages.studio.state import Gone, StudioState, gone_text
from webapp.state.drafts import Drafts
from webapp.state.library.view import LibraryView
from webapp.theme import Messages, button, text


class GoneNotice:
    """Says that the open recording was deleted, and offers to restore it from the trash; hidden otherwise.

    Args:
        on_restore: called when a person wants to restore it from the trash.
    """

    def __init__(self, *, on_restore: Callable[[], object]) -> None:
        with ui.element("section").classes("card offer").props("role=alert") as self._line:
            asks(self._line, Right.MANAGE)
            icon("warning")
            self._words = text("", "offer-words", tag="p")
            with ui.element("span").classes("job-buttons"):
                self._back = button("Restore", on_restore, icon_name="undo", tip="Out of the trash, with its results")
        self._line.set_visibility(False)

    def show(self, state: StudioState) -> None:
        """Show or hide the notice for this state."""
        if isinstance(state, Gone):
            self._words.set_text(gone_text(state))
            self._back.set_visibility(state.in_trash)
        self._line.set_visibility(isinstance(state, Gone))


def whereabouts(library: LibraryView, key: str) -> Literal["here", "trash", "nowhere"]:
    """Return whether a visitor sees an item in the library, may take it out of its trash, or neither.

    Raises:
        StorageError: the store cannot be read.
    """
    if library.store.trashed(key):
        return "trash" if library.may_change(key) else "nowhere"
    return "here" if library.sees(key) and library.store.manifest(key) is not None else "nowhere"


def lost_result(store: ArtifactStore, result: Result) -> StorageError:
    """Return an error that says what became of a result that is not here any more, why, and what to do.

    Raises:
        StorageError: the store cannot be read.
    """
    if (damage := store.checks.lost.get(result.key)) is not None:
        return StorageError(damage.what, damage.why, damage.todo)
    trashed = store.trashed(result.key)
    todo = "Restore it from the trash in the Library." if trashed else "Separate again to have it again."
    return StorageError(f"“{result.name}” was deleted.", "", todo)


def lost_draft(
    place: Messages, drafts: Drafts, recording: Recording, why: str, *, on_error: Callable[[StorageError], object]
) -> None:
    """Draw the message; what is stored stays as it is until somebody drops it or asks for something else.

    Args:
        place: where messages are.
        drafts: those of all recordings.
        recording: whose draft it is.
        why: it cannot be read.
        on_error: called when it cannot be dropped.
    """

    def drop() -> None:
        try:
            drafts.reset(recording.key)
        except StorageError as error:
            on_error(error)
        place.withdraw(recording.key)

    lost = StorageError(f"The sounds and settings of “{recording.name}” cannot be read any more.", why)
    with place.say(lost, cause=recording.key):
        button("Start over", drop, tip="Starts with no sounds and the usual settings")
