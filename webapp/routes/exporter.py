"""What downloads are made of: the tags and the picture of a recording or result, and the file of one download."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fastapi import HTTPException
from starlette.responses import Response

from separation.audio.video import Picture
from separation.export.tags import NO_TAGS, Tags
from separation.results.kept import COVER, Recording, Result
from storage import ArtifactStore, StorageError
from webapp.routes.file_names import attachment
from webapp.routes.made_file import MadeFile
from webapp.routes.writing import MIME_TYPES, VIDEO, Writing

NOT_HERE = "Not in the library any more."  # and the same for what is not the visitor's, or the answer would tell


class Exporter:
    """Makes downloads of what is kept.

    Args:
        store: keeps the recordings and results.
        checked: compares the named files of the recording or result of a key, or all files, with their digests, and
            returns it; raises a 404 if there is none, and `StorageError` if it is damaged.
    """

    def __init__(self, store: ArtifactStore, checked: Callable[..., Recording | Result]) -> None:
        self.store, self.checked = store, checked

    def file(self, make: Callable[[Path], Path]) -> Response:
        """Return the file that `make` writes into a folder of its own."""
        return MadeFile(
            self.store,
            make,
            headers=lambda path: {"Content-Disposition": attachment(path.name)},
            media_type=lambda path: MIME_TYPES[path.suffix],
        )

    def writing(self, kept: Recording | Result, format: str, rate: int, peak: str) -> Writing:
        """Return how files of a recording or result are written; raises `SettingsError` as `Writing` does."""
        return Writing(format, rate, peak, self._picture_for(format, kept))

    def tags_of(self, kept: Recording | Result) -> Tags:
        """Return the tags of a recording or a result; of one that has none, those of its recording if that is there."""
        for key in [kept.key, *([kept.recording] if isinstance(kept, Result) else [])]:
            with suppress(StorageError, HTTPException):
                if (found := self.checked(key, COVER).tags) is not None:
                    return found
        return NO_TAGS

    def _picture_for(self, format: str, kept: Recording | Result) -> Picture | None:
        """Return the picture for a format that has one: of a recording, or of the one a result was made from."""
        if format != VIDEO:
            return None
        recording = self.checked(kept.recording if isinstance(kept, Result) else kept.key, VIDEO)
        return recording.picture if isinstance(recording, Recording) else None
