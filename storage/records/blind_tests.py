"""Blind tests and their listeners' answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from storage.records.json_table import JsonTable


class BlindTestTable(JsonTable):
    """A table of tests by id, and of the listeners of each.

    Args:
        home: the data folder.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home, "tests", "listening tests")

    def tests(self) -> list[Mapping[str, Any]]:
        """Return all tests that can be read."""
        return list(self._all("test:").values())

    def test(self, test: str) -> Mapping[str, Any] | None:
        """Return a test; None if there is none that can be read."""
        return self._read(f"test:{test}")

    def listeners(self, test: str) -> list[Mapping[str, Any]]:
        """Return the listeners of a test that can be read."""
        return list(self._all(f"listener:{test}:").values())

    def listener(self, test: str, listener: str) -> Mapping[str, Any] | None:
        """Return a listener of a test; None if there is none that can be read."""
        return self._read(f"listener:{test}:{listener}")

    def write_test(self, test: str, values: Mapping[str, Any]) -> None:
        """Write a new test down, or replace one."""
        with self._writing():
            self._write(f"test:{test}", values)

    def write_listener(self, test: str, listener: str, values: Mapping[str, Any]) -> None:
        """Write a new listener of a test down, or replace one."""
        with self._writing():
            self._write(f"listener:{test}:{listener}", values)

    def change_listener(
        self, test: str, listener: str, edit: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Change what is written of a listener; nobody else writes in between.

        Raises:
            KeyError: there is none that can be read.
        """
        key = f"listener:{test}:{listener}"
        with self._writing():
            before = self._get(key)
            if before is None:
                raise KeyError(key)
            after = edit(before)
            if after != before:
                self._write(key, after)
        return after

    def remove_test(self, test: str) -> None:
        """Delete a test with all its answers."""
        with self._writing():
            self._delete(f"listener:{test}:")
            self._index.delete(f"test:{test}")
