"""The pieces of work an engine runs, and the one model a process keeps warm between them."""

from __future__ import annotations

import platform
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeVar, cast

from separation.backends import registry
from separation.errors import SeparationError
from separation.events import Event, EventStream, SolverStep, Warned
from separation.hardware.footprint import measured, unused_card
from separation.model import LatentModel, Model, ModelFacts, Samples, Window
from separation.request import Prompt, Request, SamSettings, SolverSettings

Result = TypeVar("Result")


class BatchModel(Model, Protocol):
    """A model that works on several windows together: one whose `facts.batch` is above 1."""

    def separate_batch(
        self, windows: Sequence[Window], request: Request
    ) -> Generator[Event, None, Sequence[Mapping[str, Samples]]]:
        """What `separate` answers for each of the windows, which are equally long; steps count for all of them."""
        ...


# One heavy model at a time: a second one is what makes a card or a laptop run out of memory.
warm: dict[Request, Model] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Which model is to work, and how.

    Args:
        request: settled.
        revision: of the weights and code, as the keys of what is kept name them; see `Backend.revision`.
    """

    request: Request
    revision: str


class Answer(NamedTuple):
    """Stems of a window, and the features they were made from, for models that have some."""

    stems: Mapping[str, Samples]
    features: Samples | None


@measured("load")
def load_model(order: Order) -> Generator[Event, None, ModelFacts]:
    """Make the model that serves the order ready in this process; returns its facts.

    Raises:
        SeparationError: the weights or the code here are others than where the order was given.
    """
    facts = (yield from _model(order)).facts
    if order.request.device == "auto" and facts.device == "cpu" and (note := unused_card()):
        yield Warned(message=note)
    return facts


@measured("separate")
def separate_windows(windows: Sequence[Window], order: Order) -> Generator[Event, None, Sequence[Answer]]:
    """Separate equally long windows: a pure function of their samples, their indices and the order."""
    model, request = (yield from _model(order)), order.request
    encoded = []
    for window in windows:
        encoded.append((yield from _encoded(window, model, request)))
    first = windows[0].index
    if len(windows) == 1:
        stems = [(yield from _of_chunk(first, model.separate(encoded[0], request)))]
    else:
        stems = list((yield from _of_chunk(first, cast(BatchModel, model).separate_batch(encoded, request))))
    return [Answer(made, window.features) for made, window in zip(stems, encoded, strict=True)]


@measured("encode")
def encode_window(window: Window, order: Order) -> Generator[Event, None, Samples]:
    """Latents of what the model hears of a window; see `LatentModel`."""
    model = cast(LatentModel, (yield from _model(order)))
    return (yield from model.encode(window, order.request))


@measured("velocity")
def velocity_window(
    window: Window, features: Samples, state: Samples, t: float, order: Order
) -> Generator[Event, None, Samples]:
    """The velocity of a window's state at time `t`; see `LatentModel`."""
    model = cast(LatentModel, (yield from _model(order)))
    return (yield from model.velocity(window, features, state, t, order.request))


@measured("decode")
def decode_window(window: Window, state: Samples, order: Order) -> Generator[Event, None, Mapping[str, Samples]]:
    """Stems of a window from its solved state; see `LatentModel`."""
    model = cast(LatentModel, (yield from _model(order)))
    return (yield from model.decode(window, state, order.request))


def _model(order: Order) -> Generator[Event, None, Model]:
    wanted = _loading(order.request)
    backend = registry.get(order.request.backend)
    if wanted not in warm:
        if (revision := backend.revision(order.request)) != order.revision:
            raise SeparationError(
                f"{backend.label} is another one on {platform.node() or 'the computer that was to do this'}.",
                f"Its weights or this program there are {revision}, and here {order.revision}.",
                "Bring the same version of this program and the same weights to all computers of the cluster.",
            )
        warm.clear()
        model = yield from backend.load(order.request)
        # Once it is known where it runs, that device is asked for by name.
        warm.update({wanted: model, replace(wanted, device=model.facts.device): model})
    return warm[wanted]


def _encoded(window: Window, model: Model, request: Request) -> Generator[Event, None, Window]:
    """The window with its features, if the model is going to need them."""
    if model.facts.latents is None or window.features is not None:
        return window
    latent = cast(LatentModel, model)
    if not latent.encodes(window, request):
        return window
    return replace(window, features=(yield from latent.encode(window, request)))


def _of_chunk(index: int, work: Generator[Event, None, Result]) -> Generator[Event, None, Result]:
    """`work`, its evaluations counted for a chunk."""
    stream = EventStream(work)
    for event in stream:
        yield replace(event, index=index) if isinstance(event, SolverStep) else event
    return stream.result


def _loading(request: Request) -> Request:
    """What of a request decides which model is loaded, and its facts: not what is asked of it then."""
    chunks = request.chunks and replace(request.chunks, stitch="crossfade", max_chunks=None)
    sam = SamSettings(stereo=request.sam.stereo, precision=request.sam.precision)
    return replace(request, prompts=(Prompt(text="any"),), seed=0, chunks=chunks, solver=SolverSettings(), sam=sam)
