"""Builds the terminal commands that make a recording or a result again."""

from __future__ import annotations

import shlex
from dataclasses import replace

from separation.audio import times
from separation.audio.part import Part
from separation.backends import registry
from separation.chunking.anchor_notes import in_recording
from separation.prompts import anchor_text
from separation.request import (
    AUTOMATIC,
    ChunkSettings,
    DemucsSettings,
    Prompt,
    Request,
    RequestField,
    SamSettings,
    SolverSettings,
)


def converting(source: str, part: Part) -> str:
    """Return the `convert` command that makes a recording of a file, or of a part of it."""
    return shlex.join(["audio-playground", "convert", "to-wav", argument(source), *_part(part)])


def importing(place: str, part: Part) -> str:
    """Return the `stems import` command that makes a recording with its true stems of a folder or a file."""
    return shlex.join(["audio-playground", "stems", "import", argument(place), *_part(part)])


def extracting(source: str, part: Part, request: Request) -> str:
    """Return the `extract` command for a settled request of a part; settings at their defaults are left out."""
    request = replace(request, prompts=in_recording(request.prompts, part.start_s))
    backend = registry.get(request.backend)
    uses = backend.uses(request)
    words = ["audio-playground", "extract", backend.profile.command or backend.name, argument(source)]
    words += _part(part)
    for prompt in request.prompts:
        words += ["--prompt", prompt.text]
    if request.chunks is not None:
        words += _cutting(request.chunks)
    words += backend.profile.command_options
    if len(backend.models()) > 1:
        words += ["--model", str(request.model)]
    if RequestField.DEMUCS in uses:
        words += _demucs_options(request.demucs) + _changed("--precision", request.sam.precision, AUTOMATIC)
    if backend.takes_anchors:
        words += _anchors(request.prompts)
    if RequestField.SOLVER in uses:
        words += _solving(request.solver)
    if RequestField.SAM in uses:
        words += _sam_options(request.sam)
    if RequestField.SPEECH in uses:
        words += _changed("--attenuation", request.speech.attenuation_db, None)
    if request.device != "auto" and RequestField.DEVICE in uses:
        words += ["--device", request.device]
    return shlex.join([*words, "--seed", str(request.seed)])


def argument(name: str) -> str:
    """Return a file's name in a form that is never mistaken for an option."""
    return f"./{name}" if name.startswith("-") else name


def _part(part: Part) -> list[str]:
    words = [] if part.track is None else ["--audio-track", str(part.track)]
    words += ["--start-time", times.digits(part.start_s)] if part.start_s else []
    return words if part.end_s is None else [*words, "--end-time", times.digits(part.end_s)]


def _cutting(chunks: ChunkSettings) -> list[str]:
    words = ["--crossfade-type", chunks.fade, "--overlap-duration", str(chunks.overlap_s)]
    words += ["--no-chunks"] if chunks.chunk_s is None else ["--chunk-duration", str(chunks.chunk_s)]
    words += _changed("--stitch", chunks.stitch, ChunkSettings().stitch)
    return words + _changed("--max-chunks", chunks.max_chunks, None)


def _demucs_options(settings: DemucsSettings) -> list[str]:
    words = ["--shifts", str(settings.shifts), "--overlap", str(settings.overlap_ratio)]
    words += ["--split" if settings.split else "--no-split"]
    words += ["--mixed-precision" if settings.mixed_precision else "--full-precision"]
    words += _changed("--segment", settings.segment_s, None)
    return words + _changed("--folder", settings.folder, None)


def _anchors(prompts: tuple[Prompt, ...]) -> list[str]:
    """Return one list of spans for each prompt, empty ones too, since their order assigns them to prompts."""
    if not any(prompt.anchors for prompt in prompts):
        return []
    return [word for prompt in prompts for word in ("--anchors", anchor_text.written(prompt.anchors))]


def _solving(solver: SolverSettings) -> list[str]:
    usual = SolverSettings()
    words = _changed("--solver", solver.method, usual.method)
    words += _changed("--solver-steps", solver.n_steps, usual.n_steps)
    return words + _changed("--grid", solver.grid, usual.grid)


def _sam_options(sam: SamSettings) -> list[str]:
    usual = SamSettings()
    words = _changed("--stereo", sam.stereo, usual.stereo) + _changed("--residual", sam.residual, usual.residual)
    words += _changed("--precision", sam.precision, usual.precision)
    words += _changed("--attention-caching", sam.attention_caching, usual.attention_caching)
    words += _changed("--candidates", sam.candidates, usual.candidates)
    flags = {
        "--chain-residuals": sam.chain,
        "--only-inside": sam.only_inside,
        "--match-gain": sam.match_gain,
        "--mute-doubtful": sam.mute_doubtful,
    }
    words += [flag for flag, is_set in flags.items() if is_set]
    # People count chunks from 1.
    return words + [word for roll in sam.rerolls for word in ("--reroll", f"{roll.chunk + 1}={roll.seed}")]


def _changed(option: str, value: object, usual: object) -> list[str]:
    return [] if value == usual else [option, str(value)]
