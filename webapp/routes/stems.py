"""The routes of archives: all tracks of one recording or result, or those of several results."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response

from separation.audio.files import writing
from separation.audio.names import plain_names
from separation.errors import SettingsError
from separation.export.level import RESCALE
from separation.export.tags import NO_TAGS
from separation.results.exported import kept_peak
from separation.results.kept import Recording, Result, with_tags
from webapp.routes.exporter import NOT_HERE, Exporter
from webapp.routes.file_names import file_names, joined, settings_of, song_of, title_of, turned_down
from webapp.routes.writing import export

MAX_RESULTS = 100  # in one archive, which is written before the first byte of it is sent


def add_stem_routes(router: APIRouter, several: APIRouter, exporter: Exporter, is_seen: Callable[..., bool]) -> None:
    """Register the routes of archives.

    Args:
        router: takes the route below `/media/{key}`; it asks whether the visitor may hear that.
        several: takes the one of several results, which asks of each.
        exporter: makes the downloads.
        is_seen: whether the visitor who sends a request may hear the result of a key.
    """

    @router.get("/media/{key}/all.zip")
    def download_all(
        key: str, format: str = "wav24", rate: int = 0, peak: str = RESCALE, tags: bool = True
    ) -> Response:
        stems = _Stems(exporter, exporter.checked(key), (format, rate, peak), tags=tags)
        return exporter.file(lambda folder: _archive(folder, {"": stems}, stems.name))

    @several.get("/media/all.zip")
    def download_several(
        request: Request,
        result: list[str] = Query(),  # noqa: B008 - how FastAPI is told of a list
        format: str = "wav24",
        rate: int = 0,
        peak: str = RESCALE,
        tags: bool = True,
    ) -> Response:
        if len(result) > MAX_RESULTS:
            raise SettingsError(f"{len(result)} results are asked for.", "", f"At most {MAX_RESULTS} fit into a zip.")
        if not all(is_seen(request, key) for key in result):
            raise HTTPException(404, NOT_HERE)
        all_stems = [_Stems(exporter, exporter.checked(key), (format, rate, peak), tags=tags) for key in result]
        folders = dict(zip(plain_names(one.name for one in all_stems), all_stems, strict=True))
        return exporter.file(lambda folder: _archive(folder, folders, f"{len(all_stems)} separations"))


class _Stems:
    """All tracks of one recording or result as files.

    Args:
        exporter: makes downloads.
        kept: the recording or result.
        how: format, sample rate and peak rule of its files.
        tags: whether files carry what the recording says of itself.

    Raises:
        HTTPException: it is not in the library any more.
    """

    def __init__(self, exporter: Exporter, kept: Recording | Result, how: tuple[str, int, str], *, tags: bool) -> None:
        self._kept, self._how = kept, exporter.writing(kept, *how)
        self._level = self._how.level(lambda: kept_peak(kept, self._how.rate_for))
        self._tags = exporter.tags_of(kept) if tags else NO_TAGS
        manifest = exporter.store.manifest(kept.key)
        if manifest is None:
            raise HTTPException(404, NOT_HERE)
        self._manifest = manifest if tags else replace(manifest, info=with_tags(manifest.info, None))
        song = song_of(exporter.store, kept) or "stems"
        self.name = joined(song, title_of(kept), f"{settings_of(kept)}{turned_down(self._level)}")

    def pack(self, bundle: zipfile.ZipFile, folder: Path, inside: str) -> None:
        """Write the files, one after another, into a folder on disk and from there into a folder of an archive."""
        names = file_names(self._kept)
        for track in self._kept.tracks:
            said = self._tags.of_sound(track.name) if isinstance(self._kept, Result) else self._tags
            _move(export(track.audio, folder / names[track.id], self._how, self._level, said), bundle, inside)
        notes = {"notes.txt": f"{self._level.note}\n"} if self._level.note else {}
        for name, text in {"manifest.toml": self._manifest.to_toml(), **notes}.items():
            path = folder / name
            path.write_text(text, encoding="utf-8", newline="\n")
            _move(path, bundle, inside)


def _move(path: Path, bundle: zipfile.ZipFile, inside: str) -> None:
    """Move a file from disk into a folder of an archive."""
    bundle.write(path, f"{inside}{path.name}")
    path.unlink()


def _archive(folder: Path, all_stems: dict[str, _Stems], name: str) -> Path:
    """Write an archive of that name; stems are by the folder in it, "" for none."""
    archive = folder / f"{name}.zip"
    # A clock that stands before 1980, of which archives cannot tell, is written as that year.
    with (
        writing("The archive", folder),
        zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as bundle,
    ):
        for inside, stems in all_stems.items():
            stems.pack(bundle, folder, f"{inside}/" if inside else "")
    return archive
