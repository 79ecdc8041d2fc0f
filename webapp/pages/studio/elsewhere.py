"""What happens elsewhere to the recording that is open: it is deleted or restored, and results are made or deleted."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import run

from separation.errors import PlaygroundError
from storage import StorageError
from webapp.pages.studio import state as states
from webapp.pages.studio.gone_notice import lost_result, whereabouts
from webapp.pages.studio.state import Gone, KeptFacts, Open, StudioState
from webapp.state.library.view import LibraryView


class Elsewhere:
    """Follows what other pages, terminals and servers do to the open recording.

    Args:
        library_view: the library.
        state: returns the state of the page.
        on_change: called with its next state.
        facts_of: reads the stored data of a recording, with a result chosen by its key; None if it says why it cannot.
        on_error: called with what has become of something that is lost.
    """

    def __init__(
        self,
        library_view: LibraryView,
        *,
        state: Callable[[], StudioState],
        on_change: Callable[[StudioState], object],
        facts_of: Callable[[str, str], KeptFacts | None],
        on_error: Callable[[PlaygroundError], object],
    ) -> None:
        self._view, self._state, self._on_change = library_view, state, on_change
        self._facts_of, self._on_error = facts_of, on_error

    async def look(self) -> None:
        """Check whether the open recording still exists, and which results were made elsewhere."""
        await self._look_for_recording()
        await self._look_for_results()

    async def _look_for_recording(self) -> None:
        if (recording := states.recording_of(self._state())) is None:
            return
        try:
            place = await run.io_bound(whereabouts, self._view, recording.key)
        except StorageError:
            return  # a disk that cannot be read just now has not lost it
        if place is None or recording is not states.recording_of(self._state()):
            return
        if place != "here":
            damage = self._view.store.checks.lost.get(recording.key)
            if damage is not None and not isinstance(self._state(), Gone):
                self._on_error(StorageError(damage.what, damage.why, damage.todo))
            self._on_change(states.deleted(self._state(), in_trash=place == "trash"))
        elif isinstance(state := self._state(), Gone):
            shown = state.shown
            result = shown.results.result
            if (facts := self._facts_of(recording.key, result.key if result is not None else "")) is not None:
                self._on_change(states.reopened(shown, facts))

    async def _look_for_results(self) -> None:
        before = self._state()
        if not isinstance(before, Open):
            return
        try:
            found = await run.io_bound(self._view.results, before.recording.key)
        except StorageError:
            return  # a disk that cannot be read just now has not lost them
        now = self._state()
        if found is None or not isinstance(now, Open) or now.results is not before.results:
            return
        if (after := states.results_found(now, found)) is now:
            return
        self._on_change(after)
        for result in (one for one in now.results.playing if one.key not in {kept.key for kept in found}):
            try:
                if lost := await run.io_bound(lost_result, self._view.store, result):
                    self._on_error(lost)
            except StorageError as error:
                self._on_error(error)

    async def restore(self) -> None:
        """Restore the deleted recording from the trash."""
        if (recording := states.recording_of(self._state())) is None:
            return  # another page was opened meanwhile
        try:
            await run.io_bound(self._view.restore, [recording.key])
        except StorageError as error:
            self._on_error(error)
        await self._look_for_recording()
        self._view.changed.emit()
