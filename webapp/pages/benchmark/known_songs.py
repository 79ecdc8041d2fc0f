"""Brings songs whose stems are known from a folder of this computer; for the person who sits at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from nicegui import run, ui

from separation.errors import PlaygroundError, SettingsError
from separation.formatted import counted
from separation.results.kept import Recording
from separation.stem_sets.finding import find_songs
from separation.stem_sets.importing import import_song
from separation.stem_sets.song import KnownSong
from storage import ArtifactStore
from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.theme import button, card, error_card, text

SHOWN = 50  # songs whose names of stems are listed
ABOUT = (
    "A folder in the layout of MUSDB18-HQ, Slakh or MoisesDB, .stem.mp4 files, or plain folders with a mixture and its "
    "stems. Where there is no mixture, the stems are added up."
)


class KnownSongs:
    """The dialog: names a folder, shows what is taken for what, and imports it.

    Args:
        store: keeps the recordings.
        on_imported: called with each recording that is kept.
    """

    def __init__(self, store: ArtifactStore, on_imported: Callable[[Recording], object]) -> None:
        self._store, self._on_imported = store, on_imported
        self._songs: tuple[KnownSong, ...] = ()
        with asks(ui.dialog(), Asks.HOST) as self._dialog, card("pad stack known-songs"):
            text("Songs with known stems", tag="h2")
            text(ABOUT, "mute", tag="p")
            self._folder = ui.input("Folder on this computer").props("outlined dense autofocus")
            self._folder.on("keydown.enter", self._look)
            self._found = ui.element("div").classes("stack known-songs-list").props("aria-live=polite")
            with ui.element("div").classes("recipe-actions"):
                button("Close", self._dialog.close)
                self._look_button = button("Look", self._look)
                self._bring = button("Import", self._import, kind="primary")
        self._dialog.props["aria-label"] = "Songs with known stems"
        self._bring.set_visibility(False)

    def open(self) -> None:
        """Open the dialog."""
        self._dialog.open()

    async def _look(self) -> None:
        self._songs = ()
        self._found.clear()
        try:
            place = _folder_named(str(self._folder.value or ""))
            self._songs = await run.io_bound(find_songs, place) or ()
        except PlaygroundError as error:
            self._refuse(error)
        self._bring.set_visibility(bool(self._songs))
        self._bring.set_text(f"Import {counted(len(self._songs), 'song')}")
        self._list(self._songs)

    def _list(self, songs: Sequence[KnownSong]) -> None:
        with self._found:
            for song in songs[:SHOWN]:
                with ui.element("div"):
                    text(song.name, tag="b")
                    text(f" {song.layout}", "mute small")
                    renamed = ", ".join(f"{before} → {stem}" for before, stem in song.renamed.items())
                    text(renamed or ", ".join(song.stems), "mute small", tag="p")
                    for note in song.notes:
                        text(note, "warn small", tag="p")
            if len(songs) > SHOWN:
                text(f"and {counted(len(songs) - SHOWN, 'other song')}", "mute", tag="p")

    async def _import(self) -> None:
        self._bring.props("disabled")
        songs, failed = self._songs, 0
        for number, song in enumerate(songs, start=1):
            self._bring.set_text(f"{number} of {len(songs)}…")
            try:
                recording = await run.io_bound(import_song, song, self._store)
            except PlaygroundError as error:
                failed += 1
                self._refuse(error)
                continue
            if recording is None:  # the server is being stopped
                return
            self._on_imported(recording)
        self._bring.props(remove="disabled")
        self._bring.set_text(f"Import {counted(len(songs), 'song')}")
        if not failed:
            self._dialog.close()

    def _refuse(self, error: PlaygroundError) -> None:
        with self._found:
            error_card(error)


def _folder_named(words: str) -> Path:
    if not words.strip():
        raise SettingsError("No folder was named.", "", "Type the path of a folder, such as /home/me/musdb18hq.")
    place = Path(words.strip()).expanduser()
    if not place.is_absolute():
        raise SettingsError(
            f"“{words.strip()}” is no whole path.", "The studio has no current folder.", "Type it from the root on."
        )
    return place
