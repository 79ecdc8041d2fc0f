"""Benchmarks and the outcomes of their cells, which outlive the server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.records.json_table import PART, JsonTable


class BenchmarkTable(JsonTable):
    """A table of benchmarks, each under its id, and of each one's outcomes, one record a cell.

    A record is small, so that a finished cell is written down at once whatever the size of the benchmark.

    Args:
        home: the data folder.

    Attributes:
        lock: a file that programs lock while they time something, one after another.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home, "benchmarks", "benchmarks")
        self.lock = home / "benchmarks" / "timing.lock"

    def benchmarks(self) -> dict[str, Mapping[str, Any]]:
        """Return all benchmarks that can be read, by id."""
        return self._all(wanted=lambda key: PART not in key)

    def benchmark(self, id: str) -> Mapping[str, Any] | None:
        """Return a benchmark; None if there is none that can be read."""
        return self._read(id)

    def outcomes(self, id: str) -> dict[str, Mapping[str, Any]]:
        """Return the outcomes of a benchmark's cells, by the cells' ids."""
        return self._all(f"{id}{PART}")

    def write(self, id: str, benchmark: Mapping[str, Any]) -> None:
        """Write a benchmark down, or replace it; its outcomes stay."""
        with self._writing():
            self._write(id, benchmark)

    def write_outcome(self, id: str, cell: str, outcome: Mapping[str, Any]) -> None:
        """Write the outcome of a cell down, or replace it; nothing if the benchmark was removed meanwhile."""
        with self._writing():
            if id in self._index:
                self._write(f"{id}{PART}{cell}", outcome)

    def remove(self, id: str) -> None:
        """Delete a benchmark with its outcomes."""
        with self._writing():
            self._index.delete(id)
            self._delete(f"{id}{PART}")
