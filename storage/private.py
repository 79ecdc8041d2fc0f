"""The data folder of this computer, and its privacy.

What is stored is kept from other accounts of the computer: folders have mode 0700, files 0600, whatever the umask.
Systems without such modes (Windows, FAT) keep their own; nothing fails there.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
OTHERS = 0o077
OURS = frozenset(
    {
        "artifacts",
        "compared_weights.json",
        "damaged",
        "drafts",
        "host_token",
        "jobs",
        "log",
        "notes",
        "preferences.json",
        "presets",
        "scratch",
        "servers",
        "sessions",
        "sharing.json",
        "storage_secret",
        "tests",
    }
)


def data_folder() -> Path:
    """Return `AUDIO_PLAYGROUND_HOME` if it is set, else `.audio-playground` in the user's home folder."""
    chosen = os.environ.get("AUDIO_PLAYGROUND_HOME")
    return Path(chosen).expanduser() if chosen else Path.home() / ".audio-playground"


def private_home(home: Path) -> None:
    """Make the data folder private; one that was there stays as it is if it holds anything that is not ours.

    Raises:
        OSError: it cannot be made.
    """
    private_folder(home)
    if _is_open(home) and OURS.issuperset(entry.name for entry in home.iterdir()):
        restrict(home)


def private_folder(folder: Path) -> None:
    """Make a folder of mode 0700 if there is none; missing parents follow the umask.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER)


def private_index(folder: Path) -> None:
    """Make the folder of an index private with all that is in it, also if an earlier version made it readable.

    Raises:
        OSError: it cannot be made.
    """
    private_folder(folder)
    if _is_open(folder):
        restrict(folder)
        if not _is_open(folder):  # else the system has no modes, and the next opening would walk through it again
            for parent, folders, files in os.walk(folder):
                for name in (*folders, *files):
                    restrict(Path(parent, name))
    with suppress(FileExistsError):  # SQLite gives the files beside its database the mode of the database
        os.close(os.open(folder / "cache.db", os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))


def restrict(path: Path) -> None:
    """Take all rights of other accounts from a file or folder; do nothing where that is not possible."""
    with suppress(OSError):  # it belongs to someone else, is gone, or the file system has no modes
        if not path.is_symlink():
            path.chmod(FOLDER if path.is_dir() else FILE)


def _is_open(folder: Path) -> bool:
    return os.name == "posix" and bool(stat.S_IMODE(folder.stat().st_mode) & OTHERS)
