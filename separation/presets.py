"""Named settings: what a person chooses before they know what the values mean.

The three generic names fit any backend; the others are Demucs's own. A preset sets only what it is about: prompts,
backend, device and seed stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from separation.errors import SettingsError
from separation.request import DemucsSettings, Request

CUSTOM = "Custom"
GENERIC = ("Preview", "Balanced", "Quality")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """The values one name stands for; `model` None takes the backend's default."""

    demucs: DemucsSettings
    model: str | None = None


PRESETS: Mapping[str, Preset] = {
    "Preview": Preset(model="htdemucs", demucs=DemucsSettings(segment_s=5.0)),
    "Balanced": Preset(demucs=DemucsSettings()),
    "Quality": Preset(model="htdemucs_ft", demucs=DemucsSettings(shifts=1, overlap_ratio=0.5)),
    "Render": Preset(model="htdemucs_ft", demucs=DemucsSettings(shifts=1)),
    "fast": Preset(demucs=DemucsSettings(split=False, mixed_precision=True)),
    "balanced": Preset(demucs=DemucsSettings(shifts=1, mixed_precision=True)),
    "quality": Preset(demucs=DemucsSettings(shifts=10, overlap_ratio=0.5)),
}


def apply(name: str, request: Request) -> Request:
    """`request` with the values of a preset.

    With “auto” the values count if Demucs is what it chooses; another backend drops them. A model is named for Demucs
    alone, because naming one would rule the others out.

    Raises:
        SettingsError: there is no such preset; it lists those there are.
    """
    try:
        preset = PRESETS[name]
    except KeyError:
        raise SettingsError(f"There is no preset “{name}”.", "", f"Choose one of: {', '.join(PRESETS)}.") from None
    model = preset.model if request.backend == "demucs" else request.model
    return replace(request, model=model, demucs=replace(preset.demucs, folder=request.demucs.folder))


def name_of(request: Request) -> str:
    """The preset whose values these are, or “Custom”."""
    for name, preset in PRESETS.items():
        same_model = request.backend != "demucs" or (preset.model or "htdemucs") == (request.model or "htdemucs")
        if same_model and replace(request.demucs, folder=None) == preset.demucs:
            return name
    return CUSTOM
