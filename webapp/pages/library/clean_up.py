"""The clean-up dialog: lists items unused for long, says how much space they take, and deletes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import run, ui

from separation.formatted import counted, size
from storage import StorageError
from storage.schema import Share
from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.state.library.view import CleanUp, LibraryView
from webapp.theme import Messages, button, segmented, text

DAYS = {"7": "A week", "30": "A month", "90": "Three months"}
NOTHING = Share(0, 0)


class CleanUpDialog:
    """The dialog that deletes unused items for good when its button is pressed, and never a pinned one.

    Args:
        library_view: the library that is cleaned.
        on_done: called with a sentence that says what was deleted.
    """

    def __init__(self, library_view: LibraryView, *, on_done: Callable[[str], Awaitable[object]]) -> None:
        self._library_view, self._on_done = library_view, on_done
        self._days = "30"
        self._dialog = asks(ui.dialog().props('aria-label="Clean up"'), Asks.HOST)
        self._drawn = False
        self._frees: dict[ui.checkbox, Share] = {}

    async def open(self) -> None:
        """Open the dialog with the items that could be deleted."""
        if not self._drawn:
            self._drawn = True
            with self._dialog, ui.element("div").classes("card pad clean-up"):
                self._draw()
        await self._look()
        self._dialog.open()

    def _draw(self) -> None:
        text("Clean up", tag="h2")
        text(
            "Deletes for good. Pinned recordings and results stay, and files outside the library are not touched.",
            "mute",
            tag="p",
        )
        with ui.element("div").classes("field"):
            text("Not used for", "mute")
            segmented(DAYS, self._days, self._choose, label="Not used for")
        self._chunks = ui.checkbox("", value=True, on_change=self._label)
        self._kept = ui.checkbox("", value=False, on_change=self._label)
        self._trash = ui.checkbox("", value=True, on_change=self._label)
        self._damaged = ui.checkbox("", value=False, on_change=self._label)
        self._messages = Messages()
        with ui.element("div").classes("clean-buttons"):
            button("Cancel", self._dialog.close)
            self._do = button("", self._clean, classes="danger")

    async def _choose(self, days: str) -> None:
        self._days = days
        await self._look()

    async def _look(self) -> None:
        store = self._library_view.store
        self._messages.clear()
        try:
            unused = await run.io_bound(store.usage, unused_for_s=self._unused_for_s) or {}
            usage = await run.io_bound(store.usage) or {}
        except StorageError as error:
            self._say(error)
            return
        chunks = unused.get("chunk", NOTHING)
        recordings, results = unused.get("recording", NOTHING), unused.get("result", NOTHING)
        trash, damaged = usage.get("trash", NOTHING), usage.get("damaged", NOTHING)
        kept = Share(recordings.n + results.n, recordings.size_bytes + results.size_bytes)
        self._frees = {self._chunks: chunks, self._kept: kept, self._trash: trash, self._damaged: damaged}
        self._chunks.set_text(f"Finished chunks, which runs can go on from: {_usage_text(chunks, 'chunk')}")
        what = f"{counted(recordings.n, 'recording')} and {counted(results.n, 'result')}"
        self._kept.set_text(f"{what}, not pinned: {size(kept.size_bytes)}" if kept.n else "No recordings or results")
        self._trash.set_text(f"What is in the trash, whenever it was deleted: {_usage_text(trash, 'item')}")
        self._damaged.set_text(f"Damaged files that were set aside: {_usage_text(damaged, 'file')}")
        self._damaged.set_visibility(damaged.n > 0)
        for box, share in self._frees.items():
            box.set_enabled(share.n > 0)
        self._label()

    def _label(self) -> None:
        n_bytes = sum(share.size_bytes for box, share in self._frees.items() if box.value)
        n_items = sum(share.n for box, share in self._frees.items() if box.value)
        self._do.set_text(f"Delete for good, frees {size(n_bytes)}" if n_items else "Nothing to delete")
        self._do.props(remove="disabled") if n_items else self._do.props("disabled")

    async def _clean(self) -> None:
        cleaning = CleanUp(
            chunks=self._chunks.value,
            kept=self._kept.value,
            trash=self._trash.value,
            damaged=self._damaged.value,
            unused_for_s=self._unused_for_s,
        )
        try:
            done = await run.io_bound(self._library_view.clean, cleaning)
        except StorageError as error:
            self._say(error)
            return
        self._dialog.close()
        if done is not None:
            await self._on_done(done)

    @property
    def _unused_for_s(self) -> float:
        return int(self._days) * 24 * 3600.0

    def _say(self, error: StorageError) -> None:
        self._messages.say(error)


def _usage_text(share: Share, what: str) -> str:
    return f"{counted(share.n, what)}, {size(share.size_bytes)}" if share.n else "none"
