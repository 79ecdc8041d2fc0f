"""What the pages of a damaged SQLite file still hold is read, against what SQLite itself wrote."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from storage.recovery.salvage import salvaged_rows

ROWS = [(n, f"name {n} é", "x" * (n * 37 % 9000), n / 7, None, b"\0\xff" * n) for n in range(200)]
NUMBERS = [(0,), (1,), (-1,), (127,), (-128,), (32767,), (-8388608,), (2**31 - 1,), (2**47 - 1,), (-(2**63),)]


@pytest.fixture(params=["in the file", "in the log"])
def database(request, tmp_path):
    """A file as a power failure leaves it, its header overwritten."""
    with closing(sqlite3.connect(tmp_path / "made.db", isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE Words (a, b, c, d, e, f)")
        made.execute("CREATE TABLE Number (a)")
        made.execute("CREATE TABLE Keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID")
        if request.param == "in the log":
            made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        made.execute("BEGIN")
        made.executemany("INSERT INTO Words VALUES (?, ?, ?, ?, ?, ?)", ROWS)
        made.executemany("INSERT INTO Number VALUES (?)", NUMBERS)
        made.executemany("INSERT INTO Keyed VALUES (?, ?)", [(f"key {index}", index) for index in range(500)])
        made.execute("COMMIT")
        if request.param == "in the file":
            made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for ending in ("", "-wal"):
            shutil.copy(tmp_path / f"made.db{ending}", tmp_path / f"lost.db{ending}")
    with (tmp_path / "lost.db").open("r+b") as file:
        file.write(b"?" * 100)
    return tmp_path / "lost.db"


def test_all_rows_are_found_long_ones_too(database):
    found = list(salvaged_rows(database))
    assert [row for row in ROWS if row not in found] == []
    assert [row for row in NUMBERS if row not in found] == []
    assert {row for row in found if len(row) == 2 and str(row[0]).startswith("key ")} >= {
        (f"key {index}", index) for index in range(500)
    }


def test_the_newest_state_of_a_page_counts(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE Words (a)")
        made.execute("INSERT INTO Words VALUES ('old!')")
        made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        made.execute("UPDATE Words SET a = 'new!'")
        assert ("new!",) in salvaged_rows(tmp_path / "a.db") and ("old!",) not in salvaged_rows(tmp_path / "a.db")


@pytest.mark.parametrize("content", [b"", b"\x0d" * 5000, bytes(range(256)) * 64, b"SQLite format 3\0" * 1000])
def test_whatever_else_a_file_holds_nothing_fails(tmp_path, content):
    (tmp_path / "a.db").write_bytes(content)
    (tmp_path / "a.db-wal").write_bytes(content)
    assert all(isinstance(row, tuple) for row in salvaged_rows(tmp_path / "a.db"))
    assert list(salvaged_rows(tmp_path)) == list(salvaged_rows(tmp_path / "missing")) == []
