"""The files of a store as another program finds them: its index, the database under it, what is being made.

Tests do not reach into the store's internals: these functions open the files as a second process would.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from storage import ArtifactStore
from storage.eviction import FIRST_TO_GO
from storage.index import Index

DAY_S = 24 * 3600.0


def artifacts_folder(store: ArtifactStore) -> Path:
    """Where its index and the files of finished artifacts lie."""
    return store.folder / "artifacts"


def index_of(store: ArtifactStore) -> Index:
    """The index of a store, opened a second time."""
    return Index(artifacts_folder(store), FIRST_TO_GO)


def database_of(store: ArtifactStore) -> sqlite3.Connection:
    """The SQLite file under the index; each statement is a transaction of its own."""
    return sqlite3.connect(artifacts_folder(store) / "cache.db", isolation_level=None)


def change(store: ArtifactStore, statement: str, *values: object) -> None:
    """Run one statement of SQL on the database under the index."""
    with closing(database_of(store)) as database:
        database.execute(statement, values)


def used_days_ago(store: ArtifactStore, key: str, days: float) -> None:
    """Let an artifact look as if it had last been used so long ago."""
    used_at(store, key, time.time() - days * DAY_S)


def used_at(store: ArtifactStore, key: str, when_s: float) -> None:
    """Let an artifact look as if it had last been used then, in seconds since 1970."""
    change(store, "UPDATE Artifact SET used_s = ? WHERE key = ?", when_s, key)


def kept_files(store: ArtifactStore) -> set[Path]:
    """All files of the store but its index, and the copies of that."""
    files = (path for path in store.folder.rglob("*") if path.is_file())
    return {path for path in files if "cache.db" not in path.name and path.suffix != ".json"}


def in_the_making(store: ArtifactStore) -> list[Path]:
    """What lies in the folder for files in the making."""
    return list(store.scratch_folder.iterdir()) if store.scratch_folder.exists() else []


def without_copies(store: ArtifactStore) -> None:
    """Take the copies of the index away, which earlier versions did not write."""
    for copy in artifacts_folder(store).rglob("*.json"):
        copy.unlink()


def check_consistent(home: Path) -> None:
    """What the store lists is all there and nothing else is, and nothing is left in the making."""
    store = ArtifactStore(home)
    listed = {path for artifact in store.list() for path in artifact.files.values()}
    assert listed == set((home / "artifacts").rglob("*.val"))
    assert not list(home.glob("scratch/*"))
    store.close()
