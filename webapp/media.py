"""Media routes: windows of samples and peaks for the player, files to keep, uploads, and the demo.

Everything here stands behind the guard (`webapp.access`). Errors are JSON of what, why and what to do.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI, HTTPException, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from assets.demo_recording import write_demo_mixture
from separation.decode import AudioFile
from separation.encode import FloatWavWriter
from separation.errors import AudioError, PlaygroundError, SettingsError
from separation.peaks import SAMPLES_PER_PEAK
from separation.runs import import_recording
from storage import Artifact, ArtifactStore, StorageError
from webapp.exports import add_export_routes, tracks_of
from webapp.job import Job

MAX_UPLOAD_BYTES = 4 * 2**30
MAX_WINDOW_SAMPLES = 1 << 20  # per request of the player; it asks for about 2 s
MOVING_S = 5.0  # at most, between the moment when the files of a result leave and that when they can be found
DISK_RESERVE_BYTES = 256 * 2**20  # an upload never takes the last of the disk


class Making(Protocol):
    """What is being made just now: `webapp.jobs.Jobs` is one."""

    def growing(self, result: str) -> Job | None:
        """The job that is making the result of this key, once there is something of it to hear."""
        ...


def add_media_routes(
    app: FastAPI, store: ArtifactStore, making: Making, *, on_brought: Callable[[], object] = lambda: None
) -> None:
    """Register all routes of this file; the tracks of a result can be heard while it is made.

    Args:
        app: where.
        store: where recordings and results are.
        making: what is not there yet.
        on_brought: called on the event loop when a recording was brought.
    """

    @app.get("/media/{key}/{track}/pcm")
    def pcm(key: str, track: str, start: int, count: int) -> Response:
        if (part := _growing_pcm(making.growing(key), track, start, count)) is not None:
            return part
        with AudioFile(_audio(_artifact_soon(store, making, key, track), track)) as audio:
            first = max(0, min(start, audio.n_samples))
            stop = max(first, min(first + min(count, MAX_WINDOW_SAMPLES), audio.n_samples))
            return _immutable(audio.read(first, stop).T.astype("<f4").tobytes())

    @app.get("/media/{key}/{track}/peaks")
    def peaks(key: str, track: str) -> Response:
        if (job := making.growing(key)) is not None and (path := _growing_file(job, f"{track}.peaks")) is not None:
            return _passing(path.read_bytes()[: 2 * (job.n_ready // SAMPLES_PER_PEAK)])
        artifact = _artifact_soon(store, making, key, track)
        _audio(artifact, track)
        return _immutable(artifact.files[f"{track}.peaks"].read_bytes())

    add_export_routes(app, store, lambda key: _artifact(store, key))

    @app.put("/api/uploads")
    async def upload(request: Request, name: str) -> Response:
        with store.scratch() as folder:
            path = folder / "upload"
            try:
                await _receive(request, path)
            except ClientDisconnect:
                return Response(status_code=400)  # cancelled: nobody is left to read this
            try:
                recording = await asyncio.to_thread(import_recording, path, store, name=_shown(name))
            except AudioError as error:  # it speaks of the file on our disk; the person knows it by another name
                what = error.what.replace(repr(path.name), f"“{_shown(name)}”")
                raise AudioError(what, error.why, error.todo) from error
        on_brought()
        return JSONResponse(_about(recording))

    @app.post("/api/demo")
    async def demo() -> Response:
        with store.scratch() as folder:
            path = folder / "demo.flac"
            await asyncio.to_thread(write_demo_mixture, path)
            recording = await asyncio.to_thread(import_recording, path, store, name="Demo song")
        on_brought()
        return JSONResponse(_about(recording))

    async def say(request: Request, error: Exception) -> Response:
        assert isinstance(error, (PlaygroundError, StorageError))
        status = 422 if isinstance(error, (AudioError, SettingsError)) else 503
        return JSONResponse({"what": error.what, "why": error.why, "todo": error.todo}, status)

    app.add_exception_handler(PlaygroundError, say)
    app.add_exception_handler(StorageError, say)


async def _receive(request: Request, path: Path) -> None:
    """Stream the body to disk, within the limits, whatever the headers claim."""
    header = request.headers.get("content-length", "")
    announced = int(header) if header.isdecimal() else 0
    allowed = min(MAX_UPLOAD_BYTES, shutil.disk_usage(path.parent).free - DISK_RESERVE_BYTES)
    received = 0
    if announced > allowed:
        raise _too_large(announced, allowed)
    try:
        with path.open("wb") as file:
            async for block in request.stream():
                received += len(block)
                if received > allowed:
                    raise _too_large(received, allowed)
                file.write(block)
    except OSError as error:
        raise StorageError(
            "The upload could not be written.", f"The system says: {error.strerror or error}.", "Make room on the disk."
        ) from error


def _too_large(size_bytes: int, allowed_bytes: int) -> AudioError:
    if allowed_bytes < MAX_UPLOAD_BYTES:
        return AudioError(
            "There is no room for this file.",
            f"It needs {size_bytes / 2**20:.0f} MB, and the disk has {max(0, allowed_bytes) / 2**20:.0f} MB to spare.",
            "Make room on the computer that runs the studio.",
        )
    return AudioError(
        "This file is too large.",
        f"It has more than {MAX_UPLOAD_BYTES / 2**30:.0f} GB.",
        "Convert it to FLAC or MP3 first, or cut it.",
    )


def _about(recording: Artifact) -> dict[str, object]:
    return {"key": recording.key, "name": recording.name, "warnings": recording.info["warnings"]}


def _artifact(store: ArtifactStore, key: str) -> Artifact:
    if not re.fullmatch(r"[0-9a-f]{64}", key) or (artifact := store.get(key)) is None:
        raise HTTPException(404, "Not in the library any more.")
    return artifact


def _growing_file(job: Job, name: str) -> Path | None:
    """A file of what a job is making; None if it has been moved to where it is kept."""
    path = None if job.growing is None else job.growing.files.get(name)
    return path if path is not None and path.exists() else None


def _growing_pcm(job: Job | None, track: str, start: int, count: int) -> Response | None:
    """A window of a track as far as it is made."""
    if job is None or job.growing is None or (path := _growing_file(job, track)) is None:
        return None
    stop = min(start + min(count, MAX_WINDOW_SAMPLES), job.n_ready)
    first = max(0, min(start, stop))
    try:
        body = FloatWavWriter.read_part(path, job.growing.n_channels, first, stop)
    except FileNotFoundError:  # moved to where it is kept, this moment
        return None
    # What is complete never changes any more; what is cut short is longer the next time.
    return _immutable(body) if stop - first == count else _passing(body)


def _passing(body: bytes) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity"}
    return Response(body, media_type="application/octet-stream", headers=headers)


def _artifact_soon(store: ArtifactStore, making: Making, key: str, file: str) -> Artifact:
    """An artifact; one whose file is on its way from where it was made to where it is kept is waited for."""
    deadline_s = time.monotonic() + MOVING_S
    while _moving(making.growing(key), file) and store.get(key) is None and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return _artifact(store, key)


def _moving(job: Job | None, file: str) -> bool:
    return job is not None and job.growing is not None and file in job.growing.files


def _audio(artifact: Artifact, track: str) -> Path:
    if track not in tracks_of(artifact):
        raise HTTPException(404, "There is no such track.")
    return artifact.files[track]


def _immutable(body: bytes) -> Response:
    """Bytes under a content key never change, so the browser may keep them."""
    headers = {
        "Cache-Control": "private, max-age=86400, immutable",
        # NiceGUI would deflate each window at the highest level: 20 ms of a core for 7 % fewer bytes.
        "Content-Encoding": "identity",
    }
    return Response(body, media_type="application/octet-stream", headers=headers)


def _shown(name: str) -> str:
    """An uploaded file's name as display text."""
    return "".join(letter for letter in name if letter.isprintable())[:200] or "recording"
