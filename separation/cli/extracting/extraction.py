"""Code shared by all `extract` commands: options, the run from input file to track files, progress."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import (
    Common,
    Function,
    TypedPath,
    gives,
    make_folder,
    make_folder_of,
    open_store,
    require_source,
)
from separation.cli.extracting import measures_text
from separation.cli.extracting.progress import Progress
from separation.cli.options import (
    Connection,
    connection_options,
    no_cache_option,
    part_options,
    peak_option,
    report_option,
    tags_option,
)
from separation.errors import FileError
from separation.events import EventStream
from separation.export.level import CLIP, RESCALE, check_rule, level_while_growing
from separation.export.tags import NO_TAGS, Tags
from separation.results import exported

if TYPE_CHECKING:
    from separation.audio.files import FilesRead
    from separation.request import Request
    from separation.results.kept import Recording, Result
    from separation.results.streamed import StreamedTracks
    from storage import ArtifactStore


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """The options of every `extract` command."""

    source: Path
    prompts: tuple[str, ...]
    out: Path
    format_: str
    peak: str | None
    tags: bool
    seed: int
    streaming: bool
    span: Mapping[str, Any]
    bypass_cache: bool
    recipe_out: Path | None
    report: Path | None
    connection: Connection
    also_read: tuple[Path, ...] = ()


def extract_options(command: Function) -> Function:
    """Add the options of every extraction; the command gets them as `wanted`."""
    prompts = click.option(
        "--prompt", "--prompts", "-p", "prompts", multiple=True, required=True, help="A sound; repeatable."
    )
    seed = click.option("--seed", type=int, default=0, show_default=True)
    return prompts(seed(recipe_options(command)))


def recipe_options(command: Function) -> Function:
    """Add the options of every extraction but prompts and seed, which a recipe has; the command gets `wanted`."""

    @gives("files", "tracks", "cached", "backend", "model", "rtf", "gain_db", "seconds", "key")
    @click.argument("source", type=TypedPath())
    @click.option("--out", "-o", type=TypedPath(), default=Path(), help="Folder for the files.")
    @click.option("--format", "format_", type=click.Choice(list(exported.FORMATS)), default="wav32f", show_default=True)
    @peak_option
    @tags_option
    @click.option(
        "--streaming", is_flag=True, help="Write the files while they are made, to be played meanwhile (WAV, FLAC)."
    )
    @part_options
    @no_cache_option
    @click.option("--save-recipe", type=TypedPath(), help="Write all settings as YAML, for “extract recipe”.")
    @report_option
    @connection_options
    @functools.wraps(command)
    def wrapped(
        *arguments: Any,
        source: Path,
        out: Path,
        format_: str,
        peak: str | None,
        tags: bool,
        streaming: bool,
        span: Mapping[str, Any],
        no_cache: bool,
        save_recipe: Path | None,
        report: Path | None,
        connection: Connection,
        prompts: tuple[str, ...] = (),
        seed: int = 0,
        **options: Any,
    ) -> Any:
        wanted = ExtractOptions(
            source=source,
            prompts=prompts,
            out=out,
            format_=format_,
            peak=peak,
            tags=tags,
            seed=seed,
            streaming=streaming,
            span=span,
            bypass_cache=no_cache,
            recipe_out=save_recipe,
            report=report,
            connection=connection,
        )
        return command(*arguments, wanted=wanted, **options)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the function's own type


def run(wanted: ExtractOptions, request: Request, common: Common) -> None:
    """Import, separate and write a recording; a kept result is written at once."""
    wanted, growing = _levelled(wanted)
    if common.rehearsal:
        _check_prompts(request, common)
        return
    from separation.audio.part import Part
    from separation.backends import registry
    from separation.chunking.anchor_notes import in_part
    from separation.hardware.footprint import Watch
    from separation.results import report
    from separation.results.bypass_cache import BypassCache
    from separation.results.runs import find_result, import_recording

    started_s = time.monotonic()
    part, typed = Part(**wanted.span), request.prompts
    prompts, outside = in_part(typed, part.start_s)
    request = replace(request, prompts=prompts)
    read = _claimed(wanted, request, common)
    require_source(wanted.source)
    make_folder(wanted.out, "the files")
    make_folder_of(wanted.recipe_out, "the recipe")
    make_folder_of(wanted.report, "the report")
    kept_before = open_store(common.temp_dir, common.say)
    store = BypassCache(kept_before) if wanted.bypass_cache else kept_before
    watch = Watch("convert")
    recording = import_recording(wanted.source, store, part=part)
    converted = watch.measured()
    for warning in (*recording.warnings, *growing, *outside):
        common.say(f"note: {warning}")
    with _streamed(wanted, recording, read, common) as tracks:
        _, settled, why, kept = find_result(recording, request, store)
        common.say_ignored(request, settled)
        common.say_answers(settled)
        if kept is not None:
            common.say(why)
            for warning in kept.warnings:  # what its run said
                common.say(f"note: {warning}")
        else:
            _say_expected(recording, settled, kept_before, common)
        result = kept or _separated(recording, request, store, tracks, wanted.connection, common)
    tags = recording.tags if wanted.tags and recording.tags is not None else NO_TAGS
    if kept is None and tracks is not None:
        written = {name: str(path) for name, path in tracks.paths.items()}
        gain_db, notes = 0.0, _tagged(tracks, tags)
    else:
        exports = _written(result, tags, wanted, read)
        written = {name: str(path) for name, path in exports.files.items()}
        gain_db, notes = exports.level.gain_db, exports.notes
    for note in notes:
        common.say(f"note: {note}")
    for path in written.values():
        common.say(f"wrote {path}")
    if wanted.recipe_out is not None:
        from separation.workflows import recipe

        recipe.write(replace(result.request, prompts=typed), wanted.recipe_out, read)
        common.say(f"wrote {wanted.recipe_out}, the recipe")
    for line in measures_text.lines(result):
        common.say(line)
    seconds = time.monotonic() - started_s
    if wanted.report is not None:
        found = report.of_result(
            result.report, cached=kept is not None, seconds=seconds, source=str(wanted.source), converted=converted
        )
        found["warnings"] = [*outside, *found.get("warnings", ())]
        report.write(found, wanted.report, read)
        common.say(f"wrote {wanted.report}")
    common.say(f"{'Done' if kept is None else 'Cached: nothing had to be computed'}, {seconds:.2f} s in all.")
    common.result(
        {
            "files": list(written.values()),
            "tracks": written,
            "cached": kept is not None,
            "answers": registry.answers(settled),
            "notes": list(registry.answer_notes(settled)),
            "gain_db": gain_db,
            "warnings": [*recording.warnings, *outside, *result.warnings, *growing, *notes],
            "seconds": seconds,
            **measures_text.values(result),
        }
    )


def _claimed(wanted: ExtractOptions, request: Request, common: Common) -> FilesRead:
    """Return the files that are not to be replaced, once it is known that no track, recipe or report would."""
    from separation.backends import offers

    settled, _ = offers.choose(request)
    tracks = list(exported.places_of(settled, wanted.out, wanted.format_).values())
    others = [path for path in (wanted.recipe_out, wanted.report) if path is not None]
    read = common.claim([wanted.source, *wanted.also_read, *wanted.connection.files()], [*tracks, *others])
    if wanted.streaming:
        from separation.results.streamed import refuse_passages

        refuse_passages(tracks)
    return read


def _say_expected(recording: Recording, settled: Request, store: ArtifactStore, common: Common) -> None:
    """Print the estimated time and memory, and a warning if memory is short; the run goes on either way."""
    if common.as_json:
        return
    from separation.estimates.estimates import preflight
    from separation.hardware.footprint import available_bytes
    from separation.results.kept import reports_of
    from storage.library import newest

    past = reports_of(newest(store, "result"))
    flight = preflight(settled, recording.duration_s, past, available_bytes())
    common.say(f"expected: {flight.estimate}")
    if warning := flight.warning(options=True):
        common.say(f"note: {warning}")


@contextmanager
def _streamed(
    wanted: ExtractOptions, recording: Recording, read: FilesRead, common: Common
) -> Iterator[StreamedTracks | None]:
    """Give the growing files of a streaming run; if it ends early, print how far they go."""
    if not wanted.streaming:
        yield None
        return
    from separation.results.streamed import StreamedTracks

    with StreamedTracks(wanted.out, wanted.format_, recording.sample_rate, read) as tracks:
        try:
            yield tracks
        except BaseException as stop:
            with suppress(FileError):  # the disk is full, which `stop` says
                tracks.close()
            if tracks.n_samples:
                seconds = floor(10 * tracks.n_samples / recording.sample_rate) / 10
                note = f"The tracks can be played and hold the first {seconds:.1f} s."
                if isinstance(stop, KeyboardInterrupt):
                    raise KeyboardInterrupt(note) from stop
                common.say(f"note: stopped early. {note}")
            raise


def _separated(
    recording: Recording,
    request: Request,
    store: Any,
    tracks: StreamedTracks | None,
    connection: Connection,
    common: Common,
) -> Result:
    """Separate with progress in the terminal, appending to streaming tracks; return the kept result."""
    from separation.hardware.allocator import keep_freed_memory
    from separation.results.runs import separate_recording

    keep_freed_memory()
    progress = Progress(common, together=request.chunks is not None and request.chunks.stitch == "multidiffusion")
    with (
        closing(progress),
        connection.engine() as engine,
        closing(EventStream(separate_recording(recording, request, store, engine))) as events,
    ):
        for event in events:
            if tracks is not None:
                tracks.take(event)
            progress.show(event)
        result: Result = events.result
    common.say(measures_text.took(result))
    return result


def _tagged(tracks: StreamedTracks, tags: Tags) -> tuple[str, ...]:
    """Write tags into files that have grown; return notes, as these files can be played with or without them."""
    notes = tuple(f"{name}: {note}" for name, note in tracks.notes().items())
    try:
        tracks.tag(tags)
    except FileError as error:
        return (*notes, str(error))
    return notes


def _written(result: Result, tags: Tags, wanted: ExtractOptions, read: FilesRead) -> exported.Exported:
    """Write the kept tracks in the requested format."""
    from separation.audio.files import writing

    assert wanted.peak is not None
    stream = EventStream(exported.write(result, wanted.out, wanted.format_, wanted.peak, tags, read))
    with writing("The tracks", wanted.out), closing(stream):
        for _ in stream:
            pass
    return stream.result


def _check_prompts(request: Request, common: Common) -> None:
    """Give what the separator that a step names answers its prompts with; raise `PromptError` if it cannot."""
    from separation.backends import registry
    from separation.errors import BackendUnavailable

    known = not any("${" in words for words in (request.model or "", *(prompt.text for prompt in request.prompts)))
    if known and request.backend in registry.BACKENDS:  # others are chosen when their turn comes
        with suppress(BackendUnavailable):  # a step before may fetch its weights
            common.result({"answers": registry.answers(request), "notes": registry.answer_notes(request)})


def _levelled(wanted: ExtractOptions) -> tuple[ExtractOptions, tuple[str, ...]]:
    """Settle what is done about peaks, and the format if that depends on it; return notes too.

    Raises:
        SettingsError: the format cannot do what was asked for.
    """
    if not wanted.streaming:
        rule = wanted.peak or RESCALE
        check_rule(wanted.format_, rule)
        return replace(wanted, peak=rule), ()
    level = level_while_growing(wanted.format_, wanted.peak)
    return replace(wanted, format_=level.format, peak=CLIP), (level.note,) if level.note else ()
