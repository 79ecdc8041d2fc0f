"""Labels that distinguish the results of one recording by the settings in which they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from separation.backends import registry
from separation.results.kept import Result


def labels_of(results: Sequence[Result]) -> dict[str, str]:
    """Return a label for each result by its key: the settings in which the results differ."""
    plain = {one.key: dict(_plain(one.settings)) for one in results}
    names = {name for settings in plain.values() for name in settings}
    differing = sorted(name for name in names if len({str(settings.get(name)) for settings in plain.values()}) > 1)
    labels = {}
    for one in results:
        settings = plain[one.key]
        parts = [one.name, registry.label_of(one.backend)]
        parts += [_setting(name, settings[name]) for name in differing if settings.get(name) not in (None, [], "")]
        made = datetime.fromisoformat(one.created).astimezone()
        labels[one.key] = " · ".join([*parts[:5], made.strftime("%H:%M:%S")])
    return labels


def _plain(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings of a result by their full names, without prompts, backend and device."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _plain(value, f"{prefix}{name}.")
        elif name not in ("prompts", "backend", "device"):
            yield f"{prefix}{name}", value


def _setting(name: str, value: Any) -> str:
    """Return a setting in a few words: "chunk 3 s", "steps 16", "chunk 2 re-rolled"."""
    if name == "sam.rerolls":
        return f"chunk {', '.join(str(reroll['chunk'] + 1) for reroll in value)} re-rolled"
    short = name.rpartition(".")[2].removeprefix("n_").replace("_ratio", "").replace("_", " ")
    seconds = short.endswith(" s")
    return f"{short.removesuffix(' s')} {value}{' s' if seconds else ''}"
