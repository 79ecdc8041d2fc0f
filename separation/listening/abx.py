"""ABX: whether a listener tells two sounds apart, against guessing, by the exact binomial distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

from separation.errors import SettingsError

ALPHA = 0.05  # the chance of calling a guesser a listener
CONFIDENCE = 0.90  # two-sided, so that its lower limit answers the one-sided test at ALPHA
MOST_TRIALS = 10_000  # of all listeners together; one of them is tired after a hundred
MOST_PLANNED = 1_000


@dataclass(frozen=True, slots=True)
class AbxResult:
    """The answers of an ABX test.

    Args:
        n_trials: how many were answered, 1 to 10,000.
        n_right: how many of them rightly, 0 to `n_trials`.

    Raises:
        SettingsError: there is no such result.
    """

    n_trials: int
    n_right: int

    def __post_init__(self) -> None:
        _check_trials(self.n_trials)
        if not 0 <= self.n_right <= self.n_trials:
            raise SettingsError(
                f"{self.n_right} right of {self.n_trials} trials is no result.",
                "As many trials are answered rightly as there are, or fewer.",
                f"Give a number right between 0 and {self.n_trials}.",
            )

    @property
    def p_value(self) -> float:
        """The chance to get as many right or more by guessing: P(K >= n_right), exact to the last digit."""
        return _ways(self.n_trials, self.n_right) / (1 << self.n_trials)

    @property
    def log_p_value(self) -> float:
        """The natural logarithm of the p-value, also where that is too small for a float."""
        return min(0.0, math.log(_ways(self.n_trials, self.n_right)) - self.n_trials * math.log(2))

    @property
    def heard(self) -> bool:
        """Whether a difference was heard: p < 0.05."""
        return self.p_value < ALPHA

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 % confidence interval of the share that this listener gets right (Clopper & Pearson 1934).

        It covers the true share in at least 90 of 100 tests, and lies above 1/2 exactly when p < 0.05.
        """
        from scipy import special  # takes a while to import

        n, k, tail = self.n_trials, self.n_right, (1 - CONFIDENCE) / 2
        lower = float(special.betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
        upper = float(special.betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
        return lower, upper


def critical(n_trials: int, alpha: float = ALPHA) -> int | None:
    """Return the least number right whose p-value is below `alpha`; None if not even all right are enough.

    At 0.05 it takes 5 trials to find anything.

    Raises:
        SettingsError: `n_trials` is not 1 to 10,000, or `alpha` is not between 0 and 1.
    """
    _check_trials(n_trials)
    _check_inside("alpha", alpha)
    found = None
    tail, ways = 0, 1  # ways of exactly `n_right` out of `n_trials`, from all right down
    for n_right in range(n_trials, -1, -1):
        tail += ways
        if tail / (1 << n_trials) >= alpha:
            break
        found = n_right
        ways = ways * n_right // (n_trials - n_right + 1)
    return found


def power(n_trials: int, p_true: float, alpha: float = ALPHA) -> float:
    """Return the chance that `n_trials` find a listener who answers rightly with probability `p_true`.

    Raises:
        SettingsError: an argument is out of range.
    """
    least = critical(n_trials, alpha)
    if not 0 <= p_true <= 1:
        raise SettingsError(f"p_true={p_true} is no probability.", "", "Choose one between 0 and 1.")
    if least is None:
        return 0.0
    from scipy import special  # takes a while to import

    return float(special.betainc(least, n_trials - least + 1, p_true))  # P(K >= least)


def trials_needed(p_true: float, wanted_power: float = 0.8, alpha: float = ALPHA) -> int | None:
    """Return the least number of trials that find such a listener with `wanted_power`; None if 1,000 do not.

    The number right is whole, so power rises in a zigzag: a few more trials may find the listener a little less often.

    Raises:
        SettingsError: an argument is out of range.
    """
    _check_inside("wanted_power", wanted_power)
    sizes = range(1, MOST_PLANNED + 1)
    return next((n_trials for n_trials in sizes if power(n_trials, p_true, alpha) >= wanted_power), None)


def _ways(n_trials: int, n_right: int) -> int:
    """Of the 2^n_trials equally likely answers of a guesser, those with `n_right` or more right."""
    tail, ways = 0, 1
    for k in range(n_trials, n_right - 1, -1):
        tail += ways
        ways = ways * k // (n_trials - k + 1)
    return tail


def _check_trials(n_trials: int) -> None:
    if not 1 <= n_trials <= MOST_TRIALS:
        raise SettingsError(
            f"{n_trials} trials are no test.",
            f"A test has between 1 and {MOST_TRIALS:,} of them.",
            "Give the number of trials that were answered.",
        )


def _check_inside(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise SettingsError(f"{name}={value} is out of range.", "", f"Choose {name} above 0 and below 1.")
