"""Named settings: what a person chooses before they know what the values mean.

The three generic names fit any backend; the others are Demucs's own. A preset sets only what it is about: prompts,
backend, device and seed stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from separation.backends.registry import runs_sam_audio
from separation.errors import SettingsError
from separation.request import DemucsSettings, Request, SolverSettings

CUSTOM = "Custom"
GENERIC = ("Preview", "Balanced", "Quality")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """The values one name stands for.

    Args:
        demucs: for Demucs.
        model: of Demucs; None takes its default.
        solver: for SAM-Audio, whose model stays as chosen; None in presets that are Demucs's own.
    """

    demucs: DemucsSettings
    model: str | None = None
    solver: SolverSettings | None = None


# Evaluations of SAM-Audio's velocity field: 7, 17, and the official 32.
PRESETS: Mapping[str, Preset] = {
    "Preview": Preset(
        model="htdemucs", demucs=DemucsSettings(segment_s=5.0), solver=SolverSettings(method="ab2", n_steps=6)
    ),
    "Balanced": Preset(demucs=DemucsSettings(), solver=SolverSettings(method="ab2", n_steps=16)),
    "Quality": Preset(
        model="htdemucs_ft",
        demucs=DemucsSettings(shifts=1, overlap_ratio=0.5),
        solver=SolverSettings(method="midpoint", n_steps=16),
    ),
    "Render": Preset(model="htdemucs_ft", demucs=DemucsSettings(shifts=1)),
    "fast": Preset(demucs=DemucsSettings(split=False, mixed_precision=True)),
    "balanced": Preset(demucs=DemucsSettings(shifts=1, mixed_precision=True)),
    "quality": Preset(demucs=DemucsSettings(shifts=10, overlap_ratio=0.5)),
}


def apply(name: str, request: Request) -> Request:
    """`request` with the values of a preset.

    With “auto” the values count for whichever backend it chooses; the built-in separator drops them. A model is named
    for Demucs alone, because naming one would rule the others out.

    Raises:
        SettingsError: there is no such preset, or it is Demucs's own; it lists those there are.
    """
    try:
        preset = PRESETS[name]
    except KeyError:
        raise SettingsError(f"There is no preset “{name}”.", "", f"Choose one of: {', '.join(PRESETS)}.") from None
    if runs_sam_audio(request.backend) and preset.solver is None:
        raise SettingsError(
            f"The preset “{name}” is Demucs's own.",
            "It sets nothing that SAM-Audio has.",
            f"Choose one of: {', '.join(GENERIC)}.",
        )
    return replace(
        request,
        model=preset.model if request.backend == "demucs" else request.model,
        demucs=replace(preset.demucs, folder=request.demucs.folder),
        solver=preset.solver or request.solver,
    )


def name_of(request: Request) -> str:
    """The preset whose values these are, or “Custom”: the solver's for SAM-Audio, Demucs's for all others."""
    return next((name for name, preset in PRESETS.items() if _holds(preset, request)), CUSTOM)


def _holds(preset: Preset, request: Request) -> bool:
    if runs_sam_audio(request.backend):
        return request.solver == preset.solver
    same_model = request.backend != "demucs" or (preset.model or "htdemucs") == (request.model or "htdemucs")
    return same_model and replace(request.demucs, folder=None) == preset.demucs
