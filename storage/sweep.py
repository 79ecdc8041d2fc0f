"""Makes temporary folders, and finds and deletes what killed processes left half-made."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from storage.damage import Checks
from storage.errors import ROOM, system_errors
from storage.index import Index
from storage.locks import SCRATCH_PREFIX, hold, living_folder
from storage.private import private_folder

SCRATCH = "scratch"  # in the data folder

# Without locks, a process that has written nothing for a day is assumed to be gone.
ABANDONED_AFTER_S = 24 * 3600.0


def sweep_artifacts(index: Index, checks: Checks) -> int:
    """Forget artifacts that lost a file, and delete files that no manifest names; return the bytes freed.

    While any process is keeping an artifact, only files that are a day old are deleted.

    Raises:
        sqlite3.Error, Timeout: the index cannot be read or written.
    """
    folder = Path(index.directory)
    with hold(folder, shared=False, wait=False) as held:
        min_age_s = 0 if held == "ours" else ABANDONED_AFTER_S
        index.tend(min_age_s)
        found = {key: checks.whole(key, read=False, mend=False) for key in index.find()}
        index.forget_unreadable(key for key, manifest in found.items() if manifest is None)
        outputs = (
            output for manifest in found.values() if manifest is not None for output in manifest.outputs.values()
        )
        return sweep_files(folder, {index.disk.path_of(output.entry) for output in outputs}, min_age_s)


def sweep_files(folder: Path, kept: Collection[Path], min_age_s: float) -> int:
    """Delete files of the store that no manifest names and that are older than `min_age_s`; return their bytes.

    With `min_age_s` 0, when no process is about to add a file, empty folders are deleted too.

    Args:
        folder: of the index, where they lie.
        kept: the files that manifests name.
        min_age_s: seconds; 0 only if it is certain that no process is about to name a file.
    """
    freed_bytes = 0
    for path in _files_below(folder):
        if path.suffix == ".val" and path not in kept and _untouched_for(path, min_age_s):
            freed_bytes += _size_bytes(path)
            path.unlink(missing_ok=True)
    if not min_age_s:
        for parent, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):  # most are not empty
                Path(parent).rmdir()
    return freed_bytes


@contextmanager
def scratch_in(place: Path) -> Iterator[Path]:
    """Give a temporary folder in `place`, which is made if needed; `sweep_scratch` deletes it if the process is killed.

    Raises:
        StorageError: it cannot be made.
    """
    with ExitStack() as made:
        with system_errors("There is no place for files in the making.", ROOM):
            private_folder(place)
            folder = made.enter_context(living_folder(place))
        yield folder


def sweep_scratch(scratch: Path, min_age_s: float) -> int:
    """Delete the folders in `scratch` that belong to no living process; return their bytes.

    Args:
        scratch: where `living_folder` makes them.
        min_age_s: seconds they must be untouched; without locks, never less than a day.
    """
    freed_bytes = 0
    for folder in scratch.glob(f"{SCRATCH_PREFIX}*"):
        with hold(folder, shared=False, wait=False) as held:
            min_s = min_age_s if held == "ours" else max(min_age_s, ABANDONED_AFTER_S)
            if held in ("ours", "unknown") and _untouched_for(folder, min_s):
                size_bytes = _size_bytes(folder)
                shutil.rmtree(folder, ignore_errors=True)  # another process may be sweeping it too
                freed_bytes += size_bytes - _size_bytes(folder)
    return freed_bytes


def _untouched_for(path: Path, seconds: float) -> bool:
    try:
        newest_s = max(entry.stat().st_mtime for entry in (path, *path.glob("*")))
    except FileNotFoundError:
        return False  # another process was faster
    return time.time() - newest_s >= seconds


def _size_bytes(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; 0 if there is none."""
    sizes = 0
    for file in (path, *_files_below(path)):
        with suppress(FileNotFoundError):  # another process was faster
            sizes += file.stat().st_size if file.is_file() else 0
    return sizes


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield all files; `Path.glob` would fail if another process removes a folder meanwhile."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)
