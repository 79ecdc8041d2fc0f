"""Files that appear only when they are complete, and what is said when one cannot be written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from separation.audio.interrupts import interrupts_held
from separation.errors import FileError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary neighbour of `path` to write to; it takes `path`'s place only if the block ends well.

    Whatever ends the block early, an error or an interrupt, the neighbour is deleted and `path` stays as it was.

    Raises:
        FileError: the file cannot be written there.
    """
    part = path.parent / f".{uuid4().hex}.part"  # not `path.name` + suffix: that could pass the limit of 255 bytes
    try:
        with writing(repr(path.name), path.parent):
            yield part
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def hidden_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, for files that appear elsewhere all at once; gone afterwards, also when interrupted."""
    folder: Path | None = None
    try:
        with interrupts_held():
            folder = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=parent))
        yield folder
    finally:
        with interrupts_held():
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writing(what: str, folder: Path) -> Iterator[None]:
    """Turn what the system says against writing something into a folder into a `FileError`."""
    try:
        yield
    except OSError as error:
        raise FileError(
            f"{what} cannot be written.",
            f"The system says: {error.strerror or error}.",
            f"Check that {str(folder)!r} exists, may be written to, and has room.",
        ) from error
