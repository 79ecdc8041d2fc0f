"""Files to keep: a track, all tracks, the mix as it stands in the mixer, and the report of a run."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from separation.audio.decode import AudioFile
from separation.audio.encode import FORMATS, encode
from separation.audio.files import writing
from separation.audio.mix import Mix
from separation.audio.names import plain_name, plain_names
from separation.audio.video import KINDS, Picture
from separation.audio.waveform import AudioSource
from separation.backends import registry
from separation.errors import SettingsError
from separation.request import Request
from separation.results.report import of_result, to_yaml
from storage import Artifact, ArtifactStore

SAMPLE_RATES = (22_050, 32_000, 44_100, 48_000, 88_200, 96_000)
VIDEO = "video"  # a recording's file with its picture, and the format that joins it with a sound
MIME_TYPES = {
    ".zip": "application/zip",
    **{kind.extension: kind.mime_type for kind in FORMATS.values()},
    **{kind.extension: kind.mime_type for kind in KINDS},
}
MAX_GAIN_DB = 24.0
MAX_TRACKS = 128  # a request has at most 50 prompts, each with a residual of its own


def add_export_routes(app: FastAPI, store: ArtifactStore, found: Callable[[str], Artifact]) -> None:
    """Register all routes of this file.

    Args:
        app: where.
        store: where recordings and results are.
        found: an artifact by a key from an address; raises 404.
    """

    @app.get("/media/{key}/{track}/file")
    def download(key: str, track: str, format: str = "wav24", rate: int = 0) -> Response:
        artifact = found(key)
        if track not in tracks_of(artifact):
            raise HTTPException(404, "There is no such track.")
        name = f"{_song(store, artifact)}{_file_names(artifact)[track]}{_settings(artifact)}"
        picture = _picture_of(store, artifact)
        return _file(lambda folder: _export(artifact.files[track], folder / name, format, rate, picture))

    @app.get("/media/{key}/mix")
    def mix(
        key: str,
        track: list[str] = Query(),  # noqa: B008 - how FastAPI is told of a list
        gain_db: list[float] = Query(),  # noqa: B008
        pan: list[float] = Query(default=[]),  # noqa: B008
        format: str = "wav24",
        rate: int = 0,
    ) -> Response:
        artifact = found(key)
        if len(track) > MAX_TRACKS:
            raise SettingsError(f"The mix has {len(track)} tracks.", "", f"At most {MAX_TRACKS} are mixed at once.")
        files = [_mixed_file(store, artifact, one) for one in track]
        if len(gain_db) != len(files) or (pan and len(pan) != len(files)):
            raise SettingsError("The mix is not complete.", "Every track needs a gain.", "Reload the page.")
        gains = [10 ** (max(-90.0, min(one, MAX_GAIN_DB)) / 20) for one in gain_db]
        pans = [max(-1.0, min(one, 1.0)) for one in pan]
        name = f"{_song(store, artifact)}{plain_name(artifact.name)}{_settings(artifact)} - mix"
        picture = _picture_of(store, artifact)

        def make(folder: Path) -> Path:
            with ExitStack() as opened:
                sources = [opened.enter_context(AudioFile(file)) for file in files]
                return _written(Mix(sources, gains, pans), folder / name, format, rate, picture)

        return _file(make)

    @app.get("/media/{key}/all.zip")
    def download_all(key: str, format: str = "wav24", rate: int = 0) -> Response:
        artifact = found(key)
        name = f"{_song(store, artifact) or 'stems - '}{plain_name(artifact.name)}{_settings(artifact)}.zip"
        picture = _picture_of(store, artifact)

        def make(folder: Path) -> Path:
            archive = folder / name
            with writing("The archive", folder), zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as bundle:
                for track, file_name in _file_names(artifact).items():
                    path = _export(artifact.files[track], folder / file_name, format, rate, picture)
                    bundle.write(path, path.name)
                    path.unlink()
                bundle.writestr("manifest.toml", artifact.manifest.to_toml())
            return archive

        return _file(make)

    @app.get("/media/{key}/report.yaml")
    def report(key: str) -> Response:
        artifact = found(key)
        about = of_result(artifact.info, cached=False, source=_recording_name(store, artifact))
        headers = {"Content-Disposition": _attachment(f"{plain_name(artifact.name)}.report.yaml")}
        return Response(to_yaml(about), media_type="application/yaml", headers=headers)


def tracks_of(artifact: Artifact) -> list[str]:
    """The names of its audio files."""
    return [name for name in artifact.files if not name.endswith(".peaks") and name != VIDEO]


def _file(make: Callable[[Path], Path]) -> Response:
    """What `make` writes into a folder of its own, as a download; the folder goes when it has been sent."""
    with writing("The download", Path(tempfile.gettempdir())):
        folder = Path(tempfile.mkdtemp(prefix="audio-playground-"))
    try:
        path = make(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        path,
        media_type=MIME_TYPES[path.suffix],
        headers={"Content-Disposition": _attachment(path.name)},
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )


def _export(kept: Path, target: Path, format: str, rate: int, picture: Picture | None) -> Path:
    """Encode a track to `target` with the format's extension."""
    with AudioFile(kept) as audio:
        return _written(audio, target, format, rate, picture)


def _written(sound: AudioSource, target: Path, format: str, rate: int, picture: Picture | None) -> Path:
    """Write a sound, or the recording's picture with it, to `target` with the format's extension."""
    if format == VIDEO:
        if picture is None:
            raise SettingsError(
                "This recording has no picture.", "Pictures are kept of videos brought whole.", "Choose another format."
            )
        path = target.with_name(f"{target.name}{picture.extension}")
        picture.write_with(sound, path)
        return path
    if format not in FORMATS:
        raise SettingsError(f"There is no format “{format}”.", "", f"Choose one of: {', '.join(FORMATS)}.")
    path = target.with_name(f"{target.name}{FORMATS[format].extension}")
    encode(sound, path, format, sample_rate=_rate(rate))
    return path


def _picture_of(store: ArtifactStore, artifact: Artifact) -> Picture | None:
    """The picture of a recording, or of the one a result was made from."""
    recording = artifact if artifact.manifest.kind == "recording" else _recording(store, artifact)
    return None if recording is None else picture_of(recording)


def picture_of(recording: Artifact) -> Picture | None:
    """The moving picture that was kept with a recording, if it came from a video."""
    if VIDEO not in recording.files:
        return None
    return Picture.of(recording.files[VIDEO], recording.info[VIDEO])


def _rate(rate: int) -> int | None:
    """Hz, or None for the track's own."""
    if rate and rate not in SAMPLE_RATES:
        known = ", ".join(map(str, SAMPLE_RATES))
        raise SettingsError(f"A sample rate of {rate} Hz is not offered.", "", f"Choose one of: {known}.")
    return rate or None


def _mixed_file(store: ArtifactStore, result: Artifact, track: str) -> Path:
    """The file of a track of the mixer: one of the result's, or "audio" for the recording itself."""
    if track in tracks_of(result):
        return result.files[track]
    recording = _recording(store, result) if track == "audio" else None
    if recording is None:
        raise HTTPException(404, "There is no such track.")
    return recording.files["audio"]


def _file_names(artifact: Artifact) -> dict[str, str]:
    """Track to a file name without its extension, made of what a person calls it; no two alike."""
    tracks = tracks_of(artifact)
    return dict(zip(tracks, plain_names(artifact.info.get("tracks", [artifact.name])), strict=True))


def _song(store: ArtifactStore, result: Artifact) -> str:
    """The beginning of a file's name: what it was made from."""
    name = _recording_name(store, result)
    return f"{plain_name(Path(name).stem)} - " if name else ""


def _settings(artifact: Artifact) -> str:
    """The end of a file's name: who separated, and with what."""
    config = artifact.manifest.config
    if "backend" not in config:
        return ""
    request = Request.from_dict(config)
    words = registry.get(request.backend).summary(request)
    return f" - {plain_name(', '.join(words))}"


def _recording_name(store: ArtifactStore, result: Artifact) -> str | None:
    recording = _recording(store, result)
    return recording.name if recording else None


def _recording(store: ArtifactStore, result: Artifact) -> Artifact | None:
    return store.get(result.manifest.inputs.get("recording", ""))


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name)}"
