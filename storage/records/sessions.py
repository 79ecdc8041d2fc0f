"""The sessions of browsers that have signed in, so that they outlive a restart of the server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.records.json_table import JsonTable


class SessionTable(JsonTable):
    """A table of sessions, each under the hash of its token.

    Args:
        home: the data folder.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home, "sessions", "sessions")

    def sessions(self) -> dict[str, Mapping[str, Any]]:
        """Return all sessions that can be read, by their keys."""
        return self._all()

    def write(self, key: str, session: Mapping[str, Any]) -> None:
        """Write a session down, or replace it."""
        with self._writing():
            self._write(key, session)

    def remove(self, *keys: str) -> None:
        """Delete sessions, as far as they are there."""
        with self._writing():
            for key in keys:
                self._index.delete(key)
