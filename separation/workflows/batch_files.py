"""Finds the input files of a batch in a folder, and names the folders of their results.

A folder belongs to the source that it was first made for: `SOURCES` beside the folders says which that is, so that
names stay as they are when files come and go, and two batches into one folder do not write over each other's results.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import NoReturn

from separation.audio.files import resolved
from separation.audio.names import AUDIO_EXTENSIONS, plain_names
from separation.errors import SettingsError

FAILURES = "failures.json"
SOURCES = "sources.json"  # {folder: source}, both relative to where it lies


def find_recordings(folder: Path, patterns: Sequence[str], recursive: bool, out: Path) -> list[Path]:
    """Return the files in `folder` whose names match, relative to it and sorted, without hidden ones and `out`.

    A link that leads nowhere is among them, so that it is missed; links to folders are not followed.

    Raises:
        SettingsError: there are none, there is no such folder, it cannot be read, or would take up its own results.
    """
    if not folder.is_dir():
        raise SettingsError(f"There is no folder {folder!s}.", "", "Check its name.")
    inner, outer = resolved(folder), resolved(out)
    if recursive and inner.is_relative_to(outer):
        raise SettingsError(
            f"{out!s} cannot hold the results.",
            f"All folders in {folder!s} are searched, so the next batch would take results for recordings.",
            "Choose a folder beside it or in it.",
        )
    wanted = [pattern.casefold() for pattern in patterns or [f"*.{extension}" for extension in AUDIO_EXTENSIONS]]
    files = [
        Path(where, name).relative_to(folder)
        for where, within, names in os.walk(folder, onerror=_unreadable)
        if _keep_searching(Path(where), within, recursive, outer)
        for name in names
        if not name.startswith(".") and any(fnmatchcase(name.casefold(), pattern) for pattern in wanted)
    ]
    files = sorted(file for file in files if (folder / file).is_file() or not (folder / file).exists())
    if not files:
        raise SettingsError(
            f"Nothing in {folder!s} matches.",
            f"File names were compared with {', '.join(patterns) if patterns else 'the extensions of audio files'}.",
            "Check the folder and the pattern" + ("." if recursive else ", or search its folders with --recursive."),
        )
    return files


def folders(files: Sequence[Path], folder: Path, out: Path, known: Mapping[str, str]) -> dict[Path, Path]:
    """Return the folder of each file's results, relative to `out`.

    It is the one that the file had before; for a new file its path without extension, as safe names, unlike those of
    all others. New files that differ only in their extensions keep them, so that the folders can be attributed.

    Args:
        files: relative to `folder`.
        folder: where they lie.
        out: where the folders are made.
        known: what `read_sources` returns.
    """
    before: dict[str, list[Path]] = {}
    for name, source in known.items():
        before.setdefault(source, []).append(Path(name))
    fresh = _places(files)
    found: dict[Path, Path] = {}
    taken, given = {place.casefold() for place in known}, set[Path]()
    for file in files:
        own = before.get(source_of(folder / file, out), [])
        # Earlier versions named what a link leads to, in which several files may be one.
        own = own or before.get(source_of(resolved(folder / file), out), [])
        free = [place for place in own if place not in given]
        place = fresh[file] if fresh[file] in free else free[0] if free else _unlike(fresh[file], taken)
        taken.add(place.as_posix().casefold())
        given.add(place)
        found[file] = place
    return found


def source_of(file: Path, out: Path) -> str:
    """Return how `SOURCES` names a file: relative to `out`, so that both can be moved together.

    A link is a file of its own, whatever it leads to.
    """
    source = resolved(file.parent) / file.name
    try:
        return Path(os.path.relpath(source, resolved(out))).as_posix()
    except ValueError:  # another drive of Windows
        return source.as_posix()


def read_sources(out: Path) -> dict[str, str]:
    """Return which source each folder of results in `out` belongs to; folders that were deleted are left out.

    Raises:
        SettingsError: the file that says so is damaged.
    """
    try:
        known = json.loads((out / SOURCES).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise _damaged(out / SOURCES, str(error)) from error
    if not isinstance(known, dict) or not all(isinstance(source, str) for source in known.values()):
        raise _damaged(out / SOURCES, "It holds something else.")
    return {place: source for place, source in known.items() if _is_within(place) and (out / place).is_dir()}


def _damaged(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"{path!s} cannot be read.",
        f"It says which folder belongs to which recording. {why}",
        "Delete it to have folders named anew, or choose another folder for the results.",
    )


def _is_within(place: str) -> bool:
    return not Path(place).is_absolute() and ".." not in Path(place).parts


def _unlike(place: Path, taken: set[str]) -> Path:
    """Return `place`, with a number if a folder of that name belongs to another source."""
    found, n = place, 1
    while found.as_posix().casefold() in taken:
        n += 1
        found = place.with_name(f"{place.name} ({n})")
    return found


def _places(files: Sequence[Path]) -> dict[Path, Path]:
    every = {*files, *(above for file in files for above in file.parents)} - {Path()}
    recordings = frozenset(files)
    places = {Path(): Path()}
    in_order = sorted(every, key=lambda path: (len(path.parts), path.parent, path in recordings, path))
    for above, siblings in groupby(in_order, key=lambda path: path.parent):
        for path, name in _names(list(siblings), recordings, (FAILURES, SOURCES) if above == Path() else ()):
            places[path] = places[above] / name
    return places


def _names(siblings: Sequence[Path], files: frozenset[Path], reserved: Sequence[str]) -> Iterable[tuple[Path, str]]:
    short = [path.stem if path in files else path.name for path in siblings]
    counts = Counter(name.casefold() for name in short)
    told_apart = [
        path.name if counts[name.casefold()] > 1 else name for path, name in zip(siblings, short, strict=True)
    ]
    return zip(siblings, plain_names(told_apart, reserved), strict=True)


def _keep_searching(where: Path, within: list[str], recursive: bool, out: Path) -> bool:
    """Whether files of `where` are searched; also removes the folders that `os.walk` should not enter."""
    if resolved(where) == out and recursive:
        within.clear()
        return False
    within[:] = sorted(name for name in within if not name.startswith(".")) if recursive else []
    return True


def _unreadable(error: OSError) -> NoReturn:
    raise SettingsError(
        f"The folder {error.filename} cannot be read.",
        f"The system says: {error.strerror}.",
        "Change its permissions, or choose another folder.",
    ) from error
