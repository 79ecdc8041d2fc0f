"""Presets: named sets of settings, so that nobody has to know the single values.

The three generic names fit any backend; the others are some backend's own. A preset sets only what it is about:
prompts, backend, device and seed stay as they are. The values are the backends' own (`BackendProfile.presets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from separation.backends import registry
from separation.errors import SettingsError
from separation.model import Backend
from separation.request import Request

CUSTOM = "Custom"
GENERIC = ("Preview", "Balanced", "Quality")
# Fields that belong to one backend: naming a model would rule the others out, and not all are cut alike.
OWN = frozenset({"model", "chunks"})


def names() -> tuple[str, ...]:
    """Return the names of all presets, the generic ones first."""
    own = (name for backend in registry.BACKENDS.values() for name in backend.profile.presets)
    return tuple(dict.fromkeys((*GENERIC, *own)))


def apply(name: str, request: Request) -> Request:
    """Return `request` with the values of a preset.

    The values of all backends are set, so that they apply to whichever is chosen, now or later; a backend drops those
    it does not use.

    Raises:
        SettingsError: there is no such preset, or it is another backend's own; it lists those there are.
    """
    if name not in names():
        raise SettingsError(f"There is no preset “{name}”.", "", f"Choose one of: {', '.join(names())}.")
    backend = registry.named(request.backend)
    own = {} if backend is None else backend.profile.presets
    if backend is not None and own and name not in {*own, *GENERIC}:
        raise _foreign(name, backend)
    values: dict[str, Any] = {}
    for other in registry.BACKENDS.values():
        values |= {field: value for field, value in other.profile.presets.get(name, {}).items() if field not in OWN}
    preset = replace(request, **(values | dict(own.get(name, {}))))
    return replace(preset, demucs=replace(preset.demucs, folder=request.demucs.folder))


def name_of(request: Request) -> str:
    """Return the preset with these values, or “Custom”; a backend without presets uses those of the first that has."""
    backend = registry.named(request.backend)
    if backend is None or not backend.profile.presets:
        having = (one.profile.presets for one in registry.BACKENDS.values() if one.profile.presets)
        presets, default = next(having, {}), None
    else:
        presets, default = backend.profile.presets, backend.models()[0]
    return next((name for name, values in presets.items() if _holds(values, request, default)), CUSTOM)


def _holds(values: Mapping[str, Any], request: Request, default: str | None) -> bool:
    """Whether a request has the values of a preset; with the backend's `default` model, also those that are its own."""
    asked = replace(request, model=request.model or default, demucs=replace(request.demucs, folder=None))
    return all(
        getattr(asked, field) == (value or default if field == "model" else value)
        for field, value in values.items()
        if default is not None or field not in OWN
    )


def _foreign(name: str, backend: Backend) -> SettingsError:
    family = registry.named(backend.profile.family) or backend
    owner = next(one for one in registry.BACKENDS.values() if name in one.profile.presets)
    return SettingsError(
        f"The preset “{name}” is {owner.label}'s own.",
        f"It sets nothing that {family.label} has.",
        f"Choose one of: {', '.join(backend.profile.presets)}.",
    )
