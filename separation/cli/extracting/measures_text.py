"""A result's time and quality measures as text for the terminal and as JSON; see `separation.metrics.unreferenced`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from separation.formatted import duration, speed
from separation.metrics.presence_value import DOUBTFUL, of_report, sentences

if TYPE_CHECKING:
    from separation.events import ChunkMeasured
    from separation.metrics.quality_value import Quality
    from separation.results.kept import Result


def took(result: Result) -> str:
    """Return how long the run took that made the result."""
    fast = "" if result.rtf is None else f", {speed(1 / result.rtf)} once loaded"
    return f"separated in {duration(result.seconds)}{fast}"


def values(result: Result) -> dict[str, Any]:
    """Return what scripts want to know of a result, as plain values."""
    return {
        "backend": result.backend,
        "model": result.model,
        "rtf": result.rtf,
        "measures": [asdict(measured) for measured in result.measures],
        "quality": None if result.quality is None else result.quality.to_dict(),
        "presence": {track: one.to_dict() for track, one in of_report(result.report).items()},
        "key": result.key,
    }


def lines(result: Result) -> Iterator[str]:
    """Yield the quality estimate, what seems to be absent, a line for each target, a note for each doubtful chunk."""
    if result.quality is not None:
        yield f"estimated quality {result.quality.value:.2f} of 1{_bleed(result.quality)}"
    yield from (f"note: {said}" for said in sentences(of_report(result.report)))
    for stem in dict.fromkeys(one.stem for one in result.measures):
        own = [one for one in result.measures if one.stem == stem]
        yield f"{stem}: {_explained_energy_text(own)}{_drift(own)}"
    chunk = None
    for one in result.measures:
        doubtful = one.explained_energy is not None and one.explained_energy < DOUBTFUL
        if not doubtful and not one.muted:
            continue
        chunk = chunk or one.index + 1
        start_s, stop_s = result.chunks_s[one.index]
        invented = f"{100 * (1 - (one.explained_energy or 0)):.0f}% of this is not in the recording"
        yield (
            f"note: {one.stem}, chunk {one.index + 1} ({round(start_s, 1):g}-{round(stop_s, 1):g} s): "
            f"{invented if doubtful else 'it seems to be absent'}{', so it is silent' if one.muted else ''}"
        )
    if chunk is not None:
        yield f"note: another seed may do better (--seed, or --reroll {chunk}=1 for that chunk alone)"


def _bleed(quality: Quality) -> str:
    """Return which two tracks share the most sound, if there are two that should share none."""
    worst = max(quality.bleed, key=lambda one: one.share, default=None)
    if worst is None or worst.share < 0.005:
        return ""
    first, second = worst.tracks
    return f"; “{first}” and “{second}” share {100 * worst.share:.0f} % of their sound"


def _explained_energy_text(measures: Sequence[ChunkMeasured]) -> str:
    """Return the explained energy of the worst chunk as text; an average would hide it."""
    known = [one.explained_energy for one in measures if one.explained_energy is not None]
    if not known:
        return "silent"
    chunks = "every chunk" if len(measures) > 1 else "it"
    return f"at least {math.floor(100 * min(known))}% of {chunks} is in the recording"


def _drift(measures: Sequence[ChunkMeasured]) -> str:
    known = [one.gain_drift_db for one in measures if one.gain_drift_db is not None]
    if not known:
        return ""
    low, high = (f"{value:+.1f}" for value in (min(known), max(known)))
    return f", its level {low if low == high else f'{low} to {high}'} dB beside it"
