"""The index of the store: manifests in diskcache, and one table beside them, so that few questions read manifests.

Both lie in one SQLite file, so one transaction changes both or neither.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from diskcache import Cache

from storage.disk import PlainDisk
from storage.errors import StorageError, no_room
from storage.manifest import Manifest

TABLE = """
CREATE TABLE Artifact (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,  -- key of the recording it was made from, or ''
    size_bytes INTEGER NOT NULL,
    scrap INTEGER NOT NULL,  -- 1: costs only its recomputation
    used_s REAL NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
ORDERS = (
    "CREATE INDEX Artifact_by_turn ON Artifact (pinned, scrap DESC, used_s, size_bytes)",
    "CREATE INDEX Artifact_by_kind ON Artifact (kind, source)",
    "CREATE INDEX Artifact_by_source ON Artifact (source, scrap)",
)
CACHE_PAGES = 512  # of 4096 bytes
log = logging.getLogger(__name__)


class Index(Cache):  # type: ignore[misc]  # diskcache ships no types
    """The manifest of each artifact and a row for it: kind, size, last use, pin.

    What changes several things, or depends on what was read, belongs into `with index.transact()`. All of it may raise
    `sqlite3.Error` and diskcache's `Timeout`.

    Args:
        folder: where it lies.
        scrap: kinds that cost only their recomputation.
    """

    def __init__(self, folder: Path, scrap: frozenset[str]) -> None:
        self._scrap = scrap
        super().__init__(
            str(folder),
            disk=PlainDisk,
            disk_min_file_size=2**30,  # text stays in the index, where transactions hold
            # The store's own eviction: diskcache's knows neither pins nor that an artifact's files belong together.
            eviction_policy="none",
            size_limit=2**62,
            # Each thread has a connection of its own. With diskcache's 32 MB of cache and 64 MB of mapped file for
            # each, a process grows for thousands of artifacts, and the system keeps these pages anyway.
            sqlite_cache_size=CACHE_PAGES,
            sqlite_mmap_size=0,
        )
        if not self._has_table():
            with self.transact():
                if not self._has_table():  # another process may have been faster
                    self._make_table()

    def manifest(self, key: str) -> Manifest | None:
        """The manifest under `key`; a damaged one counts as none, and entering another replaces it."""
        text = self.get(f"manifest:{key}")
        if text is None:
            return None
        try:
            return Manifest.from_json(text)
        except StorageError as error:
            log.warning("artifact %s is passed over: %s", key, error)
            return None

    def manifests(self, keys: Iterable[str]) -> dict[str, Manifest]:
        """Those that can be read, by key."""
        return {key: manifest for key in keys if (manifest := self.manifest(key)) is not None}

    def enter(self, key: str, manifest: Manifest) -> None:
        """Let an artifact be found, used now; one that is there already is replaced, and keeps its pin."""
        self.set(f"manifest:{key}", manifest.to_json())
        source = manifest.inputs.get("recording", "")
        self._sql(
            "INSERT INTO Artifact (key, kind, source, size_bytes, scrap, used_s) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET (kind, source, size_bytes, scrap, used_s)"
            " = (excluded.kind, excluded.source, excluded.size_bytes, excluded.scrap, excluded.used_s)",
            (key, manifest.kind, source, manifest.size_bytes, manifest.kind in self._scrap, time.time()),
        )

    def forget(self, keys: Iterable[str]) -> tuple[Manifest, ...]:
        """Let them not be found any more; returns the manifests of what went."""
        keys = tuple(keys)
        gone = self.manifests(keys)
        for key in keys:
            self.delete(f"manifest:{key}")
            self._sql("DELETE FROM Artifact WHERE key = ?", (key,))
        return tuple(gone.values())

    def use(self, key: str, when_s: float) -> None:
        """Note a use, in seconds since 1970, unless the disk is full: what is kept can be used on it, too."""
        try:
            self._sql("UPDATE Artifact SET used_s = ? WHERE key = ?", (when_s, key))
        except sqlite3.Error as error:
            if not no_room(error):
                raise

    def used_s(self, key: str) -> float:
        """When it was last used; 0 if it is not there."""
        return float(self._number("SELECT used_s FROM Artifact WHERE key = ?", key))

    def pin(self, key: str, pinned: bool) -> None:
        """Set or take the pin of an artifact, if it is there."""
        self._sql("UPDATE Artifact SET pinned = ? WHERE key = ?", (pinned, key))

    def pinned(self, key: str) -> bool:
        """Whether it is there and has a pin."""
        return bool(self._number("SELECT pinned FROM Artifact WHERE key = ?", key))

    def size_bytes(self, *, but: str = "") -> int:
        """Of all artifacts, or of all but one."""
        return int(self._number("SELECT total(size_bytes) FROM Artifact WHERE key != ?", but))

    def pinned_bytes(self, *, but: str = "") -> int:
        """Of all that have a pin."""
        return int(self._number("SELECT total(size_bytes) FROM Artifact WHERE pinned = 1 AND key != ?", but))

    def by_turn(self, *, but: str = "") -> Iterator[tuple[str, int]]:
        """Key and bytes of all without a pin: scrap first, and what was not used for the longest time before others."""
        yield from self._sql(
            "SELECT key, size_bytes FROM Artifact WHERE pinned = 0 AND key != ? ORDER BY scrap DESC, used_s", (but,)
        )

    def find(
        self,
        *kinds: str,
        source: str | None = None,
        scrap: bool = False,
        before_s: float | None = None,
        pinned: bool = True,
    ) -> list[str]:
        """Keys of all artifacts, or of those that meet what is given.

        Args:
            kinds: any of these.
            source: made from this recording.
            scrap: only what costs only its recomputation.
            before_s: last used before that, in seconds since 1970.
            pinned: also those with a pin.
        """
        given: list[tuple[str, tuple[str | float, ...]]] = [
            (f"kind IN ({', '.join('?' * len(kinds))})" if kinds else "", kinds),
            *([("source = ?", (source,))] if source is not None else []),
            *([("scrap = 1", ())] if scrap else []),
            *([("used_s < ?", (before_s,))] if before_s is not None else []),
            *([("pinned = 0", ())] if not pinned else []),
        ]
        conditions = " AND ".join(condition for condition, _ in given if condition) or "1"
        values = [value for _, some in given for value in some]
        return [key for (key,) in self._sql(f"SELECT key FROM Artifact WHERE {conditions}", values)]  # noqa: S608  # ours

    def _number(self, question: str, key: str) -> float:
        row = self._sql(question, (key,)).fetchone()
        return row[0] if row else 0

    def _has_table(self) -> bool:
        return bool(self._sql("SELECT 1 FROM sqlite_master WHERE name = 'Artifact'").fetchall())

    def _make_table(self) -> None:
        """Also for artifacts of versions that did without: they had an entry for each use, pin and file."""
        for statement in (TABLE, *ORDERS):
            self._sql(statement)
        for (entry,) in self._sql("SELECT key FROM Cache WHERE key >= 'manifest:' AND key < 'manifest;'").fetchall():
            key = entry.removeprefix("manifest:")
            manifest = self.manifest(key)
            if manifest is not None:
                self.enter(key, manifest)
                self.use(key, float(self.get(f"used:{key}", default=0.0)))
                self.pin(key, bool(self.get(f"pin:{key}", default=0)))
        self._sql("DELETE FROM Cache WHERE key < 'manifest:' OR key >= 'manifest;'")
