"""`audio-playground extract sam-audio`: any sound, named in words and marked in time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from separation import solvers
from separation.cli.common import Common, common_options
from separation.cli.extracting.extraction import ExtractOptions, extract_options, run
from separation.cli.named_presets import with_preset
from separation.cli.options import chunk_options, chunk_settings, trust_folder
from separation.request import (
    AUTOMATIC,
    GRIDS,
    PRECISIONS,
    RESIDUALS,
    SOLVERS,
    STEREO_MODES,
    STITCHES,
    SamSettings,
    SolverSettings,
    ranges,
)

if TYPE_CHECKING:
    from separation.request import Prompt, Request, Reroll

EVALUATIONS = ", ".join(f"{name} {solver.evaluations}" for name, solver in solvers.SOLVERS.items())
N_STEPS = ranges(SolverSettings)["n_steps"]
CANDIDATES = ranges(SamSettings)["candidates"]
CACHING = ranges(SamSettings)["attention_caching"]
BACKENDS = {"auto": "sam-audio", "torch": "sam_torch", "mlx": "sam_mlx", "official": "sam_official"}


@click.command("sam-audio")
@extract_options
@click.option(
    "--anchors",
    multiple=True,
    help="Where a prompt sounds (+) and does not (-): “+1.5-3.0,-5-7”, in seconds of the recording. Once for all "
    "prompts, or once per prompt in their order.",
)
@click.option("--backend", type=click.Choice(list(BACKENDS)), default="auto", show_default=True, help="What runs it.")
@click.option("--model", help="small unless given; base, large, or a folder with config.json and the weights.")
@click.option("--preset", help="Preview, Balanced, Quality, or one of your own; options below change it.")
@click.option("--solver", type=click.Choice(SOLVERS), help="midpoint unless given.")
@click.option("--solver-steps", type=int, help=f"16 unless given, {N_STEPS}; evaluations a step: {EVALUATIONS}.")
@click.option("--grid", type=click.Choice(GRIDS), help="Where the steps lie; uniform unless given.")
@chunk_options
@click.option("--stitch", type=click.Choice(STITCHES), help="How chunks become one; crossfade unless given.")
@click.option("--stereo", type=click.Choice(STEREO_MODES), help="projected unless given.")
@click.option("--residual", type=click.Choice(RESIDUALS), help="What is left: mixture minus targets, or the model's.")
@click.option(
    "--precision",
    type=click.Choice((AUTOMATIC, *PRECISIONS)),
    help="Of the transformer; auto unless given: bfloat16 where it was measured to be faster.",
)
@click.option(
    "--attention-caching",
    type=float,
    help=f"Use a layer's self-attention again while it is off by less than this share, {CACHING}; 0 unless given.",
)
@click.option("--chain-residuals", is_flag=True, help="Each prompt works on what the one before left.")
@click.option("--only-inside", is_flag=True, help="Compute only chunks in which a prompt has + anchors.")
@click.option("--match-gain", is_flag=True, help="Scale each chunk's target to the level it has in the recording.")
@click.option("--mute-doubtful", is_flag=True, help="Silence a target in chunks where it seems absent or invented.")
@click.option(
    "--candidates",
    type=int,
    help=f"Compute each chunk from so many seeds and choose the best, {CANDIDATES}; 1 unless given.",
)
@click.option("--reroll", "rerolls", multiple=True, help="Another seed for one chunk, such as 3=17; repeatable.")
@common_options
def sam_audio(wanted: ExtractOptions, common: Common, **given: Any) -> None:
    """By SAM-Audio: any sound you can name in a few words.

    The first chunk is number 1, in what is printed and in --reroll.
    """
    from separation.models.sam_audio.sources import MODELS

    if given["model"] not in (None, *MODELS) and common.host is None:  # a workflow may be anyone's
        trust_folder(given["model"])
    run(wanted, _request(wanted, given, common.device), common)


def _request(wanted: ExtractOptions, given: dict[str, Any], device: str) -> Request:
    from dataclasses import replace

    from separation.models.sam_audio import weights
    from separation.request import ChunkSettings, Request

    if given["model"] is not None:
        weights.find_sam_audio(given["model"])  # refuses what is neither a published model nor a folder
    request = Request(
        prompts=_prompts(wanted.prompts, given["anchors"]),
        backend=BACKENDS[given["backend"]],
        device=device,
        seed=wanted.seed,
    )
    if given["preset"] is not None:
        request = with_preset(given["preset"], request)
    if given["model"] is not None:
        request = replace(request, model=given["model"])
    return replace(
        request,
        chunks=chunk_settings(request.chunks or ChunkSettings(), given),
        solver=_solver(request.solver, given),
        sam=_settings(request.sam, given),
    )


def _prompts(texts: Sequence[str], anchors: Sequence[str]) -> tuple[Prompt, ...]:
    """Return prompts with their spans: a single list of spans applies to all, several apply in order."""
    from separation.errors import SettingsError
    from separation.prompts import anchor_text
    from separation.request import Prompt

    if len(anchors) not in (0, 1, len(texts)):
        raise SettingsError(
            f"{len(anchors)} --anchors do not fit {len(texts)} prompts.",
            "Given once they are for all prompts, otherwise there is one for each, in the order of the prompts.",
            "Give --anchors once or once per prompt; --anchors '' for a prompt that has none.",
        )
    spans = [anchor_text.parse_anchors(text) for text in anchors] or [()]
    if len(spans) == 1:
        spans *= len(texts)
    return tuple(Prompt(text=text, anchors=own) for text, own in zip(texts, spans, strict=True))


def _solver(solver: SolverSettings, given: dict[str, Any]) -> SolverSettings:
    from dataclasses import replace

    names = {"solver": "method", "solver_steps": "n_steps", "grid": "grid"}
    return replace(solver, **{field: given[name] for name, field in names.items() if given[name] is not None})


def _settings(sam: SamSettings, given: dict[str, Any]) -> SamSettings:
    from dataclasses import replace

    names = ("stereo", "residual", "precision", "attention_caching", "candidates")
    chosen = {name: given[name] for name in names if given[name] is not None}
    return replace(
        sam,
        **chosen,
        chain=sam.chain or given["chain_residuals"],
        only_inside=given["only_inside"],
        match_gain=sam.match_gain or given["match_gain"],
        mute_doubtful=sam.mute_doubtful or given["mute_doubtful"],
        rerolls=tuple(_reroll(text) for text in given["rerolls"]),
    )


def _reroll(text: str) -> Reroll:
    from separation.errors import SettingsError
    from separation.request import Reroll

    match = re.fullmatch(r"\s*([1-9][0-9]{0,5})\s*=\s*([0-9]{1,19})\s*", text, re.ASCII)
    if match is None:
        raise SettingsError(
            f"“{text}” does not re-roll a chunk.",
            "It is a chunk's number, which is 1 for the first, then = and the chunk's new seed.",
            "Write it as 3=17.",
        )
    return Reroll(chunk=int(match[1]) - 1, seed=int(match[2]))
