"""A run's progress in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from separation.cli.progress_line import can_redraw, redrawn

if TYPE_CHECKING:
    from separation.cli.common import Common
    from separation.events import Event


class Progress:
    """Shows progress: a bar on a terminal, plain lines when piped, nothing when the output is JSON.

    Args:
        common: prints the lines.
        together: whether all chunks are solved together (multi-diffusion), before the first of them is finished.
    """

    def __init__(self, common: Common, *, together: bool = False) -> None:
        self._common, self._together = common, together
        self._live = not common.as_json and can_redraw(sys.stderr)
        self._index = self._n_chunks = 0
        self._open = False

    def show(self, event: Event) -> None:
        """Show an event."""
        from separation.events import (
            BackendChosen,
            ChunkFinished,
            ChunkStarted,
            Finished,
            ModelLoading,
            SolverStep,
            Warned,
        )

        match event:
            case BackendChosen():
                self._common.say(f"{event.why}")
            case ModelLoading() if event.total_bytes:
                self._bar(event.done_bytes / event.total_bytes, f"loading {event.model}")
            case SolverStep() if self._together:
                self._bar(event.done / event.total, "all chunks together")
            case ChunkStarted() if not self._together:
                self._index, self._n_chunks = event.index, event.n_chunks
                self._bar(event.index / event.n_chunks, f"chunk {event.index + 1} of {event.n_chunks}")
            case SolverStep() if self._n_chunks:
                fraction = (self._index + event.done / event.total) / self._n_chunks
                self._bar(fraction, f"chunk {self._index + 1} of {self._n_chunks}")
            case ChunkFinished() if not self._live:
                self._common.say(f"chunk {event.index + 1} of {event.n_chunks} done")
            case Finished():
                self._bar(1.0, "done")
            case Warned():
                self._common.say(f"note: {event}")

    def close(self) -> None:
        """End an unfinished bar; the next output starts on a new line."""
        if self._open:
            click.echo(err=True)
            self._open = False

    def _bar(self, fraction: float, words: str) -> None:
        if self._live:
            filled, self._open = round(28 * fraction), words != "done"
            bar = f"{self._common.mark}[{'#' * filled}{'.' * (28 - filled)}] {fraction:4.0%}  {words}"
            click.echo(redrawn(bar), nl=not self._open, err=True)
