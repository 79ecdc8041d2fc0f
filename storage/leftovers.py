"""What a killed process leaves half-made, found and deleted; and how living processes show that they are at work.

A process that is at work holds a lock on a folder. The system takes it back when the process ends, however it ends, so
a lock that can be had says for certain that nobody is there. Where there are no such locks (Windows, some network
file systems), age decides.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal

SCRATCH_PREFIX = "audio-playground-scratch-"  # other temporary folders may lie beside it
# Nobody writes nothing for a day and goes on after it, as far as can be known without locks.
ABANDONED_AFTER_S = 24 * 3600.0
Held = Literal["ours", "theirs", "gone", "unknown"]


@contextmanager
def living_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent` that no sweep deletes while this process lives; gone afterwards.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        with ExitStack() as made:
            folder = tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=parent, ignore_cleanup_errors=True)
            made.callback(_cleaned_up, folder)
            # A sweep may be faster than the lock; then another folder is made.
            if made.enter_context(hold(Path(folder.name), shared=False, wait=True)) != "gone":
                yield Path(folder.name)
                return


def _cleaned_up(folder: tempfile.TemporaryDirectory[str]) -> None:
    """Delete a folder, also where an interrupt comes in between."""
    try:
        folder.cleanup()
    except BaseException as stop:
        folder.cleanup()
        # Interrupted between closing a descriptor and noting it, `rmtree` closes it again: "bad file descriptor".
        raise stop.__context__ if isinstance(stop.__context__, KeyboardInterrupt) else stop from None


@contextmanager
def hold(folder: Path, *, shared: bool, wait: bool) -> Iterator[Held]:
    """Lock a folder while the context lasts; says whether that worked.

    Args:
        folder: what to lock; nothing is written to it.
        shared: beside others that share, or alone.
        wait: until it can be had; else "theirs" is the answer while someone has it.
    """
    if sys.platform == "win32":
        yield "unknown"
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        yield "gone" if isinstance(error, FileNotFoundError) else "unknown"
        return
    try:
        yield _lock(descriptor, folder, shared, wait)
    finally:
        os.close(descriptor)  # which gives the lock back


def sweep_files(folder: Path, kept: Collection[Path], min_age_s: float) -> int:
    """Delete files of the store that no manifest names and that are older than `min_age_s`; returns their bytes.

    Where nobody is about to add one, empty folders go as well.

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


def sweep_scratch(scratch: Path, min_age_s: float) -> int:
    """Delete the folders in `scratch` that belong to no living process; returns their bytes.

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


def _lock(descriptor: int, folder: Path, shared: bool, wait: bool) -> Held:
    import fcntl  # not on Windows

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return "theirs"
    except OSError:
        return "unknown"
    try:
        return "ours" if os.path.samestat(os.fstat(descriptor), folder.stat()) else "gone"
    except FileNotFoundError:
        return "gone"


def _untouched_for(path: Path, seconds: float) -> bool:
    try:
        newest_s = max(entry.stat().st_mtime for entry in (path, *path.glob("*")))
    except FileNotFoundError:
        return False  # somebody else was faster
    return time.time() - newest_s >= seconds


def _size_bytes(path: Path) -> int:
    """What a file, or all files of a folder, take; 0 if there is none."""
    sizes = 0
    for file in (path, *_files_below(path)):
        with suppress(FileNotFoundError):  # somebody else was faster
            sizes += file.stat().st_size if file.is_file() else 0
    return sizes


def _files_below(folder: Path) -> Iterator[Path]:
    """All files; `Path.glob` would fail where another process removes a folder meanwhile."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)
