"""`audio-playground extract`: a recording and prompts in, one file per sound out."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation import __version__
from separation.cli.common import Common, common_options, make_folder

if TYPE_CHECKING:
    from separation.events import Event
    from separation.request import Request
    from storage import Artifact

# Name to extension, as in `separation.encode.FORMATS`, which brings NumPy: help and kept results do without.
FORMATS = {"wav16": ".wav", "wav24": ".wav", "wav32f": ".wav", "flac": ".flac", "mp3": ".mp3", "ogg": ".ogg"}


@click.group()
def extract() -> None:
    """Take sounds out of a recording: one file per prompt, and one with everything else.

    Results are kept: the same run again takes them from the store.
    """


def _extract_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every kind of extraction takes."""
    options: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
        click.argument("source", type=click.Path(path_type=Path)),
        click.option("--prompt", "-p", "prompts", multiple=True, required=True, help="A sound; may be repeated."),
        click.option("--out", "-o", type=click.Path(path_type=Path), default=Path(), help="Folder for the files."),
        click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="wav32f", show_default=True),
        click.option("--seed", type=int, default=0, show_default=True),
    )
    for option in reversed(options):
        command = option(command)
    return command


@extract.command()
@_extract_options
@common_options
def auto(source: Path, prompts: tuple[str, ...], out: Path, format_: str, seed: int, common: Common) -> None:
    """By the best backend that can do it here; says which and why."""
    from separation.request import Request

    run(source, Request.of(*prompts, device=common.device, seed=seed), out, format_, common)


@extract.command()
@_extract_options
@click.option("--chunk-duration", type=float, help="Seconds per chunk.")
@click.option("--overlap-duration", type=float, help="Seconds neighbouring chunks share.")
@click.option("--crossfade-type", type=click.Choice(["cosine", "linear"]), default="cosine", show_default=True)
@common_options
def builtin(
    source: Path,
    prompts: tuple[str, ...],
    out: Path,
    format_: str,
    seed: int,
    chunk_duration: float | None,
    overlap_duration: float | None,
    crossfade_type: str,
    common: Common,
) -> None:
    """By the separator that needs no weights: drums, bass, vocals, other."""
    from dataclasses import replace

    from separation.backends.builtin import DEFAULT_CHUNKS
    from separation.request import Request

    chunks = replace(
        DEFAULT_CHUNKS,
        chunk_s=DEFAULT_CHUNKS.chunk_s if chunk_duration is None else chunk_duration,
        overlap_s=DEFAULT_CHUNKS.overlap_s if overlap_duration is None else overlap_duration,
        fade=crossfade_type,
    )
    request = Request.of(*prompts, backend="builtin", device=common.device, chunks=chunks, seed=seed)
    run(source, request, out, format_, common)


@extract.command()
@_extract_options
@click.option("--model", default=None, help="htdemucs unless given; see “doctor” for all.")
@click.option("--preset", default=None, help="Preview, Render, fast, balanced or quality; options below change it.")
@click.option("--shifts", type=int, help="Random shifts whose estimates are averaged.")
@click.option("--overlap", "overlap_ratio", type=float, help="What segments share, as a fraction of a segment.")
@click.option("--segment", "segment_s", type=float, help="Seconds per segment; the longest the model allows if absent.")
@click.option("--split/--no-split", default=None, help="Cut the recording into segments.")
@click.option("--mixed-precision/--full-precision", default=None, help="Half precision where the device has it.")
@click.option("--folder", type=click.Path(), help="Local folder of models instead of the published ones.")
@click.option("--download", is_flag=True, help="Fetch the model's weights first if they are not on this computer.")
@common_options
def demucs(
    source: Path,
    prompts: tuple[str, ...],
    out: Path,
    format_: str,
    seed: int,
    model: str | None,
    preset: str | None,
    download: bool,
    common: Common,
    **given: Any,
) -> None:
    """By Demucs: drums, bass, other, vocals; with htdemucs_6s also guitar and piano."""
    from dataclasses import replace

    from separation import presets
    from separation.request import Request

    request = Request.of(*prompts, backend="demucs", device=common.device, seed=seed)
    if preset is not None:
        request = presets.apply(preset, request)
    if model is not None:
        request = replace(request, model=model)
    changed = {name: value for name, value in given.items() if value is not None}
    request = replace(request, demucs=replace(request.demucs, **changed))
    if download:
        _download(request, common)
    run(source, request, out, format_, common)


def run(source: Path, request: Request, out: Path, format_: str, common: Common) -> None:
    """Import, separate, write; a kept result is written at once."""
    from separation.file_names import plain_names
    from separation.runs import import_recording
    from storage import ArtifactStore, data_folder

    started_s = time.monotonic()
    make_folder(out, "the files")
    store = ArtifactStore(data_folder(), scratch=common.temp_dir, version=__version__)
    recording = import_recording(source, store)
    for warning in recording.info["warnings"]:
        common.say(f"note: {warning}")
    result, cached = _separate(recording, request, store, common)
    written = []
    for index, name in enumerate(plain_names(result.info["tracks"])):
        path = out / f"{name}{FORMATS[format_]}"
        for note in _write(result.files[str(index)], path, format_):
            common.say(f"note: {name}: {note}")
        written.append(str(path))
        common.say(f"wrote {path}")
    seconds = time.monotonic() - started_s
    common.say(f"{'Cached: nothing had to be computed' if cached else 'Done'}, {seconds:.2f} s in all.")
    common.result(
        {
            "files": written,
            "cached": cached,
            "backend": result.manifest.config["backend"],
            "model": result.info["model"],
            "rtf": result.info["rtf"],
            "seconds": seconds,
            "key": result.key,
        }
    )


def _separate(recording: Artifact, request: Request, store: Any, common: Common) -> tuple[Artifact, bool]:
    """Run with progress in the terminal; returns the result and whether it was kept already."""
    from separation.runs import find_result, separate_recording

    _, _, why, kept = find_result(recording, request, store)
    if kept is not None:
        common.say(why)
        return kept, True
    from separation.allocator import keep_freed_memory
    from separation.engine import Inline

    keep_freed_memory()
    progress = _Progress(common)
    with closing(separate_recording(recording, request, store, Inline())) as events:
        while True:
            try:
                progress.show(next(events))
            except StopIteration as stop:
                return stop.value, False


def _write(kept: Path, path: Path, format_: str) -> tuple[str, ...]:
    """Bring a kept track into the person's format; returns what they should know of it."""
    if format_ == "wav32f":  # what is kept already
        from separation.new_file import new_file

        with new_file(path) as part:
            shutil.copyfile(kept, part)
        return ()
    from separation.decode import AudioFile
    from separation.encode import encode

    with AudioFile(kept) as audio:
        return encode(audio, path, format_).notes


class _Progress:
    """A bar on a terminal, plain lines when piped, nothing when the output is JSON."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._live = not common.as_json and sys.stderr.isatty()
        self._index = self._n_chunks = 0

    def show(self, event: Event) -> None:
        """Draw what the event says."""
        from separation.events import (
            BackendChosen,
            ChunkFinished,
            ChunkStarted,
            Finished,
            ModelLoading,
            SolverStep,
            Warned,
        )

        match event:
            case BackendChosen():
                self._common.say(f"{event.why}")
            case ModelLoading() if event.total_bytes:
                self._bar(event.done_bytes / event.total_bytes, f"loading {event.model}")
            case ChunkStarted():
                self._index, self._n_chunks = event.index, event.n_chunks
                self._bar(event.index / event.n_chunks, f"chunk {event.index + 1} of {event.n_chunks}")
            case SolverStep() if self._n_chunks:
                fraction = (self._index + event.done / event.total) / self._n_chunks
                self._bar(fraction, f"chunk {self._index + 1} of {self._n_chunks}")
            case ChunkFinished() if not self._live:
                self._common.say(f"chunk {event.index + 1} of {event.n_chunks} done")
            case Finished():
                self._bar(1.0, "done")
                self._common.say(f"separated in {event.seconds:.2f} s, {1 / event.rtf:.1f}x real time")
            case Warned():
                self._common.say(f"note: {event.message}")

    def _bar(self, fraction: float, words: str) -> None:
        if self._live:
            filled = round(28 * fraction)
            end = "\n" if words == "done" else ""
            click.echo(
                f"\r\x1b[2K[{'#' * filled}{'.' * (28 - filled)}] {fraction:4.0%}  {words}{end}", nl=False, err=True
            )


def _download(request: Request, common: Common) -> None:
    from separation.models.demucs.download import fetch

    progress = _Progress(common)
    for event in fetch(request.model or "htdemucs"):
        progress.show(event)
