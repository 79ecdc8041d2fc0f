"""Converts frozen dataclasses to plain lists, numbers and strings and back; errors say which value is wrong."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from separation.errors import SettingsError

Kind = TypeVar("Kind")
Place = tuple[str | int, ...]
MOST_DEEP = 12  # settings are 4 deep: prompts, anchors
IN_QUOTES = "Words go in quotes where they could be a number, a date, or yes and no."


def written(value: Any) -> Any:
    """Return a value as tables and lists of numbers and strings; equal values become the same, such as 10 and 10.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [written(item) for item in value]
    return value


def built(kind: type[Kind], values: object) -> Kind:
    """Build the dataclass `kind` from plain values, by its type hints.

    What the values lack takes its default. A class may name, as `PLAIN_WORD`, the field for which a plain word stands.

    Raises:
        SettingsError: a name is unknown or misspelt, or a value does not make sense; its `place` says where.
    """
    return cast(Kind, _build(kind, values, ()))


def check(value: object, place: Place = ()) -> None:
    """Refuse what no file of plain values holds, or what nobody means: NaN, tables a mile deep, numbers a mile long.

    Raises:
        SettingsError: its `place` says where.
    """
    where = _shown(place)
    if len(place) > MOST_DEEP:
        raise SettingsError("A value is nested too deep.", f"It is more than {MOST_DEEP} deep.", place=place)
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, str):
                raise SettingsError(f"The name {name!r:.40} in {where} is no text.", "", IN_QUOTES, place=place)
            check(item, (*place, name))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            check(item, (*place, index))
    elif isinstance(value, str):
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise SettingsError(f"{where} has half a character.", "", "Write it anew.", place=place)
    elif isinstance(value, int):
        if abs(value) >= 2**64:
            raise SettingsError(f"{where} is far too large.", "", f"Choose a smaller {where}.", place=place)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise SettingsError(f"{where}={value!r} is no number.", "", "Choose a number.", place=place)
    elif value is not None:
        raise SettingsError(
            f"{where} is a {type(value).__name__}.", "", "Write text, a number, a list or a table.", place=place
        )


def check_names(kind: Any, value: object, place: Place = ()) -> None:
    """Refuse unknown names of the dataclass `kind` in plain values, where any value may be a list of alternatives.

    Raises:
        SettingsError: its `place` says where.
    """
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            check_names(kind, item, (*place, index))
        return
    while options := [option for option in get_args(kind) if option not in (type(None), Ellipsis)]:
        kind = options[0]
    if not (isinstance(value, Mapping) and is_dataclass(kind)):
        return
    _refuse_unknown(value, {item.name for item in fields(kind)}, place)
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy asks for the __hash__ of an instance
    for name, item in value.items():
        check_names(hints[name], item, (*place, name))


def _refuse_unknown(value: Mapping[str, Any], known: set[str], place: Place) -> None:
    if unknown := sorted(set(value) - known, key=str):
        raise SettingsError(
            f"There is no setting “{unknown[0]}” in {_shown(place)}.",
            "",
            f"Known settings: {', '.join(sorted(known))}.",
            place=(*place, unknown[0]),
        )


def _build(kind: Any, value: Any, place: Place) -> Any:
    """Turn plain values into what `kind`, a type hint, says; `place` is where the value lies."""
    where = _shown(place)
    if get_origin(kind) in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        kind = next(option for option in get_args(kind) if option is not type(None))
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise SettingsError(f"{where} is not a list.", f"It is {value!r}.", "Write it as a list.", place=place)
        return tuple(_build(get_args(kind)[0], item, (*place, index)) for index, item in enumerate(value))
    if is_dataclass(kind):
        return _build_dataclass(kind, value, place)
    if get_origin(kind) is Literal:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return _real(value, place)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        todo = f"It has to be of type {kind.__name__}." + (f" {IN_QUOTES}" if kind is str else "")
        raise SettingsError(f"{where}={value!r} has the wrong type.", "", todo, place=place)
    return value


def _real(value: int, place: Place) -> float:
    try:
        return float(value)
    except OverflowError:
        where = _shown(place)
        raise SettingsError(f"{where} is far too large.", "", f"Choose a smaller {where}.", place=place) from None


def _build_dataclass(kind: Any, value: Any, place: Place) -> Any:
    where = _shown(place)
    name = getattr(kind, "PLAIN_WORD", "")
    if isinstance(value, str) and name:
        value = {name: value}
    if not isinstance(value, Mapping):
        what = "neither words nor a table of settings" if name else "not a table of settings"
        todo = IN_QUOTES if name else "Write it as name: value."
        raise SettingsError(f"{where} is {what}.", f"It is {value!r}.", todo, place=place)
    known = {item.name for item in fields(kind)}
    _refuse_unknown(value, known, place)
    required = [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]
    if missing := [name for name in required if name not in value]:
        raise SettingsError(
            f"{where} is not complete.", f"It lacks {', '.join(missing)}.", "Add what is missing.", place=place
        )
    hints = _hints(kind)
    given = {name: _build(hints[name], item, (*place, name)) for name, item in value.items()}
    try:
        return kind(**given)
    except SettingsError as refusal:
        refusal.place = (*place, *refusal.place)
        raise


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _shown(place: Place) -> str:
    """A place as one would write it: request.prompts[0].text."""
    return "request" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
