"""The pieces of work an engine runs, and the one model a process keeps warm between them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace

from separation.backends import registry
from separation.backends.protocol import Model, ModelFacts, Samples, Window
from separation.events import Event
from separation.request import Prompt, Request

# One heavy model at a time: a second one is what makes a card or a laptop run out of memory.
_warm: dict[Request, Model] = {}


def load(request: Request) -> Generator[Event, None, ModelFacts]:
    """Make the model that serves `request` ready in this process; returns its facts."""
    return (yield from _model(request)).facts


def separate_window(window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
    """Separate one window: a pure function of its samples, its index and the request."""
    model = yield from _model(request)
    return (yield from model.separate(window, request))


def _model(request: Request) -> Generator[Event, None, Model]:
    wanted = _loading(request)
    if wanted not in _warm:
        _warm.clear()
        _warm[wanted] = yield from registry.get(request.backend).load(request)
    return _warm[wanted]


def _loading(request: Request) -> Request:
    """What of a request decides which model is loaded: neither the prompts nor the seed."""
    return replace(request, prompts=(Prompt(text="any"),), seed=0)
