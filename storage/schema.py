"""The table beside the manifests: the statements that make it, and the types of what is read from it."""

from __future__ import annotations

from typing import NamedTuple

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
N_COLUMNS = (7, 8)  # of the table, without and with its last


class Row(NamedTuple):
    """The table's row of an artifact, and when its manifest was written; times in seconds since 1970."""

    key: str
    kind: str
    source: str
    size_bytes: int
    used_s: float
    pinned: bool
    trashed_s: float
    written_s: float


class Share(NamedTuple):
    """The number of artifacts of a kind, and their size in bytes."""

    n: int
    size_bytes: int


class Listed(NamedTuple):
    """An artifact as lists for people show it; its last use in seconds since 1970."""

    key: str
    kind: str
    name: str
    size_bytes: int
    used_s: float
    pinned: bool
