"""Work that is done anew, whatever is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Generic

from separation.results.runs import Shelf, Thing


class FreshShelf(Generic[Thing]):
    """A shelf on which only that is found which was put there through it; it takes the place of what was there.

    Args:
        shelf: where things are kept.
    """

    def __init__(self, shelf: Shelf[Thing]) -> None:
        self._shelf, self._made = shelf, set[str]()

    def key(self, kind: str, **parts: Any) -> str:
        """See `Shelf.key`."""
        return self._shelf.key(kind, **parts)

    def get(self, key: str) -> Thing | None:
        """What was put under `key` by this shelf, if it is still there."""
        return self._shelf.get(key) if key in self._made else None

    def put(
        self,
        key: str,
        *,
        kind: str,
        name: str,
        files: Mapping[str, Path],
        command: str,
        inputs: Mapping[str, str],
        config: Mapping[str, Any],
        info: Mapping[str, Any],
    ) -> Thing:
        """See `Shelf.put`."""
        thing = self._shelf.put(
            key, kind=kind, name=name, files=files, command=command, inputs=inputs, config=config, info=info
        )
        self._made.add(key)
        return thing

    def scratch(self) -> AbstractContextManager[Path]:
        """See `Shelf.scratch`."""
        return self._shelf.scratch()
