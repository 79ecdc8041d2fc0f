"""The journal of an SQLite file where its write-ahead log (WAL) does not work: readers then wait for writers.

The log needs memory that processes share through a file, which some network and FUSE file systems do not have.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

MODE, NO_LOG = "sqlite_journal_mode", "truncate"  # as diskcache remembers it in the file
# Not SQLITE_IOERR_SHMSIZE: the disk is full.
WITHOUT_WAL = (
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_PROTOCOL,
)


def lacks_wal(error: sqlite3.Error) -> bool:
    """Whether the error says that the file system has no memory that processes could share."""
    return getattr(error, "sqlite_errorcode", 0) in WITHOUT_WAL


def leave_wal(database: Path) -> None:
    """Take what is in the log into the file, and the file out of that mode, for good: diskcache remembers it.

    Raises:
        sqlite3.Error: that does not work either.
    """
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # the log's index then lies in this process's own memory
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # which makes that index
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        with suppress(sqlite3.OperationalError):  # a new file has no settings yet
            connection.execute("UPDATE Settings SET value = ? WHERE key = ?", (NO_LOG, MODE))
