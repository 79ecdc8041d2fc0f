"""`audio-playground batch`: the same sounds out of every recording in a folder."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation import __version__
from separation.batch_files import FAILURES, find, folders
from separation.cli.common import Common, common_options, make_folder
from separation.cli.extraction import FORMATS, no_cache_option, report_option, write_track
from separation.cli.part import part_options
from separation.errors import PlaygroundError, SeparationError
from storage.errors import StorageError

if TYPE_CHECKING:
    from separation.batch import Outcome
    from separation.events import Event
    from separation.part import Part
    from separation.request import Request
    from separation.runs import Shelf
    from storage import Artifact, ArtifactStore

SOME_FAILED = 6


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--prompt", "--prompts", "-p", "prompts", multiple=True, required=True, help="A sound; repeatable.")
@click.option("--out", "-o", type=click.Path(path_type=Path), required=True, help="Folder for the results.")
@click.option(
    "--pattern", "patterns", multiple=True, help="File names such as “*.wav”; repeatable; all audio unless given."
)
@click.option("--recursive", is_flag=True, help="Also the folders in DIR.")
@click.option(
    "--backend", type=click.Choice(["auto", "builtin", "demucs", "sam-audio"]), default="auto", show_default=True
)
@click.option("--preset", help="Preview, Balanced or Quality.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="wav32f", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Files at once; each job loads the model."
)
@part_options
@no_cache_option
@report_option
@common_options
def batch(
    folder: Path,
    prompts: tuple[str, ...],
    out: Path,
    patterns: tuple[str, ...],
    recursive: bool,
    backend: str,
    preset: str | None,
    format_: str,
    seed: int,
    jobs: int,
    start_time: float,
    end_time: float | None,
    no_cache: bool,
    report: Path | None,
    common: Common,
) -> None:
    """Take the same sounds out of every recording in DIR, each into a folder of its own.

    A file that fails does not stop the rest: failures are listed at the end and in failures.json, and the exit status
    is 6. Results are kept: the same batch again computes only what is missing. Hidden files are passed over.
    """
    from separation.backends import registry
    from separation.part import Part
    from separation.request import Request

    started_s = time.monotonic()
    request = Request.of(*prompts, backend=backend, device=common.device, seed=seed)
    if preset is not None:
        from separation import presets

        request = presets.apply(preset, request)
    part = Part(start_s=start_time, end_s=end_time)
    files = find(folder, patterns, recursive, out)
    settled, why = registry.choose(request)  # what no file could be separated with is said before any work
    make_folder(out, "the results")
    if report is not None:
        make_folder(report.parent, "the report")
    (out / FAILURES).unlink(missing_ok=True)
    common.say(f"{_counted(len(files))}. {why}")
    places = folders(files)
    tasks = [Task(file, folder / file, out / places[file]) for file in files]
    work = Extraction(settled, part, no_cache, format_, common.temp_dir, logging.getLogger().getEffectiveLevel())
    done, failures = _run(tasks, work, jobs, common)
    if failures:
        _write_failures(failures, out / FAILURES)
    if report is not None:
        _write_report([*(one.report for one in done), *_listed(failures)], report, common)
    n_cached = sum(one.cached for one in done)
    _say_result(len(done), n_cached, failures, out, time.monotonic() - started_s, common)
    if failures:
        sys.exit(SOME_FAILED)


@dataclass(frozen=True, slots=True)
class Task:
    """One file: what it is called here, where it lies, and the folder for its tracks."""

    name: Path
    source: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class Done:
    """What to say of a file that is finished: whether its result was kept already, notes, and what it took."""

    cached: bool
    notes: tuple[str, ...]
    report: dict[str, Any]


@dataclass(slots=True)
class Extraction:
    """The work on one file, in this process or a worker; a kept result is only written.

    The store stays open from the first file on: opening and closing it takes a fifth of the time of a very short file.

    Args:
        request: settled.
        part: of every recording.
        fresh: nothing that is kept is used.
        format_: of the tracks.
        temp_dir: for files in the making; None for the usual places.
        log_level: what a worker logs from.
        locks: a folder where processes agree on who works on which content; None where there is one process.
        show: told of every event; None where nobody watches.
    """

    request: Request
    part: Part
    fresh: bool
    format_: str
    temp_dir: Path | None
    log_level: int
    locks: Path | None = None
    show: Callable[[Event], None] | None = None
    _store: ArtifactStore | None = field(default=None, init=False)

    def __call__(self, task: Task) -> Done:
        """Bring the file's tracks into its folder."""
        from separation import report
        from separation.footprint import Watch
        from separation.fresh import FreshShelf
        from separation.runs import import_recording

        self._settle_process()
        started_s, watch = time.monotonic(), Watch("convert")
        # Two copies of one recording: the second waits, and finds the result of the first.
        with self._alone_with(task.source):
            try:
                store = self._open_store()
                shelf = FreshShelf(store) if self.fresh else store
                recording = import_recording(task.source, shelf, name=_shown(task.source.name), part=self.part)
                converted = watch.measured()
                result, cached = self._separated(recording, shelf)
                notes = _write_tracks(result, task.folder, self.format_)
            except StorageError as error:
                raise SeparationError(error.what, error.why, error.todo) from error
        found = report.of_result(
            result.info,
            cached=cached,
            seconds=time.monotonic() - started_s,
            source=_shown(task.name),
            converted=converted,
        )
        return Done(cached, (*recording.info["warnings"], *result.info["warnings"], *notes), found)

    def close(self) -> None:
        """Leave the store."""
        if self._store is not None:
            self._store.close()

    def _open_store(self) -> ArtifactStore:
        from storage import ArtifactStore, data_folder

        if self._store is None:
            self._store = ArtifactStore(data_folder(), scratch=self.temp_dir, version=__version__)
        return self._store

    def _separated(self, recording: Artifact, shelf: Shelf[Artifact]) -> tuple[Artifact, bool]:
        from separation.engine import Inline
        from separation.runs import find_result, separate_recording

        *_, kept = find_result(recording, self.request, shelf)
        if kept is not None:
            return kept, True
        with closing(separate_recording(recording, self.request, shelf, Inline())) as events:
            while True:
                try:
                    event = next(events)
                except StopIteration as stop:
                    return stop.value, False
                if self.show is not None:
                    self.show(event)

    def _settle_process(self) -> None:
        """What the terminal has settled for its own process, for a worker as well."""
        from separation.allocator import keep_freed_memory

        logging.basicConfig(level=self.log_level, format="%(levelname)s %(name)s: %(message)s")
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


def _write_tracks(result: Artifact, folder: Path, format_: str) -> list[str]:
    """Write the kept tracks into `folder`, which changes only when all are complete; returns notes."""
    from separation.file_names import plain_names

    notes = []
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=folder.parent) as making:
            files = [f"{name}{FORMATS[format_]}" for name in plain_names(result.info["tracks"])]
            for index, file in enumerate(files):
                notes += [
                    f"{file}: {note}" for note in write_track(result.files[str(index)], Path(making, file), format_)
                ]
            folder.mkdir(exist_ok=True)
            for file in files:
                Path(making, file).replace(folder / file)
    except OSError as error:
        raise SeparationError(
            f"{_shown(folder)} cannot hold the tracks.",
            f"The system says: {error.strerror or error}.",
            "Check that it may be written to and has room; the result itself is kept.",
        ) from error
    return notes


def _run(
    tasks: Sequence[Task], work: Extraction, jobs: int, common: Common
) -> tuple[list[Done], list[tuple[Path, PlaygroundError]]]:
    from separation.batch import run

    progress = _Progress(len(tasks), common)
    done: list[Done] = []
    failures: list[tuple[Path, PlaygroundError]] = []
    with tempfile.TemporaryDirectory(prefix="audio-playground-locks-") as locks:
        work = replace(work, show=progress.event) if jobs == 1 else replace(work, locks=Path(locks))
        try:
            with closing(work), closing(run(tasks, work, jobs, started=progress.started)) as outcomes:
                for outcome in outcomes:
                    progress.finished(outcome)
                    if outcome.error is not None:
                        failures.append((outcome.file.name, outcome.error))
                    else:
                        assert outcome.result is not None
                        done.append(outcome.result)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{len(done)} of {_counted(len(tasks))} are done and stay; nothing half-written remains."
            ) from None
        finally:
            progress.end()
    return done, failures


class _Progress:
    """A line for each finished file, and on a terminal one that changes with the file at work; nothing for JSON."""

    def __init__(self, n_files: int, common: Common) -> None:
        self._n_files, self._common = n_files, common
        self._live = not common.as_json and sys.stderr.isatty()
        self._n_started = self._n_finished = 0
        self._name = ""

    def started(self, task: Task) -> None:
        """Work on a file begins."""
        self._n_started += 1
        self._name = _shown(task.name)
        self._draw(self._name)

    def event(self, event: Event) -> None:
        """Something happened to the file that is worked on."""
        from separation.events import ChunkStarted, ModelLoading

        if isinstance(event, ChunkStarted):
            self._draw(f"{self._name}, chunk {event.index + 1} of {event.n_chunks}")
        elif isinstance(event, ModelLoading):
            self._draw(f"{self._name}, loading {event.model}")

    def finished(self, outcome: Outcome[Task, Done]) -> None:
        """A file is done, or failed."""
        self._n_finished += 1
        self.end()
        where = f"[{self._n_finished}/{self._n_files}] {_shown(outcome.file.name)}"
        if outcome.result is None:
            self._common.say(f"{where}: failed. {outcome.error}")
            return
        self._common.say(f"{where}: {'cached' if outcome.result.cached else 'done'}")
        for note in outcome.result.notes:
            self._common.say(f"note: {note}")

    def end(self) -> None:
        """Leave the line that changes."""
        if self._live:
            click.echo("\r\x1b[2K", nl=False, err=True)

    def _draw(self, words: str) -> None:
        if self._live:
            click.echo(f"\r\x1b[2K{self._common.mark}{self._n_started} of {self._n_files}: {words}", nl=False, err=True)


def _write_failures(failures: Iterable[tuple[Path, PlaygroundError]], path: Path) -> None:
    from separation.new_file import new_file

    with new_file(path) as part:
        part.write_text(json.dumps(_listed(failures), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _write_report(entries: Sequence[dict[str, Any]], path: Path, common: Common) -> None:
    """One entry a file: first what was done, in the order of the files, then what failed."""
    from separation import report

    report.write(entries, path)
    common.say(f"wrote {_shown(path)}")


def _listed(failures: Iterable[tuple[Path, PlaygroundError]]) -> list[dict[str, str]]:
    return [
        {
            "file": _shown(name.as_posix()),
            "error": type(error).__name__,
            "what": error.what,
            "why": error.why,
            "todo": error.todo,
        }
        for name, error in failures
    ]


def _say_result(
    n_done: int,
    n_cached: int,
    failures: Sequence[tuple[Path, PlaygroundError]],
    out: Path,
    seconds: float,
    common: Common,
) -> None:
    cached = f", {n_cached} of them cached" if n_cached else ""
    common.say(f"{_counted(n_done)} done{cached}, {seconds:.2f} s in all. The results are in {_shown(out)}.")
    if failures:
        common.say(f"{_counted(len(failures))} failed, listed in {_shown(out / FAILURES)}:")
    for name, error in failures:
        common.say(f"  {_shown(name)}: {error}")
    common.result(
        {
            "out": str(out),
            "files": n_done + len(failures),
            "done": n_done,
            "cached": n_cached,
            "failed": len(failures),
            "failures": _listed(failures),
            "seconds": seconds,
        }
    )


def _counted(n_files: int) -> str:
    return "1 file" if n_files == 1 else f"{n_files} files"


def _shown(path: Path | str) -> str:
    """A path that any terminal and JSON can hold, whatever bytes its name is made of."""
    return click.format_filename(path)
