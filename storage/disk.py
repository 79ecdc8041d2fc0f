"""How diskcache may write: bytes, text and numbers, never pickles, and files by moving them in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diskcache import Disk
from diskcache.core import MODE_BINARY, MODE_PICKLE

from storage.errors import StorageError


class PlainDisk(Disk):  # type: ignore[misc]  # diskcache ships no types
    """A `diskcache.Disk` without pickle: unpickling a file from a shared folder would run whatever it says.

    A `Path` as a value is moved into the store instead of being read and written again.
    """

    def put(self, key: Any) -> tuple[Any, bool]:
        """Keys are text."""
        if not isinstance(key, str):
            raise _refused(key)
        return key, True

    def get(self, key: Any, raw: bool) -> Any:
        """Keys that are not plain text were not written by us."""
        if not raw:
            raise _refused(key)
        return super().get(key, raw)

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, str | None, Any]:
        """Move a file in, or keep a plain value."""
        if isinstance(value, Path):
            return self._move_in(value)
        if read or not isinstance(value, (str, bytes, int, float)):
            raise _refused(value)
        stored: tuple[int, int, str | None, Any] = super().store(value, read, key)
        return stored

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Anything marked as a pickle was not written by us."""
        if mode == MODE_PICKLE:
            raise _refused(value)
        return super().fetch(mode, filename, value, read)

    def _move_in(self, source: Path) -> tuple[int, int, str, None]:
        filename: str
        new_name: Callable[[], tuple[str, str]] = self.filename
        filename, full_path = new_name()
        target = Path(full_path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.move(source, target)
        except OSError:
            target.unlink(missing_ok=True)  # a copy that ran out of room
            raise
        return target.stat().st_size, MODE_BINARY, filename, None


def _refused(value: Any) -> StorageError:
    return StorageError(
        f"The store refused a value of type {type(value).__name__}.",
        "It keeps text, bytes, numbers and files; anything else would need pickle, which runs code when it is read.",
        "If the cache folder comes from someone else, delete it.",
    )
