"""The folders of models that the person at this computer has named; a request, which anyone may write, uses no others.

They stand in the environment, so that the worker processes of this program know them too.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from separation.errors import Action, SettingsError

VARIABLE = "AUDIO_PLAYGROUND_MODEL_FOLDERS"  # NAME=FOLDER, several as in PATH
# A folder's path may hold the sign that stands between two entries.
BETWEEN = re.compile(rf"{re.escape(os.pathsep)}(?=[^=/\\{os.pathsep}]*=)")


def name_folder(folder: str | Path, name: str = "") -> None:
    """Let requests of this process, and of the processes it starts, use a folder by its path, and by `name` if given.

    Only what the person at this computer has typed may come here.
    """
    entries = [f"{name}={_absolute(str(folder))}", os.environ.get(VARIABLE, "")]
    os.environ[VARIABLE] = os.pathsep.join(filter(None, entries))


def is_there(folder: str) -> bool:
    """Return whether a folder that the person at this computer has typed is there."""
    return _absolute(folder).is_dir()


def names() -> tuple[str, ...]:
    """Return the names under which requests may use folders of models."""
    return tuple(dict.fromkeys(name for name, _ in _named() if name))


def find_folder(asked: str) -> Path | None:
    """Return the folder that a request means by its name or path; None if it is none of those that were named.

    Of a folder that was not named it is not even looked whether it exists.
    """
    if not (named := _named()):
        return None
    path = _absolute(asked)
    return next((folder for name, folder in named if asked == name or path == folder), None)


def require_folder(asked: str) -> Path:
    """Return the folder that a request means by its name or path.

    Raises:
        SettingsError: it is none of those that were named.
    """
    if (folder := find_folder(asked)) is None:
        known = f"Choose one of: {', '.join(names())}. Or l" if names() else "L"
        raise SettingsError(
            f"“{asked}” is not a folder of models that may be used here.",
            "Only the person at this computer names such folders.",
            f"{known}eave it open for the published models. To name it, put NAME=FOLDER into {VARIABLE}.",
            action=Action.name_folder(),
        )
    return folder


def _named() -> list[tuple[str, Path]]:
    """Return name and absolute path of each folder; the name is "" where a folder is known by its path alone."""
    entries = (entry.partition("=") for entry in BETWEEN.split(os.environ.get(VARIABLE, "")) if entry.strip())
    return [(name.strip(), _absolute(folder)) for name, _, folder in entries if folder.strip()]


def _absolute(path: str) -> Path:
    try:
        return Path(path.strip()).expanduser().absolute()
    except (RuntimeError, ValueError):  # a home folder of nobody
        return Path(path)
