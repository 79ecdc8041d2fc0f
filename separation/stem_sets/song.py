"""A song whose stems are known, as it lies on the disk: the files of its mixture and of its stems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class StemSource:
    """A sound in a file.

    Attributes:
        path: the file.
        track: the number of its audio track, from 1 on; None for the file's default one.
    """

    path: Path
    track: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownSong:
    """A song whose stems are known. Nothing of it has been decoded.

    Attributes:
        name: for people, such as “Artist - Title”.
        layout: the name of the layout by which it was recognised.
        place: the folder or file that holds it.
        mixture: the song itself; None if it is the sum of the stems.
        stems: by name, the sounds whose sum each of them is.
        renamed: what each of these was called there, and the name of the stem that it belongs to.
        notes: what a person should know of it, one sentence each.
    """

    name: str
    layout: str
    place: Path
    mixture: StemSource | None
    stems: Mapping[str, tuple[StemSource, ...]]
    renamed: Mapping[str, str]
    notes: tuple[str, ...] = field(default=())
