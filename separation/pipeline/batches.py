"""Separates windows in batches that fit the device: where its memory runs out, the batch is halved and the run goes on.

How much a batch takes is known only once it was tried: other programs use a graphics card too, and every prompt adds
to it. Windows that are finished stay so, and nobody above this file sees how many went together.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar, cast

from separation.errors import OutOfMemory
from separation.events import Event, EventStream, SolverStep, Warned, as_part
from separation.hardware.failures import explain_failure
from separation.hardware.footprint import give_back_device_memory
from separation.model import Model, Samples, Window
from separation.request import Request

Result = TypeVar("Result")
Stems = Mapping[str, Samples]

log = logging.getLogger(__name__)

# The batch size, in windows, that this process came down to, for the last request whose batches did not fit.
_came_down_to: dict[Request, int] = {}


class BatchModel(Model, Protocol):
    """A model that processes several windows together: one whose `facts.batch` is above 1."""

    def separate_batch(
        self, windows: Sequence[Window], request: Request
    ) -> Generator[Event, None, Sequence[Mapping[str, Samples]]]:
        """Return what `separate` returns for each of the equally long windows; solver steps count for all of them."""
        ...


def separated(windows: Sequence[Window], model: Model, request: Request) -> Generator[Event, None, list[Stems]]:
    """Return the stems of equally long windows, computed as many at once as the model takes and its memory holds.

    Where memory runs out with several at once, a `Warned` says so, and half as many go together from there on, for the
    rest of the run and of later ones with this request.

    Raises:
        Exception: what the model raises, also for memory that does not hold a single window.
    """
    stems: list[Stems] = []
    while left := len(windows) - len(stems):
        n_together = min(model.facts.batch, _came_down_to.get(request, model.facts.batch))
        some = windows[len(stems) : len(stems) + n_together]
        # Counted in batches of the present size: the steps of those before were counted so too, or were larger.
        n_done = len(stems) // n_together
        work = as_part(_at_once(some, model, request), n_done, n_done + -(-left // n_together))
        made, why = yield from _unless_too_many(_of_chunk(some[0].index, work), len(some))
        if made is None:
            yield Warned(message=f"{why} {_halved(len(some), request)}")
        else:
            stems += made
    return stems


def _unless_too_many(
    work: Generator[Event, None, Sequence[Stems]], n_windows: int
) -> Generator[Event, None, tuple[Sequence[Stems] | None, str]]:
    """Return what `work` returns; or None and why, in sentences, if memory does not hold several windows at once.

    What the caller does then does not run inside an `except`, where the exception would keep the batch in memory.
    """
    try:
        return (yield from work), ""
    except Exception as failure:
        error = explain_failure(failure, "separate")
        if n_windows == 1 or not isinstance(error, OutOfMemory):
            raise
        log.warning("%d windows at once: %s", n_windows, error)
        return None, f"{error.what} {error.why}"


def _halved(n_windows: int, request: Request) -> str:
    """Have half as many windows computed at once from here on, make room for them, and return a sentence about it."""
    half = n_windows // 2
    _came_down_to.clear()
    _came_down_to[request] = half
    give_back_device_memory()
    after = f"{half} at a time are" if half > 1 else "one at a time is"
    return f"{n_windows} windows were computed at once; from here on {after}, which is slower and sounds the same."


def _at_once(windows: Sequence[Window], model: Model, request: Request) -> Generator[Event, None, Sequence[Stems]]:
    if len(windows) == 1:
        return [(yield from model.separate(windows[0], request))]
    return (yield from cast(BatchModel, model).separate_batch(windows, request))


def _of_chunk(index: int, work: Generator[Event, None, Result]) -> Generator[Event, None, Result]:
    """Relay `work`, marking its solver steps with the chunk's number."""
    stream = EventStream(work)
    for event in stream:
        yield replace(event, index=index) if isinstance(event, SolverStep) else event
    return stream.result
