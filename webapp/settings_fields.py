"""Which settings a person can choose now, and what choosing one does: the settings panel without a page.

Only what makes a difference for whoever would separate is shown, at the values that would be used. What cannot be
combined cannot be entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from separation import presets
from separation.backends import registry
from separation.request import (
    ChunkSettings,
    Request,
)
from webapp.components.settings import Field, Group, Option

DEVICES = {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA graphics card", "mps": "Apple graphics"}
SOLVER_LABELS = {
    "euler": "Euler, 1 evaluation a step",
    "ab2": "Adams-Bashforth 2, 1 a step",
    "midpoint": "Midpoint, 2 a step",
    "heun": "Heun, 2 a step",
    "rk4": "Runge-Kutta 4, 4 a step",
}
LABELS = {"sam_torch": "SAM-Audio (PyTorch)"}  # beside the family, which has the same name
SIZES = {"small": "Small", "base": "Base", "large": "Large"}
AUTOMATIC = " With “Automatic” it counts for whoever is chosen."


def groups(settings: Request, settled: Request) -> list[Group]:
    """All controls, in the order of the panel: three choices for a newcomer, everything else folded.

    Args:
        settings: as they were asked for.
        settled: as they would be used, prompts and spans included (`registry.choose`), or `settings` themselves where
            nobody can do it.
    """
    used = settled.backend if settled.backend in registry.BACKENDS else "builtin"
    shown: list[Group] = [
        {"title": "", "fields": [_preset(settings)]},
        {"title": "Who separates", "fields": [_backend(settings), *_model(settings, settled, used)]},
    ]
    if registry.runs_sam_audio(used):
        shown += [_sound(settled), _solver(settled), _chunks(settled, together=True)]
    elif used == "demucs":
        shown += [_demucs(settled)]
    else:
        shown += [_chunks(settled, together=False)]
    return [*shown, *_run(settings, settled, used)]


def changed(settings: Request, settled: Request, name: str, value: Any) -> Request:
    """The settings with another value for one control.

    Args:
        settings: as they were asked for.
        settled: as `groups` showed them.
        name: of the control.
        value: what was entered; None where a field was emptied.

    Raises:
        SettingsError: the value makes no sense together with the others.
    """
    if name == "preset":
        return presets.apply(value, settings)
    if name == "backend":
        return _with_backend(settings, value)
    if name.startswith("chunks."):
        return _with_chunks(settings, settled, name.removeprefix("chunks."), value)
    if "." not in name:
        return replace(settings, **{name: value})
    part, item = name.split(".")
    return replace(settings, **{part: replace(getattr(settings, part), **{item: value})})


def _with_backend(settings: Request, backend: str) -> Request:
    """A preset stays that preset; a model, and chunks for Demucs, do not belong to another backend."""
    preset = presets.name_of(settings)
    other = replace(settings, backend=backend, model=None, chunks=None if backend == "demucs" else settings.chunks)
    return presets.apply(preset, other) if preset in presets.GENERIC else other


def _with_chunks(settings: Request, settled: Request, item: str, value: Any) -> Request:
    chunks = settings.chunks or settled.chunks or ChunkSettings()
    if item == "chunk_s" and value is not None:
        chunks = replace(chunks, overlap_s=min(chunks.overlap_s, value / 2))
    # Re-rolls count chunks: with others they would mean something else.
    sam = replace(settings.sam, rerolls=())
    return replace(settings, chunks=replace(chunks, **{item: value}), sam=sam)


def _preset(settings: Request) -> Field:
    tips = {
        "Preview": "The quickest answer, in little memory, with rougher seams." + AUTOMATIC,
        "Balanced": "What most songs need: good sound at normal time and memory." + AUTOMATIC,
        "Quality": "Everything the model has: a little better, up to ten times slower, up to four times the weights."
        + AUTOMATIC,
        presets.CUSTOM: "Values of your own. Change one of the settings below to come here.",
    }
    name = presets.name_of(settings)
    options = _options({name: name for name in tips}, tips=tips, disabled=(presets.CUSTOM,))
    return {
        "name": "preset",
        "kind": "choice",
        "label": "",
        "spoken": "Preset",
        "value": name if name in presets.GENERIC else presets.CUSTOM,
        "options": options,
    }


def _backend(settings: Request) -> Field:
    names = {registry.AUTO: "Automatic", registry.SAM_AUDIO: "SAM-Audio, the best way here"}
    names |= {name: LABELS.get(name, backend.label) for name, backend in registry.BACKENDS.items()}
    return {
        "name": "backend",
        "kind": "select",
        "label": "Separator",
        "spoken": "Who separates",
        "value": settings.backend,
        "options": _options(names),
        "tip": "SAM-Audio takes any words, and spans, and needs the most time and memory. Demucs knows fixed stems and "
        "sounds best on them. The built-in separator always works. Automatic takes the best that is here.",
    }


def _model(settings: Request, settled: Request, used: str) -> list[Field]:
    models = registry.get(used).models()
    if settings.backend == registry.AUTO or len(models) < 2:
        return []
    known = [*models, *([settled.model] if settled.model and settled.model not in models else [])]
    tip = (
        "Larger models hear finer and take more time, memory and disk."
        if registry.runs_sam_audio(used)
        else "htdemucs_ft sounds a little better at four times the time and room on disk; "
        "htdemucs_6s also knows guitar and piano."
    )
    return [
        {
            "name": "model",
            "kind": "select",
            "label": "Model",
            "value": settled.model or models[0],
            "options": _options({name: SIZES.get(name, name) for name in known}),
            "tip": tip,
        }
    ]


def _sound(settled: Request) -> Group:
    sam, together = settled.sam, _together(settled)
    n_prompts = len(settled.prompts)
    return {
        "title": "Sound",
        "fold": True,
        "digest": ", ".join(part for part in (sam.stereo, "chained" if sam.chain else "") if part),
        "fields": [
            {
                "name": "sam.stereo",
                "kind": "select",
                "label": "Stereo",
                "value": sam.stereo,
                "options": _options(
                    {"projected": "Projected on the mixture", "sides": "Left and right apart", "mono": "Mono"}
                ),
                "tip": "The model hears one channel. Projected keeps every place in the stereo image and invents "
                "nothing; left and right apart takes twice the time; mono is the model's own sound.",
            },
            {
                "name": "sam.residual",
                "kind": "choice",
                "label": "Residual",
                "value": sam.residual,
                "options": _options(
                    {"mixture": "What is left", "model": "Model's own"},
                    tips={
                        "mixture": "One track: the mixture minus all targets, exactly.",
                        "model": "The model's own idea of the rest, a track for each prompt. Not with chained prompts.",
                    },
                    disabled=("model",) if sam.chain else (),
                ),
            },
            {
                "name": "sam.chain",
                "kind": "switch",
                "label": "Chain prompts",
                "value": sam.chain,
                "disabled": n_prompts < 2 or sam.residual == "model" or together,
                "tip": "Each prompt works on what the ones before it left of the mixture, so their order matters. "
                "Needs two prompts, the residual “What is left”, and crossfaded chunks.",
            },
            {
                "name": "sam.only_inside",
                "kind": "switch",
                "label": "Only inside +",
                "value": sam.only_inside,
                "disabled": together or not _marked(settled),
                "tip": "Chunks without a + span are not computed and stay silent: faster, and nothing is invented "
                "there. Paint a + span first; needs crossfaded chunks.",
            },
            {
                "name": "sam.match_gain",
                "kind": "switch",
                "label": "Match gain",
                "value": sam.match_gain,
                "tip": "Scales each chunk by the gain that explains the mixture best, within 12 dB, where the model "
                "changed the volume. Costs nothing.",
            },
        ],
    }


def _solver(settled: Request) -> Group:
    solver = settled.solver
    return {
        "title": "Solver",
        "fold": True,
        "digest": f"{solver.method}, {solver.n_steps} steps",
        "fields": [
            {
                "name": "solver.method",
                "kind": "select",
                "label": "Method",
                "value": solver.method,
                "options": _options(SOLVER_LABELS),
                "tip": "How the model's flow is followed from noise to audio. Time goes with evaluations: method times "
                "steps. Adams-Bashforth gives the accuracy of midpoint for half of them.",
            },
            {
                "name": "solver.n_steps",
                "kind": "number",
                "label": "Steps",
                "value": solver.n_steps,
                "min": 1,
                "max": 1000,
                "step": 1,
                "tip": "More steps follow the flow more exactly, at as much more time; memory stays the same. Beyond "
                "16 midpoint steps there is little to hear.",
            },
            {
                "name": "solver.grid",
                "kind": "choice",
                "label": "Grid",
                "value": solver.grid,
                "options": _options(
                    {"uniform": "Uniform", "sway": "Sway"},
                    tips={
                        "uniform": "Steps of equal length, as the official code takes them.",
                        "sway": "Shorter steps near the noise: often better with few steps, at the same time.",
                    },
                ),
            },
        ],
    }


def _chunks(settled: Request, *, together: bool) -> Group:
    chunks = settled.chunks or ChunkSettings()
    blocked = _together(settled)
    fields: list[Field] = [
        {
            "name": "chunks.chunk_s",
            "kind": "number",
            "label": "Length",
            "value": chunks.chunk_s,
            "min": max(0.5, 2 * chunks.overlap_s) if chunks.chunk_s is None else 0.5,
            "max": 600,
            "step": 0.5,
            "unit": "s",
            "placeholder": "all at once",
            "tip": "What is heard at once. Longer chunks have fewer seams and need more memory; empty takes the whole "
            "recording.",
        },
        {
            "name": "chunks.overlap_s",
            "kind": "number",
            "label": "Overlap",
            "value": chunks.overlap_s,
            "min": 0,
            "max": 300 if chunks.chunk_s is None else chunks.chunk_s / 2,
            "step": 0.1,
            "unit": "s",
            "tip": "What neighbours share: smoother seams, a little more time. At most half a chunk.",
        },
        {
            "name": "chunks.fade",
            "kind": "choice",
            "label": "Fade",
            "value": chunks.fade,
            "options": _options({"cosine": "Cosine", "linear": "Linear"}),
            "tip": "The shape in which one chunk goes over into the next. Changing it computes nothing anew.",
        },
    ]
    if together:
        why = "Not with chained prompts or “Only inside +”." if settled.sam.chain or settled.sam.only_inside else ""
        fields.append(
            {
                "name": "chunks.stitch",
                "kind": "choice",
                "label": "Seams",
                "value": chunks.stitch,
                "options": _options(
                    {"crossfade": "Crossfade", "multidiffusion": "Multi-diffusion"},
                    tips={
                        "crossfade": "Finished chunks are blended: the first is heard at once, and all are kept.",
                        "multidiffusion": "All chunks are solved together: no drift between them, but nothing is heard "
                        f"before the end and no chunk is kept. {why}".rstrip(),
                    },
                    disabled=("multidiffusion",) if why and not blocked else (),
                ),
            }
        )
    fields.append(
        {
            "name": "chunks.max_chunks",
            "kind": "number",
            "label": "Only the first",
            "value": chunks.max_chunks,
            "min": 1,
            "max": 100_000,
            "step": 1,
            "unit": "chunks",
            "placeholder": "all",
            "tip": "For a first impression: the tracks end after so many chunks. What was computed is kept.",
        }
    )
    length = "whole recording" if chunks.chunk_s is None else f"{chunks.chunk_s:g} s, {chunks.overlap_s:g} s shared"
    return {"title": "Chunks", "fold": True, "digest": length, "fields": fields}


def _demucs(settled: Request) -> Group:
    demucs = settled.demucs
    return {
        "title": "Demucs",
        "fold": True,
        "digest": f"{demucs.shifts} shifts, {100 * demucs.overlap_ratio:.0f} % overlap",
        "fields": [
            {
                "name": "demucs.shifts",
                "kind": "number",
                "label": "Shifts",
                "value": demucs.shifts,
                "min": 0,
                "max": 20,
                "step": 1,
                "tip": "Averages estimates of shifted copies: up to 0.2 dB better; each shift costs the time of one "
                "run. Memory stays the same.",
            },
            {
                "name": "demucs.overlap_ratio",
                "kind": "number",
                "label": "Overlap",
                "value": demucs.overlap_ratio,
                "min": 0,
                "max": 0.5,
                "step": 0.05,
                "tip": "The fraction of a segment that neighbours share: smoother seams, up to twice the time. Memory "
                "stays the same.",
            },
            {
                "name": "demucs.segment_s",
                "kind": "number",
                "label": "Segment",
                "value": demucs.segment_s,
                "min": 1,
                "max": 600,
                "step": 0.1,
                "unit": "s",
                "placeholder": "longest",
                "tip": "How much of the song is heard at once. Shorter segments save memory with the mdx models only: "
                "the others fill them up to 7.8 s, so shorter ones just take longer.",
            },
            {
                "name": "demucs.split",
                "kind": "switch",
                "label": "Split",
                "value": demucs.split,
                "tip": "Cuts the song into segments, which keeps memory steady however long it is. Transformer models "
                "always split.",
            },
            {
                "name": "demucs.mixed_precision",
                "kind": "switch",
                "label": "Half precision",
                "value": demucs.mixed_precision,
                "tip": "On CUDA it needs less memory and time, for a sound a hair less exact; elsewhere it does "
                "nothing.",
            },
        ],
    }


def _run(settings: Request, settled: Request, used: str) -> list[Group]:
    if used == "builtin":
        return []  # always on the processor, and nothing in it is random
    fields: list[Field] = [
        {
            "name": "device",
            "kind": "select",
            "label": "Device",
            "value": settings.device,
            "options": _options(DEVICES),
            "tip": "Where the model runs. A graphics card is many times faster and needs its own memory; the sound is "
            "the same.",
        }
    ]
    if registry.runs_sam_audio(used):
        labels = {"float32": "float32, exact", "bfloat16": "bfloat16, half the memory"}
        if used == "sam_torch":
            labels["int8"] = "int8, a quarter, processor only"
        fields.append(
            {
                "name": "sam.precision",
                "kind": "select",
                "label": "Precision",
                "value": settled.sam.precision,
                "options": _options(labels),
                "disabled": used == "sam_official",
                "tip": "Of the transformer's numbers: fewer bits take less memory, and on most devices less time, for "
                "a sound that is nearly the same.",
            }
        )
    if registry.runs_sam_audio(used) or settled.demucs.shifts:
        fields.append(
            {
                "name": "seed",
                "kind": "number",
                "label": "Seed",
                "value": settings.seed,
                "min": 0,
                "max": 2**31,
                "step": 1,
                "tip": "Which noise the model starts from. The same seed and settings give the same result; another "
                "one gives another take, for the same time.",
            }
        )
    digest = [DEVICES[settings.device], *([settled.sam.precision] if registry.runs_sam_audio(used) else [])]
    return [{"title": "Run", "fold": True, "digest": ", ".join(digest), "fields": fields}]


def _together(settled: Request) -> bool:
    return settled.chunks is not None and settled.chunks.stitch == "multidiffusion"


def _marked(settled: Request) -> bool:
    return any(anchor.sign == "+" for prompt in settled.prompts for anchor in prompt.anchors)


def _options(
    labels: Mapping[str, str], *, tips: Mapping[str, str] | None = None, disabled: Iterable[str] = ()
) -> list[Option]:
    out: list[Option] = []
    blocked = set(disabled)
    for value, label in labels.items():
        option: Option = {"value": value, "label": label}
        if tips and (tip := tips.get(value)):
            option["tip"] = tip
        if value in blocked:
            option["disabled"] = True
        out.append(option)
    return out
