"""The index of the store: manifests in diskcache, and one table beside them, so that few questions read manifests.

Both lie in one SQLite file, so one transaction changes both or neither.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

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
    pinned INTEGER NOT NULL DEFAULT 0,
    trashed_s REAL NOT NULL DEFAULT 0  -- when it was put into the trash, or 0
) WITHOUT ROWID
"""
ORDERS = (
    "CREATE INDEX Artifact_by_turn ON Artifact (pinned, scrap DESC, used_s, size_bytes)",
    "CREATE INDEX Artifact_by_kind ON Artifact (kind, source)",
    "CREATE INDEX Artifact_by_source ON Artifact (source, scrap)",
)
TRASH_COLUMN = "ALTER TABLE Artifact ADD COLUMN trashed_s REAL NOT NULL DEFAULT 0"
TRASH_ORDER = "CREATE INDEX Artifact_in_trash ON Artifact (trashed_s) WHERE trashed_s > 0"
CACHE_PAGES = 512  # of 4096 bytes
log = logging.getLogger(__name__)


class Row(NamedTuple):
    """What the table has of an artifact, and when its manifest was written; times in seconds since 1970."""

    key: str
    kind: str
    source: str
    size_bytes: int
    used_s: float
    pinned: bool
    trashed_s: float
    written_s: float


class Share(NamedTuple):
    """How many artifacts there are of some kind, and what they take."""

    n: int
    size_bytes: int


class Index(Cache):  # type: ignore[misc]  # diskcache ships no types
    """The manifest of each artifact and a row for it: kind, size, last use, pin, and whether it is in the trash.

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
        if "trashed_s" not in self._columns():
            with self.transact():
                columns = self._columns()  # another process may have been faster
                if not columns:
                    self._make_table()
                elif "trashed_s" not in columns:
                    for statement in (TRASH_COLUMN, TRASH_ORDER):
                        self._sql(statement)

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
        """Let an artifact be found, used now. One that is there is replaced, leaves the trash, and keeps its pin."""
        self.set(f"manifest:{key}", manifest.to_json())
        source = manifest.inputs.get("recording", "")
        self._sql(
            "INSERT INTO Artifact (key, kind, source, size_bytes, scrap, used_s) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET (kind, source, size_bytes, scrap, used_s, trashed_s)"
            " = (excluded.kind, excluded.source, excluded.size_bytes, excluded.scrap, excluded.used_s, 0)",
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

    def trash(self, key: str, when_s: float) -> list[str]:
        """Put an artifact into the trash, and with it what was made from it and is not scrap; returns their keys."""
        found = self._sql(
            "SELECT key FROM Artifact WHERE trashed_s = 0 AND (key = ? OR (source = ? AND scrap = 0))", (key, key)
        )
        going = [going for (going,) in found]
        for gone in going:
            self._sql("UPDATE Artifact SET trashed_s = ? WHERE key = ?", (when_s, gone))
        return going

    def restore(self, key: str, when_s: float) -> list[str]:
        """Take an artifact out of the trash, used now; returns the keys of all that came.

        With it comes what it was made from, and what went into the trash with it.
        """
        row = self._sql("SELECT source, trashed_s FROM Artifact WHERE key = ? AND trashed_s > 0", (key,)).fetchone()
        if row is None:
            return []
        source, trashed_s = row
        found = self._sql(
            "SELECT key FROM Artifact WHERE trashed_s > 0"
            " AND (key IN (?, ?) OR (source = ? AND scrap = 0 AND trashed_s = ?))",
            (key, source, key, trashed_s),
        )
        coming = [coming for (coming,) in found]
        for back in coming:
            self._sql("UPDATE Artifact SET trashed_s = 0, used_s = ? WHERE key = ?", (when_s, back))
        return coming

    def trashed(self, key: str) -> bool:
        """Whether it is in the trash."""
        return bool(self._number("SELECT trashed_s > 0 FROM Artifact WHERE key = ?", key))

    def size_bytes(self, *, but: str = "") -> int:
        """Of all artifacts, or of all but one; what is in the trash counts, too."""
        return int(self._number("SELECT total(size_bytes) FROM Artifact WHERE key != ?", but))

    def pinned_bytes(self, *, but: str = "") -> int:
        """Of all that have a pin and are not in the trash."""
        question = "SELECT total(size_bytes) FROM Artifact WHERE pinned = 1 AND trashed_s = 0 AND key != ?"
        return int(self._number(question, but))

    def shares(self, *, before_s: float | None = None) -> dict[str, Share]:
        """How many there are of each kind and what they take; those in the trash are of the kind "trash".

        Args:
            before_s: only those without a pin that were last used before that, in seconds since 1970.
        """
        rows = self._sql(
            "SELECT CASE WHEN trashed_s > 0 THEN 'trash' ELSE kind END AS share, count(*), total(size_bytes)"
            " FROM Artifact WHERE ?1 IS NULL OR (pinned = 0 AND trashed_s = 0 AND used_s < ?1) GROUP BY share",
            (before_s,),
        )
        return {share: Share(n, int(size_bytes)) for share, n, size_bytes in rows}

    def rows(self, kind: str) -> list[Row]:
        """Of all artifacts of a kind, also those in the trash."""
        found = self._sql(
            "SELECT a.key, kind, source, a.size_bytes, used_s, pinned, trashed_s, c.store_time"
            " FROM Artifact AS a JOIN Cache AS c ON c.key = 'manifest:' || a.key AND c.raw = 1 WHERE kind = ?",
            (kind,),
        )
        return [
            Row(key, kind, source, size_bytes, used_s, bool(pinned), trashed_s, written_s)
            for key, kind, source, size_bytes, used_s, pinned, trashed_s, written_s in found
        ]

    def by_turn(self, *, but: str = "") -> Iterator[tuple[str, int]]:
        """Key and bytes of all that may go: the trash, then scrap, and what was not used for the longest time first."""
        yield from self._sql(
            "SELECT key, size_bytes FROM Artifact WHERE trashed_s > 0 AND key != ? ORDER BY trashed_s", (but,)
        )
        yield from self._sql(
            "SELECT key, size_bytes FROM Artifact WHERE pinned = 0 AND trashed_s = 0 AND key != ?"
            " ORDER BY scrap DESC, used_s",
            (but,),
        )

    def find(
        self,
        *kinds: str,
        source: str | None = None,
        scrap: bool = False,
        before_s: float | None = None,
        pinned: bool = True,
        trashed: bool | None = None,
        trashed_before_s: float | None = None,
    ) -> list[str]:
        """Keys of all artifacts, or of those that meet what is given.

        Args:
            kinds: any of these.
            source: made from this recording.
            scrap: only what costs only its recomputation.
            before_s: last used before that, in seconds since 1970.
            pinned: also those with a pin; in the trash none counts.
            trashed: only those in the trash, or only those that are not.
            trashed_before_s: put into the trash before that, in seconds since 1970.
        """
        given: list[tuple[str, tuple[str | float, ...]]] = [
            (f"kind IN ({', '.join('?' * len(kinds))})" if kinds else "", kinds),
            *([("source = ?", (source,))] if source is not None else []),
            *([("scrap = 1", ())] if scrap else []),
            *([("used_s < ?", (before_s,))] if before_s is not None else []),
            *([("(pinned = 0 OR trashed_s > 0)", ())] if not pinned else []),
            *([(f"trashed_s {'>' if trashed else '='} 0", ())] if trashed is not None else []),
            *([("trashed_s > 0 AND trashed_s < ?", (trashed_before_s,))] if trashed_before_s is not None else []),
        ]
        conditions = " AND ".join(condition for condition, _ in given if condition) or "1"
        values = [value for _, some in given for value in some]
        return [key for (key,) in self._sql(f"SELECT key FROM Artifact WHERE {conditions}", values)]  # noqa: S608  # ours

    def _number(self, question: str, key: str) -> float:
        row = self._sql(question, (key,)).fetchone()
        return row[0] if row else 0

    def _columns(self) -> set[str]:
        """Of the table; none if there is no table yet."""
        return {name for _, name, *_ in self._sql("PRAGMA table_info(Artifact)").fetchall()}

    def _make_table(self) -> None:
        """Also for artifacts of versions that did without: they had an entry for each use, pin and file."""
        for statement in (TABLE, *ORDERS, TRASH_ORDER):
            self._sql(statement)
        for (entry,) in self._sql("SELECT key FROM Cache WHERE key >= 'manifest:' AND key < 'manifest;'").fetchall():
            key = entry.removeprefix("manifest:")
            manifest = self.manifest(key)
            if manifest is not None:
                self.enter(key, manifest)
                self.use(key, float(self.get(f"used:{key}", default=0.0)))
                self.pin(key, bool(self.get(f"pin:{key}", default=0)))
        self._sql("DELETE FROM Cache WHERE key < 'manifest:' OR key >= 'manifest;'")
