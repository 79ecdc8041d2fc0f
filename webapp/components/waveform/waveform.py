"""The large view of one recording: ruler, waveform, playhead, and a strip of its chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, TypedDict

from nicegui import ui

from webapp.components.player import PLAYER_MODULE
from webapp.components.player.track import ChunkCell, ChunkState, Track
from webapp.components.sent import arguments_to

# The files beside waveform.js, which imports them by this name.
WAVEFORM_MODULE = {"audio-playground-waveform": str(Path(__file__).parent)}


class View(TypedDict):
    """The visible part of a recording, in samples."""

    start: int
    count: int


class WaveformPlot(ui.element, component="waveform.js", esm=PLAYER_MODULE | WAVEFORM_MODULE):
    """The large waveform of one recording, with playhead, zoom, scrolling, the strip of chunks, and a time ruler.

    A drag on the ruler marks the passage that is looped; its edges are dragged, or moved by arrows while they are
    focused, and its middle moves it. A click on the ruler seeks.

    Children become layers over the drawing, such as `Spans`: a Vue component placed inside may `inject: ["waveView"]`
    and gets `{start, samplesPerPixel, width, sampleRate, pinching, sampleAt(x), xOf(sample), reveal(start, stop)}`,
    which Vue keeps up to date while people zoom.

    Args:
        track: the recording, or None for the empty state.
        chunks: the cells of the strip, see `set_chunks`.
        empty_text: the text of the empty state.
        height_px: the height of the drawing without the strip, in CSS pixels.
        on_seek: called once per gesture with the new position in seconds.
        on_chunk: called with the index of a chunk that was clicked.
        on_view: called with the visible part when zoom or scroll has settled.
    """

    def __init__(
        self,
        track: Track | None = None,
        *,
        chunks: Sequence[ChunkCell] = (),
        empty_text: str = "No recording yet",
        height_px: int = 210,
        on_seek: Callable[[float], object] | None = None,
        on_chunk: Callable[[int], object] | None = None,
        on_view: Callable[[View], object] | None = None,
    ) -> None:
        super().__init__()
        self._props["track"] = track
        self._props["chunks"] = list(chunks)
        self._props["loading"] = False
        self._props["empty-text"] = empty_text
        self._props["height"] = height_px
        for name, handler, shape in (("seek", on_seek, float), ("chunk", on_chunk, int), ("view", on_view, View)):
            if handler is not None:
                self.on(name, arguments_to(handler, shape))

    @property
    def track(self) -> Track | None:
        """The recording that is shown."""
        track: Track | None = self._props["track"]
        return track

    def set_track(self, track: Track | None) -> Self:
        """Show another recording, or the same one grown; None shows the empty state."""
        self._props["track"] = track
        return self

    def set_loading(self, loading: bool = True) -> Self:
        """Show or hide the skeleton, which replaces the empty state while audio is loading."""
        self._props["loading"] = loading
        return self

    def set_chunks(self, chunks: Sequence[ChunkCell]) -> Self:
        """Replace the chunks of the strip; an empty list removes it. Only the cells that differ are sent."""
        shown: list[ChunkCell] = self._props["chunks"]
        if list(map(_place, shown)) != list(map(_place, chunks)):
            self._props["chunks"] = list(chunks)
            return self
        for index, (before, now) in enumerate(zip(list(shown), chunks, strict=True)):
            if before != now:
                self.update_chunk(index, now["state"], now.get("fraction", 0.0))
        return self

    def mark_reach(self, name: str, color: str) -> Self:
        """Set the name and colour of the prompt whose spans the chunks' `plus` and `minus` are."""
        marked = {"name": name, "color": color}
        if self._props.get("marked") != marked:
            self._props["marked"] = marked
        return self

    def update_chunk(self, index: int, state: ChunkState, fraction: float = 0.0) -> None:
        """Redraw one cell of the strip; it sends only a few bytes, so it may be called at every solver step."""
        chunks: list[ChunkCell] = self._props["chunks"]
        with self._props.suspend_updates():
            chunks[index] = {**chunks[index], "state": state, "fraction": fraction}
        self.run_method("updateChunk", index, state, fraction)

    def show(self, start_s: float, end_s: float) -> None:
        """Zoom to a passage in seconds."""
        self.run_method("showSeconds", start_s, end_s)


def zooming(factor: float) -> str:
    """Return what a button does in the browser, at once, to zoom by a factor; 0 shows the whole recording."""
    return f"() => window.audioPlayground.player.emit('zoom', {factor})"


def _place(chunk: ChunkCell) -> tuple[int, int, bool, bool]:
    """Return the parts of a cell that stay the same while its chunk is computed."""
    return chunk["start"], chunk["count"], chunk.get("plus", False), chunk.get("minus", False)
