"""`fitted`: a fixed and a proportional cost from a few measured runs, of which any may be short or an outlier. Pure.

    cost = fixed + rate * amount

Each is the median of what the runs say of it, given the other:

    rate  = weighted median over runs of max(0, (cost - fixed) / amount),   weights d / (d + HALF_S), 0 below SHORT_S
    fixed = lower median over runs of max(0, cost - rate * amount)

in turn from fixed = 0 on, where d is the seconds of audio of a run. This is Edgeworth's double median (Philosophical
Magazine 25, 1888), the oldest way to least absolute deviations (Koenker and Bassett, Econometrica 46, 1978); Huber's
weights or squares would still give a run that took a thousand times too long a say in the rate. From round to round
the fixed cost only grows and the rate only falls, so it converges.

A short run consists of what happens once, such as the first use of the network's kernels, so it says nothing of the
rate: 0.1 s of audio that took 0.5 s does not make five hours of an hour. It says what is fixed, and the lower median
believes that only if most runs agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

SHORT_S = 3.0  # seconds of audio; what happens once takes as long as the network for about as much
HALF_S = 30.0  # seconds of audio that count half of what an hour does: no single long run outvotes several shorter ones
REACH = 2.0  # with nothing else to go by, a short run tells of amounts up to so many times its own
OUTER = 0.25  # the share of the runs' weights at either end that `middle` leaves out
ROUNDS, CLOSE = 60, 1e-9


class Measured(NamedTuple):
    """The cost of a run, the amount it was for (both in any unit, the amount above 0), and its seconds of audio."""

    amount: float
    cost: float
    duration_s: float


class Line(NamedTuple):
    """A fixed cost and a rate, neither below 0; `n_carrying` runs carry the rate: it is the usual one if none does."""

    fixed: float
    rate: float
    n_carrying: int

    def at(self, amount: float) -> float:
        """Return the cost of an amount."""
        return self.fixed + self.rate * amount


def fitted(runs: Sequence[Measured], amount: float, usual_rate: float | None = None) -> Line | None:
    """Return the fixed and the proportional cost that the runs show.

    Args:
        runs: at least one.
        amount: that is asked for.
        usual_rate: the rate to assume if all runs are too short to show one; None if there is none.

    Returns:
        None if all runs are too short, no rate is usual, and the amount is out of their `REACH`.
    """
    if any(weight(run.duration_s) for run in runs):
        return _double_median(runs)
    if usual_rate is not None:
        return Line(_fixed(runs, usual_rate), usual_rate, 0)
    longest = max(runs, key=lambda run: run.amount)
    if amount > REACH * longest.amount:
        return None
    return Line(0.0, longest.cost / longest.amount, len(runs))


def weight(duration_s: float) -> float:
    """Return how far a run of so many seconds of audio carries a rate, from 0 to 1."""
    return 0.0 if duration_s < SHORT_S else duration_s / (duration_s + HALF_S)


def middle(values: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the lowest and highest of pairs (value, weight) that are not wholly in the outer quarters of the weights.

    Of up to three equal weights that is all of them; an extreme among more is left out, as is one of little weight.
    """
    ordered = sorted(values)
    outer = OUTER * sum(weight for _, weight in ordered)
    return _first_beyond(outer, ordered), _first_beyond(outer, reversed(ordered))


def _double_median(runs: Sequence[Measured]) -> Line:
    weights = [weight(run.duration_s) for run in runs]
    fixed = 0.0
    for _ in range(ROUNDS):
        rate = _weighted_median([max(0.0, run.cost - fixed) / run.amount for run in runs], weights)
        before, fixed = fixed, _fixed(runs, rate)
        if fixed - before <= CLOSE * fixed:
            break
    return Line(fixed, rate, sum(one > 0 for one in weights))


def _fixed(runs: Sequence[Measured], rate: float) -> float:
    left = sorted(max(0.0, run.cost - rate * run.amount) for run in runs)
    return left[(len(left) - 1) // 2]


def _first_beyond(share: float, ordered: Iterable[tuple[float, float]]) -> float:
    """Return the first value at which the weights add up to more than `share`, else the last one."""
    reached, last = 0.0, 0.0
    for value, one in ordered:
        reached, last = reached + one, value
        if reached > share * (1 + CLOSE):  # four quarters may differ in the last digit
            break
    return last


def _weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the lower weighted median: the first value with half of the weight at or below it."""
    reached, half = 0.0, sum(weights) / 2
    for value, one in sorted(zip(values, weights, strict=True)):
        reached += one
        if reached >= half and one > 0:
            return value
    raise AssertionError("some weight is above 0")
