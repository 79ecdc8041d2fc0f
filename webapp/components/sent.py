"""The border to the browser: whether what a page has sent has the shape that its element declares.

A browser may send anything. What does not fit is passed over with one line in the log and reaches no handler, so
handlers can rely on the types in their signatures.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from nicegui.events import GenericEventArguments

MAX_SAID = 80  # characters of a value that does not fit, in the log
log = logging.getLogger(__name__)


def arguments_to(handler: Callable[..., object], shape: Any) -> Callable[[GenericEventArguments], object]:
    """Return a NiceGUI event handler that calls `handler` with the value that the browser sent, if it fits `shape`.

    Args:
        handler: is given the value; a coroutine is awaited.
        shape: a type hint, see `fits`.
    """

    def take(event: GenericEventArguments) -> object:
        if fits(event.args, shape):
            return handler(event.args)  # a coroutine is returned as it is: NiceGUI awaits it
        passed_over(type(event.sender).__name__, event.args)
        return None

    return take


def passed_over(what: str, value: object) -> None:
    """Log that what a page has sent is not used, and its beginning."""
    log.warning("what a page sent for %s is passed over: %s", what, repr(value)[:MAX_SAID])


def fits(value: object, shape: Any) -> bool:
    """Return whether a value that came as JSON has the shape of a type hint.

    Known are `Any`, None, bool, int, float (finite, also written as a whole number), str, Literal, unions, sequences
    of one shape, mappings of texts to one shape, and TypedDicts, which take no other names than theirs.
    """
    origin, inner = get_origin(shape), get_args(shape)
    if shape is Any:
        return True
    if shape in (None, NoneType):
        return value is None
    if shape in (int, float):
        return _is_number(value, shape)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if origin in (list, Sequence):
        return isinstance(value, list) and all(fits(item, inner[0]) for item in value)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(fits(item, inner[1]) for item in value.values())
    if is_typeddict(shape):
        return isinstance(value, dict) and _fits_table(value, shape)
    return isinstance(value, shape)


def _is_number(value: object, kind: type) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= 2**64  # more digits than Python converts would fail where it is written into a message
    return kind is float and isinstance(value, float) and math.isfinite(value)


def _fits_table(value: dict[str, Any], shape: Any) -> bool:
    # Which names a table needs stands in the hints: `__required_keys__` cannot read them where they are kept as text.
    hints = get_type_hints(shape, include_extras=True)
    optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired or not shape.__total__}
    hints = get_type_hints(shape)
    return hints.keys() - optional <= value.keys() <= hints.keys() and all(
        fits(item, hints[name]) for name, item in value.items()
    )
