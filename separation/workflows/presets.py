"""Presets: named sets of settings, so that nobody has to know the single values.

The three generic names fit any backend; the others are some backend's own. What affects a separator's quality, time and
memory is the preset's: a request with any other chunks, solver or settings of a model is “Custom”. Prompts, backend,
device, folder of models and seeds stay as they are. The values are the backends' own (`BackendProfile.presets`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from separation.backends import registry
from separation.errors import PlaygroundError, SettingsError
from separation.model import Backend
from separation.request import ChunkSettings, Request, SamSettings, SpeechSettings

CUSTOM = "Custom"
GENERIC = ("Preview", "Balanced", "Quality")
# Fields that belong to one backend: naming a model would rule the others out, and not all are cut alike.
OWN = frozenset({"model", "chunks"})


def names() -> tuple[str, ...]:
    """Return the names of all presets, the generic ones first."""
    own = (name for backend in registry.BACKENDS.values() for name in backend.profile.presets)
    return tuple(dict.fromkeys((*GENERIC, *own)))


def apply(name: str, request: Request) -> Request:
    """Return `request` with the values of a preset, and the usual ones of what the preset leaves open.

    The values of all backends are set, so that they apply to whichever is chosen, now or later; a backend drops those
    it does not use. Seeds of single chunks stay, unless chunks become others.

    Raises:
        SettingsError: there is no such preset, or it is another backend's own; it lists those there are.
    """
    if name not in names():
        raise SettingsError(f"There is no preset “{name}”.", "", f"Choose one of: {', '.join(names())}.")
    backend = registry.named(request.backend)
    own = {} if backend is None else backend.profile.presets
    if backend is not None and own and name not in {*own, *GENERIC}:
        raise _foreign(name, backend)
    rerolls = request.sam.rerolls if request.chunks in (None, ChunkSettings()) else ()
    values: dict[str, Any] = {"chunks": None, "sam": SamSettings(rerolls=rerolls), "speech": SpeechSettings()}
    for other in registry.BACKENDS.values():
        values |= {field: value for field, value in other.profile.presets.get(name, {}).items() if field not in OWN}
    preset = replace(request, **(values | dict(own.get(name, {}))))
    return replace(preset, demucs=replace(preset.demucs, folder=request.demucs.folder))


def name_of(request: Request, backend: Backend | None = None) -> str:
    """Return the preset that `request` would stay the same with, or “Custom”.

    Args:
        request: the settings.
        backend: the one in use, whose settings alone count; the one that the request names if not given. Without
            either, or without presets of its own, all settings count, and those of a new request are “Balanced”.
    """
    backend = backend or registry.named(request.backend)
    own = {} if backend is None else backend.profile.presets
    if backend is None or not own:
        usual = replace(Request(prompts=request.prompts), backend=request.backend, model=request.model)
        same = replace(request, device=usual.device, seed=usual.seed) == usual
        found = (name for name in GENERIC if apply(name, request) == request)
        return next(found, "Balanced" if same else CUSTOM)
    asked = settled(backend, request)
    named = replace(request, model=asked.model)  # of the models on the disk the prompts choose once, not at each preset
    found = (name for name in dict.fromkeys((*own, *GENERIC)) if settled(backend, apply(name, named)) == asked)
    return next(found, CUSTOM)


def differing(request: Request, backend: Backend) -> tuple[str, ...]:
    """Return the presets that make different requests of this one for the backend in use, one name for each.

    They are the generic ones, and those of its own that the backend offers.
    """
    made: dict[Request, str] = {}
    request = replace(request, model=settled(backend, request).model)
    generic = [name for name in GENERIC if name in backend.profile.presets] if backend.profile.offered else GENERIC
    for name in (*generic, *backend.profile.offered):
        made.setdefault(settled(backend, apply(name, request)), name)
    return tuple(made.values())


def settled(backend: Backend, request: Request) -> Request:
    """Return the request as the backend would use it, or as it is if that cannot use it."""
    try:
        return backend.settle(request)
    except PlaygroundError:  # whoever asks for it is told why
        return request


def _foreign(name: str, backend: Backend) -> SettingsError:
    family = registry.named(backend.profile.family) or backend
    owner = next(one for one in registry.BACKENDS.values() if name in one.profile.presets)
    return SettingsError(
        f"The preset “{name}” is {owner.label}'s own.",
        f"It sets nothing that {family.label} has.",
        f"Choose one of: {', '.join(backend.profile.presets)}.",
    )
