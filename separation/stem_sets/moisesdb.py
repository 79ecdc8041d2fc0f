"""The layout of MoisesDB: a folder with data.json, and for each stem a folder with its sounds, which are added up.

There is no file of the mixture: it is the sum of the stems.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from separation.stem_sets.folder import SongFolder, readable
from separation.stem_sets.song import KnownSong, StemSource

LAYOUT = "MoisesDB"
DATA = "data.json"
MAX_DATA_BYTES = 1 << 22  # those of MoisesDB have a few kB


def song_in(folder: SongFolder) -> KnownSong | None:
    """Return the song of such a folder; None if it is another kind of folder."""
    if DATA not in folder.files or folder.audio:
        return None
    sounds = {name: list(SongFolder(path, folder.root).audio.values()) for name, path in folder.folders.items()}
    said = _data(folder.files[DATA])
    listed = None if said is None else list(_listed(said))
    notes = []
    if listed is None:
        notes.append(f"{DATA} cannot be understood, so its folders name the stems.")
        pairs = [(name, path) for name, paths in sounds.items() for path in paths]
    else:
        there = {(name, path.stem): path for name, paths in sounds.items() for path in paths}
        pairs = [(stem, there[stem, sound]) for stem, sound in listed if (stem, sound) in there]
        if missing := [f"{stem}/{sound}" for stem, sound in listed if (stem, sound) not in there]:
            notes.append(f"{DATA} names {', '.join(map(readable, missing))}, of which there is no file.")
    if not pairs:
        return None
    stems: dict[str, tuple[StemSource, ...]] = {}
    renamed = {}
    for stem, path in pairs:
        name = readable(stem).replace("_", " ").casefold()
        stems[name] = (*stems.get(name, ()), StemSource(path=path))
        renamed[f"{readable(stem)}/{readable(path.name)}"] = name
    return KnownSong(
        name=_name(said) or readable(folder.path.resolve().name),
        layout=LAYOUT,
        place=folder.path,
        mixture=None,
        stems=stems,
        renamed=renamed,
        notes=tuple(notes),
    )


def _data(path: Path) -> dict[str, Any] | None:
    """Return what the file says, if it is one of this layout that can be understood."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(MAX_DATA_BYTES))
        return said if list(_listed(said)) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _listed(said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield stem and sound of each file, once: its parts that are the names of a folder and of a file in it."""
    seen = set()
    for stem in said["stems"]:
        for track in stem["tracks"]:
            pair = str(stem["stemName"]), str(track["id"])
            if pair not in seen:
                seen.add(pair)
                yield pair


def _name(said: dict[str, Any] | None) -> str:
    words = [str((said or {}).get(key) or "").strip() for key in ("artist", "song")]
    return " - ".join(" ".join(each.split()) for each in words if each)
