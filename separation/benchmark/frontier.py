"""The Pareto frontier of cost and quality: the settings beside which nothing else is both better and faster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal


def frontier(
    points: Sequence[tuple[float | None, float | None]], better: Literal["higher", "lower"] = "higher"
) -> tuple[int, ...]:
    """Return the positions of the points on the frontier, the cheapest first.

    A point is off it if another one is at least as good at no more cost, and better in one of the two. So points that
    are equal in both are on it together. Those without a cost or quality, or with one that is not finite, are off it.

    Args:
        points: cost, of which less is better, and quality.
        better: whether higher or lower qualities are better.
    """
    sign = 1.0 if better == "higher" else -1.0
    known = [
        (cost, -sign * quality, index)
        for index, (cost, quality) in enumerate(points)
        if cost is not None and quality is not None and math.isfinite(cost) and math.isfinite(quality)
    ]
    found: list[int] = []
    best: tuple[float, float] | None = None  # cost and badness of the last point of the frontier
    for cost, badness, index in sorted(known):
        if best is None or badness < best[1] or (cost, badness) == best:
            found.append(index)
            best = (cost, badness)
    return tuple(found)
