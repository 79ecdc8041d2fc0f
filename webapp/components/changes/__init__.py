"""Changes that people make in an element, taken one by one: see index.js."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

from nicegui import app, ui

from webapp.components.sent import arguments_to, fits, passed_over

CHANGES_MODULE = {"audio-playground-changes": str(Path(__file__).parent)}  # what components name to import the mixin
MAX_NUMBER = 2**31  # a page makes fewer changes; a number beyond would keep all others from counting


class NumberedChange(TypedDict):
    """A change as the mixin of index.js sends it; numbers grow on each page."""

    number: int
    change: Any


def take_changes(element: ui.element, apply: Callable[[Any], object], shape: Any) -> None:
    """Have `apply` called with each change that a person makes in an element, once each and in their order.

    The browser draws its changes over the properties of the element until they are confirmed. So `apply` makes them
    changes of what is kept now, whoever else has changed it meanwhile, and sets the properties that show the outcome.

    A change of another shape is passed over. Its number is confirmed, so that the browser does not send it again and
    shows what is kept; what bears no number that a page gives is not.

    Args:
        element: an element whose script has the mixin `changes`.
        apply: is given a change that fits the shape; a coroutine is awaited.
        shape: the type hint of the changes, see `webapp.components.sent.fits`.
    """
    element.props["applied"] = 0
    what = type(element).__name__

    def take(sent: Sequence[NumberedChange]) -> Awaitable[None] | None:
        if not all(0 < one["number"] <= MAX_NUMBER for one in sent):
            passed_over(what, sent)
            return None
        waiting = []
        for one in sent:
            if one["number"] <= element.props["applied"]:
                continue  # it had come, and the browser did not know
            element.props["applied"] = one["number"]
            if not fits(one["change"], shape):
                passed_over(what, one["change"])
                continue
            try:
                if inspect.isawaitable(coming := apply(one["change"])):
                    waiting.append(coming)
            except Exception as error:  # the changes after it count all the same
                app.handle_exception(error)
        return _all_of(waiting) if waiting else None

    element.on("changes", arguments_to(take, list[NumberedChange]))


async def _all_of(waiting: Sequence[Awaitable[object]]) -> None:
    for one in waiting:
        await one
