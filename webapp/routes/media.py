"""Media routes: windows of samples and peaks for the player, files to keep, uploads, and the demo.

Everything here stands behind the guard (`webapp.access.guard`). Errors are JSON of what, why and what to do.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI, HTTPException, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from assets.demo_recording import write_demo_mixture
from separation.audio.decode import AudioFile
from separation.audio.encode import FloatWavWriter
from separation.audio.peaks import SAMPLES_PER_PEAK
from separation.audio.upload import PartialFile
from separation.errors import AudioError, PlaygroundError, SettingsError
from separation.formatted import size
from separation.results.kept import DamagedItem, KeptTrack, Recording, Result, kept_of
from separation.results.runs import import_recording
from storage import ArtifactStore, StorageError
from webapp.routes.exports import add_export_routes
from webapp.routes.spectrograms import add_spectrogram_routes
from webapp.state.job import Job
from webapp.state.uploads import Upload, Uploads

MAX_UPLOAD_BYTES = 4 * 10**9
MAX_WINDOW_SAMPLES = 1 << 20  # per request of the player; it asks for about 2 s
MOVING_S = 5.0  # at most, between the moment when the files of a result leave and that when they can be found
ANY_KEY = r"[0-9a-f]{32}|[0-9a-f]{64}"  # of an upload; of what is kept
DISK_RESERVE_BYTES = 256 * 10**6  # an upload never takes the last of the disk


class Making(Protocol):
    """What is being made just now: `webapp.state.jobs.Jobs` is one."""

    def growing(self, result: str) -> Job | None:
        """The job that is making the result of this key, once there is something of it to hear."""
        ...


@dataclass(frozen=True, slots=True)
class GrowingTrack:
    """A track as far as it is there."""

    audio: Path
    peaks: Path
    n_channels: int
    n_ready: int

    def pcm(self, start: int, count: int) -> Response | None:
        """A window of it; None if it has been moved, this moment, to where it is kept."""
        stop = min(start + min(count, MAX_WINDOW_SAMPLES), self.n_ready)
        first = max(0, min(start, stop))
        try:
            body = FloatWavWriter.read_part(self.audio, self.n_channels, first, stop)
        except FileNotFoundError:
            return None
        # What is complete never changes any more; what is cut short is longer the next time.
        return _immutable(body) if stop - first == count else _passing(body)

    def peaks_from(self, first: int) -> Response | None:
        """Its peaks but the first so many pairs; None as above."""
        try:
            with self.peaks.open("rb") as file:
                file.seek(2 * max(0, first))
                return _passing(file.read(max(0, 2 * (self.n_ready // SAMPLES_PER_PEAK - first))))
        except FileNotFoundError:
            return None


def add_media_routes(
    app: FastAPI,
    store: ArtifactStore,
    making: Making,
    uploads: Uploads,
    *,
    on_brought: Callable[[], object] = lambda: None,
) -> None:
    """Register all routes of this file; what is being made, or is arriving, is heard as far as it is there.

    Args:
        app: where.
        store: where recordings and results are.
        making: results that are not there yet.
        uploads: recordings that are not.
        on_brought: called on the event loop when a recording was brought.
    """

    @app.get("/media/{key}/{track}/pcm")
    def pcm(key: str, track: str, start: int, count: int) -> Response:
        if (grown := growing(key, track)) is not None and (part := grown.pcm(start, count)) is not None:
            return part
        with AudioFile(_track(kept_soon(key, track), track).audio) as audio:
            first = max(0, min(start, audio.n_samples))
            stop = max(first, min(first + min(count, MAX_WINDOW_SAMPLES), audio.n_samples))
            return _immutable(audio.read(first, stop).T.astype("<f4").tobytes())

    @app.get("/media/{key}/{track}/peaks")
    def peaks(key: str, track: str, start: int = 0) -> Response:
        if (grown := growing(key, track)) is not None and (part := grown.peaks_from(start)) is not None:
            return part
        return _immutable(_track(kept_soon(key, track), track).peaks.read_bytes()[2 * max(0, start) :])

    def growing(key: str, track: str) -> GrowingTrack | None:
        if (upload := uploads.get(key)) is not None and (audio := upload.audio) is not None:
            return GrowingTrack(audio.audio, audio.peaks, audio.n_channels, audio.n_ready)
        if (job := making.growing(key)) is not None and (found := job.growing) is not None:
            if track not in found.files:
                raise HTTPException(404, "There is no such track.")
            return GrowingTrack(found.files[track], found.files[f"{track}.peaks"], found.n_channels, job.n_ready)
        return None

    def kept_soon(key: str, track: str) -> Recording | Result:
        """What is kept under a key; where its files are on their way there just now, it is waited for.

        What is not there any more answers 204.
        """
        deadline_s = time.monotonic() + MOVING_S
        while growing(key, track) is not None and time.monotonic() < deadline_s:
            upload = uploads.get(key)
            if upload is not None and upload.recording:
                return _kept(store, upload.recording)
            if store.get(key) is not None:
                break
            time.sleep(0.02)
        if re.fullmatch(ANY_KEY, key) and store.get(key) is None:
            # Pages ask for what they were told of, and it may have been cancelled or deleted since. That is no error of
            # theirs, and browsers would log a 404 as one.
            raise HTTPException(204, headers={"Cache-Control": "no-store"})
        return _kept(store, key)

    add_export_routes(app, store, lambda key: _kept(store, key))
    add_spectrogram_routes(app, lambda key, track: _track(kept_soon(key, track), track).audio)

    @app.put("/api/uploads")
    async def upload(request: Request, name: str, id: str = "") -> Response:
        with store.scratch() as folder:
            announced = _check_announced(request, folder)
            upload = uploads.begin(id, _shown(name))
            key = ""
            try:
                recording = await _bring(request, folder / "upload", upload, announced, store, uploads)
                key = recording.key
            except ClientDisconnect:
                return Response(status_code=400)  # cancelled: nobody is left to read this
            finally:
                uploads.end(upload.key, key)
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
        assert isinstance(error, PlaygroundError)
        status = 422 if isinstance(error, (AudioError, SettingsError)) else 503
        return JSONResponse({"what": error.what, "why": error.why, "todo": error.todo}, status)

    app.add_exception_handler(PlaygroundError, say)


def _check_announced(request: Request, folder: Path) -> int | None:
    """How many bytes are announced, if they are; too many are refused before they are sent."""
    header = request.headers.get("content-length", "")
    announced = int(header) if header.isdecimal() and int(header) else None
    if announced is not None and announced > (allowed := _allowed_bytes(folder)):
        raise _too_large(announced, allowed)
    return announced


def _allowed_bytes(folder: Path) -> int:
    return min(MAX_UPLOAD_BYTES, shutil.disk_usage(folder).free - DISK_RESERVE_BYTES)


async def _bring(
    request: Request, path: Path, upload: Upload, announced: int | None, store: ArtifactStore, uploads: Uploads
) -> Recording:
    """Stream the body to disk while a thread decodes what has come."""
    name = upload.name
    thread = ThreadPoolExecutor(1)  # its own: it waits for as long as somebody sends
    try:
        file = PartialFile(path, name, announced)
        decoded = asyncio.get_running_loop().run_in_executor(thread, _import, file, upload, store, uploads)
        try:
            await _receive(request, file)
        except BaseException:
            file.break_off()
            await asyncio.gather(decoded, return_exceptions=True)
            raise
        return await decoded
    except OSError as error:
        said = f"The system says: {error.strerror or error}."
        raise StorageError("The upload could not be written.", said, "Make room on the disk.") from error
    except AudioError as error:  # it speaks of the file as a terminal would; the person knows it as it is
        raise AudioError(error.what.replace(repr(name), f"“{name}”"), error.why, error.todo) from error
    finally:
        thread.shutdown(wait=False)


def _import(file: PartialFile, upload: Upload, store: ArtifactStore, uploads: Uploads) -> Recording:
    try:
        return import_recording(file, store, name=upload.name, on_decoded=partial(uploads.take, upload.key))
    finally:
        store.close()  # this thread's connection


async def _receive(request: Request, file: PartialFile) -> None:
    """Write the body, within the limits, whatever the headers claim."""
    allowed = _allowed_bytes(file.path.parent)
    received = 0
    async for block in request.stream():
        received += len(block)
        if received > allowed:
            raise _too_large(received, allowed)
        file.write(block)
    file.finish()


def _too_large(size_bytes: int, allowed_bytes: int) -> AudioError:
    if allowed_bytes < MAX_UPLOAD_BYTES:
        return AudioError(
            "There is no room for this file.",
            f"It needs {size(size_bytes)}, and the disk has {size(max(0, allowed_bytes))} to spare.",
            "Make room on the computer that runs the studio.",
        )
    return AudioError(
        "This file is too large.",
        f"It has more than {size(MAX_UPLOAD_BYTES)}.",
        "Convert it to FLAC or MP3 first, or cut it.",
    )


def _about(recording: Recording) -> dict[str, object]:
    return {"key": recording.key, "name": recording.name, "warnings": list(recording.warnings)}


def _kept(store: ArtifactStore, key: str) -> Recording | Result:
    """What a key from an address names; 404 where that is nothing."""
    if not re.fullmatch(r"[0-9a-f]{64}", key) or (item := store.get(key)) is None:
        raise HTTPException(404, "Not in the library any more.")
    try:
        return kept_of(item)
    except DamagedItem as damage:
        raise HTTPException(404, str(damage)) from damage


def _passing(body: bytes) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity"}
    return Response(body, media_type="application/octet-stream", headers=headers)


def _track(kept: Recording | Result, id: str) -> KeptTrack:
    if (track := kept.track(id)) is None:
        raise HTTPException(404, "There is no such track.")
    return track


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
