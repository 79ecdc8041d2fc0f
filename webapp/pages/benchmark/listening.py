"""What is heard on the Benchmark page: the sound of the cell that was clicked, its true sound, and the mixture."""

from __future__ import annotations

from collections.abc import Callable

from separation.benchmark.benchmark import Excerpt
from separation.comparing.true_stems import true_stems_of, true_tracks
from separation.errors import PlaygroundError
from separation.results.kept import KeptTrack, Recording, Result
from webapp.components.player.track import Track
from webapp.components.tracks.kept_tracks import mixture_track, sound_track
from webapp.components.tracks.tracks import Tracks
from webapp.components.transport.transport import Transport
from webapp.state.library.view import LibraryView
from webapp.theme import FREE_COLORS, card, stem_color, text


class CellListening:
    """A card with the rows of one cell; playback goes on at the same place when another cell is chosen.

    Args:
        library_view: where the results are.
        transport: plays them.
        on_error: called with what a person should read.
    """

    def __init__(
        self, library_view: LibraryView, transport: Transport, *, on_error: Callable[[PlaygroundError], object]
    ) -> None:
        self._library_view, self._transport, self._on_error = library_view, transport, on_error
        with card() as self._card:
            self._title = text("", "listening-title", tag="p").props("aria-live=polite")
            self._tracks = Tracks()
        self._card.set_visibility(False)

    def hear(self, result_key: str, song: Excerpt, stem: str, label: str) -> None:
        """Play a stem of a result at the playhead."""
        try:
            result, passage = self._library_view.result(result_key), self._library_view.recording(song.key)
        except PlaygroundError as error:
            self._on_error(error)
            return
        self._card.set_visibility(True)
        self._title.set_text(f"{label} · {song.name}")
        self._tracks.set_tracks(_tracks(result, passage, stem))
        self._transport.play()


def _tracks(result: Result, passage: Recording, stem: str) -> list[Track]:
    heard = [track for track in result.tracks if track.name == stem] or list(result.tracks[:1])
    tracks = [_row(sound_track(result, track), "heard", track.name, stem_color(track.name)) for track in heard]
    truth = true_stems_of(passage)
    if truth is not None:
        for true in true_tracks(truth, heard[0].name, result.track_names):
            tracks.append(_true_row(passage, true))
    return [*tracks, mixture_track(passage, "", has_stems=True)]


def _true_row(passage: Recording, true: KeptTrack) -> Track:
    row = _row(sound_track(passage, true), f"true-{true.id}", f"True {true.name}", FREE_COLORS[0])
    return {**row, "muted": True}


def _row(track: Track, place: str, name: str, color: str) -> Track:
    """Return a track whose place in the mixer stays the same for every cell, so that what a person set there stays."""
    return {**track, "id": place, "name": name, "color": color, "download": ""}
