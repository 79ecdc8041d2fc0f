"""A table of JSON values beside the artifacts, which outlive the server; their content is not interpreted here.

Each value lies in an index of its own and is written in one transaction: what was confirmed survives a kill.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage.errors import StorageError, system_errors
from storage.private import private_home
from storage.table import Table

ROOM = "Check that the data folder may be written to and has room."
PART = "/"  # between the key of a recording and the name of one of its values; keys have none
log = logging.getLogger(__name__)


class JsonTable:
    """Values by key; what other tables are made of.

    Args:
        home: the data folder.
        folder: the name of the table's folder in it.
        what: what its values are, for people: "drafts".

    Raises:
        StorageError: also in every method, if the index cannot be read or written.

    Attributes:
        damages: what was found damaged of the table.
    """

    def __init__(self, home: Path, folder: str, what: str) -> None:
        self._what = what
        with system_errors(f"The {what} cannot be opened.", ROOM):
            private_home(home)
            self._index = Table(home / folder, f"The table of {what}")
            self.damages = self._index.damages

    def close(self) -> None:
        """Close this thread's connection."""
        self._index.close()

    def _read(self, key: str) -> Mapping[str, Any] | None:
        """Return a value; None if there is none that can be read."""
        with self._index.errors(f"The {self._what} cannot be read.", ROOM):
            return self._get(key)

    def _get(self, key: str) -> Mapping[str, Any] | None:
        """Return a value, also while `_writing`."""
        return _value(key, self._index.get(key))

    def _all(self, prefix: str = "", wanted: Callable[[str], bool] = lambda key: True) -> dict[str, Mapping[str, Any]]:
        """Return the values that can be read and whose keys begin so, by what follows in their keys.

        Args:
            prefix: of the keys.
            wanted: whether the value of a key is wanted; what is not is not read.
        """
        with self._index.errors(f"The {self._what} cannot be read.", ROOM):
            keys = [key for key in self._index.iterkeys() if key.startswith(prefix) and wanted(key)]
            found = {key: self._index.get(key) for key in keys}
        values = ((key.removeprefix(prefix), _value(key, text)) for key, text in found.items())
        return {rest: value for rest, value in values if value is not None}

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Write in one transaction; nobody else writes in between."""
        with self._index.errors(f"The {self._what} cannot be written down.", ROOM), self._index.transact():
            yield

    def _write(self, key: str, value: Mapping[str, Any], expire_s: float | None = None) -> None:
        """Replace a value, while `_writing`."""
        self._index.set(key, json.dumps(value, ensure_ascii=False, allow_nan=False), expire=expire_s)

    def _delete(self, prefix: str) -> None:
        """Delete the values whose keys begin so, while `_writing`."""
        for key in [key for key in self._index.iterkeys() if key.startswith(prefix)]:
            self._index.delete(key)


class RecordingTable(JsonTable):
    """Values that belong to recordings and go with them, each under the name of a part of its recording.

    Attributes:
        forgotten_after_s: how long a value is kept after its last change; None for as long as its recording.
    """

    forgotten_after_s: float | None = None

    def read(self, recording: str, part: str = "") -> Mapping[str, Any] | None:
        """Return a value of a recording; None if there is none that can be read."""
        return self._read(_key(recording, part))

    def parts(self, recording: str) -> dict[str, Mapping[str, Any]]:
        """Return the values of a recording that can be read, by the names of their parts."""
        return self._all(f"{recording}{PART}")

    def write(self, recording: str, value: Mapping[str, Any], part: str = "") -> None:
        """Replace a value of a recording."""
        with self._writing():
            self._write(_key(recording, part), value, self.forgotten_after_s)

    def remove(self, recording: str, part: str) -> None:
        """Delete a value of a recording, if it is there."""
        with self._writing():
            self._index.delete(_key(recording, part))

    def keep_only(self, recordings: Collection[str]) -> tuple[str, ...]:
        """Delete the values of all other recordings; return the keys of those recordings."""
        with self._writing():
            gone = [key for key in self._index.iterkeys() if key.partition(PART)[0] not in recordings]
            for key in gone:
                self._index.delete(key)
        return tuple(dict.fromkeys(key.partition(PART)[0] for key in gone))


def _key(recording: str, part: str) -> str:
    return f"{recording}{PART}{part}" if part else recording


def _value(key: str, text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError("it is no record")
    except (TypeError, ValueError, StorageError) as damage:
        log.warning("%s is passed over: %s", key, damage)
        return None
    return value
