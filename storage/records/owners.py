"""Who has brought or made what is kept, as far as that was not the host alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from storage.records.json_table import JsonTable


class OwnerTable(JsonTable):
    """A table of owners, each under the key of a recording or result.

    Args:
        home: the data folder.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home, "owners", "owners")

    def owners(self) -> dict[str, Mapping[str, Any]]:
        """Return all entries that can be read, by the keys of what is owned."""
        return self._all()

    def write(self, owners: Mapping[str, Mapping[str, Any]]) -> None:
        """Write entries down, or replace them, in one transaction."""
        with self._writing():
            for key, owner in owners.items():
                self._write(key, owner)

    def remove(self, keys: Collection[str]) -> None:
        """Delete entries, as far as they are there."""
        with self._writing():
            for key in keys:
                self._index.delete(key)
