"""What a folder holds for an import: its files and folders, without hidden ones and links that lead out of the set."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from separation.audio.names import AUDIO_EXTENSIONS
from separation.errors import SettingsError


class SongFolder:
    """The content of one folder.

    Links to folders are passed over, and so are links to files outside of the set: what is found belongs to it, once.

    Args:
        path: the folder.
        root: the folder of the whole set, resolved.

    Attributes:
        files: by name, in the order of their names.
        folders: by name, in the order of their names.
        n_links: how many links were passed over.

    Raises:
        SettingsError: it cannot be read.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root = path, root
        self.files: dict[str, Path] = {}
        self.folders: dict[str, Path] = {}
        self.n_links = 0
        try:
            paths = sorted(path.iterdir())
        except OSError as error:
            raise SettingsError(
                f"The folder {readable(str(path))!r} cannot be read.",
                f"The system says: {error.strerror}.",
                "Change its permissions, or choose another folder.",
            ) from error
        for each in paths:
            if not each.name.startswith("."):
                self._take(each.name, each)

    @property
    def audio(self) -> dict[str, Path]:
        """The files whose names end as those of audio do."""
        return {name: file for name, file in self.files.items() if is_audio(name)}

    def within(self, name: str) -> SongFolder | None:
        """Return the folder in it that has this name, whatever its case; None if there is none."""
        wanted = name.casefold()
        found = next((path for each, path in self.folders.items() if each.casefold() == wanted), None)
        return None if found is None else SongFolder(found, self.root)

    def _take(self, name: str, path: Path) -> None:
        try:
            leads_out = path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(self.root))
            if leads_out:
                self.n_links += 1
            elif path.is_dir():
                self.folders[name] = path
            elif path.is_file():
                self.files[name] = path
        except (OSError, RuntimeError):  # a link that leads to itself
            self.n_links += 1


def is_audio(name: str) -> bool:
    """Whether a file's name ends as those of audio do."""
    return Path(name).suffix.lower().removeprefix(".") in AUDIO_EXTENSIONS


def readable(name: str) -> str:
    """Return the name of a file as text: composed, and without bytes that are none."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))
