"""How results differ: the settings that are not the same for all of them, and only they."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NOTHING: tuple[Any, ...] = (None, [], "")
UNITS = {"s": "s", "db": "dB"}  # by the end of a setting's name
CALLED = {"attenuation": "strength", "grid": "step spacing"}  # what pages call a setting, where that is another word
SPEAK_FOR_THEMSELVES = ("method", "model")  # settings whose values need no name beside them


def differing(settings: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
    """Return, for each result, the settings in which it differs from another, each in a few words: "steps 16".

    What was asked for, which separator did it, and where, are no settings.

    Args:
        settings: of each result, as nested plain values; those of another version of this program may have other names.
    """
    flat, names = [dict(_flat(one)) for one in settings], unlike(settings)
    return tuple(tuple(_words(name, one[name]) for name in names if one.get(name) not in NOTHING) for one in flat)


def unlike(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the full names of the settings that are not the same for all: "sam.precision"; see `differing`."""
    flat = [dict(_flat(one)) for one in settings]
    names = {name for one in flat for name in one}
    return sorted(name for name in names if len({str(one.get(name)) for one in flat}) > 1)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings by their full names: "sam.precision"."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif name not in ("prompts", "backend", "device"):
            yield f"{prefix}{name}", value


def _words(name: str, value: Any) -> str:
    """Return a setting in a few words: "chunk 3 s", "steps 16", "strength 12 dB", "chunk 2 re-rolled"."""
    if name == "sam.rerolls":
        return f"chunk {', '.join(str(reroll['chunk'] + 1) for reroll in value)} re-rolled"
    short = name.rpartition(".")[2].removeprefix("n_").removesuffix("_ratio").replace("_", " ")
    if short in SPEAK_FOR_THEMSELVES:
        return str(value)
    if isinstance(value, bool):
        return f"{short} {'on' if value else 'off'}"
    named, _, end = short.rpartition(" ")
    unit = UNITS.get(end, "") if named else ""
    named = named if unit else short
    shown = f"{value:g}" if isinstance(value, float) else value
    return f"{CALLED.get(named, named)} {shown}{f' {unit}' if unit else ''}"
