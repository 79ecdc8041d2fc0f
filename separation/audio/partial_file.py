"""A file that is being uploaded: it can be read from its start while the rest is still arriving."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast


class GrowingFile:
    """A file on disk that grows while others read it; a reader ahead of the data waits for it.

    One thread says how far it has grown (`grow`, then `finish` or `break_off`); any number of threads read.

    Args:
        path: where the bytes are.
        name: the file's name for people.
        size_bytes: the announced size; None if it is unknown. Then reading from the end waits for the whole file.
    """

    def __init__(self, path: Path, name: str, size_bytes: int | None = None) -> None:
        self.path, self.name, self.announced_bytes = path, name, size_bytes
        self._received = 0
        self._ended = self._broken = False
        self._changed = threading.Condition()

    @classmethod
    def whole(cls, path: Path, name: str) -> GrowingFile:
        """Return a file that has arrived before."""
        size_bytes = path.stat().st_size
        file = cls(path, name, size_bytes)
        file.grow(size_bytes)
        file.finish()
        return file

    def sha256(self) -> str:
        """Return the hexadecimal SHA-256 of the whole file; wait for its end.

        Raises:
            OSError: the sending was broken off.
        """
        self.wait_for_end()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def grow(self, n_received: int) -> None:
        """Let readers have the first `n_received` bytes, which are on the disk."""
        with self._changed:
            self._received = n_received
            self._changed.notify_all()

    def finish(self) -> None:
        """Mark the file as complete: no more bytes will come."""
        self._end()

    def break_off(self) -> None:
        """Mark the file as broken off before its end: readers raise OSError instead of waiting."""
        self._end(broken=True)

    def open(self) -> BinaryIO:
        """Return a new reader at position 0; its `read` raises OSError once the sending was broken off."""
        return cast("BinaryIO", _Reader(self))

    @property
    def complete(self) -> bool:
        """Whether the whole file has arrived."""
        return self._ended and not self._broken

    def size_bytes(self) -> int:
        """Return the announced size, or the size received once complete; wait for the end if none was announced."""
        if self.announced_bytes is None:
            self.wait_for_end()
        return self._received if self._ended else max(self._received, self.announced_bytes or 0)

    def wait_for(self, position: int) -> int:
        """Wait for `position` bytes or for the end; return how many bytes have arrived.

        Raises:
            OSError: the sending was broken off.
        """
        self._wait(lambda: self._received >= position)
        return self._received

    def wait_for_end(self) -> None:
        """Wait until the whole file has arrived.

        Raises:
            OSError: the sending was broken off.
        """
        self._wait(lambda: False)

    def _wait(self, enough: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or enough())
            if self._broken:
                raise OSError("the sending was broken off")

    def _end(self, *, broken: bool = False) -> None:
        with self._changed:
            if not self._ended:
                self._ended, self._broken = True, broken
            self._changed.notify_all()


class PartialFile(GrowingFile):
    """A growing file that its sender fills (`write`, then `finish` or `break_off`); it is created.

    Raises:
        OSError: the file cannot be written; also `write`.
    """

    def __init__(self, path: Path, name: str, size_bytes: int | None = None) -> None:
        super().__init__(path, name, size_bytes)
        self._sha256 = hashlib.sha256()
        path.touch(mode=0o600)  # other accounts of the computer may not listen
        self._file = path.open("wb", buffering=0)

    def write(self, block: bytes) -> None:
        """Append the next bytes."""
        self._file.write(block)
        self._sha256.update(block)
        self.grow(self._received + len(block))

    def sha256(self) -> str:
        """See `GrowingFile.sha256`; it was computed while the file arrived."""
        self.wait_for_end()
        return self._sha256.hexdigest()

    def _end(self, *, broken: bool = False) -> None:
        self._file.close()
        super()._end(broken=broken)


class _Reader(io.RawIOBase):
    def __init__(self, source: GrowingFile) -> None:
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
