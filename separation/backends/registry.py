"""The backends there are, and which one serves a request here."""

from __future__ import annotations

from collections.abc import Mapping

from separation.backends.builtin import BuiltinBackend
from separation.backends.demucs import DemucsBackend
from separation.backends.protocol import Availability, Backend, Readiness
from separation.errors import BackendUnavailable, PromptError, SettingsError, WeightsMissing
from separation.request import Request

# The order in which `auto` prefers them.
BACKENDS: Mapping[str, Backend] = {backend.name: backend for backend in (DemucsBackend(), BuiltinBackend())}


def get(name: str) -> Backend:
    """The backend of that name; an unknown one is a `SettingsError` listing those there are."""
    try:
        return BACKENDS[name]
    except KeyError:
        raise SettingsError(
            f"There is no backend “{name}”.", "", f"Choose one of: auto, {', '.join(BACKENDS)}."
        ) from None


def choose(request: Request) -> tuple[Request, str]:
    """Settle who separates.

    Returns:
        The request with a backend and a model named, and why in one sentence.

    Raises:
        PromptError: no backend here can answer the prompts; the text is the most capable one's.
        BackendUnavailable: the backend or model that was asked for by name cannot run here; `WeightsMissing` if all it
            lacks is its weights.
    """
    if request.backend != "auto":
        backend = get(request.backend)
        backend.targets(request)
        availability = backend.availability(request)
        if not availability.usable:
            raise _unavailable(backend, availability)
        return backend.settle(request), f"{backend.label}, as asked for. {availability.sentence}"
    return _best(request)


def _best(request: Request) -> tuple[Request, str]:
    passed_over: list[str] = []
    refusals: list[PromptError | BackendUnavailable] = []
    for backend in BACKENDS.values():
        if request.model is not None and request.model not in backend.models():
            continue
        settled = backend.settle(request)
        availability = backend.availability(settled)
        if not availability.usable:
            passed_over.append(f"{backend.label}: {availability.readiness.value}")
            if request.model is not None:
                refusals.append(_unavailable(backend, availability))
            continue
        try:
            backend.targets(settled)
        except PromptError as refusal:
            refusals.append(refusal)
            continue
        return settled, f"{backend.label}, the best that can do this here" + _because(passed_over)
    if refusals:
        raise refusals[0]
    raise SettingsError(
        f"No backend here has the model “{request.model}”.", "", "Leave the model open, or name its backend."
    )


def _unavailable(backend: Backend, availability: Availability) -> BackendUnavailable:
    kind = WeightsMissing if availability.readiness is Readiness.NEEDS_WEIGHTS else BackendUnavailable
    return kind(f"{backend.label} cannot run yet.", availability.sentence)


def _because(passed_over: list[str]) -> str:
    return f" ({'; '.join(passed_over)})." if passed_over else "."
