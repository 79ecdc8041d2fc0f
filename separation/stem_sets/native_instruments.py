"""Stem files of Native Instruments: an MP4 whose first audio track is the mixture, and the others its stems.

MUSDB18 comes as such files. Their stems are drums, bass, other and vocals; those of other makers are named in the file,
as JSON in its box moov/udta/stem.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from struct import unpack
from typing import BinaryIO

from separation.prompts import vocabulary
from separation.stem_sets import musdb
from separation.stem_sets.folder import readable
from separation.stem_sets.song import KnownSong, StemSource

LAYOUT = "Native Instruments Stems"
EXTENSIONS = (".stem.mp4", ".stem.m4a")
MAX_JSON_BYTES = 1 << 20


def is_stem_file(name: str) -> bool:
    """Whether a file has the name of a stem file."""
    return name.casefold().endswith(EXTENSIONS)


def song_of(path: Path) -> KnownSong:
    """Return the song of a stem file; whether it holds as many audio tracks is seen when it is imported."""
    named = _named_in(path)
    names = [vocabulary.meaning(name).casefold() for name in named or musdb.STEMS]
    stems: dict[str, tuple[StemSource, ...]] = {}
    renamed = {}
    for track, name in enumerate(names, start=2):
        stems[name] = (*stems.get(name, ()), StemSource(path=path, track=track))
        label = f", “{named[track - 2]}”" if named else ""
        renamed[f"audio track {track}{label}"] = name
    extension = next(each for each in EXTENSIONS if path.name.casefold().endswith(each))
    return KnownSong(
        name=readable(path.name[: -len(extension)]) or readable(path.name),
        layout=LAYOUT,
        place=path,
        mixture=StemSource(path=path, track=1),
        stems=stems,
        renamed=renamed,
    )


def _named_in(path: Path) -> tuple[str, ...]:
    """Return the names of the stems that the file states; none if it states none that can be understood."""
    with suppress(OSError, ValueError, TypeError, LookupError), path.open("rb") as file:
        found = _box(file, (b"moov", b"udta", b"stem"), path.stat().st_size)
        stems = json.loads(found)["stems"] if found else []
        names = tuple(" ".join(str(stem["name"]).split()) for stem in stems)
        return names if all(names) else ()
    return ()


def _box(file: BinaryIO, names: tuple[bytes, ...], stop: int) -> bytes:
    """Return the content of the first box of this path between here and `stop` (ISO/IEC 14496-12, 4.2)."""
    while file.tell() + 8 <= stop:
        start = file.tell()
        size, name = unpack(">I4s", file.read(8))
        if size == 1:
            (size,) = unpack(">Q", file.read(8))
        end = stop if size == 0 else start + size
        if not file.tell() <= end <= stop:
            return b""
        if name == names[0] and len(names) == 1:
            return file.read(min(end - file.tell(), MAX_JSON_BYTES))
        if name == names[0] and (found := _box(file, names[1:], end)):
            return found
        file.seek(end)
    return b""
