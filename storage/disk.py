"""How diskcache may write: bytes, text and numbers, never pickles; and where the files of artifacts lie beside it."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from diskcache import Disk
from diskcache.core import MODE_PICKLE

from storage.errors import StorageError

FILE_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")


class PlainDisk(Disk):  # type: ignore[misc]  # diskcache ships no types
    """A `diskcache.Disk` without pickle: unpickling a file from a shared folder would run whatever it says.

    Files are named by a digest of their entry, so no name that a person chose becomes part of a path. The index does
    not list them: manifests name their entries.
    """

    def filename(self, key: Any = None, value: Any = None) -> tuple[str, str]:
        """Where the file of entry `key` lies: relative to the store, and in full."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        name = f"{digest[:2]}/{digest[2:4]}/{digest[4:]}.val"
        return name, str(Path(self._directory, name))

    def path_of(self, entry: str) -> Path:
        """Where the file of `entry` lies, if it has one."""
        return Path(self.filename(entry)[1])

    def has(self, entry: str, size_bytes: int) -> bool:
        """Whether the file of an entry is there with all its bytes."""
        try:
            return self.path_of(entry).stat().st_size == size_bytes
        except FileNotFoundError:
            return False

    def move_in(self, source: Path, entry: str) -> None:
        """Make a file that of `entry`; one that fits only half is not left behind.

        Raises:
            OSError: there is no room, or no such file.
        """
        target = self.path_of(entry)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.move(source, target)
        except OSError:
            target.unlink(missing_ok=True)  # a copy that ran out of room
            raise

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
        """Keep a plain value."""
        if read or not isinstance(value, (str, bytes, int, float)):
            raise _refused(value)
        stored: tuple[int, int, str | None, Any] = super().store(value, read, key)
        return stored

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Anything marked as a pickle, or with a file elsewhere than in the store, was not written by us."""
        if mode == MODE_PICKLE or (filename is not None and not FILE_NAME.fullmatch(filename)):
            raise _refused(value)
        return super().fetch(mode, filename, value, read)

    def remove(self, file_path: str) -> None:
        """Delete a file of the store, and of nowhere else."""
        if not FILE_NAME.fullmatch(file_path):
            raise _refused(file_path)
        super().remove(file_path)


def _refused(value: Any) -> StorageError:
    return StorageError(
        f"The store refused a value of type {type(value).__name__}.",
        "It keeps text, bytes, numbers and files; anything else would need pickle, which runs code when it is read.",
        "If the store's folder comes from someone else, delete it.",
    )
