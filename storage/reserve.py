"""A file that takes some room on the disk for nothing, and is given up when the index needs it.

Even removing something writes to the index. Without a reserve, a store on a full disk could not be opened, and nobody
could make room in it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from storage.errors import no_room
from storage.index import Index

NAME = "cache.db-spare"
SIZE_BYTES = 2**20  # opening the index writes about 0.3 MB that it gives back later


def open_index(folder: Path, scrap: frozenset[str]) -> Index:
    """Open an index; on a full disk at the cost of the reserve, which is made again once there is room.

    Raises:
        OSError, sqlite3.Error: it cannot be opened.
    """
    spare = folder / NAME
    try:
        index = Index(folder, scrap)
    except sqlite3.Error as error:
        if not (no_room(error) and spare.exists()):
            raise
        spare.unlink(missing_ok=True)
        index = Index(folder, scrap)
    _reserve(spare)
    return index


def _reserve(spare: Path) -> None:
    try:
        if not spare.exists() and shutil.disk_usage(spare.parent).free > 2 * SIZE_BYTES:
            spare.write_bytes(os.urandom(SIZE_BYTES))  # some file systems compress what says nothing to nothing
    except OSError:
        spare.unlink(missing_ok=True)
