"""An SQLite file of the data folder, as diskcache keeps one: opened, and set aside and made anew when it is damaged."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diskcache import Cache, Timeout
from diskcache.core import DBNAME, MODE_RAW

from storage.disk import PlainDisk
from storage.errors import StorageError, is_damage, system_errors
from storage.locks import hold
from storage.private import private_folder, private_index, restrict
from storage.recovery.journal import NO_LOG, lacks_wal, leave_wal
from storage.recovery.salvage import Value, salvaged_rows

# A check reads the whole file, 8 MB in 40 ms. Damage of a larger one is found when something comes upon it.
CHECKED_BYTES = 8 * 10**6
COLUMNS = 12  # of diskcache's table
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableDamage:
    """What was found damaged, why, and what became of it, as sentences for people."""

    what: str
    why: str
    todo: str

    def __str__(self) -> str:
        return f"{self.what} {self.why} {self.todo}"


class Table(Cache):  # type: ignore[misc]  # diskcache ships no types
    """Plain values by key, in an SQLite file that any number of threads and processes share.

    A damaged file goes into the folder “damaged” beside `folder`, and what its pages still hold into a new one, also if
    the damage shows only later: then what was to be done fails, and can be done again. Other processes notice that.

    All methods may raise `sqlite3.Error` and diskcache's `Timeout`.

    Args:
        folder: of its files; made, and private, if it is not.
        name: what it is, for people: "The index of what is kept".
        settings: of diskcache.

    Attributes:
        damages: what was found damaged so far, oldest first.
    """

    def __init__(self, folder: Path, name: str, **settings: Any) -> None:
        self.damages: list[TableDamage] = []
        self._name = name
        self._database = folder / DBNAME
        self._settings = {
            "disk_min_file_size": 2**30,  # text stays in the index, where transactions hold
            "eviction_policy": "none",
            "size_limit": 2**62,
            **settings,
        }
        private_index(folder)
        file = self._file()
        try:
            self._begin()
        except (OSError, sqlite3.Error, Timeout) as error:
            if not (is_damage(error) or self._database.is_dir()):
                raise
            self._renew(file, error)

    @contextmanager
    def errors(self, what: str, todo: str) -> Iterator[None]:
        """Turn the errors of the disk and the file into a `StorageError`; if the file is damaged, make it anew."""
        with system_errors(what, todo):
            try:
                yield
            except (sqlite3.Error, Timeout) as error:
                if not is_damage(error):
                    raise
                self._renew(getattr(self._local, "file", None), error)
                raise StorageError(what, f"{self.damages[-1]}", "Do it again.") from error

    def _prepare(self) -> None:
        """Make what else belongs into a new file; nothing here."""

    def _refill(self, rows: Iterable[tuple[Value, ...]]) -> str:
        """Enter what was read of the damaged file, the newest of each key; return a sentence that says what."""
        entries: dict[str, tuple[float, float | None, Value]] = {}
        for key, stored_s, expires_s, value in map(entry_of, rows):
            if key and stored_s >= entries.get(key, (0.0, None, None))[0]:
                entries[key] = stored_s, expires_s, value
        with self.transact():
            for key, (_, expires_s, value) in entries.items():
                left_s = None if expires_s is None else expires_s - time.time()
                if left_s is None or left_s > 0:
                    self.set(key, value, expire=left_s)
        return f"{len(entries)} of its entries could be read and are there again."

    @property
    def _con(self) -> sqlite3.Connection:
        """This thread's connection, made anew if another thread or process has set the file aside."""
        if self._txn_id != threading.get_ident():
            file = self._file()
            if file is not None and file != getattr(self._local, "file", None):
                self.close()
                self._local.file = file
        connection: sqlite3.Connection = super()._con
        return connection

    def _begin(self) -> None:
        """Open the file, or make it.

        Raises:
            OSError, sqlite3.Error, Timeout: it cannot be opened, or it is damaged.
        """
        log_file = self._database.with_name(f"{DBNAME}-wal")
        if not self._database.stat().st_size and log_file.exists() and log_file.stat().st_size:
            # SQLite would delete the log of an empty file, with what is in it.
            raise _damage("the file is empty, and its log is not")
        if not self._open_with_log():
            leave_wal(self._database)
            folder = str(self._database.parent)
            super().__init__(folder, disk=PlainDisk, **self._settings, sqlite_journal_mode=NO_LOG)
        if self._database.stat().st_size <= CHECKED_BYTES:
            (found,) = self._sql("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise _damage(found)
        self._prepare()

    def _open_with_log(self) -> bool:
        """Open the file with its write-ahead log, unless it has left that; return False if there can be none."""
        folder = str(self._database.parent)
        try:
            super().__init__(folder, disk=PlainDisk, **self._settings)
        except sqlite3.Error as error:  # as long as it is held, so is the lock of the statement that failed
            if not lacks_wal(error):
                raise
            log.info("%s: the file system has no write-ahead log (%s); readers wait for writers.", folder, error)
            self.close()
            return False
        return True

    def _renew(self, file: int | None, error: Exception) -> None:
        """Set the damaged file aside, unless another process was faster, and open a new one.

        Args:
            file: the number of the file that was found damaged.
            error: how that showed.
        """
        aside = self._database.parent.parent / "damaged"
        private_folder(aside)
        with hold(aside, shared=False, wait=True):
            if hasattr(self, "_local"):
                self.close()
            if self._file() != file:
                self._begin()
                self._say(error, "Another process has made it anew.")
                return
            kept = self._set_aside(aside)
            private_index(self._database.parent)
            self._begin()
            self._say(error, f"It was set aside in {aside}. {self._refill(salvaged_rows(kept))}")

    def _set_aside(self, aside: Path) -> Path:
        """Move the file and its log; return where it is now."""
        kept = aside / f"{self._database.parent.name}-index-{uuid.uuid4().hex[:8]}"
        for ending in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                moved = kept.with_name(f"{kept.name}{ending}")
                self._database.with_name(f"{DBNAME}{ending}").replace(moved)
                restrict(moved)
                os.utime(moved)  # it is damaged since now
        return kept

    def _say(self, error: Exception, became: str) -> None:
        why = "It is a folder." if self._database.is_dir() else f"SQLite says: {error}."
        self.damages.append(TableDamage(what=f"{self._name} was damaged.", why=why, todo=became))
        log.info("%s", self.damages[-1])

    def _file(self) -> int | None:
        """Return the number of the file; None if there is none."""
        try:
            return int(self._database.stat().st_ino)
        except FileNotFoundError:
            return None


def entry_of(row: tuple[Value, ...]) -> tuple[str, float, float | None, Value]:
    """Return key, time of writing, time of expiry and value of a row of diskcache's table; "" for all other rows."""
    if len(row) == COLUMNS:
        _, key, raw, stored_s, expires_s, *_, mode, filename, value = row
        if isinstance(key, str) and raw == 1 and mode == MODE_RAW and filename is None:
            return key, as_number(stored_s), None if expires_s is None else as_number(expires_s), value
    return "", 0.0, None, None


def as_number(value: Value) -> float:
    """Return a number of a row; 0 for everything else."""
    return float(value) if isinstance(value, (int, float)) else 0.0


def _damage(what: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
