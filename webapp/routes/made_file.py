"""A file that is made for one download: it lies in the store's scratch, and goes when the answer is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from separation.audio.files import writing
from storage import ArtifactStore


class MadeFile(FileResponse):
    """The answer to a request for a file that is made for it, always with the whole of it.

    Range headers are ignored: made again it need not be the same byte for byte (an Ogg stream has a random number, an
    archive has times), and a program that goes on with a broken download would join the parts of two files.

    Args:
        store: gives the folder; a sweep deletes what a killed server leaves there.
        make: writes the file into that folder and returns its path.
        headers: by the file's path.
        media_type: by the file's path.

    Raises:
        FileError: the disk is full.
        StorageError: there is no place for files in the making.
    """

    def __init__(
        self,
        store: ArtifactStore,
        make: Callable[[Path], Path],
        *,
        headers: Callable[[Path], Mapping[str, str]],
        media_type: Callable[[Path], str],
    ) -> None:
        with ExitStack() as made:
            folder = made.enter_context(store.scratch())
            with writing("The download", folder):
                path = make(folder)
            super().__init__(path, media_type=media_type(path), headers={**headers(path), "Accept-Ranges": "none"})
            self._made = made.pop_all()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, and delete it however that ends."""
        headers = [header for header in scope["headers"] if header[0] not in (b"range", b"if-range")]
        try:
            await super().__call__({**scope, "headers": headers}, receive, send)
        finally:
            await run_in_threadpool(self._made.close)
