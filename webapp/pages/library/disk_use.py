"""What the library takes on the disk, as one bar against the limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nicegui import ui

from separation.formatted import size
from storage.schema import Share
from webapp.access.handlers import only_for
from webapp.access.routes import Asks
from webapp.theme import button, card, text

# kind -> how it is called; in the order of the bar. All that is neither is what was replaced a moment ago.
PARTS = {
    "recording": "Recordings",
    "result": "Results",
    "chunk": "Finished chunks",
    "comparison": "Listening tests",
    "trash": "Trash",
    "damaged": "Damaged",
}
RARE = ("comparison", "damaged")


class DiskUse:
    """A bar of the disk space in use with its legend, and buttons that free some or look for damage.

    Args:
        on_clean: called when a person wants to clean up.
        on_empty: called when a person wants to empty the trash.
        on_check: called when a person wants all files compared with what was written.
    """

    def __init__(
        self, *, on_clean: Callable[[], object], on_empty: Callable[[], object], on_check: Callable[[], object]
    ) -> None:
        with card("pad disk-use") as self._card:
            only_for(self._card, Asks.HOST)
            with ui.element("div").classes("disk-head"):
                self._words = text("", "disk-words num")
                with ui.element("span").classes("job-buttons"):
                    self._empty = button("Empty trash", on_empty, tip="Deletes for good what is in the trash")
                    self.check = button("Check", on_check, tip="Reads every file and compares it with what was written")
                    button(
                        "Clean up",
                        on_clean,
                        tip="Shows what is no longer used, and how much space deleting it would free",
                    )
            with ui.element("div").classes("disk-bar").props("role=img") as self._bar:
                self._segments = {kind: ui.element("i").classes(f"disk-{kind}") for kind in PARTS}
            with ui.element("ul").classes("disk-legend"):
                self._legend = {kind: self._row(kind, words) for kind, words in PARTS.items()}
        self._empty.set_visibility(False)
        # As high as it will be: figures that come move nothing.
        for kind, (row, set_figure) in self._legend.items():
            set_figure(size(0))
            row.set_visibility(kind not in RARE)

    @staticmethod
    def _row(kind: str, words: str) -> tuple[ui.element, Callable[[str], object]]:
        """Add a row of the legend; return it and what sets its figure."""
        with ui.element("li") as row:
            ui.element("i").classes(f"dot disk-{kind}")
            text(words, "mute")
            return row, text("", "num").set_text

    def show(self, usage: Mapping[str, Share], limit_bytes: int) -> None:
        """Draw how much disk space each kind of item takes.

        Args:
            usage: number and size of the items of each kind, as `ArtifactStore.usage` returns them.
            limit_bytes: the most bytes that all of them may take.
        """
        self._card.set_visibility(bool(usage))
        total_bytes = sum(share.size_bytes for share in usage.values())
        whole_bytes = max(total_bytes, limit_bytes, 1)  # what is pinned may be over the limit
        for kind, (row, set_figure) in self._legend.items():
            n_bytes = usage[kind].size_bytes if kind in usage else 0
            set_figure(size(n_bytes))
            row.set_visibility(kind not in RARE or n_bytes > 0)  # nobody need think of damage where there is none
            self._segments[kind].style(f"flex-basis: {100 * n_bytes / whole_bytes:.3f}%")
        words = f"{size(total_bytes)} of {size(limit_bytes)}"
        self._words.set_text(words + (", over the limit" if total_bytes > limit_bytes else ""))
        self._bar.props["aria-label"] = f"Disk use: {words}"
        self._empty.set_visibility("trash" in usage)
