"""A diskcache backend without pickles: it stores bytes, text and numbers, and the files of artifacts beside them."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from diskcache import Disk
from diskcache.core import MODE_PICKLE

from storage.errors import StorageError
from storage.private import private_folder, restrict

FILE_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")


class PlainDisk(Disk):  # type: ignore[misc]  # diskcache ships no types
    """A `diskcache.Disk` without pickle: unpickling a file from a shared folder would run whatever it says.

    Files are named by a digest of their entry, so no name that a person chose becomes part of a path. The index does
    not list them: manifests name their entries.
    """

    def filename(self, key: Any = None, value: Any = None) -> tuple[str, str]:
        """Return the path of entry `key`'s file, relative to the store and in full."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        name = f"{digest[:2]}/{digest[2:4]}/{digest[4:]}.val"
        return name, str(Path(self._directory, name))

    def path_of(self, entry: str) -> Path:
        """Return the path of the file of `entry`, whether or not it exists."""
        return Path(self.filename(entry)[1])

    def place_of(self, entry: str) -> Path:
        """Return the path of the file of `entry`, in a folder that is there.

        Raises:
            OSError: the folder cannot be made.
        """
        path = self.path_of(entry)
        for folder in (path.parent.parent, path.parent):
            private_folder(folder)
        return path

    def has(self, entry: str, size_bytes: int) -> bool:
        """Whether the file of an entry is there with all its bytes."""
        try:
            return self.path_of(entry).stat().st_size == size_bytes
        except FileNotFoundError:
            return False

    def move_in(self, source: Path, entry: str) -> None:
        """Move a file into place as that of `entry`; a partial copy is deleted if there is no room.

        Raises:
            OSError: there is no room, or no such file.
        """
        target = self.place_of(entry)
        try:
            shutil.move(source, target)
        except OSError:
            target.unlink(missing_ok=True)  # a copy that ran out of room
            raise
        restrict(target)  # its maker's umask may be liberal

    def put(self, key: Any) -> tuple[Any, bool]:
        """Return a key in its stored form; keys have to be text."""
        if not isinstance(key, str):
            raise _refused(key)
        return key, True

    def get(self, key: Any, raw: bool) -> Any:
        """Return a stored key; refuse keys that are not plain text, as we never write them."""
        if not raw:
            raise _refused(key)
        return super().get(key, raw)

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, str | None, Any]:
        """Return a plain value in its stored form; refuse others."""
        if read or not isinstance(value, (str, bytes, int, float)):
            raise _refused(value)
        stored: tuple[int, int, str | None, Any] = super().store(value, read, key)
        return stored

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Return a stored value; refuse pickles and files outside the store, as we never write them."""
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
