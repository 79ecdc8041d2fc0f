"""What a killed process leaves half-made, found and deleted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from pathlib import Path

from diskcache import Cache

SCRATCH_PREFIX = "audio-playground-"
# Nobody writes nothing for a day and goes on after it: what is older belongs to no process that lives.
ABANDONED_AFTER_S = 24 * 3600.0


def sweep(cache: Cache, kept: Collection[str], scratch: Path) -> None:
    """Delete abandoned files: those no manifest names (`kept` has their entries), and folders in `scratch`."""
    named: set[Path] = set()
    for entry in [entry for entry in cache.iterkeys() if entry.startswith("file:")]:
        path = cache.disk.path_of(entry)
        named.add(path)
        if entry not in kept and (not path.exists() or _abandoned(path)):
            cache.delete(entry)
    for path in Path(cache.directory).glob("*/*/*.val"):
        if path not in named and _abandoned(path):
            path.unlink(missing_ok=True)
    for folder in scratch.glob(f"{SCRATCH_PREFIX}*"):
        if _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)  # another process may be sweeping it too


def _abandoned(path: Path) -> bool:
    try:
        newest_s = max(entry.stat().st_mtime for entry in (path, *path.glob("*")))
    except FileNotFoundError:
        return False  # somebody else was faster
    return time.time() - newest_s > ABANDONED_AFTER_S
