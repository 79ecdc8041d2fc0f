"""The work functions that an engine runs, and the one model that a process keeps loaded between them."""

from __future__ import annotations

import platform
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

from separation.backends import registry
from separation.errors import SeparationError
from separation.events import Event, ProductsChosen, Warned
from separation.hardware import garbage
from separation.hardware.footprint import measured, unused_card
from separation.model import LatentModel, Model, ModelFacts, Samples, Window
from separation.pipeline import batches, matrix_products
from separation.request import Prompt, Request, SamSettings, SolverSettings, SpeechSettings

# One model at a time: a second one would exhaust the memory of a graphics card or a laptop.
warm: dict[Request, Model] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """The model to use, as its request and revision.

    Args:
        request: settled.
        revision: of the weights and code, as in the keys of kept chunks; see `Backend.revision`.
    """

    request: Request
    revision: str


class Answer(NamedTuple):
    """The stems of a window, and the features they were made from, for models that have some."""

    stems: Mapping[str, Samples]
    features: Samples | None


@measured("load")
def load_model(order: Order) -> Generator[Event, None, ModelFacts]:
    """Load the order's model in this process, unless it is loaded already; return its facts.

    Raises:
        SeparationError: the weights or the code here differ from those of the process that gave the order.
    """
    facts = (yield from _model(order)).facts
    takes_torch = facts.device == "cpu" and "torch" in registry.get(order.request.backend).profile.packages
    if takes_torch and (why := matrix_products.settle()):
        yield ProductsChosen(why=why)
    if order.request.device == "auto" and facts.device == "cpu" and (note := unused_card()):
        yield Warned(message=note)
    return facts


def warm_up() -> Generator[Event, None, None]:
    """Load the model of the separator that always works, unless a model is loaded.

    Most first runs use it, and those of most others the framework that it brings, whose import takes a second. Then
    what the separators that are here have to know of this computer is measured, unless that is remembered.
    """
    if not warm:
        backend = registry.shown(registry.AUTO)
        settled = backend.settle(Request.of("any", backend=backend.name))
        yield from load_model(Order(request=settled, revision=backend.revision(settled)))
    for backend in registry.BACKENDS.values():
        anything = Request.of("any", backend=backend.name)
        if backend.is_unmeasured(anything) and backend.availability(backend.settle(anything)).usable:
            yield from measure(anything)


def measure(settled: Request) -> Generator[Event, None, None]:
    """Measure this computer as `Backend.measure` does, unless that is remembered."""
    registry.get(settled.backend).measure(settled)
    yield from ()


@measured("separate")
def separate_windows(windows: Sequence[Window], order: Order) -> Generator[Event, None, Sequence[Answer]]:
    """Separate equally long windows, as many at once as the model takes and its memory holds.

    A pure function of their samples, their indices and the order.
    """
    model, request = (yield from _model(order)), order.request
    encoded: list[Window] = []
    for window in windows:
        # Candidates of one chunk have the same features.
        same = next((one for one in encoded if one.index == window.index), window)
        encoded.append((yield from _encoded(replace(window, features=same.features), model, request)))
    stems = yield from batches.separated(encoded, model, request)
    return [Answer(made, window.features) for made, window in zip(stems, encoded, strict=True)]


@measured("encode")
def encode_window(window: Window, order: Order) -> Generator[Event, None, Samples]:
    """Return the latents of a window's mono clips; see `LatentModel.encode`."""
    model = cast(LatentModel, (yield from _model(order)))
    return (yield from model.encode(window, order.request))


@measured("velocity")
def velocity_window(
    window: Window, features: Samples, state: Samples, t: float, order: Order
) -> Generator[Event, None, Samples]:
    """Return the velocity of a window's state at time `t`; see `LatentModel.velocity`."""
    model = cast(LatentModel, (yield from _model(order)))
    return (yield from model.velocity(window, features, state, t, order.request))


@measured("decode")
def decode_window(window: Window, state: Samples, order: Order) -> Generator[Event, None, Mapping[str, Samples]]:
    """Return the stems of a window from its solved state; see `LatentModel.decode`."""
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
        with garbage.no_search():  # importing PyTorch takes a seventh less
            model = yield from backend.load(order.request)
        # The device is named once it is known, instead of "auto".
        warm.update({wanted: model, replace(wanted, device=model.facts.device): model})
    return warm[wanted]


def _encoded(window: Window, model: Model, request: Request) -> Generator[Event, None, Window]:
    """Return the window with its features, if the model needs them."""
    if model.facts.latents is None or window.features is not None:
        return window
    latent = cast(LatentModel, model)
    if not latent.encodes(window, request):
        return window
    return replace(window, features=(yield from latent.encode(window, request)))


def _loading(request: Request) -> Request:
    """Return the part of a request that decides which model is loaded, and its facts; not prompts and the like."""
    chunks = request.chunks and replace(request.chunks, stitch="crossfade", max_chunks=None)
    sam = SamSettings(stereo=request.sam.stereo, precision=request.sam.precision)
    return replace(
        request,
        prompts=(Prompt(text="any"),),
        seed=0,
        chunks=chunks,
        solver=SolverSettings(),
        sam=sam,
        speech=SpeechSettings(),
    )
