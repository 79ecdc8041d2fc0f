"""`audio-playground extract`: a recording and prompts in, one file per sound out."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from separation.cli.common import Common, ModelFolder, TypedPath, common_options
from separation.cli.extracting.extraction import (
    ExtractOptions,
    extract_options,
    recipe_options,
    run,
)
from separation.cli.extracting.progress import Progress
from separation.cli.extracting.sam_audio import sam_audio
from separation.cli.named_presets import with_preset
from separation.cli.options import chunk_options, chunk_settings, trust_folder
from separation.request import AUTOMATIC, PRECISIONS, DemucsSettings, ranges

if TYPE_CHECKING:
    from separation.errors import SettingsError
    from separation.model import Backend
    from separation.request import Request


OF_DEMUCS = ranges(DemucsSettings)


class ExtractGroup(click.Group):
    """The commands below, and one for each backend that has none of its own there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands in alphabetical order."""
        return sorted({*super().list_commands(ctx), *_other_backends()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of this file, or the generated one of a backend."""
        own = super().get_command(ctx, cmd_name)
        backend = _other_backends().get(cmd_name) if own is None else None
        return own if backend is None else _command_of(backend)


@click.group(cls=ExtractGroup)
def extract() -> None:
    """Take sounds out of a recording: one file per prompt, and one with everything else.

    Results are kept: the same run again takes them from the store.
    """


@extract.command()
@extract_options
@common_options
def auto(wanted: ExtractOptions, common: Common) -> None:
    """By the best backend that can do it here; says which and why."""
    from separation.request import Request

    run(wanted, Request.of(*wanted.prompts, device=common.device, seed=wanted.seed), common)


@extract.command()
@extract_options
@click.option("--model", default=None, help="htdemucs unless given; see “models list” for all.")
@click.option(
    "--preset",
    default=None,
    help="Preview, Render, fast, balanced, quality, or one of your own; options below change it.",
)
@click.option("--shifts", type=int, help=f"Random shifts whose estimates are averaged, {OF_DEMUCS['shifts']}.")
@click.option(
    "--overlap", "overlap_ratio", type=float, help=f"What segments share: {OF_DEMUCS['overlap_ratio']} of one."
)
@click.option(
    "--segment",
    "segment_s",
    type=float,
    help=f"Seconds per segment, {OF_DEMUCS['segment_s']}; the longest the model allows if absent.",
)
@click.option("--split/--no-split", default=None, help="Cut the recording into segments.")
@click.option("--mixed-precision/--full-precision", default=None, help="Half precision where the device has it.")
@click.option(
    "--precision",
    type=click.Choice((AUTOMATIC, *PRECISIONS[:2])),
    help="On a processor; auto unless given: bfloat16 where it was measured to be faster.",
)
@click.option("--folder", type=ModelFolder(), help="Local folder of models instead of the published ones.")
@click.option("--download", is_flag=True, help="Fetch the model's weights first if they are not on this computer.")
@common_options
def demucs(
    wanted: ExtractOptions,
    model: str | None,
    preset: str | None,
    precision: str | None,
    download: bool,
    common: Common,
    **given: Any,
) -> None:
    """By Demucs: drums, bass, other, vocals; with htdemucs_6s also guitar and piano."""
    from dataclasses import replace

    from separation.request import Request

    request = Request.of(*wanted.prompts, backend="demucs", device=common.device, seed=wanted.seed)
    if preset is not None:
        request = with_preset(preset, request)
    if model is not None:
        request = replace(request, model=model)
    if precision is not None:
        request = replace(request, sam=replace(request.sam, precision=precision))
    changed = {name: value for name, value in given.items() if value is not None}
    if "folder" in changed:
        trust_folder(changed["folder"])
    request = replace(request, demucs=replace(request.demucs, **changed))
    if download and not common.rehearsal:
        _download(request, common)
    run(wanted, request, common)


extract.add_command(sam_audio)


@extract.command("recipe")
@recipe_options
@click.argument("recipe", type=TypedPath())
@click.option("--folder", type=ModelFolder(), help="The folder of Demucs models, if the recipe uses one.")
@common_options
def recipe_(wanted: ExtractOptions, recipe: Path, folder: str | None, common: Common) -> None:
    """By a recipe: prompts and settings in a YAML file, as --save-recipe writes it.

    A --device given here goes before the recipe's.
    """
    from dataclasses import replace

    from separation.models.folders import find_folder
    from separation.workflows.recipe import read

    request = read(recipe)
    if folder is not None:
        trust_folder(folder)
        request = replace(request, demucs=replace(request.demucs, folder=folder))
    elif request.demucs.folder is not None and find_folder(request.demucs.folder) is None:
        raise _untrusted(request.demucs.folder)
    wanted = replace(wanted, also_read=(recipe,))
    run(wanted, request if common.device == "auto" else replace(request, device=common.device), common)


def _other_backends() -> dict[str, Backend]:
    """Return the backends that have a generated command, by its name."""
    from separation.backends.registry import BACKENDS

    return {name: backend for name, backend in BACKENDS.items() if backend.profile.command in ("", name)}


def _command_of(backend: Backend) -> click.Command:
    """Return the generated command of a backend, which has only the common options."""
    from dataclasses import replace

    from separation.request import ChunkSettings, Request, RequestField, SpeechSettings

    def command(wanted: ExtractOptions, common: Common, model: str | None = None, **given: Any) -> None:
        request = Request.of(*wanted.prompts, backend=backend.name, model=model, device=common.device, seed=wanted.seed)
        if given.get("preset") is not None:
            request = with_preset(given["preset"], request)
        if cut:
            usual = backend.settle(request).chunks or ChunkSettings()
            request = replace(request, chunks=chunk_settings(usual, given))
        if given.get("attenuation_db") is not None:
            request = replace(request, speech=SpeechSettings(attenuation_db=given["attenuation_db"]))
        run(wanted, request, common)

    uses = backend.uses(Request.of("vocals"))
    cut = RequestField.CHUNKS in uses
    options = common_options(command)
    if RequestField.SPEECH in uses:
        options = click.option(
            "--attenuation",
            "attenuation_db",
            type=float,
            help=f"Decibels by which the rest is lowered at most, {ranges(SpeechSettings)['attenuation_db']}; all of "
            "it unless given.",
        )(options)
    if cut:
        options = chunk_options(options)
    if len(backend.models()) > 1:
        first, *others = backend.models()
        options = click.option("--model", help=f"{first} unless given; or {', '.join(others)}.")(options)
    if offered := backend.profile.offered:
        options = click.option("--preset", help=f"{', '.join(offered)}, or one of your own; options change it.")(
            options
        )
    about = backend.profile.about or f"By {backend.label}."
    return click.command(backend.name, help=about)(extract_options(options))


def _untrusted(folder: str) -> SettingsError:
    """A recipe may come from anywhere; which files of this computer are read is not for it to say."""
    from separation.errors import SettingsError
    from separation.models.folders import VARIABLE

    return SettingsError(
        f"The recipe uses models in the folder {folder!r}.",
        "Programs that read models had holes through which a file can run code, so a recipe's word is not enough.",
        f"If you trust that folder, add --folder {shlex.quote(folder)}, or name it in {VARIABLE}.",
    )


def _download(request: Request, common: Common) -> None:
    from separation.models.demucs.download import fetch

    with closing(Progress(common)) as progress:
        for event in fetch(request.model or "htdemucs"):
            progress.show(event)
