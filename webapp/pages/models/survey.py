"""The survey of models and backends on this computer. It reads the disk, so it runs in a thread."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from separation.backends import catalogue, registry
from separation.doctor.self_test import PROMPT, model_here, request_of
from separation.formatted import size_range
from separation.hub import cache as hub
from separation.hub import token as hub_token
from separation.hub.token import Origin
from separation.model import Availability, Backend, PublishedModel, Readiness
from separation.request import Request, SamSettings
from webapp.components.pieces.actions import said_with
from webapp.state.run_estimates import RunEstimates

DURATION_S = 60.0  # of a recording that memory is told for; it does not grow with longer ones


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """The state of all models and backends on this computer, as read from the disk.

    Args:
        availability: by backend, whether it can run, with the first of its models that could be used.
        entries: all models that can be fetched.
        memory: by model, the memory it takes when it runs, in words.
        notes: by model, why it cannot run here even when it is fetched.
        free_bytes: the free bytes of the disk where models of the hub are kept.
        token: where the hub's token is kept; None without one.
    """

    availability: Mapping[str, Availability]
    entries: tuple[PublishedModel, ...]
    memory: Mapping[str, str]
    notes: Mapping[str, str]
    free_bytes: int
    token: Origin | None

    @property
    def here(self) -> tuple[PublishedModel, ...]:
        """Return the models that are on this computer."""
        return tuple(entry for entry in self.entries if entry.on_disk_bytes is not None)


def look(estimates: RunEstimates) -> Survey:
    """Return the state of all models and backends, read from the disk; opens no connection."""
    availability = {name: _availability(backend) for name, backend in registry.BACKENDS.items()}
    entries = catalogue.entries()
    return Survey(
        availability=availability,
        entries=entries,
        memory={entry.name: _memory(entry, estimates) for entry in entries if entry.model is not None},
        notes=dict(_notes(entries, availability)),
        free_bytes=shutil.disk_usage(_existing(hub.hub_folder())).free,
        token=hub_token.origin(),
    )


def _availability(backend: Backend) -> Availability:
    here = model_here(backend)
    return backend.availability(None if here is None else request_of(backend, here))


def _memory(entry: PublishedModel, estimates: RunEstimates) -> str:
    """Return a model's memory, such as “about 2.1 to 3.8 GB in float32, 1.4 to 2.4 GB in bfloat16”."""
    backend = registry.named(entry.backend)
    if backend is None:
        return ""
    words, n_runs = [], 0
    for precision in backend.profile.precisions or ("",):
        sam = SamSettings(precision=precision) if precision else SamSettings()
        request = Request.of(*(backend.stems() or (PROMPT,)), backend=backend.name, model=entry.model, sam=sam)
        estimate = estimates.expected(backend.settle(request), DURATION_S)
        n_runs += estimate.n_runs
        words.append(size_range(estimate.memory_bytes) + (f" in {precision}" if precision else ""))
    learned = f", from {n_runs} run{'s' * (n_runs != 1)} on this computer" if n_runs else ""
    return f"about {', '.join(words)}{learned}"


def _notes(entries: tuple[PublishedModel, ...], availability: Mapping[str, Availability]) -> list[tuple[str, str]]:
    found = []
    for entry in entries:
        backend = registry.named(entry.backend)
        if entry.model is None or backend is None:
            continue
        of_model = backend.availability(request_of(backend, entry.model))
        if of_model.readiness is Readiness.NOT_INSTALLED and of_model != availability[backend.name]:
            found.append((entry.name, said_with(of_model.sentence, of_model.action)))
    return found


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
