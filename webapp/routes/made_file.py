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
    """The answer to a request for a file that is made for it.

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
            super().__init__(path, media_type=media_type(path), headers=headers(path))
            self._made = made.pop_all()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, and delete it however that ends: sent, broken off, or not what the Range header asks for."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(self._made.close)
