"""A store wrapper that hides earlier results, so that work is computed anew (`--no-cache`)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from separation.results.store import NewItem, Store, StoredItem


class BypassCache:
    """A store that finds only items put through this object; they replace the kept ones of the same key.

    Args:
        store: the store that keeps the items.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._made = store, set[str]()

    def key(self, kind: str, **parts: Any) -> str:
        """See `Store.key`."""
        return self._store.key(kind, **parts)

    def get(self, key: str) -> StoredItem | None:
        """Return the item that was put under `key` through this object, if it is still there."""
        return self._store.get(key) if key in self._made else None

    def put(self, key: str, new: NewItem) -> StoredItem:
        """See `Store.put`."""
        item = self._store.put(key, new)
        self._made.add(key)
        return item

    def scratch(self) -> AbstractContextManager[Path]:
        """See `Store.scratch`."""
        return self._store.scratch()
