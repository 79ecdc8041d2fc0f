"""The index of the store: manifests in diskcache, and a table beside them, so that most queries read no manifest.

Both lie in one SQLite file, so one transaction changes both or neither.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

from diskcache import Timeout

from storage.errors import StorageError, no_room
from storage.manifest import Manifest
from storage.recovery.copies import Copies, Copy
from storage.recovery.salvage import Value
from storage.schema import N_COLUMNS, ORDERS, TABLE, TRASH_COLUMN, TRASH_ORDER, Listed, Row, Share
from storage.table import Table, as_number, entry_of

CACHE_PAGES = 512  # of 4096 bytes
# Replaced files stay under a hidden key of this kind, so that readers that got their paths can finish.
REPLACED = "replaced"
log = logging.getLogger(__name__)


class Index(Table):
    """The manifest of each artifact and a row for it: kind, size, last use, pin, and whether it is in the trash.

    Several changes, or a change that depends on what was read, belong into one `with index.transact()`. All methods may
    raise `sqlite3.Error` and diskcache's `Timeout`.

    Args:
        folder: the folder of its files; made, and private, if it is not.
        scrap: kinds that can be recomputed, and are evicted first.
    """

    def __init__(self, folder: Path, scrap: frozenset[str]) -> None:
        self._scrap = scrap
        self._copies = Copies(folder)
        self._changed: set[str] = set()
        # The store's own eviction: diskcache's knows neither pins nor that an artifact's files belong together.
        # Each thread has a connection of its own. With diskcache's 32 MB of cache and 64 MB of mapped file for
        # each, a process grows for thousands of artifacts, and the system keeps these pages anyway.
        super().__init__(folder, "The index of what is kept", sqlite_cache_size=CACHE_PAGES, sqlite_mmap_size=0)

    @contextmanager
    def transact(self, retry: bool = False) -> Iterator[None]:
        """Do all of it or nothing; afterwards copy the manifests of the artifacts that were changed."""
        if self._txn_id == threading.get_ident():
            yield
            return
        with super().transact(retry):
            self._changed = set()  # nobody else is here
            yield
            changed = self._changed
        for key in changed:
            self._copy(key)

    def manifest(self, key: str) -> Manifest | None:
        """Return the manifest under `key`, of its copy if it is damaged; None if there is none that can be read."""
        text = self.get(f"manifest:{key}")
        if text is None:
            return None
        try:
            return Manifest.from_json(text)
        except StorageError as error:
            if (copied := self.copied(key)) is None:
                log.warning("artifact %s is passed over: %s", key, error)
            return copied

    def copied(self, key: str) -> Manifest | None:
        """Return the manifest in the copy of the one under `key`; None if there is none that can be read."""
        copy = self._copies.read(self._copies.path_of(key))
        return None if copy is None else Manifest.readable(copy.manifest)

    def manifests(self, keys: Iterable[str]) -> dict[str, Manifest]:
        """Return the readable manifests of these keys, by key."""
        return {key: manifest for key in keys if (manifest := self.manifest(key)) is not None}

    def enter(self, key: str, manifest: Manifest) -> None:
        """Enter an artifact, used now. One under the same key is replaced, leaves the trash, and keeps its pin."""
        source = manifest.inputs.get("recording", "")
        with self._changing(key):
            self.set(f"manifest:{key}", manifest.to_json())
            self._sql(
                "INSERT INTO Artifact (key, kind, source, size_bytes, scrap, used_s) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET (kind, source, size_bytes, scrap, used_s, trashed_s)"
                " = (excluded.kind, excluded.source, excluded.size_bytes, excluded.scrap, excluded.used_s, 0)",
                (key, manifest.kind, source, manifest.size_bytes, manifest.kind in self._scrap, time.time()),
            )

    def rewrite(self, key: str, manifest: Manifest) -> None:
        """Replace the manifest of an artifact whose files have changed; use, pin and trash stay."""
        with self._changing(key):
            self.set(f"manifest:{key}", manifest.to_json())
            self._sql("UPDATE Artifact SET size_bytes = ? WHERE key = ?", (manifest.size_bytes, key))

    def lose(self, key: str) -> None:
        """Remove an artifact that is going to be made again; its pin waits for it."""
        with self._changing(key):
            self.delete(f"manifest:{key}")
            self._sql("DELETE FROM Artifact WHERE key = ? AND (pinned = 0 OR trashed_s > 0)", (key,))
            self._sql("UPDATE Artifact SET size_bytes = 0 WHERE key = ?", (key,))

    def forget(self, keys: Iterable[str]) -> tuple[Manifest, ...]:
        """Remove artifacts from the index; return their manifests."""
        keys = tuple(keys)
        gone = self.manifests(keys)
        with self._changing(*keys):
            for key in keys:
                self._copies.remove(key)  # before anybody could take it for one that the index has lost
                self.delete(f"manifest:{key}")
                self._sql("DELETE FROM Artifact WHERE key = ?", (key,))
        return tuple(gone.values())

    def forget_unreadable(self, keys: Iterable[str]) -> None:
        """Remove those of these artifacts whose manifest cannot be read; pins that wait for one to be made stay."""
        with self.transact():
            for key in keys:
                if self.manifest(key) is None and self.delete(f"manifest:{key}"):
                    self._changed.add(key)
                    self._sql("DELETE FROM Artifact WHERE key = ?", (key,))

    def use(self, key: str, when_s: float) -> None:
        """Record a use, in seconds since 1970; on a full disk do nothing, so that artifacts can still be read."""
        try:
            self._sql("UPDATE Artifact SET used_s = ? WHERE key = ?", (when_s, key))
        except sqlite3.Error as error:
            if not no_room(error):
                raise
        self._copies.use(key, when_s)

    def used_s(self, key: str) -> float:
        """Return the time of last use, in seconds since 1970; 0 if there is no such artifact."""
        return float(self._number("SELECT used_s FROM Artifact WHERE key = ?", key))

    def pin(self, key: str, pinned: bool) -> None:
        """Set or remove the pin of an artifact, if there is one."""
        with self._changing(key):
            self._sql("UPDATE Artifact SET pinned = ? WHERE key = ?", (pinned, key))

    def pinned(self, key: str) -> bool:
        """Whether the artifact exists and is pinned."""
        return bool(self._number("SELECT pinned FROM Artifact WHERE key = ?", key))

    def trash(self, key: str, when_s: float) -> list[str]:
        """Put an artifact into the trash with those made from it, except scrap; return the keys of all."""
        found = self._sql(
            "SELECT key FROM Artifact WHERE trashed_s = 0 AND (key = ? OR (source = ? AND scrap = 0))", (key, key)
        )
        going = [going for (going,) in found]
        with self._changing(*going):
            for gone in going:
                self._sql("UPDATE Artifact SET trashed_s = ? WHERE key = ?", (when_s, gone))
        return going

    def restore(self, key: str, when_s: float) -> list[str]:
        """Take an artifact out of the trash, used now; return the keys of all that were restored.

        The artifact that it was made from is restored too, and those trashed together with it.
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
        with self._changing(*coming):
            for back in coming:
                self._sql("UPDATE Artifact SET trashed_s = 0, used_s = ? WHERE key = ?", (when_s, back))
        return coming

    def trashed(self, key: str) -> bool:
        """Whether it is in the trash."""
        return bool(self._number("SELECT trashed_s > 0 FROM Artifact WHERE key = ?", key))

    def size_bytes(self, *, but: str = "") -> int:
        """Return the bytes of all artifacts, or of all but one; the trash counts too."""
        return int(self._number("SELECT total(size_bytes) FROM Artifact WHERE key != ?", but))

    def pinned_bytes(self, *, but: str = "") -> int:
        """Return the bytes of all pinned artifacts outside the trash, except that of the key `but`."""
        question = "SELECT total(size_bytes) FROM Artifact WHERE pinned = 1 AND trashed_s = 0 AND key != ?"
        return int(self._number(question, but))

    def shares(self, *, before_s: float | None = None) -> dict[str, Share]:
        """Return the number and size of artifacts of each kind; those in the trash count as the kind "trash".

        Args:
            before_s: count only unpinned ones that were last used before this time, in seconds since 1970.
        """
        rows = self._sql(
            "SELECT CASE WHEN trashed_s > 0 THEN 'trash' ELSE kind END AS share, count(*), total(size_bytes)"
            " FROM Artifact WHERE ?1 IS NULL OR (pinned = 0 AND trashed_s = 0 AND used_s < ?1) GROUP BY share",
            (before_s,),
        )
        return {share: Share(n, int(size_bytes)) for share, n, size_bytes in rows}

    def rows(self, kind: str) -> list[Row]:
        """Return the rows of all artifacts of a kind, including the trash."""
        found = self._sql(
            "SELECT a.key, kind, source, a.size_bytes, used_s, pinned, trashed_s, c.store_time"
            " FROM Artifact AS a JOIN Cache AS c ON c.key = 'manifest:' || a.key AND c.raw = 1 WHERE kind = ?",
            (kind,),
        )
        return [
            Row(key, kind, source, size_bytes, used_s, bool(pinned), trashed_s, written_s)
            for key, kind, source, size_bytes, used_s, pinned, trashed_s, written_s in found
        ]

    def listed(self) -> list[Listed]:
        """Return all artifacts that are neither scrap nor in the trash, newest first; SQLite reads their manifests."""
        found = self._sql(
            "SELECT a.key, kind, CASE WHEN json_valid(c.value) THEN json_extract(c.value, '$.name') END,"
            " a.size_bytes, used_s, pinned"
            " FROM Artifact AS a JOIN Cache AS c ON c.key = 'manifest:' || a.key AND c.raw = 1"
            " WHERE scrap = 0 AND trashed_s = 0"
            " ORDER BY CASE WHEN json_valid(c.value) THEN json_extract(c.value, '$.created') END DESC"
        ).fetchall()
        return [
            Listed(key, kind, name, size_bytes, used_s, bool(pinned))
            for key, kind, named, size_bytes, used_s, pinned in found
            if (name := named if isinstance(named, str) else self._copied_name(key)) is not None
        ]

    def by_turn(self, *, but: str = "") -> Iterator[tuple[str, int]]:
        """Yield key and bytes of all that may be evicted: trash, then scrap, then others, least recently used first."""
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
        """Return the keys of artifacts that meet all given conditions.

        Args:
            kinds: any of these.
            source: made from this recording.
            scrap: only kinds that can be recomputed.
            before_s: last used before this time, in seconds since 1970.
            pinned: include pinned ones; pins of artifacts in the trash never count.
            trashed: only those in the trash, or only those that are not.
            trashed_before_s: put into the trash before this time, in seconds since 1970.
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

    def tend(self, min_age_s: float) -> None:
        """Enter artifacts whose copies are not known, copy manifests without one, delete half copies of that age."""
        with self.transact():
            self._adopt()
        for key in self.find():
            if not self._copies.path_of(key).exists():
                self._copy(key)
        self._copies.sweep(min_age_s)

    def _prepare(self) -> None:
        if "trashed_s" not in self._columns():
            with self.transact():
                columns = self._columns()  # another process may have been faster
                if not columns:
                    self._make_table()
                elif "trashed_s" not in columns:
                    for statement in (TRASH_COLUMN, TRASH_ORDER):
                        self._sql(statement)

    def _refill(self, rows: Iterable[tuple[Value, ...]]) -> str:
        """Enter what the damaged file tells of artifacts that have no copy and whose files are there."""
        rows = list(rows)
        uses = {row[0]: [as_number(value) for value in (*row[5:], 0)] for row in rows if len(row) in N_COLUMNS}
        with self.transact():
            for entry, written_s, _, text in sorted(map(entry_of, rows), key=itemgetter(1), reverse=True):
                key = entry.removeprefix("manifest:")
                if key != entry and isinstance(text, str) and self.manifest(key) is None:
                    used_s, pinned, trashed_s, *_ = uses.get(key, (written_s, 0, 0))
                    self._admit(Copy(key=key, manifest=text, pinned=pinned > 0, trashed_s=trashed_s, used_s=used_s))
        n = sum(share.n for kind, share in self.shares().items() if kind != REPLACED)
        return f"It was rebuilt from the manifests on the disk: {n} recordings, results and chunks are there again."

    def _adopt(self) -> None:
        """Enter the artifacts that the index does not know and whose copies and files are there."""
        for path in self._copies.others(self.find()):
            copy = self._copies.read(path)
            if copy is None or not self._admit(copy):
                path.unlink(missing_ok=True)

    def _admit(self, copy: Copy) -> bool:
        """Enter an artifact as it was copied; return False if its manifest or its files are damaged."""
        if (manifest := Manifest.readable(copy.manifest)) is None:
            return False
        if not all(self.disk.has(output.entry, output.size_bytes) for output in manifest.outputs.values()):
            return False
        self.enter(copy.key, manifest)
        self._sql(
            "UPDATE Artifact SET (used_s, pinned, trashed_s) = (?, ?, ?) WHERE key = ?",
            (copy.used_s, copy.pinned, copy.trashed_s, copy.key),
        )
        return True

    @contextmanager
    def _changing(self, *keys: str) -> Iterator[None]:
        """Change these artifacts, in one transaction with whatever else is changed."""
        with self.transact():
            yield
            self._changed.update(keys)

    def _copy(self, key: str) -> None:
        """Let the copy of an artifact be what the index holds now."""
        try:
            question = "SELECT kind, used_s, pinned, trashed_s FROM Artifact WHERE key = ?"
            row, text = self._sql(question, (key,)).fetchone(), self.get(f"manifest:{key}")
        except (sqlite3.Error, Timeout) as error:  # what was changed stays changed
            log.info("the manifest of %s is not copied: %s", key, error)
            return
        if row is None or text is None or row[0] == REPLACED:
            self._copies.remove(key)
        else:
            _, used_s, pinned, trashed_s = row
            self._copies.write(Copy(key=key, manifest=text, pinned=bool(pinned), trashed_s=trashed_s, used_s=used_s))

    def _copied_name(self, key: str) -> str | None:
        """Return the name in the copy of a damaged manifest; None if that cannot be read either."""
        manifest = self.manifest(key)
        return None if manifest is None else manifest.name

    def _number(self, question: str, key: str) -> float:
        row = self._sql(question, (key,)).fetchone()
        return row[0] if row else 0

    def _columns(self) -> set[str]:
        """Return the names of the table's columns; none if there is no table yet."""
        return {name for _, name, *_ in self._sql("PRAGMA table_info(Artifact)").fetchall()}

    def _make_table(self) -> None:
        """Make the table, and fill it from stores of older versions, which had an entry for each use, pin and file."""
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
        self._adopt()
