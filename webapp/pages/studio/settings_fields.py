"""The fields of the settings panel and the request that results from changing one; independent of the page.

Only settings that affect the backend in use are shown, at the values that would be used. Invalid combinations
cannot be entered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from separation.backends import registry
from separation.errors import SettingsError
from separation.model import Backend
from separation.request import AUTOMATIC, ChunkSettings, Request, RequestField, overlap_range
from separation.solvers import SOLVERS
from separation.workflows import presets
from webapp.components.settings import controls
from webapp.components.settings.settings import SettingField, SettingGroup
from webapp.pages.studio.fields import separators
from webapp.pages.studio.fields.numbers import number

DEVICES = {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA graphics card", "mps": "Apple graphics"}
PRECISION_LABELS = {
    "float32": "float32, exact",
    "bfloat16": "bfloat16, half the memory",
    "int8": "int8, a quarter, processor only",
}
SIZES = {"small": "Small", "base": "Base", "large": "Large"}
FOR_ANYBODY = " With “Automatic” it applies to whichever separator is chosen."


def groups(settings: Request, settled: Request) -> list[SettingGroup]:
    """Return all controls in the order of the panel: three choices for a newcomer, everything else folded.

    Args:
        settings: the settings as a person chose them.
        settled: the settings as they would be used, prompts and spans included (`registry.choose`), or `settings`
            themselves if no backend can serve them.
    """
    used = registry.shown(settled.backend)
    uses = used.uses(settled)
    # With the model that was settled on, presets need not look for the best one on the disk, each for itself.
    asked = replace(settings, prompts=settled.prompts, model=settled.model)
    shown: list[SettingGroup] = [
        {"title": "", "fields": _preset(asked, used)},
        {"title": "Separation", "fields": [_backend(settings), *_model(settings, settled, used)]},
    ]
    if RequestField.SAM in uses:
        shown.append(_sound(settled))
    if RequestField.SOLVER in uses:
        shown.append(_solver(settled))
    if RequestField.CHUNKS in uses:
        shown.append(_chunks(settled, used.profile.stitches))
    if RequestField.DEMUCS in uses:
        shown.append(separators.demucs(settled))
    if RequestField.SPEECH in uses:
        shown.append(separators.speech(settled))
    shown += _run(settings, settled, used)
    idle = used.without_effect(settled)
    for group in shown:
        group["fields"] = [field for field in group["fields"] if field["name"] not in idle]
    return [group for group in shown if group["fields"]]


def changed(settings: Request, settled: Request, name: str, value: Any) -> Request:
    """Return the settings with another value for one control.

    Args:
        settings: the settings as a person chose them.
        settled: the settings as `groups` showed them.
        name: the name of the control.
        value: the entered value; None where a field was emptied.

    Raises:
        SettingsError: there is no such control now, or the value does not fit the other settings.
    """
    if name not in (field["name"] for group in groups(settings, settled) for field in group["fields"]):
        raise SettingsError(f"There is no setting “{name}” here.", "", "Reload the page.")
    if name == "preset":
        return presets.apply(value, settings)
    if name == "backend":
        return _with_backend(settings, settled, value)
    if name.startswith("chunks."):
        return _with_chunks(settings, settled, name.removeprefix("chunks."), value)
    if "." not in name:
        return replace(settings, **{name: value})
    part, item = name.split(".")
    return replace(settings, **{part: replace(getattr(settings, part), **{item: value})})


def _with_backend(settings: Request, settled: Request, backend: str) -> Request:
    """Return settings for another backend: a preset stays that preset; what only one of them knows is reset."""
    used, named = registry.shown(settled.backend), registry.named(backend)
    preset = presets.name_of(replace(settings, prompts=settled.prompts), used)
    cut = named is None or RequestField.CHUNKS in named.uses(settings)
    sam = replace(settings.sam, precision=AUTOMATIC)  # Demucs has one, too, and no control for it
    other = replace(settings, backend=backend, model=None, chunks=settings.chunks if cut else None, sam=sam)
    return presets.apply(preset, other) if preset in presets.GENERIC else other


def _with_chunks(settings: Request, settled: Request, item: str, value: Any) -> Request:
    chunks = settings.chunks or settled.chunks or ChunkSettings()
    if item == "chunk_s" and value is not None:
        chunks = replace(chunks, overlap_s=min(chunks.overlap_s, value / 2))
    # Re-rolls count chunks: with others they would mean something else.
    sam = replace(settings.sam, rerolls=())
    return replace(settings, chunks=replace(chunks, **{item: value}), sam=sam)


def _preset(asked: Request, used: Backend) -> list[SettingField]:
    names = presets.differing(asked, used)
    if len(names) < 2:
        return []
    tips = {
        "Preview": "Fastest and lightest on memory, with rougher seams between chunks." + FOR_ANYBODY,
        "Balanced": "What most songs need: good sound at normal time and memory." + FOR_ANYBODY,
        "Quality": "The best the model can do: a little better, up to ten times slower, up to four times the "
        "weights." + FOR_ANYBODY,
        "Podcast clean-up": "Lowers everything but speech by at most 12 dB, so that the voice keeps a little of "
        "its room.",
        presets.CUSTOM: "Your own values: sound, solver, chunks or precision differ from every preset.",
    }
    name = presets.name_of(asked, used)
    value = name if name in names else presets.CUSTOM
    options = controls.options({name: name for name in (*names, presets.CUSTOM)}, tips, disabled=(presets.CUSTOM,))
    return [controls.choice("preset", "", value, options, spoken="Preset")]


def _backend(settings: Request) -> SettingField:
    tip = (
        "SAM-Audio understands any words, and spans, and needs the most time and memory. Demucs separates fixed "
        "stems and sounds best on them. The built-in separator always works. Automatic takes the best one that is "
        "available."
    )
    return controls.select("backend", "Separator", settings.backend, registry.choices(), tip)


def _model(settings: Request, settled: Request, used: Backend) -> list[SettingField]:
    models = used.models()
    if settings.backend == registry.AUTO or len(models) < 2:
        return []
    known = [*models, *([settled.model] if settled.model and settled.model not in models else [])]
    labels = {name: SIZES.get(name, name) for name in known}
    return [controls.select("model", "Model", settled.model or models[0], labels, used.profile.models_tip)]


def _sound(settled: Request) -> SettingGroup:
    sam, together = settled.sam, _together(settled)
    residuals = controls.options(
        {"mixture": "What is left", "model": "Model's own"},
        {
            "mixture": "One track: the mixture minus all targets, exactly.",
            "model": "The model's own estimate of the rest, one track per prompt. Not with chained prompts.",
        },
        disabled=("model",) if sam.chain else (),
    )
    fields = [
        controls.select(
            "sam.stereo",
            "Stereo",
            sam.stereo,
            {"projected": "As in the recording", "sides": "Left and right separately", "mono": "Mono"},
            "The model hears one channel. As in the recording: its sound is projected on the mixture, which keeps "
            "every place in the stereo image and invents nothing; left and right separately takes twice the time; mono "
            "is the model's own sound.",
        ),
        controls.choice("sam.residual", "Residual", sam.residual, residuals),
        controls.switch(
            "sam.chain",
            "Chain prompts",
            sam.chain,
            "Each prompt works on what the ones before it left of the mixture, so their order matters. Needs two "
            "prompts, the residual “What is left”, and crossfaded chunks.",
            disabled=len(settled.prompts) < 2 or sam.residual == "model" or together,
        ),
        controls.switch(
            "sam.only_inside",
            "Only inside +",
            sam.only_inside,
            "Chunks without a + span are not computed and stay silent: faster, and nothing is invented there. Paint a "
            "+ span first; needs crossfaded chunks.",
            disabled=together or not _marked(settled),
        ),
        controls.switch(
            "sam.match_gain",
            "Match gain",
            sam.match_gain,
            "Scales each chunk by the gain that fits the mixture best, within 12 dB, where the model changed the "
            "volume. Takes no extra time.",
        ),
        controls.switch(
            "sam.mute_doubtful",
            "Mute doubtful chunks",
            sam.mute_doubtful,
            "Silences chunks in which a sound seems to be absent or is mostly invented. Takes no extra time.",
        ),
    ]
    if not together:
        fields.append(
            number(
                "sam.candidates",
                "Candidates",
                sam.candidates,
                "Computes each chunk this many times, each from different noise, and keeps the one that agrees "
                "best with the others and the mixture. Four take 3 to 4 times as long. The others stay available: "
                "press a chunk.",
            )
        )
    return controls.fold("Sound", fields, sam.stereo, "chained" if sam.chain else "")


def _solver(settled: Request) -> SettingGroup:
    solver = settled.solver
    grids = controls.options(
        {"uniform": "Even", "sway": "Denser at first"},
        {
            "uniform": "Steps of equal length, as in the official code.",
            "sway": "Sway sampling, shorter steps near the noise: often better with few steps, at the same time.",
        },
    )
    fields = [
        controls.select(
            "solver.method",
            "Method",
            solver.method,
            _solver_labels(),
            "How the model is followed from noise to audio. Time grows with evaluations: method times steps. "
            "Adams-Bashforth is as accurate as midpoint with half of them.",
        ),
        number(
            "solver.n_steps",
            "Steps",
            solver.n_steps,
            "More steps are more exact and take longer in proportion; memory stays the same. Beyond 16 midpoint "
            "steps there is little to hear.",
        ),
        controls.choice("solver.grid", "Step spacing", solver.grid, grids),
    ]
    return controls.fold("Solver", fields, solver.method, f"{solver.n_steps} steps")


def _solver_labels() -> dict[str, str]:
    """Return the solvers' labels, those with the fewest evaluations first."""
    by_cost = sorted(SOLVERS.items(), key=lambda item: (item[1].evaluations, item[1].order))
    (first, cheapest), *others = by_cost
    labels = {first: f"{cheapest.label}, {cheapest.evaluations} evaluation a step"}
    return labels | {name: f"{solver.label}, {solver.evaluations} a step" for name, solver in others}


def _chunks(settled: Request, stitches: tuple[str, ...]) -> SettingGroup:
    chunks = settled.chunks or ChunkSettings()
    fields = [
        number(
            "chunks.chunk_s",
            "Length",
            chunks.chunk_s,
            "How much is processed at once. Longer chunks have fewer seams and need more memory; empty means the "
            "whole recording.",
            unit="s",
            empty="all at once",
            step=0.5,
        ),
        number(
            "chunks.overlap_s",
            "Overlap",
            chunks.overlap_s,
            "How much neighbouring chunks share: smoother seams, a little more time. At most half a chunk.",
            allowed=overlap_range(chunks.chunk_s),
            limit="" if chunks.chunk_s is None else "half a chunk",
            unit="s",
            step=0.1,
        ),
        controls.choice(
            "chunks.fade",
            "Fade",
            chunks.fade,
            controls.options({"cosine": "Cosine", "linear": "Linear"}),
            tip="The shape of the crossfade from one chunk to the next. Changing it recomputes nothing.",
        ),
        *([_stitch(settled)] if len(stitches) > 1 or chunks.stitch not in stitches else []),
        number(
            "chunks.max_chunks",
            "Only the first",
            chunks.max_chunks,
            "For a first impression: the tracks end after this many chunks. What was computed is kept.",
            unit="chunks",
            empty="all",
        ),
    ]
    if chunks.chunk_s is None:
        return controls.fold("Chunks", fields, "whole recording")
    return controls.fold("Chunks", fields, f"{chunks.chunk_s:g} s", f"{chunks.overlap_s:g} s overlap")


def _stitch(settled: Request) -> SettingField:
    alone = settled.sam.chain or settled.sam.only_inside or settled.sam.candidates > 1
    why = " Not with chained prompts, “Only inside +” or several candidates." if alone else ""
    options = controls.options(
        {"crossfade": "Crossfade", "multidiffusion": "Multi-diffusion"},
        {
            "crossfade": "Finished chunks are blended: you hear the first one early, and all of them are kept.",
            "multidiffusion": "All chunks are solved together: no drift between them, but nothing is heard before the "
            f"end and no chunk is kept.{why}",
        },
        disabled=("multidiffusion",) if alone and not _together(settled) else (),
    )
    return controls.choice("chunks.stitch", "Seams", "multidiffusion" if _together(settled) else "crossfade", options)


def _run(settings: Request, settled: Request, used: Backend) -> list[SettingGroup]:
    fields, uses = [], used.uses(settled)
    digest = [DEVICES[settings.device]] if RequestField.DEVICE in uses else []
    if RequestField.DEVICE in uses:
        tip = (
            "Where the model runs. A graphics card is many times faster and needs its own memory; the sound is the "
            "same."
        )
        fields.append(controls.select("device", "Device", settings.device, DEVICES, tip))
    # Settings that cannot be settled are shown as they were asked for.
    named = () if settled.sam.precision == AUTOMATIC else (settled.sam.precision,)
    precisions = dict.fromkeys((*used.profile.precisions, *named))
    if len(precisions) > 1:
        tip = (
            "The number format of the transformer: fewer bits take less memory and, on most devices, less time, "
            "for nearly the same sound."
        )
        chosen = f": {settled.sam.precision}" if named and settings.sam.precision == AUTOMATIC else ""
        labels = {AUTOMATIC: f"Automatic{chosen}"} | {name: PRECISION_LABELS[name] for name in precisions}
        fields.append(controls.select("sam.precision", "Precision", settings.sam.precision, labels, tip))
        digest += named
    if RequestField.SAM in uses and "sam.attention_caching" not in used.without_effect(settled):
        fields.append(
            number(
                "sam.attention_caching",
                "Attention caching",
                settled.sam.attention_caching,
                "Reuses a layer's attention while the error stays below this share. 0.1 saves about a fifth of "
                "the solver's time, for nearly the same sound; 0 computes everything.",
                step=0.01,
            )
        )
    if RequestField.SEED in uses:
        tip = (
            "The noise that the model starts from. The same seed and settings give the same result; another seed "
            "gives another take in the same time."
        )
        fields.append(number("seed", "Seed", settings.seed, tip))
    return [controls.fold("Run", fields, *digest)] if fields else []


def _together(settled: Request) -> bool:
    return settled.chunks is not None and settled.chunks.stitch == "multidiffusion"


def _marked(settled: Request) -> bool:
    return any(anchor.sign == "+" for prompt in settled.prompts for anchor in prompt.anchors)
