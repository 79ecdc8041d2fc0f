"""Downloads of models, one at a time in a thread of this server; every page shows the same ones.

The bytes that arrived stay on the disk, and the next try goes on from there (`hub.transfer`). So nothing else is stored
about a download: after a restart, its partial files are enough to go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Generator, Mapping
from contextlib import closing
from functools import partial

from nicegui import Event as PageEvent

from separation.backends import catalogue
from separation.errors import BackendUnavailable, PlaygroundError, unforeseen
from separation.events import Event, EventStream, ModelLoading
from separation.hub.digests import RevisionChanged
from webapp.state.download import Download, DownloadState
from webapp.state.runner import Runner

log = logging.getLogger(__name__)
ANNOUNCE_S = 0.25


class Downloads:
    """Starts, pauses and removes downloads. All methods are called on the event loop, and none of them waits.

    Attributes:
        changed: is emitted with a model's name when the state of its download has changed.
        disk_changed: is emitted when models on the disk have changed.
    """

    def __init__(self) -> None:
        self.changed: PageEvent[str] = PageEvent()
        self.disk_changed: PageEvent[[]] = PageEvent()
        self._downloads: dict[str, Download] = {}
        self._removing: set[str] = set()
        self._checking: set[str] = set()
        self._checked: dict[str, Mapping[str, bool | None]] = {}
        self._running: Download | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner = Runner("download")

    def of(self, name: str) -> Download | None:
        """Return the download of a model if it waits, runs, is paused or has failed since this server started."""
        return self._downloads.get(name)

    @property
    def running(self) -> Download | None:
        """The download whose thread is running, also while that has not yet noticed a pause; None if there is none."""
        return self._running

    def removing(self, name: str) -> bool:
        """Return whether a model is being deleted."""
        return name in self._removing

    def checking(self, name: str) -> bool:
        """Return whether the files of a model are being compared with what was published."""
        return name in self._checking

    def checked(self, name: str) -> Mapping[str, bool | None] | None:
        """Return what the last comparison found, by file (see `catalogue.check`); None without one."""
        return self._checked.get(name)

    def start(self, name: str) -> None:
        """Queue the download of a model and of those it needs; go on with it if it was paused.

        Raises:
            SettingsError: there is no such model.
        """
        if name in self._removing or self._runner.closing:
            return
        download = self._downloads.get(name)
        if download is not None and download is self._running:  # it was paused, and its thread has not noticed yet
            download.wanted, download.state = True, DownloadState.RUNNING
        elif download is None or download.state is not DownloadState.WAITING:
            entry = catalogue.entry(name)
            needed = (one for one in map(catalogue.entry, entry.needs) if one.on_disk_bytes is None)
            self._checked.pop(name, None)
            self._downloads.pop(name, None)  # so that it goes behind those that wait
            self._downloads[name] = Download(entry, tuple(needed))
        self.changed.emit(name)
        self._start_next()

    def pause(self, name: str) -> None:
        """Stop a download; the bytes that arrived are kept."""
        download = self._downloads.get(name)
        if download is not None and download.state in (DownloadState.WAITING, DownloadState.RUNNING):
            download.wanted, download.state = False, DownloadState.PAUSED
            self.changed.emit(name)

    def remove(self, name: str) -> None:
        """Delete a model, or the part of it that arrived, from this computer.

        Raises:
            SettingsError: there is no such model.
        """
        catalogue.entry(name)
        if name in self._removing:
            return
        self.pause(name)
        self._removing.add(name)
        self._checked.pop(name, None)
        self._begin(self._remove(name))
        self.changed.emit(name)

    def check(self, name: str) -> None:
        """Compare the files of a model with what was published.

        Raises:
            SettingsError: there is no such model.
        """
        catalogue.entry(name)
        if name in self._checking or name in self._removing:
            return
        self._checking.add(name)
        self._begin(self._check(name))
        self.changed.emit(name)

    def close(self) -> None:
        """Stop without waiting for the thread, which may wait for a server; what it has written stays on the disk."""
        self._runner.close()

    # on the event loop

    def _start_next(self) -> None:
        if self._running is not None or self._runner.closing:
            return
        waiting = (download for download in self._downloads.values() if download.state is DownloadState.WAITING)
        if (download := next(waiting, None)) is None:
            return
        self._running = download
        download.state = DownloadState.RUNNING
        self._runner.submit(partial(self._work, download))
        self._tick(download)

    def _tick(self, download: Download) -> None:
        """Tell the pages the progress a few times a second while the download runs."""
        if self._running is not download or self._runner.closing:
            return
        if download.state is DownloadState.RUNNING:
            download.sample(time.monotonic())
            self.changed.emit(download.name)
        else:
            download.rest()
        asyncio.get_running_loop().call_later(ANNOUNCE_S, self._tick, download)

    def _left(self, download: Download, done: bool, error: PlaygroundError | None) -> None:
        """Take over the end of a download's thread, and start the next download."""
        self._running = None
        download.rest()
        if done:
            self._downloads.pop(download.name, None)
        elif download.state is DownloadState.RUNNING:  # and not paused meanwhile
            download.state = DownloadState.WAITING if error is None else DownloadState.FAILED
            download.error = error
        self.changed.emit(download.name)
        self.disk_changed.emit()
        self._start_next()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, name: str) -> None:
        try:
            found = await asyncio.to_thread(self._compared, name)
            if found is not None:
                self._checked[name] = found
        except (PlaygroundError, OSError) as failure:  # it was removed meanwhile, or cannot be read
            log.info("%s cannot be compared: %s", name, failure)
        finally:
            self._checking.discard(name)
            self.changed.emit(name)
            self.disk_changed.emit()

    async def _remove(self, name: str) -> None:
        while self._running is not None and self._running.name == name:
            await asyncio.sleep(ANNOUNCE_S / 5)  # until then its thread writes into the files to be deleted
        try:
            await asyncio.to_thread(catalogue.remove, name)
            self._downloads.pop(name, None)
        except (PlaygroundError, OSError) as failure:
            download = self._downloads[name] = Download(catalogue.entry(name))
            download.state, download.error = DownloadState.FAILED, _as_ours(failure, "It could not be deleted.")
        finally:
            self._removing.discard(name)
            self.changed.emit(name)
            self.disk_changed.emit()

    # in the download's thread

    def _work(self, download: Download) -> None:
        done = False
        error: PlaygroundError | None = None
        try:
            done = self._follow(download, catalogue.download(download.name))
        except (PlaygroundError, OSError) as failure:
            log.info("the download of %s failed: %s", download.name, failure)
            error = _as_ours(failure, "What arrives cannot be kept.")
            download.changed = failure.repository if isinstance(failure, RevisionChanged) else ""
        except Exception as failure:
            log.exception("the download of %s met an error nobody foresaw", download.name)
            error = unforeseen("download", failure, "Try again")
        self._runner.tell(lambda: self._left(download, done, error))

    def _compared(self, name: str) -> Mapping[str, bool | None] | None:
        """Return what comparing a model finds; None if the server ends meanwhile."""
        stream = EventStream(catalogue.check(name))
        with closing(stream):
            for _ in stream:
                if self._runner.closing:
                    return None
        return stream.result

    def _follow(self, download: Download, events: Generator[Event, None, None]) -> bool:
        """Note the events of a download; return whether it is complete."""
        with closing(events):
            for event in events:
                if not download.wanted or self._runner.closing:
                    return False
                assert isinstance(event, ModelLoading)
                download.note(event)
        return True


def _as_ours(failure: PlaygroundError | OSError, what: str) -> PlaygroundError:
    if isinstance(failure, PlaygroundError):
        return failure
    where = f" ({failure.filename})" if failure.filename else ""
    return BackendUnavailable(
        what,
        f"The system says: {failure.strerror or failure}{where}.",
        "Make that folder writable, or keep models elsewhere (HF_HOME for those of the hub, TORCH_HOME for Demucs) "
        "and start again.",
    )
