"""The loudness of the sides of a comparison, measured beside the page, which shows what was measured last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from nicegui import background_tasks, ui

from separation.comparing.heard import HeardTrack, lufs_of
from separation.comparing.matching import Matched, matched
from separation.errors import PlaygroundError


class SideLoudness:
    """By how much each side is turned down; empty until that is measured.

    Args:
        on_measured: called when it is, in the page that made this.
        on_error: called with what went wrong, if a side is gone.
    """

    def __init__(
        self,
        on_measured: Callable[[], object],
        *,
        on_error: Callable[[PlaygroundError], object] = lambda error: None,
    ) -> None:
        self.matched: tuple[Matched, ...] = ()
        self._on_measured, self._on_error = on_measured, on_error
        self._client = ui.context.client
        self._n_asked = 0

    def forget(self) -> None:
        """Drop what was measured, and what is being measured: the sides are others."""
        self.matched = ()
        self._n_asked += 1

    def measure(self, sides: Sequence[Sequence[HeardTrack]], start_s: float = 0.0, end_s: float | None = None) -> None:
        """Measure what is heard of each side in a passage; only the newest call of several counts."""
        self._n_asked += 1
        this_one = self._n_asked

        async def measure() -> None:
            try:
                lufs = await asyncio.to_thread(lambda: [lufs_of(tracks, start_s, end_s) for tracks in sides])
            except PlaygroundError as error:
                self._on_error(error)
                return
            except OSError as error:
                self._on_error(PlaygroundError("A sound cannot be read.", f"The system says: {error.strerror}.", ""))
                return
            if this_one == self._n_asked:
                self.matched = matched(lufs)
                with self._client:
                    self._on_measured()

        if sides:
            background_tasks.create(measure(), name="loudness")
