"""A real disk of a few megabytes, for tests of what happens when it is full."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MB = 2**20


@dataclass(frozen=True)
class SmallDisk:
    """A tmpfs at `folder`."""

    folder: Path

    @property
    def home(self) -> Path:
        """A data folder on it."""
        return self.folder / "home"

    @property
    def free_bytes(self) -> int:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def resize(self, size_bytes: int) -> None:
        """Make room, or take it: a disk that holds as much as that already is full."""
        _mount("-o", f"remount,size={size_bytes}", str(self.folder))

    def fill(self) -> Path:
        """Take all the room there is, to the last byte, with one file; returns it."""
        filler = self.folder / "filler"
        with filler.open("ab", buffering=0) as file:
            size_bytes = 1 << 20
            while size_bytes:
                try:
                    file.write(bytes(size_bytes))
                except OSError:
                    size_bytes //= 2
        return filler


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """Mount one there for the time of the context; where that is not allowed, the test is skipped."""
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root on Linux")
    try:
        _mount("-t", "tmpfs", "-o", f"size={size_bytes},mode=700", "tmpfs", str(folder))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a small disk cannot be mounted here: {error.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: connections to an index stay open until they are collected.
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True, text=True)
