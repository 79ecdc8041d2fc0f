"""Writes the tracks of a kept result where a person wants them, in the format that was asked for: all or none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from separation.audio.files import FilesRead, check_places, hidden_folder, put
from separation.audio.interrupts import interrupts_held
from separation.audio.names import plain_names
from separation.backends import registry
from separation.events import Event, StillRunning
from separation.export.level import FLOAT_FORMAT, Level, level_for, needs_peak
from separation.export.tags import Tags, write_tags
from separation.prompts.targets import tracks_of
from separation.results.kept import KeptSound, KeptTrack, Result

if TYPE_CHECKING:
    from separation.request import Request

# Name to extension, as in `separation.audio.encode.FORMATS`, which brings NumPy: help and kept results do without.
FORMATS = {"wav16": ".wav", "wav24": ".wav", "wav32f": ".wav", "flac": ".flac", "mp3": ".mp3", "ogg": ".ogg"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """What `write` wrote: the file of each track by its name, at what level, and notes for the user."""

    files: dict[str, Path]
    level: Level
    notes: tuple[str, ...]


def places(tracks: Sequence[str], folder: Path, format: str) -> dict[str, Path]:
    """Return the file of each track, by the track's name."""
    files = plain_names(tracks)
    return {track: folder / f"{file}{FORMATS[format]}" for track, file in zip(tracks, files, strict=True)}


def places_of(settled: Request, folder: Path, format: str) -> dict[str, Path]:
    """Return the file of each track that a settled request will have; nothing has to be computed for it."""
    targets = registry.get(settled.backend).targets(settled)
    return places([track.name for track in tracks_of(targets, settled)], folder, format)


def write(
    result: Result, folder: Path, format: str, peak_rule: str, tags: Tags, read: FilesRead
) -> Generator[Event, None, Exported]:
    """Write the tracks into `folder`, which is made or changed when all are complete; yield before each of them.

    All tracks get one level, so that they still add up; see `separation.export.level.level_for`. The `tags` are those
    of the recording; each track's title has its name.

    Raises:
        OSError: the folder cannot hold them.
        PlaygroundError: they cannot be encoded, or one of the files `read` lies where a track is to go.
    """
    files = places(result.track_names, folder, format)
    folder.parent.mkdir(parents=True, exist_ok=True)
    yield StillRunning()
    level = kept_level(result, format, peak_rule)
    notes = [level.note] if level.note else []
    with hidden_folder(folder if folder.is_dir() else folder.parent) as making:
        for track in result.tracks:
            yield StillRunning()
            name = files[track.name].name
            notes += [f"{name}: {note}" for note in _encoded(track.audio, making / name, level)]
            write_tags(making / name, FORMATS[format], tags.of_sound(track.name))
        folder.mkdir(exist_ok=True)
        check_places([*files.values()], read)  # also for the last one before the first is put
        with interrupts_held():  # all of them, or none
            for file in files.values():
                put(making / file.name, file, read)
    return Exported(files=files, level=level, notes=tuple(notes))


def kept_level(kept: KeptSound, format: str, peak_rule: str) -> Level:
    """Return the level at which all tracks of a recording or a result are written, at the rate of the format.

    Raises:
        SettingsError: the format cannot follow the rule.
        AudioError: a track cannot be read.
    """
    if not needs_peak(format, peak_rule):
        return level_for(0, format, peak_rule)
    from separation.audio.encode import FORMATS as ENCODED

    return level_for(kept_peak(kept, ENCODED[format].rate_for), format, peak_rule)


def kept_peak(
    kept: KeptSound, rate_for: Callable[[int], int], usable: Callable[[KeptTrack], bool] = lambda track: True
) -> float:
    """Return the largest absolute sample of all tracks of a recording or a result, linear.

    That of a result at its own rate was measured while it was made. Otherwise each file is read, once in a process.

    Args:
        kept: the recording or the result.
        rate_for: gives the rate (Hz) at which sound of a rate is written.
        usable: whether a track may be read; others count as silent.

    Raises:
        AudioError: a track cannot be read.
    """
    rate = rate_for(kept.sample_rate)
    if isinstance(kept, Result) and kept.peak is not None and rate == kept.sample_rate:
        return kept.peak
    return max((_peak_of(track.audio, rate) for track in kept.tracks if usable(track)), default=0.0)


def _peak_of(path: Path, rate: int) -> float:
    about = path.stat()
    return _measured(path, rate, (about.st_ino, about.st_size, about.st_mtime_ns))


@lru_cache(maxsize=1024)
def _measured(path: Path, rate: int, _version: tuple[int, ...]) -> float:
    from separation.audio.decode import AudioFile
    from separation.audio.encode import loudest

    with AudioFile(path) as audio:
        return loudest([audio], lambda own_rate: rate)


def _encoded(kept: Path, path: Path, level: Level) -> tuple[str, ...]:
    """Write one kept track; return notes."""
    if level.format == FLOAT_FORMAT:  # what is kept already
        shutil.copyfile(kept, path)
        return ()
    from separation.audio.decode import AudioFile
    from separation.audio.encode import encode

    with AudioFile(kept) as audio:
        return encode(audio, path, level.format, gain=level.gain).notes
