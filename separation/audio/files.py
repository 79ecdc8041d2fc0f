"""Atomic file writing: a file appears only when it is complete; failures become `FileError`."""

from __future__ import annotations

import os
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
    """Give a temporary file beside `path` to write to, like `replacing`, with failures as `FileError`.

    Raises:
        FileError: the file cannot be written there.
    """
    with writing(repr(path.name), path.parent), replacing(path) as part:
        yield part


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path` to write to; it replaces `path` only if the `with` block succeeds.

    After an error or an interrupt the temporary file is deleted and `path` stays as it was; `path` also stays as it
    was if the process is killed. If `path` is a symbolic link, the file that it points to is replaced.

    Raises:
        OSError: the file cannot be written there.
    """
    target = path.resolve() if path.is_symlink() else path
    part = target.parent / f".{uuid4().hex}.part"  # not `path.name` + suffix: that could pass the limit of 255 bytes
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def private(path: Path) -> Path:
    """Create an empty file that only its owner may read (mode 0600), to be opened for writing; return its path.

    Raises:
        FileError: it cannot be made.
    """
    with writing(repr(path.name), path.parent):
        path.touch(mode=0o600)
    return path


def write_private(path: Path, text: str) -> None:
    """Write ASCII text atomically to a file that only its owner may read (mode 0600 from the first byte on).

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as part:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # or a computer that loses its power may keep the new name and no content


@contextmanager
def hidden_folder(parent: Path) -> Iterator[Path]:
    """Make a temporary folder in `parent`, for files that are moved into place together; always deleted afterwards."""
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
    """Turn the system's errors from writing `what` into `folder` into a `FileError`."""
    try:
        yield
    except OSError as error:
        raise FileError(
            f"{what} cannot be written.",
            f"The system says: {error.strerror or error}.",
            f"Check that {str(folder)!r} exists, may be written to, and has room.",
        ) from error
