"""Choosing a recording: the Studio's start page, the menu in the header, and the audio track of a file with several."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import run, ui

from separation.errors import PlaygroundError
from separation.results.kept import Recording
from separation.results.runs import import_track
from webapp.access.handlers import only_for
from webapp.access.roles import Right
from webapp.components.upload.upload import UploadArea
from webapp.pages.studio.state import described
from webapp.state.library.view import LibraryView
from webapp.theme import button, drop_zone, heading, icon_button, menu, menu_item, text

FORMATS_TAKEN = "wav, flac, mp3, ogg, opus, m4a, aiff, or the sound of mp4, mov, webm, mkv"
N_RECENT = 6  # recordings the empty page offers; the menu has more
N_IN_MENU = 20


def start_page(library_view: LibraryView, uploads: UploadArea, *, on_open: Callable[[str], object]) -> ui.element:
    """Draw the start of the page, before a recording is open: ways to upload one, and the recent ones.

    Args:
        library_view: the library with the recent recordings.
        uploads: the element that uploads a file or imports the demo.
        on_open: called with the key of a recording that a person wants to open.
    """
    with ui.element("div").classes("stack") as page:
        with drop_zone("Drop a recording here", FORMATS_TAKEN) as zone:
            only_for(zone, Right.UPLOAD)
            button("Browse files", uploads.browse, icon_name="file", tip="Several at once, up to 4 GB each")
            button("Try the demo", uploads.try_demo, kind="primary", tip="A short song made for this program")
        if recent := library_view.recordings()[:N_RECENT]:
            heading("Recent")
            with ui.element("div").classes("recent"):
                for recording in recent:
                    item = ui.element("button").classes("recent-item").props("type=button")
                    item.on("click", partial(on_open, recording.key), [])
                    with item:
                        _name(recording)
    return page


class RecordingsMenu:
    """The menu of recordings, which is filled each time it opens.

    Args:
        library_view: the library with the recordings.
        on_open: called with the key of a recording that a person wants to open.
        on_upload: called when a person wants to upload another file.
    """

    def __init__(
        self, library_view: LibraryView, *, on_open: Callable[[str], object], on_upload: Callable[[], object]
    ) -> None:
        self._library_view, self._on_open, self._on_upload = library_view, on_open, on_upload
        with icon_button("library", "Recent"):
            self._menu = menu("Recent")
        self._menu.on("before-show", self._list)

    def _list(self) -> None:
        self._menu.clear()
        with self._menu:
            only_for(menu_item("Upload another file…", self._on_upload), Right.UPLOAD)
            ui.separator()
            for recording in self._library_view.recordings()[:N_IN_MENU]:
                with menu_item(on_click=partial(self._on_open, recording.key)).classes("recording-item"):
                    _name(recording)


class TrackChoice:
    """Says which audio track of its file a recording is, and lets a person choose another; hidden where there is one.

    Args:
        library_view: the library with the recordings.
        on_open: called with the key of the recording that another track has become.
        on_error: called with the error of a track that cannot be taken.
    """

    def __init__(
        self,
        library_view: LibraryView,
        *,
        on_open: Callable[[str], object],
        on_error: Callable[[PlaygroundError], object],
    ) -> None:
        self._library_view, self._on_open, self._on_error = library_view, on_open, on_error
        self._recording: Recording | None = None
        with ui.element("div").classes("line").props('role=group aria-label="Audio track"') as self._row:
            self._about = text("", "mute small")
            other = button("Other tracks", kind="plain", tip="Each one opens as a recording of its own")
            self._other = only_for(other, Right.UPLOAD)
            with self._other:
                self._menu = menu("Other tracks", "")
        self._row.set_visibility(False)

    def show(self, recording: Recording | None) -> None:
        """Show the choice for the open recording; None if none is open."""
        if recording is not self._recording:  # else a menu that is open would lose its items
            self._recording = recording
            self._draw()

    def _draw(self) -> None:
        recording = self._recording
        self._row.set_visibility(recording is not None and len(recording.audio_tracks) > 1)
        if recording is None:
            return
        about = "".join(recording.audio_tracks[recording.audio_track - 1 : recording.audio_track])
        absent = "" if recording.source is not None else ". Upload the file here to choose another."
        n_tracks = len(recording.audio_tracks)
        self._about.set_text(f"Audio track {recording.audio_track} of {n_tracks}: {about}{absent}")
        self._other.set_visibility(recording.source is not None)
        self._menu.clear()
        with self._menu:
            for number, words in enumerate(recording.audio_tracks, 1):
                if number != recording.audio_track:
                    menu_item(f"{number}: {words}", partial(self._take, recording, number))

    async def _take(self, recording: Recording, track: int) -> None:
        self._about.set_text(f"Reading audio track {track}…")
        self._other.set_visibility(False)
        try:
            view = self._library_view
            taken = await run.io_bound(view.add, partial(import_track, recording, track, view.store))
        except PlaygroundError as error:
            self._on_error(error)
            taken = None
        if taken is not None:
            self._library_view.changed.emit()
        if taken is not None and self._recording is recording:  # else another was opened meanwhile
            self._on_open(taken.key)
        else:
            self._draw()


def _name(recording: Recording) -> None:
    text(recording.name, "recent-name")
    text(described(recording), "mute small")
