"""Blind tests and their listeners' answers, which outlive the server; their content is not interpreted here.

Each is a JSON value in an index of its own beside the artifacts, written in one transaction: an answer that was
confirmed survives a kill.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage.errors import StorageError, system_errors
from storage.private import private_home
from storage.table import Table

ROOM = "Check that the data folder may be written to and has room."
log = logging.getLogger(__name__)


class BlindTestTable:
    """A table of tests by id, and of the listeners of each.

    Args:
        home: the data folder.

    Raises:
        StorageError: also in every method, if the index cannot be read or written.

    Attributes:
        damages: what was found damaged of the table.
    """

    def __init__(self, home: Path) -> None:
        with system_errors("The listening tests cannot be opened.", ROOM):
            private_home(home)
            self._index = Table(home / "tests", "The table of listening tests")
            self.damages = self._index.damages

    def tests(self) -> list[Mapping[str, Any]]:
        """Return all tests that can be read."""
        return [values for _, values in self._all("test:")]

    def test(self, test: str) -> Mapping[str, Any] | None:
        """Return a test; None if there is none that can be read."""
        with self._index.errors("The listening test cannot be read.", ROOM):
            return _read(f"test:{test}", self._index.get(f"test:{test}"))

    def listeners(self, test: str) -> list[Mapping[str, Any]]:
        """Return the listeners of a test that can be read."""
        return [values for _, values in self._all(f"listener:{test}:")]

    def listener(self, test: str, listener: str) -> Mapping[str, Any] | None:
        """Return a listener of a test; None if there is none that can be read."""
        entry = f"listener:{test}:{listener}"
        with self._index.errors("The answers cannot be read.", ROOM):
            return _read(entry, self._index.get(entry))

    def write_test(self, test: str, values: Mapping[str, Any]) -> None:
        """Write a new test down, or replace one."""
        with self._writing():
            self._index.set(f"test:{test}", _text(values))

    def write_listener(self, test: str, listener: str, values: Mapping[str, Any]) -> None:
        """Write a new listener of a test down, or replace one."""
        with self._writing():
            self._index.set(f"listener:{test}:{listener}", _text(values))

    def change_listener(
        self, test: str, listener: str, edit: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Change what is written of a listener; nobody else writes in between.

        Raises:
            KeyError: there is none that can be read.
        """
        entry = f"listener:{test}:{listener}"
        with self._writing():
            before = _read(entry, self._index.get(entry))
            if before is None:
                raise KeyError(entry)
            after = edit(before)
            if after != before:
                self._index.set(entry, _text(after))
        return after

    def remove_test(self, test: str) -> None:
        """Delete a test with all its answers."""
        with self._writing():
            for entry in [one for one in self._index.iterkeys() if one.startswith(f"listener:{test}:")]:
                self._index.delete(entry)
            self._index.delete(f"test:{test}")

    def close(self) -> None:
        """Close this thread's connection."""
        self._index.close()

    def _all(self, prefix: str) -> list[tuple[str, Mapping[str, Any]]]:
        with self._index.errors("The listening tests cannot be read.", ROOM):
            entries = [(entry, self._index.get(entry)) for entry in self._index.iterkeys() if entry.startswith(prefix)]
        found = ((entry, _read(entry, text)) for entry, text in entries)
        return [(entry, values) for entry, values in found if values is not None]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._index.errors("The listening test could not be written down.", ROOM), self._index.transact():
            yield


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


def _read(entry: str, text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it is no record")
    except (TypeError, ValueError, StorageError) as damage:
        log.warning("%s is passed over: %s", entry, damage)
        return None
    return values
