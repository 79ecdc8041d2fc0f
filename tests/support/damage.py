"""Damages kept files as a disk does: bits change, and no size, no time and no name."""

from __future__ import annotations

import os
from pathlib import Path


def flip(path: Path, at: int = -1) -> None:
    """Flip one bit of a file, the last byte's unless told; its times stay."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        (value,) = file.read(1)
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        file.write(bytes([value ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def touched(path: Path) -> None:
    """Let a file look as if it had been changed just now."""
    now = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(now, now))
