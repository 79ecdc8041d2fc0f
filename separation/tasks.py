"""The pieces of work an engine runs, and the one model a process keeps warm between them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, cast

from separation.backends import registry
from separation.backends.protocol import LatentModel, Model, ModelFacts, Samples, Window
from separation.events import Event
from separation.request import Prompt, Request, SamSettings, SolverSettings


class BatchModel(Model, Protocol):
    """A model that works on several windows together: one whose `facts.batch` is above 1."""

    def separate_batch(
        self, windows: Sequence[Window], request: Request
    ) -> Generator[Event, None, Sequence[Mapping[str, Samples]]]:
        """What `separate` answers for each of the windows, which are equally long; steps count for all of them."""
        ...


# One heavy model at a time: a second one is what makes a card or a laptop run out of memory.
_warm: dict[Request, Model] = {}


def load(request: Request) -> Generator[Event, None, ModelFacts]:
    """Make the model that serves `request` ready in this process; returns its facts."""
    return (yield from _model(request)).facts


def separate_windows(
    windows: Sequence[Window], request: Request
) -> Generator[Event, None, Sequence[Mapping[str, Samples]]]:
    """Separate equally long windows: a pure function of their samples, their indices and the request."""
    model = yield from _model(request)
    if len(windows) == 1:
        return [(yield from model.separate(windows[0], request))]
    return (yield from cast(BatchModel, model).separate_batch(windows, request))


def encode_window(window: Window, request: Request) -> Generator[Event, None, Samples]:
    """Latents of what the model hears of a window; see `LatentModel`."""
    model = cast(LatentModel, (yield from _model(request)))
    return (yield from model.encode(window, request))


def velocity_window(
    window: Window, features: Samples, state: Samples, t: float, request: Request
) -> Generator[Event, None, Samples]:
    """The velocity of a window's state at time `t`; see `LatentModel`."""
    model = cast(LatentModel, (yield from _model(request)))
    return (yield from model.velocity(window, features, state, t, request))


def decode_window(window: Window, state: Samples, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
    """Stems of a window from its solved state; see `LatentModel`."""
    model = cast(LatentModel, (yield from _model(request)))
    return (yield from model.decode(window, state, request))


def _model(request: Request) -> Generator[Event, None, Model]:
    wanted = _loading(request)
    if wanted not in _warm:
        _warm.clear()
        _warm[wanted] = yield from registry.get(request.backend).load(request)
    return _warm[wanted]


def _loading(request: Request) -> Request:
    """What of a request decides which model is loaded, and its facts: not what is asked of it then."""
    chunks = request.chunks and replace(request.chunks, stitch="crossfade", max_chunks=None)
    sam = SamSettings(stereo=request.sam.stereo, precision=request.sam.precision)
    return replace(request, prompts=(Prompt(text="any"),), seed=0, chunks=chunks, solver=SolverSettings(), sam=sam)
