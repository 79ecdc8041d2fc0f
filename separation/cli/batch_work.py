"""The work of a batch on each file, in this process or a worker: import, separate, write."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from separation.cli.common import open_store, shown
from separation.cli.options import Connection
from separation.doctor import logs
from separation.errors import SeparationError
from separation.events import ChunkStarted, EventStream, ModelLoading, StillRunning
from separation.export.tags import NO_TAGS, Tags
from storage.errors import StorageError

if TYPE_CHECKING:
    from separation.audio.files import FilesRead
    from separation.audio.part import Part
    from separation.engine.engine import Engine
    from separation.events import Event
    from separation.request import Request
    from separation.results.kept import Recording, Result
    from separation.results.store import Store
    from storage import ArtifactStore

log = logging.getLogger(__name__)
# The store and engine that a process has opened; a worker keeps them until it ends.
_open: dict[Extraction, tuple[ExitStack, ArtifactStore, Engine]] = {}


@dataclass(frozen=True, slots=True)
class BatchTask:
    """One file of a batch: its relative name, its path, and the folder for its tracks."""

    name: Path
    source: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome of a finished file: whether its result was kept already, notes, and its report."""

    cached: bool
    notes: tuple[str, ...]
    report: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Extraction:
    """The work function on one file, in this process or a worker; a kept result is only written.

    Args:
        request: settled.
        part: of every recording.
        bypass_cache: ignore kept results.
        format_: of the tracks.
        peak: what is done about peaks over full scale, one of `separation.export.level.PEAK_RULES`.
        tags: whether tracks get the tags of their recording.
        temp_dir: for files in the making; None for the usual places.
        log_level: the lowest level that a worker logs.
        reports: whether to collect a report of each file; they are held in memory until the end of the batch.
        connection: to the scheduler whose workers separate, if this computer does not.
        locks: a folder of locks, so that no two processes work on the same content; None for a single process.
    """

    request: Request
    part: Part
    bypass_cache: bool
    format_: str
    peak: str
    tags: bool
    temp_dir: Path | None
    log_level: int
    reports: bool
    connection: Connection
    locks: Path | None = None

    def __call__(self, task: BatchTask) -> Generator[Event, None, Done]:
        """Write the file's tracks into its folder; it may be cancelled between two events."""
        from separation.audio.files import FilesRead
        from separation.hardware.footprint import Watch
        from separation.results import report
        from separation.results.bypass_cache import BypassCache
        from separation.results.runs import import_recording

        self._settle_process()
        read = FilesRead.of([task.source])
        started_s, watch = time.monotonic(), Watch("convert")
        # Two copies of one recording: the second waits, and finds the result of the first.
        with self._alone_with(task.source):
            yield StillRunning()
            try:
                kept, engine = self._opened()
                damaged: list[str] = []
                kept.checks.on_damage = lambda damage: damaged.append(str(damage))
                store = BypassCache(kept) if self.bypass_cache else kept
                recording = import_recording(task.source, store, name=shown(task.source.name), part=self.part)
                converted = watch.measured()
                yield StillRunning()
                result, cached = yield from self._separated(recording, store, engine)
                tags = recording.tags if self.tags and recording.tags is not None else NO_TAGS
                written = yield from _write_tracks(result, task.folder, self.format_, self.peak, tags, read)
            except StorageError as error:
                raise SeparationError(error.what, error.why, error.todo) from error
        notes = (*damaged, *recording.warnings, *result.warnings, *written)
        if not self.reports:
            return Done(cached, notes, None)
        found = report.of_result(
            result.report,
            cached=cached,
            seconds=time.monotonic() - started_s,
            source=shown(task.name),
            converted=converted,
        )
        return Done(cached, notes, found)

    def close(self) -> None:
        """Close the store and engine that this process has opened."""
        if self in _open:
            _open.pop(self)[0].close()

    def sweep(self) -> None:
        """Delete left-overs of interrupted processes, since an interrupt may arrive even during their clean-up."""
        with closing(self._store()) as store:
            store.sweep_scratch()

    def _opened(self) -> tuple[ArtifactStore, Engine]:
        """Return the store and the engine, which stay open: opening takes a fifth of the time of a very short file."""
        if self not in _open:
            with ExitStack() as opened:
                store = opened.enter_context(closing(self._store()))
                engine = opened.enter_context(self.connection.engine())
                _open[self] = opened.pop_all(), store, engine
        return _open[self][1:]

    def _store(self) -> ArtifactStore:
        return open_store(self.temp_dir, log.warning)

    def _separated(
        self, recording: Recording, store: Store, engine: Engine
    ) -> Generator[Event, None, tuple[Result, bool]]:
        from separation.results.runs import find_result, separate_recording

        *_, kept = find_result(recording, self.request, store)
        if kept is not None:
            return kept, True
        with closing(EventStream(separate_recording(recording, self.request, store, engine))) as events:
            for event in events:
                # Others may hold samples, which nobody needs elsewhere.
                yield event if isinstance(event, (ChunkStarted, ModelLoading)) else StillRunning()
            return events.result, False

    def _settle_process(self) -> None:
        """Apply the terminal's process settings in a worker as well."""
        from separation.hardware.allocator import keep_freed_memory

        logs.to_terminal(self.log_level)
        if self.temp_dir is not None:
            tempfile.tempdir = str(self.temp_dir)
        keep_freed_memory()

    def _alone_with(self, source: Path) -> AbstractContextManager[Any]:
        if self.locks is None:
            return nullcontext()
        from filelock import FileLock

        try:
            with source.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:  # importing says what is wrong with it
            return nullcontext()
        return FileLock(self.locks / digest)


def _write_tracks(
    result: Result, folder: Path, format_: str, peak: str, tags: Tags, read: FilesRead
) -> Generator[Event, None, tuple[str, ...]]:
    """Write the kept tracks into `folder`, which changes only when all are complete; return notes."""
    from separation.results import exported

    try:
        return (yield from exported.write(result, folder, format_, peak, tags, read)).notes
    except OSError as error:
        raise SeparationError(
            f"{shown(folder)} cannot hold the tracks.",
            f"The system says: {error.strerror or error}.",
            "Check that it may be written to and has room; the result itself is kept.",
        ) from error
