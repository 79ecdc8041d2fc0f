"""The order of a solver as a benchmark finds it: how fast the error falls with the evaluations of the network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

LEAST_ORDER = 0.5  # less than half an order gained by more evaluations is none: euler, the lowest, gains a whole one
LEAST_SHARE = 0.5  # nor is less than half of what was usual before
NEAR_FLOOR_DB = 6.0  # an error of twice the floor is changed by the floor by up to that much

Errors = Sequence[
    tuple[float, float | None]
]  # evaluations, and 20 log10 of the relative error; None where there is none


def order_of(errors: Errors, floor_db: float | None = None) -> float | None:
    """Return the slope of the error's fall against evaluations on log axes, by least squares: 1 for Euler's method.

    Points at the floor are ignored: there the error is that of the reference, or of the numbers' precision, and no
    longer the solver's. The last points are at the floor as far as each gained, over the one before, less than half an
    order, or less than half the order that was usual until there; so is what is less than 6 dB above their error, or
    above `floor_db`.

    Args:
        errors: of one solver, in any order.
        floor_db: a floor that is known from other solvers with the same reference; see `floor_of`.

    Returns:
        None with fewer than two different numbers of evaluations above the floor.
    """
    known = _known(errors)
    own = _plateau_db(known)
    floors = [floor for floor in (own, floor_db) if floor is not None]
    above = [(nfe, error) for nfe, error in known if all(error >= floor + NEAR_FLOOR_DB for floor in floors)]
    if len({nfe for nfe, _ in above}) < 2:
        return None
    xs, ys = [20 * math.log10(nfe) for nfe, _ in above], [error for _, error in above]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return -covariance / sum((x - mean_x) ** 2 for x in xs)


def floor_of(series: Iterable[Errors]) -> float | None:
    """Return the error below which none of several solvers with one reference falls; None if none has reached it."""
    floors = (_plateau_db(_known(errors)) for errors in series)
    return max((floor for floor in floors if floor is not None), default=None)


def _known(errors: Errors) -> list[tuple[float, float]]:
    return sorted((nfe, error) for nfe, error in errors if error is not None and math.isfinite(error) and nfe > 0)


def _plateau_db(known: Sequence[tuple[float, float]]) -> float | None:
    """Return the highest error of the last points, those that gained too little; None if the last one gained enough."""
    gains = [_gained(*pair) for pair in pairwise(known)]
    n_above = len(gains)
    while n_above and gains[n_above - 1] < max(LEAST_ORDER, LEAST_SHARE * median(gains[:n_above])):
        n_above -= 1
    return max((error for _, error in known[n_above + 1 :]), default=None)


def _gained(fewer: tuple[float, float], more: tuple[float, float]) -> float:
    """Return the order between two neighbours; that of two with the same evaluations counts as enough."""
    octaves_db = 20 * math.log10(more[0] / fewer[0])
    return math.inf if octaves_db == 0 else (fewer[1] - more[1]) / octaves_db
