"""Writes files where a person named a place: whole or not at all, never over what is read or over a device.

A file appears only when it is complete. A symbolic link stays, and the file that it points to is replaced; what is
replaced passes on its mode and owner, as if it had been written into. Devices and FIFOs get the finished bytes.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from separation.audio.interrupts import interrupts_held
from separation.errors import FileError, SettingsError, lasting


def at_home(path: str | Path) -> Path:
    """Return a path as a shell reads it: “~” and “~name” at its beginning are home folders.

    What is there under the very name that was given is that.

    Raises:
        SettingsError: there is no such account.
    """
    typed = Path(path)
    if not str(typed).startswith("~") or typed.exists():
        return typed
    try:
        return typed.expanduser()
    except RuntimeError as error:
        account = typed.parts[0].removeprefix("~") or "you"
        raise SettingsError(
            f"The home folder in {str(path)!r} is not known.",
            f"This computer has no account “{account}”.",
            "Write the whole path.",
        ) from error


@dataclass(frozen=True, slots=True)
class FilesRead:
    """The files that a command reads and so may not replace.

    Device and inode tell that two names are of one file, so links of both kinds, mounts, “..” and, where the file
    system ignores it, letter case make no difference. A file that is moved meanwhile keeps its inode, and another one
    that takes its place gets its path: both are protected.
    """

    paths: frozenset[Path] = frozenset()
    inodes: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of(cls, paths: Iterable[Path]) -> FilesRead:
        """Note the files as they are now; folders, devices and what is not there need no protection."""
        found = {path: inode for path in paths if (inode := _inode(path)) is not None}
        return cls(frozenset(found), frozenset(found.values()))

    def __or__(self, other: FilesRead) -> FilesRead:
        """Return the files of both."""
        return FilesRead(self.paths | other.paths, self.inodes | other.inodes)

    def refuse(self, *paths: Path) -> None:
        """Refuse places for new files where one of these files lies.

        Raises:
            SettingsError: one does.
        """
        inodes = self.inodes | FilesRead.of(self.paths).inodes
        for path in paths:
            if _inode(path) in inodes:
                raise SettingsError(
                    f"{str(path)!r} is one of the files that are read.",
                    "Writing there would destroy it.",
                    "Choose another folder or another name.",
                )


NOTHING_READ = FilesRead()
# A disk is a device too, but what is written into it destroys its files.
_UNTOUCHED = {stat.S_IFDIR: "A folder", stat.S_IFSOCK: "A socket", stat.S_IFBLK: "A disk"}


def check_places(paths: Sequence[Path], read: FilesRead) -> None:
    """Refuse places for new files, before any work is done for them.

    Args:
        paths: of all files that a command is to write.
        read: by the same command.

    Raises:
        SettingsError: one of the files read lies there, or one place is given twice.
        FileError: what lies there can be neither replaced nor written into.
    """
    read.refuse(*paths)
    taken: set[str] = set()
    for path in paths:
        if written_into(path):
            continue
        place = os.path.realpath(path)
        if place in taken:
            raise SettingsError(
                f"{str(path)!r} is to hold two files.", "The second would replace the first.", "Name two places."
            )
        taken.add(place)


def written_into(path: Path) -> bool:
    """Whether a device or a FIFO lies at `path`, which is written into; anything else there is replaced by a new file.

    Raises:
        FileError: what lies there can be neither.
    """
    with writing(repr(path.name), path.parent):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):  # or a link that leads nowhere yet
            return False
        if stat.S_ISREG(mode) and not os.access(path, os.W_OK):  # a rename would replace it all the same
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    kind = _UNTOUCHED.get(stat.S_IFMT(mode))
    if kind is not None:
        raise FileError(
            f"{str(path)!r} cannot be written.", f"{kind} of that name is there.", "Choose another folder or name."
        )
    return not stat.S_ISREG(mode)


@contextmanager
def new_file(path: Path, read: FilesRead = NOTHING_READ) -> Iterator[Path]:
    """Give a temporary file beside `path` to write to, like `replacing`, with failures as `FileError`.

    Raises:
        FileError: the file cannot be written there.
        SettingsError: one of the files `read` lies there.
    """
    with writing(repr(path.name), path.parent), replacing(path, read) as part:
        yield part


@contextmanager
def replacing(path: Path, read: FilesRead = NOTHING_READ) -> Iterator[Path]:
    """Give a temporary file beside `path` to write to; it is `put` there only if the `with` block succeeds.

    After an error or an interrupt the temporary file is deleted and `path` stays as it was; `path` also stays as it
    was if the process is killed.

    Raises:
        OSError: the file cannot be written there.
        FileError: what lies there can be neither replaced nor written into.
        SettingsError: one of the files `read` lies there.
    """
    with _part_for(path, read) as part:
        yield part
        put(part, path, read)


def put(part: Path, path: Path, read: FilesRead = NOTHING_READ, *, private: bool = False) -> None:
    """Move a finished file to the place that a person named for it, or copy it into the device or FIFO there.

    Unless it is `private`, it gets the mode and the owner of the file that it replaces.

    Raises:
        OSError: it cannot be moved there.
        FileError: what lies there can be neither replaced nor written into.
        SettingsError: one of the files `read` lies there, perhaps only by now.
    """
    read.refuse(path)
    if written_into(path):
        # Without O_CREAT, so that no file takes the place of a device that has gone meanwhile.
        with part.open("rb") as whole, os.fdopen(os.open(path, os.O_WRONLY), "wb") as opened:
            shutil.copyfileobj(whole, opened)
        part.unlink()
        return
    target = _target(path)
    if not private:
        _pass_on_mode_and_owner(target, part)
    try:
        part.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:  # a link that leads to another file system
            raise
        with replacing(target, read) as beside:
            shutil.copyfile(part, beside)
        part.unlink()


def remove(path: Path) -> None:
    """Delete the file that `put` would replace, if there is one.

    Raises:
        OSError: it cannot be deleted.
        FileError: what lies there is not ours to delete.
    """
    if not written_into(path):
        _target(path).unlink(missing_ok=True)


def private(path: Path) -> Path:
    """Create an empty file that only its owner may read (mode 0600), to be opened for writing; return its path.

    Raises:
        FileError: it cannot be made.
    """
    with writing(repr(path.name), path.parent):
        path.touch(mode=0o600)
    return path


def copied(path: Path, target: Path) -> Path:
    """Give a file that nobody changes a second name, or copy it where the file system cannot do that; return `target`.

    Raises:
        OSError: it cannot be copied.
    """
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, private(target))
    return target


def write_private(path: Path, text: str) -> None:
    """Write ASCII text atomically to a file that only its owner may read (mode 0600 from the first byte on).

    Raises:
        OSError: it cannot be written.
        FileError: what lies there can be neither replaced nor written into.
    """
    with _part_for(path) as part:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # or a computer that loses its power may keep the new name and no content
        put(part, path, private=True)


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
            f"Check that {str(lasting(folder))!r} exists, may be written to, and has room.",
        ) from error


def _pass_on_mode_and_owner(old: Path, new: Path) -> None:
    """Give a new file the mode and, as far as we may, the owner of the one it replaces, if there is one."""
    with suppress(FileNotFoundError):
        before = old.stat()
        if hasattr(os, "chown"):
            with suppress(PermissionError):  # only root may give a file away
                os.chown(new, before.st_uid, before.st_gid)
        new.chmod(before.st_mode & 0o777)


@contextmanager
def _part_for(path: Path, read: FilesRead = NOTHING_READ) -> Iterator[Path]:
    """Give the path of a temporary file for `put`, on the same file system; it is deleted if it is still there."""
    read.refuse(path)
    folder = Path(tempfile.gettempdir()) if written_into(path) else _target(path).parent
    part = folder / f".{uuid4().hex}.part"  # not `path.name` + suffix: that could pass the limit of 255 bytes
    try:
        with suppress(OSError):
            if path.stat().st_mode & 0o077 == 0:  # nor may others read what is to replace it, while it is written
                part.touch(mode=0o600)
        yield part
    finally:
        part.unlink(missing_ok=True)


def resolved(path: Path) -> Path:
    """Return the absolute path without links; unlike `Path.resolve` also where links lead in a circle."""
    return Path(os.path.realpath(path))


def _target(path: Path) -> Path:
    """Return the file that `path` means, which does not have to be there; `path` itself unless it is a link."""
    return resolved(path) if path.is_symlink() else path


def _inode(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a regular file, also through links; None if there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # a name with a NUL in it
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
