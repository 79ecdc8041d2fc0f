"""The routes that add recordings to the library: uploads, which are decoded while they arrive, and the demo song."""

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

from separation.audio.partial_file import PartialFile
from separation.errors import AudioError
from separation.formatted import size
from separation.results.kept import Recording
from separation.results.runs import import_recording
from separation.stem_sets.demo import import_demo
from storage import ArtifactStore, StorageError
from webapp.state.uploads import Upload, Uploads

MAX_UPLOAD_BYTES = 4 * 10**9
DISK_RESERVE_BYTES = 256 * 10**6  # stays free on the disk, whatever is uploaded


def add_upload_routes(
    app: FastAPI, store: ArtifactStore, uploads: Uploads, *, on_imported: Callable[[], object] = lambda: None
) -> None:
    """Register `PUT /api/uploads` and `POST /api/demo`; both answer with the recording's key, name and warnings.

    Args:
        app: takes the routes; the handler that `webapp.routes.media` registers answers their errors.
        store: keeps the recordings.
        uploads: the table of the uploads that are under way.
        on_imported: called on the event loop when a recording is in the store.
    """

    @app.put("/api/uploads")
    async def upload(request: Request, name: str, id: str = "") -> Response:
        with store.scratch() as folder:
            announced = _check_announced(request, folder)
            upload = uploads.begin(id, _shown(name))
            key = ""
            try:
                recording = await _receive_and_import(request, folder / "upload", upload, announced, store, uploads)
                key = recording.key
            except ClientDisconnect:
                return Response(status_code=400)  # the upload was cancelled, so nobody reads this answer
            finally:
                uploads.end(upload.key, key)
        on_imported()
        return JSONResponse(_about(recording))

    @app.post("/api/demo")
    async def demo() -> Response:
        recording = await asyncio.to_thread(import_demo, store)
        on_imported()
        return JSONResponse(_about(recording))


def _check_announced(request: Request, folder: Path) -> int | None:
    """Return the number of bytes that the request announces, or None; refuse too many before they are sent."""
    header = request.headers.get("content-length", "")
    announced = int(header) if header.isdecimal() and int(header) else None
    if announced is not None and announced > (allowed := _allowed_bytes(folder)):
        raise _too_large(announced, allowed)
    return announced


def _allowed_bytes(folder: Path) -> int:
    return min(MAX_UPLOAD_BYTES, shutil.disk_usage(folder).free - DISK_RESERVE_BYTES)


async def _receive_and_import(
    request: Request, path: Path, upload: Upload, announced: int | None, store: ArtifactStore, uploads: Uploads
) -> Recording:
    """Stream the body to disk while a thread decodes the part that has arrived; return the recording."""
    name = upload.name
    thread = ThreadPoolExecutor(1)  # of its own, because it waits for as long as the upload takes
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
        why = f"The system says: {error.strerror or error}."
        raise StorageError(
            "The upload could not be written.", why, f"Make room on the disk of {store.scratch_folder}."
        ) from error
    except AudioError as error:  # it quotes the name as the terminal does; pages use typographic quotes
        raise AudioError(error.what.replace(repr(name), f"“{name}”"), error.why, error.todo) from error
    finally:
        thread.shutdown(wait=False)


def _import(file: PartialFile, upload: Upload, store: ArtifactStore, uploads: Uploads) -> Recording:
    try:
        return import_recording(file, store, name=upload.name, on_decoded=partial(uploads.take, upload.key))
    finally:
        store.close()  # the connection of this thread


async def _receive(request: Request, file: PartialFile) -> None:
    """Write the body to `file`; refuse it when more arrives than is allowed, whatever the headers announced."""
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
    """Return an uploaded file's name without unprintable characters, at most 200 characters long."""
    return "".join(letter for letter in name if letter.isprintable())[:200] or "recording"
