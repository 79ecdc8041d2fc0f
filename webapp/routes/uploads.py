"""The routes that add recordings to the library: uploads, which are decoded while they arrive, and the demo song."""

from __future__ import annotations

import asyncio
import shutil
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
from storage import StorageError
from webapp.access.sessions import visitor_of
from webapp.state.library.view import LibraryView
from webapp.state.uploads import Upload, Uploads

MAX_UPLOAD_BYTES = 4 * 10**9
DISK_RESERVE_BYTES = 256 * 10**6  # stays free on the disk, whatever is uploaded


def add_upload_routes(app: FastAPI, library: LibraryView, uploads: Uploads) -> None:
    """Register `PUT /api/uploads` and `POST /api/demo`; both answer with the recording's key, name and warnings.

    Args:
        app: takes the routes; the handler that `webapp.routes.media` registers answers their errors.
        library: takes the recordings, each as that of who sends it.
        uploads: the table of the uploads that are under way.
    """

    @app.put("/api/uploads")
    async def upload(request: Request, name: str, id: str = "") -> Response:
        own = library.seen_by(visitor_of(request))
        with own.store.scratch() as folder:
            announced = _check_announced(request, folder)
            upload = uploads.begin(id, _shown(name), by=own.visitor)
            key = ""
            try:
                recording = await _receive_and_import(request, folder / "upload", upload, announced, own, uploads)
                key = recording.key
            except ClientDisconnect:
                return Response(status_code=400)  # the upload was cancelled, so nobody reads this answer
            finally:
                uploads.end(upload.key, key)
        library.changed.emit()
        return JSONResponse(_about(recording))

    @app.post("/api/demo")
    async def demo(request: Request) -> Response:
        own = library.seen_by(visitor_of(request))
        recording = await asyncio.to_thread(own.add, partial(import_demo, own.store))
        library.changed.emit()
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
    request: Request, path: Path, upload: Upload, announced: int | None, own: LibraryView, uploads: Uploads
) -> Recording:
    """Stream the body to disk while a thread decodes the part that has arrived; return the recording."""
    name = upload.name
    thread = ThreadPoolExecutor(1)  # of its own, because it waits for as long as the upload takes
    try:
        file = PartialFile(path, name, announced)
        decoded = asyncio.get_running_loop().run_in_executor(thread, _import, file, upload, own, uploads)
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
            "The upload could not be written.", why, f"Make room on the disk of {own.store.scratch_folder}."
        ) from error
    except AudioError as error:  # it quotes the name as the terminal does; pages use typographic quotes
        raise AudioError(error.what.replace(repr(name), f"“{name}”"), error.why, error.todo) from error
    finally:
        thread.shutdown(wait=False)


def _import(file: PartialFile, upload: Upload, own: LibraryView, uploads: Uploads) -> Recording:
    taken = partial(uploads.take, upload.key)
    try:
        return own.add(partial(import_recording, file, own.store, name=upload.name, on_decoded=taken))
    finally:
        own.store.close()  # the connection of this thread


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
