"""What a run found out about its own targets, in words; see `separation.metrics.unreferenced`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Below it more of a chunk was invented than taken from the recording.
DOUBTFUL = 0.5


def lines(info: Mapping[str, Any]) -> Iterator[str]:
    """The quality estimate, a line a target, and a note for every chunk that the recording explains less than half of.

    Args:
        info: of a kept result, as `separation.results.runs` writes it.
    """
    if quality := info.get("quality"):
        yield f"estimated quality {quality['value']:.2f} of 1{_bleed(quality)}"
    measures: Sequence[Mapping[str, Any]] = info.get("measures", ())
    for stem in dict.fromkeys(one["stem"] for one in measures):
        own = [one for one in measures if one["stem"] == stem]
        yield f"{stem}: {_explained_energy_text(own)}{_drift(own)}"
    audible = [one for one in measures if one["explained_energy"] is not None]
    doubtful = [one for one in audible if one["explained_energy"] < DOUBTFUL]
    for one in doubtful:
        start_s, stop_s = info["chunks_s"][one["index"]]
        yield (
            f"note: {one['stem']}, chunk {one['index'] + 1} ({round(start_s, 1):g}-{round(stop_s, 1):g} s): "
            f"{100 * (1 - one['explained_energy']):.0f}% of this is not in the recording"
        )
    if doubtful:
        chunk = doubtful[0]["index"] + 1
        yield f"note: another seed may do better (--seed, or --reroll {chunk}=1 for that chunk alone)"


def _bleed(quality: Mapping[str, Any]) -> str:
    """Which two tracks are told apart worst, if there are two that should be."""
    worst = max(quality["bleed"], key=lambda one: float(one["share"]), default=None)
    if worst is None or worst["share"] < 0.005:
        return ""
    first, second = worst["tracks"]
    return f"; “{first}” and “{second}” share {100 * worst['share']:.0f} % of their sound"


def _explained_energy_text(measures: Sequence[Mapping[str, Any]]) -> str:
    """The worst chunk speaks for the target: an average would hide it."""
    known = [one["explained_energy"] for one in measures if one["explained_energy"] is not None]
    if not known:
        return "silent"
    chunks = "every chunk" if len(measures) > 1 else "it"
    return f"at least {math.floor(100 * min(known))}% of {chunks} is in the recording"


def _drift(measures: Sequence[Mapping[str, Any]]) -> str:
    known = [one["gain_drift_db"] for one in measures if one["gain_drift_db"] is not None]
    if not known:
        return ""
    low, high = (f"{value:+.1f}" for value in (min(known), max(known)))
    return f", its level {low if low == high else f'{low} to {high}'} dB beside it"
