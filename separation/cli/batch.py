"""`audio-playground batch`: the same sounds out of every recording in a folder."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.backends import registry
from separation.cli.batch_work import BatchTask, Done, Extraction
from separation.cli.common import (
    Common,
    TypedPath,
    common_options,
    gives,
    make_folder,
    make_folder_of,
    open_store,
    plain_error,
    printable,
    shown,
)
from separation.cli.named_presets import with_preset
from separation.cli.options import (
    Connection,
    connection_options,
    no_cache_option,
    part_options,
    peak_option,
    report_option,
    tags_option,
)
from separation.cli.progress_line import can_redraw, redrawn
from separation.engine.engine import Inline
from separation.errors import PlaygroundError
from separation.export.level import RESCALE, check_rule
from separation.formatted import counted
from separation.results.exported import FORMATS
from separation.workflows.batch_files import FAILURES, SOURCES, find_recordings, folders, read_sources, source_of

if TYPE_CHECKING:
    from separation.audio.files import FilesRead
    from separation.engine.dask import Cluster
    from separation.engine.engine import Engine
    from separation.events import Event
    from separation.workflows.batch import Outcome
    from storage import ArtifactStore

SOME_FAILED = 6


@click.command()
@gives("out", "files", "done", "cached", "failed", "seconds")
@click.argument("folder", metavar="DIR", type=TypedPath())
@click.option("--prompt", "--prompts", "-p", "prompts", multiple=True, required=True, help="A sound; repeatable.")
@click.option("--out", "-o", type=TypedPath(), required=True, help="Folder for the results.")
@click.option(
    "--pattern", "patterns", multiple=True, help="File names such as “*.wav”; repeatable; all audio unless given."
)
@click.option("--recursive", is_flag=True, help="Also the folders in DIR.")
@click.option(
    "--backend",
    type=click.Choice([registry.AUTO, *registry.commands()]),
    default=registry.AUTO,
    show_default=True,
)
@click.option("--preset", help="Preview, Balanced, Quality, one that the separator alone has, or one of your own.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="wav32f", show_default=True)
@peak_option
@tags_option
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Files at once; each job loads the model."
)
@part_options
@no_cache_option
@report_option
@connection_options
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
    peak: str | None,
    tags: bool,
    seed: int,
    jobs: int,
    span: Mapping[str, Any],
    no_cache: bool,
    report: Path | None,
    connection: Connection,
    common: Common,
) -> None:
    """Take the same sounds out of every recording in DIR, each into a folder of its own.

    A file that fails does not stop the rest: failures are listed at the end and in failures.json, and the exit status
    is 6. Results are kept: the same batch again computes only what is missing. Hidden files and links
    to folders are passed over. Which
    folder belongs to which recording is in sources.json, and stays so when files are added.
    """
    from separation.audio.files import remove
    from separation.audio.part import Part
    from separation.request import Request
    from separation.results import exported
    from separation.workflows import presets

    started_s = time.monotonic()
    peak_rule = peak or RESCALE
    check_rule(format_, peak_rule)
    asked = Request.of(*prompts, backend=backend, device=common.device, seed=seed)
    request = asked if preset is None else with_preset(preset, asked)
    part = Part(**span)
    files = find_recordings(folder, patterns, recursive, out)
    settled, why = registry.choose(request)  # fails before any work if no file could be separated
    if registry.is_unmeasured(request, settled):
        connection.measure(settled)
        settled, why = registry.choose(request)
    known = read_sources(out)
    places = folders(files, folder, out, known)
    tasks = [BatchTask(file, folder / file, out / places[file]) for file in files]
    tracks = tuple(exported.places_of(settled, Path(), format_).values())
    written = [task.folder / track for task in tasks for track in tracks]
    own = [out / FAILURES, out / SOURCES, *([] if report is None else [report])]
    read = common.claim([*(task.source for task in tasks), *connection.files()], [*written, *own])
    make_folder(out, "the results")
    make_folder_of(report, "the report")
    remove(out / FAILURES)
    _write_json(
        known | {place.as_posix(): source_of(folder / file, out) for file, place in places.items()}, out / SOURCES, read
    )
    common.say(f"{counted(len(files), 'file')}. {why}")
    common.say_ignored(asked, settled)
    common.say_answers(settled)
    if preset in presets.names() and len(presets.differing(asked, registry.get(settled.backend))) < 2:
        common.say(f"note: presets will make no difference to {registry.get(settled.backend).label}.")
    log_level = logging.getLogger().getEffectiveLevel()
    work = Extraction(
        settled, part, no_cache, format_, peak_rule, tags, common.temp_dir, log_level, report is not None, connection
    )
    try:
        tally = _run(tasks, work, min(jobs, len(files)), common)
    except KeyboardInterrupt:
        work.sweep()  # when the workers are gone
        n_done = _n_written(tasks, tracks, out / SOURCES)
        done = f"{n_done} of {counted(len(files), 'file')} {'is' if n_done == 1 else 'are'} done and"
        stay = "stays" if n_done == 1 else "stay"
        raise KeyboardInterrupt(f"{done} {stay}; nothing half-written remains.") from None
    if tally.failures:
        _write_json(_listed(tally.failures), out / FAILURES, read)
    if report is not None:
        _write_report([*tally.reports, *_listed(tally.failures)], report, read, common)
    _say_result(tally, out, registry.answers(settled), time.monotonic() - started_s, common)
    if tally.failures:
        sys.exit(SOME_FAILED)


@dataclass(slots=True)
class _Counts:
    """Counts, failures and reports of the finished files; nothing larger is held, as there may be thousands."""

    n_done: int = 0
    n_cached: int = 0
    reports: list[dict[str, Any]] = field(default_factory=list)
    failures: list[tuple[Path, PlaygroundError]] = field(default_factory=list)

    def add(self, outcome: Outcome[BatchTask, Done]) -> None:
        """Count one more file."""
        if outcome.error is not None:
            self.failures.append((outcome.file.name, outcome.error))
            return
        assert outcome.result is not None
        self.n_done += 1
        self.n_cached += outcome.result.cached
        if outcome.result.report is not None:
            self.reports.append(outcome.result.report)


def _run(tasks: Sequence[BatchTask], work: Extraction, jobs: int, common: Common) -> _Counts:
    from separation.workflows.batch import run

    progress = BatchProgress(len(tasks), common)
    tally = _Counts()
    on_event = progress.event
    try:
        with ExitStack() as opened:
            engine: Engine = Inline()
            if jobs > 1:  # a progress line would show one file's chunk and another one's name
                store = open_store(common.temp_dir, common.say)
                work, on_event = replace(work, locks=opened.enter_context(store.scratch())), _unseen
                engine = opened.enter_context(closing(_workers(jobs, store)))
            opened.enter_context(closing(work))
            outcomes = run(tasks, work, engine, jobs, started=progress.started, on_event=on_event)
            for outcome in opened.enter_context(closing(outcomes)):
                progress.finished(outcome)
                tally.add(outcome)
    finally:
        progress.end()
    return tally


def _n_written(tasks: Sequence[BatchTask], tracks: Sequence[Path], begun: Path) -> int:
    """Return the number of files whose tracks are all there, and newer than a file that this batch has begun with.

    The folders say it, and not the outcomes: those come in the order of the files, and that of a file which was being
    written when the interrupt came may never come.
    """
    since_ns = begun.stat().st_mtime_ns
    places = ([task.folder / track for track in tracks] for task in tasks)
    return sum(all(place.exists() and place.stat().st_mtime_ns >= since_ns for place in each) for each in places)


def _workers(jobs: int, store: ArtifactStore) -> Cluster:
    """Return an engine for whole files: worker processes of this computer, which has the files."""
    from separation.engine.dask import Cluster

    return Cluster(n_workers=jobs, niceness=0, scratch=store.scratch)


def _unseen(event: Event) -> None:
    """Ignore an event."""


class BatchProgress:
    """Prints a line for each finished file, and on a terminal a progress line for the current one; nothing for JSON."""

    def __init__(self, n_files: int, common: Common) -> None:
        self._n_files, self._common = n_files, common
        self._live = not common.as_json and can_redraw(sys.stderr)
        self._n_started = self._n_finished = 0
        self._name = ""

    def started(self, task: BatchTask) -> None:
        """Note that work on a file begins."""
        self._n_started += 1
        self._name = shown(task.name)
        self._draw(self._name)

    def event(self, event: Event) -> None:
        """Show an event of the current file."""
        from separation.events import ChunkStarted, ModelLoading

        if isinstance(event, ChunkStarted):
            self._draw(f"{self._name}, chunk {event.index + 1} of {event.n_chunks}")
        elif isinstance(event, ModelLoading):
            self._draw(f"{self._name}, loading {event.model}")

    def finished(self, outcome: Outcome[BatchTask, Done]) -> None:
        """Print the line of a file that is done, or failed."""
        self._n_finished += 1
        self.end()
        where = f"[{self._n_finished}/{self._n_files}] {printable(shown(outcome.file.name))}"
        if outcome.result is None:
            self._common.say(f"{where}: failed. {outcome.error}")
            return
        self._common.say(f"{where}: {'cached' if outcome.result.cached else 'done'}")
        for note in outcome.result.notes:
            self._common.say(f"note: {note}")

    def end(self) -> None:
        """End the progress line."""
        if self._live:
            click.echo(redrawn(""), nl=False, err=True)

    def _draw(self, words: str) -> None:
        if self._live:
            line = f"{self._common.mark}{self._n_started} of {self._n_files}: {words}"
            click.echo(redrawn(line), nl=False, err=True)


def _write_json(value: object, path: Path, read: FilesRead) -> None:
    from separation.audio.files import new_file

    with new_file(path, read) as part:
        # Half a surrogate, as names that are no UTF-8 have, is escaped as JSON does.
        part.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8", "backslashreplace")


def _write_report(entries: Sequence[dict[str, Any]], path: Path, read: FilesRead, common: Common) -> None:
    """Write a report with one entry for each file: first those done, in order, then those that failed."""
    from separation.results import report

    report.write(entries, path, read)
    common.say(f"wrote {shown(path)}")


def _listed(failures: Iterable[tuple[Path, PlaygroundError]]) -> list[dict[str, Any]]:
    return [{"file": shown(name.as_posix()), **plain_error(error)} for name, error in failures]


def _say_result(tally: _Counts, out: Path, answers: dict[str, str], seconds: float, common: Common) -> None:
    cached = f", {tally.n_cached} of them cached" if tally.n_cached else ""
    common.say(
        f"{counted(tally.n_done, 'file')} done{cached}, {seconds:.2f} s in all. The results are in {shown(out)}."
    )
    if tally.failures:
        common.say(f"{counted(len(tally.failures), 'file')} failed, listed in {shown(out / FAILURES)}:")
    for name, error in tally.failures:
        common.say(f"  {printable(shown(name))}: {error}")
    common.result(
        {
            "out": str(out),
            "files": tally.n_done + len(tally.failures),
            "done": tally.n_done,
            "cached": tally.n_cached,
            "failed": len(tally.failures),
            "failures": _listed(tally.failures),
            "answers": answers,
            "seconds": seconds,
        }
    )
