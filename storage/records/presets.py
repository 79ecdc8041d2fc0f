"""Presets that people have made for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.records.json_table import JsonTable


class PresetTable(JsonTable):
    """A table of presets, each under a key of its own.

    Args:
        home: the data folder.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home, "presets", "presets")

    def presets(self) -> list[Mapping[str, Any]]:
        """Return all presets that can be read."""
        return list(self._all().values())

    def write(self, key: str, preset: Mapping[str, Any]) -> None:
        """Write a new preset down, or replace one."""
        with self._writing():
            self._write(key, preset)

    def remove(self, key: str) -> None:
        """Delete a preset, if it is there."""
        with self._writing():
            self._index.delete(key)
