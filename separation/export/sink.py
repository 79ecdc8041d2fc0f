"""A file for encoders in C, which know no exceptions: it remembers what went wrong, and takes a write whole or not."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


class Sink(io.RawIOBase):
    """The file that an encoder writes to, through callbacks that cannot raise.

    What did not fit is taken back, so that the file ends where a whole write ended. After a failure it takes no more.

    Args:
        path: of the file, which is made or emptied.

    Attributes:
        error: the first failure; None if there was none.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self._file = path.open("w+b", buffering=0)

    def write(self, data: Any) -> int:
        """Write all of it and return its length, or nothing and return 0."""
        if self.error is not None:
            return 0
        start, rest = self._file.tell(), memoryview(data)
        length = os.fstat(self._file.fileno()).st_size
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.error = error
            with suppress(OSError):  # a device has no end
                self._file.truncate(length)
                self._file.seek(start)
            return 0
        return len(data)

    def patch(self, at: int, data: bytes) -> None:
        """Replace bytes that were written before, also after a failure: that takes no room."""
        self._file.seek(at)
        self._file.write(data)

    def readinto(self, buffer: Any) -> int:
        """Read back what was written."""
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See `io.IOBase.seek`."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """See `io.IOBase.tell`."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
