"""What could be fetched for a request: a model that can answer it where nothing here can, or that does it better."""

from __future__ import annotations

from dataclasses import dataclass

from separation.audio.content import Content
from separation.backends import registry, sam_family
from separation.errors import Action, PlaygroundError, PromptError
from separation.formatted import size
from separation.hub import line
from separation.hub import token as hub_token
from separation.model import Backend, PublishedModel, Readiness
from separation.request import Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A model to fetch.

    Args:
        entry: the model.
        n_bytes: of the download, with what the model needs, without what is here, about.
        seconds: that it takes at the speed of the last download; None if that is unknown.
        serves: the label of the backend that uses it.
        better: whether something here can answer the request already, and this would do it better.
    """

    entry: PublishedModel
    n_bytes: int
    seconds: float | None
    serves: str
    better: bool


_Found = tuple[Backend, PublishedModel, list[PublishedModel]]


def offer(request: Request, content: Content | None = None) -> Offer | None:
    """Return what to fetch for a request with prompts, by the order in which “auto” prefers backends; None if nothing.

    Reads only the disk. `content` is what the recording holds, if that is known.
    """
    found: _Found | None = None
    for backend in registry.asked(request, content):
        try:
            settled = backend.settle(request)
            backend.targets(settled)
            readiness = backend.availability(settled).readiness
        except PlaygroundError:
            continue
        if readiness is Readiness.USABLE:
            better = found or _better_size(backend, request, settled)
            return None if better is None else _offered(*better, is_better=True)
        if readiness is Readiness.NEEDS_WEIGHTS and found is None:
            found = _find(backend, settled.model)
    return None if found is None else _offered(*found)


def choose(request: Request) -> tuple[Request, str]:
    """Choose as `registry.choose` does; where nothing here can answer, the error says as well what could be fetched.

    Raises:
        PromptError, BackendUnavailable: those of `registry.choose`.
    """
    try:
        return registry.choose(request)
    except PromptError as refusal:
        if (found := offer(request)) is None:
            raise
        able = f"{found.entry.label} ({size(found.n_bytes)}) can, once it is here."
        todo, get = f"{refusal.todo} {able}", Action.download(found.entry.name)
        raise PromptError(refusal.what, refusal.why, todo, action=get) from refusal


def _offered(backend: Backend, entry: PublishedModel, parts: list[PublishedModel], is_better: bool = False) -> Offer:
    absent = [one for one in (entry, *parts) if one.on_disk_bytes is None]
    n_bytes = sum(max(0, one.size_bytes - one.partial_bytes) for one in absent)
    speed = line.bytes_per_s()
    return Offer(
        entry=entry,
        n_bytes=n_bytes,
        seconds=None if speed is None else n_bytes / speed,
        serves=backend.label,
        better=is_better,
    )


def _better_size(backend: Backend, request: Request, settled: Request) -> _Found | None:
    """Return a size of SAM-Audio that would do a request better, if anybody can have it."""
    if backend.profile.family != sam_family.NAME or (size := sam_family.better_size(request, settled)) is None:
        return None
    found = _find(backend, size)
    return None if found is None or (found[1].gated and hub_token.origin() is None) else found


def _find(backend: Backend, model: str | None) -> _Found | None:
    """Return a model that a backend uses, and the parts that it needs; the disk is read for these alone."""
    lists = registry.named(registry.asked_as(backend)) or backend
    published = lists.published(model) if model is not None else ()
    entry = next((one for one in published if one.model == model), None)
    return None if entry is None else (backend, entry, [one for one in published if one.name in entry.needs])
