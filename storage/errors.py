"""`StorageError`, and the translation of the system's and the index's errors into it.

`separation.errors` is the one module of `separation` that `storage` imports, so that all errors have one root.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from diskcache import Timeout

from separation.errors import PlaygroundError


class StorageError(PlaygroundError):
    """The store cannot be read or written, or no longer has the requested artifact."""


ROOM = "Check that the folder may be written to and has room, or choose another with AUDIO_PLAYGROUND_HOME."
NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)  # an I/O error: a quota, for one

DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def no_room(error: BaseException) -> bool:
    """Whether the index could not be written because the disk is full, as far as SQLite reports it."""
    # diskcache calls it a timeout whenever the lock cannot be had, also when there is no room to write it.
    reason = error.__context__ if isinstance(error, Timeout) else error
    return isinstance(reason, sqlite3.Error) and getattr(reason, "sqlite_errorcode", 0) & 0xFF in NO_ROOM


def is_damage(error: BaseException) -> bool:
    """Whether SQLite found its file damaged."""
    reason: BaseException | None = error
    while reason is not None:  # diskcache's `Timeout`, or the failure to roll back, may hide it
        if isinstance(reason, sqlite3.Error) and getattr(reason, "sqlite_errorcode", 0) & 0xFF in DAMAGE:
            return True
        reason = reason.__context__
    return False


@contextmanager
def system_errors(what: str, todo: str) -> Iterator[None]:
    """Turn the errors of the disk, the index (SQLite) and its lock into a `StorageError`."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StorageError(what, f"The system says: {getattr(error, 'strerror', None) or error}.", todo) from error
    except Timeout as error:
        reason = error.__context__  # see `no_room`
        if isinstance(reason, sqlite3.OperationalError) and "locked" not in str(reason):
            raise StorageError(what, f"The system says: {reason}.", todo) from error
        raise StorageError(what, "Another process has kept the index locked for a minute.", todo) from error
