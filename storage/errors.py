"""The errors of the store: what happened, why, and what to do.

They have the shape of `separation.errors.PlaygroundError` and not its class, because `storage` knows nothing of
separation; whoever shows errors to a person catches both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from diskcache import Timeout


class StorageError(Exception):
    """The root of the store's errors: three sentences, in the order a person needs them."""

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        super().__init__(what, why, todo)
        self.what, self.why, self.todo = what, why, todo

    def __str__(self) -> str:
        return " ".join(sentence for sentence in (self.what, self.why, self.todo) if sentence)


NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)  # an I/O error: a quota, for one


def no_room(error: BaseException) -> bool:
    """Whether the index could not be written because the disk has no room, as far as SQLite tells."""
    # diskcache calls it a timeout whenever the lock cannot be had, also when there is no room to write it.
    reason = error.__context__ if isinstance(error, Timeout) else error
    return isinstance(reason, sqlite3.Error) and getattr(reason, "sqlite_errorcode", 0) & 0xFF in NO_ROOM


@contextmanager
def system_errors(what: str, todo: str) -> Iterator[None]:
    """Turn what the disk, the index (SQLite) and its lock may raise into a `StorageError`."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StorageError(what, f"The system says: {getattr(error, 'strerror', None) or error}.", todo) from error
    except Timeout as error:
        reason = error.__context__  # see `no_room`
        if isinstance(reason, sqlite3.OperationalError) and "locked" not in str(reason):
            raise StorageError(what, f"The system says: {reason}.", todo) from error
        raise StorageError(what, "Another process has kept the index locked for a minute.", todo) from error
