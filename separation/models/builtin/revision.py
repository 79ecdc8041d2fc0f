"""Identifies the built-in weights by a checksum, without loading them, and tells whether they are as they were made."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

LENGTH = 12  # digits of a revision


def revision_of(path: Path) -> str:
    """Return the start of the weight file's SHA-256, which changes when the weights do."""
    about = path.stat()
    return _digest(path, about.st_size, about.st_mtime_ns)[:LENGTH]


def checksum_file(weights: Path) -> Path:
    """Return the path of the file that states the checksum of weights, whether or not it exists."""
    return weights.with_suffix(".sha256")


def write_checksum(weights: Path, target: Path) -> None:
    """State the checksum of weights in the file `target`, as `sha256sum` does."""
    target.write_text(f"{hashlib.sha256(weights.read_bytes()).hexdigest()}  {weights.name}\n", "ascii")


def is_as_made(weights: Path) -> bool:
    """Read weights; return whether they have the checksum that is stated beside them. True if none is."""
    stated = checksum_file(weights)
    if not stated.exists():
        return True
    return stated.read_text("ascii", "replace").split()[:1] == [hashlib.sha256(weights.read_bytes()).hexdigest()]


@lru_cache(maxsize=8)  # every look-up of a result needs it
def _digest(path: Path, size_bytes: int, changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
