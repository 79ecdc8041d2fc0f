"""The routes of downloads: a track, the current mix, and the report of a run."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from separation.audio.decode import AudioFile
from separation.audio.encode import loudest
from separation.audio.mix import Mix
from separation.audio.names import plain_name
from separation.errors import SettingsError
from separation.export.level import RESCALE
from separation.export.tags import NO_TAGS
from separation.results.exported import kept_peak
from separation.results.kept import KeptTrack, Recording, Result
from separation.results.report import of_result, to_yaml
from storage import StorageError
from webapp.routes.exporter import Exporter
from webapp.routes.file_names import (
    attachment,
    file_names,
    joined,
    recording_name,
    settings_of,
    song_of,
    title_of,
    turned_down,
)
from webapp.routes.writing import export

REPORT = "report"  # lies in the manifest; no file is read for it
GAIN_DB, PAN = (-1000.0, 24.0), (-1.0, 1.0)  # the first is silence
MAX_TRACKS = 128  # a request has at most 50 prompts, each with a residual of its own


def add_export_routes(router: APIRouter, exporter: Exporter) -> None:
    """Register the routes of downloads, all below `/media/{key}`.

    Args:
        router: takes the routes.
        exporter: makes the downloads.
    """
    store, checked = exporter.store, exporter.checked

    @router.get("/media/{key}/{track}/file")
    def download(
        key: str, track: str, format: str = "wav24", rate: int = 0, peak: str = RESCALE, tags: bool = True
    ) -> Response:
        kept = checked(key, track)
        source = _track(kept.track(track))
        how = exporter.writing(kept, format, rate, peak)
        level = how.level(lambda: kept_peak(kept, how.rate_for, lambda one: one == source or is_whole(key, one)))
        name = joined(song_of(store, kept), file_names(kept)[track], f"{settings_of(kept)}{turned_down(level)}")
        about = exporter.tags_of(kept) if tags else NO_TAGS
        if isinstance(kept, Result):
            about = about.of_sound(source.name)
        return exporter.file(lambda folder: export(source.audio, folder / name, how, level, about))

    @router.get("/media/{key}/mix")
    def mix(
        key: str,
        track: list[str] = Query(),  # noqa: B008 - how FastAPI is told of a list
        gain_db: list[float] = Query(),  # noqa: B008
        pan: list[float] = Query(default=[]),  # noqa: B008
        format: str = "wav24",
        rate: int = 0,
        peak: str = RESCALE,
        tags: bool = True,
    ) -> Response:
        kept = checked(key, *track)
        if len(track) > MAX_TRACKS:
            raise SettingsError(f"The mix has {len(track)} tracks.", "", f"At most {MAX_TRACKS} are mixed at once.")
        files = [mixed(kept, one).audio for one in track]
        if len(gain_db) != len(files) or (pan and len(pan) != len(files)):
            raise SettingsError("The mix is not complete.", "Every track needs a gain.", "Reload the page.")
        gains = [10 ** (_within("gain_db", one, GAIN_DB) / 20) for one in gain_db]
        pans = [_within("pan", one, PAN) for one in pan]
        name = joined(song_of(store, kept), title_of(kept), f"{settings_of(kept)} - mix")
        how = exporter.writing(kept, format, rate, peak)

        about = exporter.tags_of(kept).of_sound("mix") if tags else NO_TAGS

        def make(folder: Path) -> Path:
            with ExitStack() as opened:
                sources = [opened.enter_context(AudioFile(file)) for file in files]
                sound = Mix(sources, gains, pans)
                level = how.level(lambda: loudest([sound], how.rate_for))
                return how.write(sound, folder / f"{name}{turned_down(level)}", level, about)

        return exporter.file(make)

    @router.get("/media/{key}/report.yaml")
    def report(key: str) -> Response:
        kept = checked(key, REPORT)
        kept_report = kept.report if isinstance(kept, Result) else {}
        about = of_result(kept_report, cached=False, source=recording_name(store, kept))
        headers = {"Content-Disposition": attachment(f"{plain_name(kept.name)}.report.yaml")}
        return Response(to_yaml(about), media_type="application/yaml", headers=headers)

    def mixed(kept: Recording | Result, track: str) -> KeptTrack:
        """Return a track of the mixer: one of the result, or "audio" for the recording itself."""
        if (own := kept.track(track)) is not None or not isinstance(kept, Result):
            return _track(own)
        return _track(checked(kept.recording, track).track(track))

    def is_whole(key: str, track: KeptTrack) -> bool:
        """Whether a track may be measured; damage to it is dealt with, and the others are exported without it."""
        with suppress(StorageError, HTTPException):
            checked(key, track.id)
            return True
        return False


def _within(name: str, value: float, ends: tuple[float, float]) -> float:
    """Return the value; raise `SettingsError` if it is beyond the ends, rather than make another mix than is meant."""
    low, high = ends
    if not low <= value <= high:
        raise SettingsError(f"{name}={value:g} is out of range.", "", f"Choose {name} between {low:g} and {high:g}.")
    return value


def _track(found: KeptTrack | None) -> KeptTrack:
    if found is None:
        raise HTTPException(404, "There is no such track.")
    return found
