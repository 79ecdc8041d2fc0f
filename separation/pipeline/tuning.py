"""Measures how many windows a model computes fastest together on this computer's graphics card, and remembers it."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from separation.backends import registry
from separation.events import Event
from separation.hardware.devices import card_name
from separation.hardware.failures import is_out_of_memory
from separation.hardware.footprint import give_back_device_memory
from separation.hub import batch_sizes
from separation.model import Backend, Window
from separation.pipeline.batches import BatchModel
from separation.request import Request, SolverSettings

SIZES = (1, 2, 4, 8, 16)  # windows at once
WORTH = 1.03  # times as fast has to be a larger batch, which takes more memory
# What goes together is the solver's work; encoding and decoding are done window by window and only add to each.
FEW_STEPS = SolverSettings(method="euler", n_steps=4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuned:
    """What was measured of one model on a graphics card.

    Args:
        model: its name for people.
        card: the graphics card's name, or the device's if it is a processor, for which nothing was measured.
        windows_per_s: by batch size, of those that fit.
        too_many: the batch size for which memory ran out; None if all fitted.
        best: the batch size that is remembered; 1 on a processor.
    """

    model: str
    card: str
    windows_per_s: Mapping[int, float] = field(default_factory=dict)
    too_many: int | None = None
    best: int = 1


def candidates() -> Iterator[Backend]:
    """Yield the backends whose models can compute several windows together."""
    return (backend for backend in registry.BACKENDS.values() if backend.profile.batches)


def tune(request: Request) -> Generator[Event, None, Tuned]:
    """Measure the batch sizes of a settled request's model, and remember the best for this card.

    Raises:
        PlaygroundError: the model cannot be loaded.
        OSError, FileError: the best cannot be remembered.
    """
    backend = registry.get(request.backend)
    request = replace(request, solver=FEW_STEPS)
    model = yield from backend.load(request)
    facts = model.facts
    if facts.device == "cpu" or facts.windowing.chunk is None:
        return Tuned(model=facts.model, card=facts.device)
    n_samples = facts.windowing.chunk + 2 * facts.windowing.context
    noise = np.random.default_rng(0).normal(0, 0.1, (facts.n_channels, n_samples)).astype(np.float32)
    stems = frozenset(backend.stems(request))
    found: dict[int, float] = {}
    too_many = None
    for size in SIZES:
        windows = [Window(samples=noise, index=index, stems=stems) for index in range(size)]
        seconds = yield from _seconds(cast(BatchModel, model), windows, request)
        if seconds is None:
            too_many = size
            give_back_device_memory()
            break
        found[size] = size / seconds
    best = best_of(found)
    card = card_name(facts.device)
    if found:
        batch_sizes.remember(card, request, best)
    return Tuned(model=facts.model, card=card, windows_per_s=found, too_many=too_many, best=best)


def best_of(windows_per_s: Mapping[int, float]) -> int:
    """Return the fastest batch size, or a smaller one that is about as fast; 1 if none fits."""
    fastest = max(windows_per_s.values(), default=0.0)
    return min((size for size, speed in windows_per_s.items() if speed * WORTH >= fastest), default=1)


def _seconds(model: BatchModel, windows: list[Window], request: Request) -> Generator[Event, None, float | None]:
    """Return how long the windows take together; None if memory does not hold them."""
    try:
        yield from model.separate_batch(windows, request)  # kernels are chosen, and memory is taken, at the first time
        started_s = time.perf_counter()
        yield from model.separate_batch(windows, request)
        return time.perf_counter() - started_s
    except Exception as failure:
        if not is_out_of_memory(failure):
            raise
        return None
