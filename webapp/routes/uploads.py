"""Routes that bring recordings: uploads, which are decoded while they arrive, and the demo."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from assets.demo_recording import write_demo_mixture
from separation.audio.upload import PartialFile
from separation.errors import AudioError
from separation.formatted import size
from separation.results.kept import Recording
from separation.results.runs import import_recording
from storage import ArtifactStore, StorageError
from webapp.state.uploads import Upload, Uploads

MAX_UPLOAD_BYTES = 4 * 10**9
DISK_RESERVE_BYTES = 256 * 10**6  # an upload never takes the last of the disk


def add_upload_routes(
    app: FastAPI, store: ArtifactStore, uploads: Uploads, *, on_brought: Callable[[], object] = lambda: None
) -> None:
    """Register all routes of this file.

    Args:
        app: where; errors are answered by what `webapp.routes.media` registers.
        store: where recordings are kept.
        uploads: those that are on their way.
        on_brought: called on the event loop when a recording was brought.
    """

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
    thread = ThreadPoolExecutor(1)  # its own: it waits for as long as the upload takes
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


def _shown(name: str) -> str:
    """An uploaded file's name as display text."""
    return "".join(letter for letter in name if letter.isprintable())[:200] or "recording"
