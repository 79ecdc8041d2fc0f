"""A file that somebody is sending: it can be read from its start while the rest is on its way."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast


class PartialFile:
    """The bytes go to a file on disk; whoever reads where none are yet waits until they come.

    One thread sends (`write`, then `finish` or `break_off`), any number read.

    Args:
        path: where the bytes are kept; it is created.
        name: what people call it.
        size_bytes: how many were announced; None if nobody knows. Then reading from the end waits for all of it.

    Raises:
        OSError: the file cannot be written; also `write`.
    """

    def __init__(self, path: Path, name: str, size_bytes: int | None = None) -> None:
        self.path, self.name = path, name
        self._announced = size_bytes
        self._received = 0
        self._ended = self._broken = False
        self._changed = threading.Condition()
        self._sha256 = hashlib.sha256()
        self._file = path.open("wb", buffering=0)

    def write(self, block: bytes) -> None:
        """Take the next bytes."""
        self._file.write(block)
        self._sha256.update(block)
        with self._changed:
            self._received += len(block)
            self._changed.notify_all()

    def finish(self) -> None:
        """No more will come: it is complete."""
        self._end()

    def break_off(self) -> None:
        """No more will come, although it is not complete: readers fail instead of waiting."""
        self._end(broken=True)

    def open(self) -> BinaryIO:
        """A reader of its own position; its `read` raises OSError once the sending was broken off."""
        return cast("BinaryIO", _Reader(self))

    def sha256(self) -> str:
        """Digest of the whole file; waits for its end.

        Raises:
            OSError: the sending was broken off.
        """
        self._wait(lambda: False)
        return self._sha256.hexdigest()

    @property
    def complete(self) -> bool:
        """Whether all of it is here."""
        return self._ended and not self._broken

    def size_bytes(self) -> int:
        """What was announced, or what has come if that is all; waits for the end if nothing was announced."""
        if self._announced is None:
            self._wait(lambda: False)
        return self._received if self._ended else max(self._received, self._announced or 0)

    def wait_for(self, position: int) -> int:
        """How many bytes there are, once there are `position` of them or no more will come."""
        self._wait(lambda: self._received >= position)
        return self._received

    def _wait(self, enough: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or enough())
            if self._broken:
                raise OSError("the sending was broken off")

    def _end(self, *, broken: bool = False) -> None:
        self._file.close()
        with self._changed:
            if not self._ended:
                self._ended, self._broken = True, broken
            self._changed.notify_all()


class _Reader(io.RawIOBase):
    def __init__(self, source: PartialFile) -> None:
        self._source, self._position = source, 0
        self._file = source.path.open("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = max(0, self._source.size_bytes() - self._position)
        here = self._source.wait_for(self._position + size)
        self._file.seek(self._position)  # not `os.pread`, which Windows lacks
        data = self._file.read(max(0, min(size, here - self._position))) or b""
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        self._position = max(0, (self._source.size_bytes() if base is None else base) + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._file.close()
        super().close()
