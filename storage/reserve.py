"""A reserve file that holds some disk space, and is deleted when a full disk leaves none for the index.

Even removing an artifact writes to the index. Without a reserve, a store on a full disk could not be opened to make
room in it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from storage.errors import no_room
from storage.index import Index
from storage.private import restrict

NAME = "cache.db-spare"
SIZE_BYTES = 2**20  # opening the index writes about 0.3 MB that it gives back later


def open_index(folder: Path, scrap: frozenset[str]) -> Index:
    """Open an index; on a full disk delete the reserve first, which is made again once there is room.

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
            spare.write_bytes(os.urandom(SIZE_BYTES))  # random bytes, since some file systems compress zeros away
            restrict(spare)
    except OSError:
        spare.unlink(missing_ok=True)
