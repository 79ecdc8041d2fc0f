"""Files that appear only when they are complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from separation.errors import AudioError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary neighbour of `path` to write to; it takes `path`'s place only if the block ends well.

    Whatever ends the block early, an error or an interrupt, the neighbour is deleted and `path` stays as it was.

    Raises:
        AudioError: the file cannot be written there.
    """
    part = path.parent / f".{uuid4().hex}.part"  # not `path.name` + suffix: that could pass the limit of 255 bytes
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise AudioError(
            f"{path.name!r} cannot be written.",
            f"The system says: {error.strerror or error}.",
            f"Check that {str(path.parent)!r} exists, may be written to, and has room.",
        ) from error
    finally:
        part.unlink(missing_ok=True)
