"""An in-memory list of artifacts: the index row of each, and the values that lists show of its manifest.

Manifests are long, and a library has thousands of them. Each is read once, and again only if the index says that it
was written since, also by another process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from storage.artifacts import ArtifactStore
from storage.manifest import Manifest
from storage.schema import Row

About = TypeVar("About")


@dataclass(frozen=True, slots=True)
class Entry(Generic[About]):
    """An artifact in a list: its row in the index, and the values that the list shows of its manifest."""

    row: Row
    about: About


class ArtifactList(Generic[About]):
    """The list entries of artifacts of some kinds; safe for any number of threads.

    Args:
        store: the store of the artifacts.
        kinds: "recording", "result", ...
        about: returns the values to hold of a manifest; it may raise `ValueError`, `KeyError` or `TypeError` for one
            that it cannot read, and the artifact is not listed.
    """

    def __init__(self, store: ArtifactStore, kinds: tuple[str, ...], about: Callable[[Manifest], About]) -> None:
        self._store, self._kinds, self._about = store, kinds, about
        self._entries: dict[str, Entry[About]] = {}
        self._lock = threading.Lock()

    def entries(self, *, reread: bool = True) -> list[Entry[About]]:
        """Return all entries, including the trash, in no order; lost files are noticed only when they are opened.

        Args:
            reread: whether to ask the index; otherwise return the entries of the last call, if there was one.

        Raises:
            StorageError: the store cannot be read.
        """
        with self._lock:
            if not reread and self._entries:
                return list(self._entries.values())
            rows = self._store.rows(*self._kinds)
            entries = (self._entry(row) for row in rows)
            self._entries = {entry.row.key: entry for entry in entries if entry is not None}
            return list(self._entries.values())

    def _entry(self, row: Row) -> Entry[About] | None:
        before = self._entries.get(row.key)
        if before is not None and before.row.written_s == row.written_s:
            return before if before.row == row else Entry(row, before.about)
        manifest = self._store.manifest(row.key)
        try:
            return None if manifest is None else Entry(row, self._about(manifest))
        except (KeyError, TypeError, ValueError):  # of a newer version, perhaps
            return None
