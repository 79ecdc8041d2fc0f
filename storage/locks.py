"""Folder locks, by which a process shows that it is alive.

The system releases a lock when its process ends, however it ends, so a lock that can be taken proves that its process
is gone. Where there are no such locks (Windows, some network file systems), age decides.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

SCRATCH_PREFIX = "audio-playground-scratch-"  # other temporary folders may lie beside it
Held = Literal["ours", "theirs", "gone", "unknown"]


@contextmanager
def living_folder(parent: Path) -> Iterator[Path]:
    """Make a temporary folder in `parent` that no sweep deletes while this process lives.

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
    """Delete a folder, even if an interrupt arrives meanwhile."""
    try:
        folder.cleanup()
    except BaseException as stop:
        folder.cleanup()
        # Interrupted between closing a descriptor and noting it, `rmtree` closes it again: "bad file descriptor".
        raise stop.__context__ if isinstance(stop.__context__, KeyboardInterrupt) else stop from None


@contextmanager
def hold(folder: Path, *, shared: bool, wait: bool) -> Iterator[Held]:
    """Lock a folder during the context; give whether that worked.

    Args:
        folder: the folder to lock; nothing is written to it.
        shared: whether other shared locks may coexist.
        wait: wait until the lock is free; otherwise give "theirs" while another process has it.
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
