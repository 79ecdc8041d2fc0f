"""Reads the rows of a damaged SQLite file: whatever its pages still hold, whether or not anything leads to them.

SQLite itself reads nothing of a file whose first page is lost, and stops at a page that is damaged. Here each page is
read for itself (https://www.sqlite.org/fileformat2.html), with those of the write-ahead log in place of older ones.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

Value = int | float | str | bytes | None
TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR = 0x0D, 0x0A, 0x02  # the pages that hold rows
USUAL_PAGE = 4096  # bytes
FILE_HEADER, WAL_HEADER, FRAME_HEADER = 100, 32, 24  # bytes
MAGIC = b"SQLite format 3\0"
SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # bytes of a value by its serial type, up to 9


def salvaged_rows(database: Path) -> Iterator[tuple[Value, ...]]:
    """Yield the rows of all tables that can be read, in no order; some may be outdated, or have been deleted.

    Args:
        database: the file; its write-ahead log lies beside it. Neither is changed, and both may be missing.
    """
    pages = _pages(database)
    for number, page in pages.items():
        start = FILE_HEADER if number == 1 else 0
        kind = page[start] if len(page) > start else 0
        if kind in (TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR):
            (n_cells,) = struct.unpack_from(">H", page, start + 3)
            pointers = start + (12 if kind == INDEX_INTERIOR else 8)
            for index in range(min(n_cells, len(page) // 4)):
                try:
                    (cell,) = struct.unpack_from(">H", page, pointers + 2 * index)
                    yield _row(_payload(pages, page, cell, kind))
                except (IndexError, KeyError, ValueError, struct.error):  # what is damaged
                    continue


def _pages(database: Path) -> dict[int, bytes]:
    """Return the pages by number, those of the log in place of older ones."""
    stored, log = _bytes_of(database), _bytes_of(database.with_name(f"{database.name}-wal"))
    size = USUAL_PAGE
    if stored[: len(MAGIC)] == MAGIC:
        (size,) = struct.unpack_from(">H", stored, 16)
        size = size if 512 <= size <= 32768 and size & (size - 1) == 0 else USUAL_PAGE
    pages = {at // size + 1: stored[at : at + size] for at in range(0, len(stored) - size + 1, size)}
    salts = log[16:24]
    for at in range(WAL_HEADER, len(log) - size - FRAME_HEADER + 1, size + FRAME_HEADER):
        if log[at + 8 : at + 16] == salts:  # else it is left from before the log was begun anew
            (number,) = struct.unpack_from(">I", log, at)
            pages[number] = log[at + FRAME_HEADER : at + FRAME_HEADER + size]
    return pages


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it is not there, a folder, or on a bad sector
        return b""


def _payload(pages: dict[int, bytes], page: bytes, at: int, kind: int) -> bytes:
    """Return the row of a cell in SQLite's record format, with what lies on overflow pages."""
    size = len(page)
    most = size - 35 if kind == TABLE_LEAF else (size - 12) * 64 // 255 - 23
    least = (size - 12) * 32 // 255 - 23
    n_bytes, at = _varint(page, at + (4 if kind == INDEX_INTERIOR else 0))
    if n_bytes > size * len(pages):
        raise ValueError(n_bytes)
    if kind == TABLE_LEAF:
        _, at = _varint(page, at)  # the row's number
    n_here = n_bytes
    if n_bytes > most:
        n_here = least + (n_bytes - least) % (size - 4)
        n_here = n_here if n_here <= most else least
    parts, missing = [page[at : at + n_here]], n_bytes - n_here
    (following,) = struct.unpack_from(">I", page, at + n_here) if missing else (0,)
    while missing > 0:
        overflow = pages[following]
        (following,) = struct.unpack_from(">I", overflow, 0)
        parts.append(overflow[4 : 4 + missing])
        missing -= len(parts[-1])
    return b"".join(parts)


def _row(payload: bytes) -> tuple[Value, ...]:
    n_header, at = _varint(payload, 0)
    types = []
    while at < n_header:
        serial, at = _varint(payload, at)
        types.append(serial)
    row = []
    for serial in types:
        n_bytes = SIZES[serial] if serial < len(SIZES) else (serial - 12) // 2
        content = payload[at : at + n_bytes]
        if len(content) < n_bytes or n_bytes < 0:
            raise ValueError(serial)
        row.append(_value(serial, content))
        at += n_bytes
    return tuple(row)


def _value(serial: int, content: bytes) -> Value:
    if serial >= 12:
        return content if serial % 2 == 0 else content.decode()
    if serial == 7:
        number: float = struct.unpack(">d", content)[0]
        return number
    return {0: None, 8: 0, 9: 1}[serial] if not content else int.from_bytes(content, "big", signed=True)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of 1 to 9 bytes, and where it ends."""
    value = 0
    for index in range(8):
        value = value << 7 | data[at + index] & 0x7F
        if data[at + index] < 0x80:
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9
