"""Changes that people make in an element, taken one by one: see index.js."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

from nicegui import app, ui

from webapp.components.player.track import arguments_to

CHANGES_MODULE = {"audio-playground-changes": str(Path(__file__).parent)}  # what components name to import the mixin
log = logging.getLogger(__name__)


class NumberedChange(TypedDict):
    """A change as the mixin of index.js sends it; numbers grow on each page."""

    number: int
    change: Any


def take_changes(element: ui.element, apply: Callable[[Any], object]) -> None:
    """Have `apply` called with each change that a person makes in an element, once each and in their order.

    The browser draws its changes over the properties of the element until they are confirmed. So `apply` makes them
    changes of what is kept now, whoever else has changed it meanwhile, and sets the properties that show the outcome.

    Args:
        element: an element whose script has the mixin `changes`.
        apply: is given a change as the script made it, which may be anything; a coroutine is awaited.
    """
    element.props["applied"] = 0

    def take(sent: Sequence[NumberedChange]) -> Awaitable[None] | None:
        waiting = []
        for one in sent:
            if one["number"] <= element.props["applied"]:
                continue  # it had come, and the browser did not know
            element.props["applied"] = one["number"]
            try:
                if inspect.isawaitable(coming := apply(one["change"])):
                    waiting.append(coming)
            except Exception as error:  # the changes after it count all the same
                app.handle_exception(error)
        return _all_of(waiting) if waiting else None

    element.on("changes", arguments_to(take))


async def _all_of(waiting: Sequence[Awaitable[object]]) -> None:
    for one in waiting:
        await one
