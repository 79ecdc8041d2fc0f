"""Options that several commands share: a part of each recording, peaks, chunks, what is kept, the report."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from separation.audio import times
from separation.cli.common import Function, TypedPath
from separation.errors import SettingsError
from separation.export.level import PEAK_RULES, RESCALE
from separation.request import FADES, ChunkSettings, ranges

report_option = click.option(
    "--report",
    type=TypedPath(dir_okay=False),
    help="A YAML file that says what it took: time and memory of each step, settings, quality.",
)
peak_option = click.option(
    "--peak",
    type=click.Choice(PEAK_RULES),
    help="Where samples pass full scale, turn all files down alike, cut them, or write float WAVs. "
    f"{RESCALE.capitalize()} unless given.",
)
tags_option = click.option(
    "--tags/--no-tags",
    default=True,
    show_default=True,
    help="Carry title, artist, album, date, tempo, key and cover of the source.",
)


class Time(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """An option's type: seconds, minutes:seconds, or hours:minutes:seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds, or raise click's own error."""
        if isinstance(value, float):  # a default
            return value
        try:
            return times.parse_time(value)
        except SettingsError as error:
            self.fail(str(error), param, ctx)


def part_options(command: Function) -> Function:
    """Add the options that select what is taken; the command gets `span`, the arguments of an `audio.part.Part`."""

    @click.option("--audio-track", type=click.IntRange(1), help="Of several, by number; the default one unless given.")
    @click.option("--start-time", type=Time(), default=0.0, help="Where to begin: 90, 1:30 or 1:02:03.5.")
    @click.option("--end-time", type=Time(), help="Where to end; the recording's end unless given.")
    @functools.wraps(command)
    def wrapped(
        *arguments: Any, audio_track: int | None, start_time: float, end_time: float | None, **options: Any
    ) -> Any:
        span = {"start_s": start_time, "end_s": end_time, "track": audio_track}
        return command(*arguments, span=span, **options)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the function's own type


def no_cache_option(command: Function) -> Function:
    """Add `no_cache`: whether to work on a `separation.results.bypass_cache.BypassCache`."""
    return click.option(
        "--no-cache", is_flag=True, help="Compute everything anew, and keep it in place of what was kept."
    )(command)


def chunk_options(command: Function) -> Function:
    """Add the chunk options; the command gets them by the names that `chunk_settings` reads."""
    options = (
        click.option("--chunk-duration", type=float, help=f"Seconds per chunk, {ranges(ChunkSettings)['chunk_s']}."),
        click.option("--overlap-duration", type=float, help="Seconds neighbouring chunks share, up to half."),
        click.option("--crossfade-type", type=click.Choice(FADES), help="How they are blended; cosine unless given."),
        click.option("--max-chunks", type=int, help="Stop after so many chunks; the tracks end there."),
        click.option("--no-chunks", is_flag=True, help="Take the whole recording at once; memory grows with it."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def chunk_settings(usual: ChunkSettings, given: Mapping[str, Any]) -> ChunkSettings:
    """Return `usual` with the changes by the options of `chunk_options` and by a stitch.

    Raises:
        SettingsError: they contradict one another, or are out of range.
    """
    from dataclasses import replace

    if given["no_chunks"] and given["chunk_duration"] is not None:
        raise SettingsError(
            "A chunk's duration was given together with --no-chunks.",
            "Without chunks there is nothing to cut.",
            "Leave one of the two out.",
        )
    names = {"chunk_duration": "chunk_s", "overlap_duration": "overlap_s", "crossfade_type": "fade"}
    names |= {"max_chunks": "max_chunks", "stitch": "stitch"}
    changed = {field: given[name] for name, field in names.items() if given.get(name) is not None}
    if given["no_chunks"]:
        changed["chunk_s"] = None
    return replace(usual, **changed)


def model_folder_option(command: Function) -> Function:
    """Add the folders of models that requests may use; the command and its processes know them from then on."""
    return click.option(
        "--model-folder",
        multiple=True,
        metavar="NAME=FOLDER",
        expose_value=False,
        callback=_named_folders,
        help="A folder of models that recipes may use by this name; repeatable. No other folder is looked into.",
    )(command)


def _named_folders(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> None:
    from separation.models import folders

    for text in reversed(given):
        name, _sign, folder = (part.strip() for part in text.partition("="))
        if not re.fullmatch(r"[\w.-]+", name) or not Path(folder).expanduser().is_dir() or not folder:
            raise click.BadParameter(f"“{text}” names no folder that is there. Write NAME=FOLDER.")
        folders.name_folder(folder, name)


def trust_folder(typed: str) -> None:
    """Let the requests of this command use a folder that the person at this computer has typed."""
    from separation.models import folders

    if folders.find_folder(typed) is None:
        folders.name_folder(typed)
