"""Options that several commands share: a part of each recording, peaks, chunks, what is kept, the report, who works."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.audio import times
from separation.cli.common import Function, RunOption, TypedPath
from separation.errors import SettingsError
from separation.export.level import PEAK_RULES, RESCALE
from separation.request import FADES, ChunkSettings, ranges

if TYPE_CHECKING:
    from separation.engine.engine import Engine
    from separation.engine.tls import Tls
    from separation.request import Request

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


def span_options(command: Function) -> Function:
    """Add the options of a range of time; the command gets `span`, the arguments of an `audio.part.Part`."""

    @click.option("--start-time", type=Time(), default=0.0, help="Where to begin: 90, 1:30 or 1:02:03.5.")
    @click.option("--end-time", type=Time(), help="Where to end; the recording's end unless given.")
    @functools.wraps(command)
    def wrapped(*arguments: Any, start_time: float, end_time: float | None, **options: Any) -> Any:
        return command(*arguments, span={"start_s": start_time, "end_s": end_time}, **options)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the function's own type


def part_options(command: Function) -> Function:
    """Add the options that select what is taken; the command gets `span`, the arguments of an `audio.part.Part`."""

    @click.option("--audio-track", type=click.IntRange(1), help="Of several, by number; the default one unless given.")
    @span_options
    @functools.wraps(command)
    def wrapped(*arguments: Any, audio_track: int | None, span: Mapping[str, Any], **options: Any) -> Any:
        return command(*arguments, span={**span, "track": audio_track}, **options)

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


@dataclass(frozen=True, slots=True)
class Connection:
    """The address of a Dask scheduler, None to work on this computer, and the scheduler's TLS files."""

    scheduler: str | None
    ca: Path | None
    certificate: Path | None
    key: Path | None

    def tls(self) -> Tls | None:
        """Return the TLS files together, or None if none were given.

        Raises:
            SettingsError: only some of them were given.
        """
        if self.ca is None and self.certificate is None and self.key is None:
            return None
        if self.scheduler is None or self.ca is None or self.certificate is None or self.key is None:
            raise SettingsError(
                "The scheduler's TLS options are not complete.",
                "It takes --scheduler, --scheduler-ca, --scheduler-certificate and --scheduler-key together.",
                "Add what is missing, or leave all of them out.",
            )
        from separation.engine.tls import Tls

        return Tls(ca=self.ca, certificate=self.certificate, key=self.key)

    def files(self) -> list[Path]:
        """Return the TLS files."""
        return [file for file in (self.ca, self.certificate, self.key) if file is not None]

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Give the engine for a command's work: the scheduler's workers, or this process."""
        if self.scheduler is None:
            from separation.engine.engine import Inline

            yield Inline()
            return
        from separation.engine.dask import Cluster

        with closing(Cluster(self.scheduler, tls=self.tls())) as cluster:
            yield cluster

    def measure(self, settled: Request) -> None:
        """Measure what a request's settings depend on, where the work will be done; see `Backend.measure`."""
        from separation.events import EventStream
        from separation.pipeline import tasks

        with self.engine() as engine, closing(EventStream(engine.run(tasks.measure, settled))) as events:
            for _ in events:
                pass


def connection_options(command: Function) -> Function:
    """Add the address of a scheduler and the files of its TLS; the command gets them as `connection`."""
    file = TypedPath(exists=True, dir_okay=False)

    # The owner of a scheduler receives the recordings and can run code here, so a person has to name it.
    @click.option("--scheduler", cls=RunOption, help="Address of a Dask scheduler whose workers do the work.")
    @click.option("--scheduler-ca", cls=RunOption, type=file, help="Certificate of the authority that its TLS trusts.")
    @click.option("--scheduler-certificate", cls=RunOption, type=file, help="This program's own certificate for it.")
    @click.option("--scheduler-key", cls=RunOption, type=file, help="That certificate's private key.")
    @functools.wraps(command)
    def wrapped(
        *arguments: Any,
        scheduler: str | None,
        scheduler_ca: Path | None,
        scheduler_certificate: Path | None,
        scheduler_key: Path | None,
        **options: Any,
    ) -> Any:
        connection = Connection(scheduler, scheduler_ca, scheduler_certificate, scheduler_key)
        return command(*arguments, connection=connection, **options)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the function's own type


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
        if not re.fullmatch(r"[\w.-]+", name) or not folder or not folders.is_there(folder):
            raise click.BadParameter(f"“{text}” names no folder that is there. Write NAME=FOLDER.")
        folders.name_folder(folder, name)


def trust_folder(typed: str) -> None:
    """Let the requests of this command use a folder that the person at this computer has typed."""
    from separation.models import folders

    if folders.find_folder(typed) is None:
        folders.name_folder(typed)
