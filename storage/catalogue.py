"""What is kept, held in memory for lists: of each artifact its row in the index, and what a list shows of it.

Manifests are long, and a library has thousands of them. They are read once, and again only where the index says that
they were written since; what other processes do is seen the same way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from storage.artifacts import ArtifactStore
from storage.index import Row
from storage.manifest import Manifest

About = TypeVar("About")


@dataclass(frozen=True, slots=True)
class Entry(Generic[About]):
    """An artifact in a list: its row in the index, and what the list shows of its manifest."""

    row: Row
    about: About


class Catalogue(Generic[About]):
    """The entries of some kinds, for any number of threads.

    Args:
        store: where they are kept.
        kinds: "recording", "result", ...
        about: what to hold of a manifest; for one that it cannot read it may raise `ValueError`, `KeyError` or
            `TypeError`, and the artifact is not listed.
    """

    def __init__(self, store: ArtifactStore, kinds: tuple[str, ...], about: Callable[[Manifest], About]) -> None:
        self._store, self._kinds, self._about = store, kinds, about
        self._entries: dict[str, Entry[About]] = {}
        self._lock = threading.Lock()

    def entries(self, *, fresh: bool = True) -> list[Entry[About]]:
        """All there are now, also those in the trash, in no order; a file that was lost shows when it is opened.

        Args:
            fresh: ask the index; else those of the last time, if there was one.

        Raises:
            StorageError: the store cannot be read.
        """
        with self._lock:
            if not fresh and self._entries:
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
