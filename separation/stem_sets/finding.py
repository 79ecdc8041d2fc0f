"""Finds the songs in a folder whose stems are known, however the folder is laid out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from separation.audio.files import resolved
from separation.errors import SettingsError
from separation.formatted import counted
from separation.stem_sets import moisesdb, musdb, native_instruments, plain, slakh
from separation.stem_sets.folder import SongFolder, readable
from separation.stem_sets.song import KnownSong

# In the order in which they are asked: any folder with a mixture is a plain one too.
RECOGNISERS = (slakh.song_in, moisesdb.song_in, musdb.song_in, plain.song_in)
SAME_STEMS = (plain.LAYOUT, native_instruments.LAYOUT)  # of the others each song has instruments of its own


def find_songs(place: Path) -> tuple[KnownSong, ...]:
    """Return the songs in a folder and in all folders in it, in the order of their paths; or that of a stem file.

    Nothing is decoded. Hidden files, links to folders, links that lead out of it, and what is no audio are passed over.

    Raises:
        SettingsError: nothing is recognised, or there is no such folder, or one cannot be read.
    """
    if place.is_file() and native_instruments.is_stem_file(place.name):
        return (native_instruments.song_of(place),)
    if not place.is_dir():
        raise _not_a_folder(place)
    songs: list[KnownSong] = []
    n_links = 0
    waiting = [place]
    while waiting:
        folder = SongFolder(waiting.pop(), resolved(place))
        n_links += folder.n_links
        stem_files = [path for name, path in folder.files.items() if native_instruments.is_stem_file(name)]
        songs += map(native_instruments.song_of, stem_files)
        song = next((song for song_in in RECOGNISERS if (song := song_in(folder)) is not None), None)
        if song is not None:
            songs.append(song)
        else:
            waiting += reversed(folder.folders.values())
    if not songs:
        raise _nothing(place, n_links)
    return _with_lacks_noted(songs)


def _with_lacks_noted(songs: Sequence[KnownSong]) -> tuple[KnownSong, ...]:
    """Note of each song which stems it lacks that at least half of the songs of its set have."""
    n_songs = Counter(song.layout for song in songs)
    n_having = Counter((song.layout, stem) for song in songs for stem in song.stems)
    usual: dict[str, list[str]] = {layout: [] for layout in SAME_STEMS}
    for (layout, stem), n in n_having.items():
        if layout in usual and 2 * n >= n_songs[layout]:
            usual[layout].append(stem)
    noted = []
    for song in songs:
        lacking = [stem for stem in usual.get(song.layout, ()) if stem not in song.stems]
        notes = [f"It has no {stem}, which other songs of this set have." for stem in lacking]
        noted.append(replace(song, notes=(*song.notes, *notes)))
    return tuple(noted)


def _not_a_folder(place: Path) -> SettingsError:
    if place.exists():
        return SettingsError(
            f"“{readable(place.name)}” is one file.",
            "A song and its stems are a folder, or a file that ends in .stem.mp4.",
            "Choose the folder that holds the song and its stems.",
        )
    return SettingsError(f"There is no folder {readable(str(place))!r}.", "", "Check its name.")


def _nothing(place: Path, n_links: int) -> SettingsError:
    links = f" {counted(n_links, 'link')} that may lead out of it were passed over." if n_links else ""
    return SettingsError(
        f"No song with known stems was found in “{readable(place.resolve().name)}”.",
        "Neither it nor a folder in it is laid out as MUSDB18-HQ, Slakh2100 or MoisesDB, or holds .stem.mp4 files, "
        f"or a mixture and its stems as audio files of their own.{links}",
        "Choose another folder, or name the files “mixture.wav”, “drums.wav”, “vocals.wav” and so on.",
    )
