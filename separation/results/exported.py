"""Writes the tracks of a kept result where a person wants them, in the format that was asked for: all or none."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from separation.audio.files import FilesRead, check_places, hidden_folder, put
from separation.audio.names import plain_names
from separation.backends import registry
from separation.events import Event, StillRunning
from separation.prompts.targets import tracks_of

if TYPE_CHECKING:
    from separation.request import Request
    from separation.results.kept import Result

# Name to extension, as in `separation.audio.encode.FORMATS`, which brings NumPy: help and kept results do without.
FORMATS = {"wav16": ".wav", "wav24": ".wav", "wav32f": ".wav", "flac": ".flac", "mp3": ".mp3", "ogg": ".ogg"}


def places(tracks: Sequence[str], folder: Path, format: str) -> dict[str, Path]:
    """Return the file of each track, by the track's name."""
    files = plain_names(tracks)
    return {track: folder / f"{file}{FORMATS[format]}" for track, file in zip(tracks, files, strict=True)}


def places_of(settled: Request, folder: Path, format: str) -> dict[str, Path]:
    """Return the file of each track that a settled request will have; nothing has to be computed for it."""
    targets = registry.get(settled.backend).targets(settled)
    return places([track.name for track in tracks_of(targets, settled)], folder, format)


def write(
    result: Result, folder: Path, format: str, read: FilesRead
) -> Generator[Event, None, dict[str, tuple[str, ...]]]:
    """Write the tracks into `folder`, which is made or changed when all are complete; yield before each of them.

    Returns:
        Notes for the user on each track, by the name of its file.

    Raises:
        OSError: the folder cannot hold them.
        PlaygroundError: they cannot be encoded, or one of the files `read` lies where a track is to go.
    """
    files = places(result.track_names, folder, format)
    folder.parent.mkdir(parents=True, exist_ok=True)
    notes = {}
    with hidden_folder(folder if folder.is_dir() else folder.parent) as making:
        for track in result.tracks:
            yield StillRunning()
            name = files[track.name].name
            notes[name] = _encoded(track.audio, making / name, format)
        folder.mkdir(exist_ok=True)
        check_places([*files.values()], read)  # also for the last one before the first is put
        for file in files.values():
            put(making / file.name, file, read)
    return notes


def _encoded(kept: Path, path: Path, format: str) -> tuple[str, ...]:
    """Write one kept track; return notes."""
    if format == "wav32f":  # what is kept already
        shutil.copyfile(kept, path)
        return ()
    from separation.audio.decode import AudioFile
    from separation.audio.encode import encode

    with AudioFile(kept) as audio:
        return encode(audio, path, format).notes
