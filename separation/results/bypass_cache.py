"""Work that is done anew, whatever is kept of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from separation.results.store import NewItem, Store, StoredItem


class BypassCache:
    """A store in which only that is found which was put through it; it takes the place of what was there.

    Args:
        store: where things are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._made = store, set[str]()

    def key(self, kind: str, **parts: Any) -> str:
        """See `Store.key`."""
        return self._store.key(kind, **parts)

    def get(self, key: str) -> StoredItem | None:
        """What was put under `key` through this object, if it is still there."""
        return self._store.get(key) if key in self._made else None

    def put(self, key: str, new: NewItem) -> StoredItem:
        """See `Store.put`."""
        item = self._store.put(key, new)
        self._made.add(key)
        return item

    def scratch(self) -> AbstractContextManager[Path]:
        """See `Store.scratch`."""
        return self._store.scratch()
