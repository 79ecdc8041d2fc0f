"""Several listeners of one ABX test: their answers together, or their p-values combined. The pages show `pooled`."""

from __future__ import annotations

from collections.abc import Sequence

from separation.errors import SettingsError
from separation.listening.abx import AbxResult


def pooled(results: Sequence[AbxResult]) -> AbxResult:
    """Return the answers of all listeners as one result: right answers and trials added up. The pages show this one.

    Its p-value is exact: where nobody hears a difference, all trials are independent guesses, whoever made them. Give
    completed sets only; a set that was ended when it looked good is no sample of guesses. A low p-value says that
    somebody hears the difference, not that everybody does, and one listener who does may drown among many who do not.
    The interval is of the share right in all these trials; unlike the p-value it takes the listeners as equally good.

    Raises:
        SettingsError: there are no results, or more than 10,000 trials.
    """
    _check(results)
    return AbxResult(sum(each.n_trials for each in results), sum(each.n_right for each in results))


def fisher(results: Sequence[AbxResult]) -> float:
    """Return Fisher's combination of the listeners' one-sided p-values (Fisher 1932): the p-value of them all together.

    It finds one good listener among guessers better than `pooled` does. It is made for p-values that take any value
    between 0 and 1. Those of a binomial test are discrete, and then it is conservative: guessers are called listeners
    less often than it says. (One result gives its own p-value.)

    Raises:
        SettingsError: there are no results.
    """
    from scipy import special  # takes a while to import

    _check(results)
    # -2 times the sum of the logarithms follows a chi-squared distribution with two degrees of freedom for each.
    return float(special.gammaincc(len(results), -sum(each.log_p_value for each in results)))


def _check(results: Sequence[AbxResult]) -> None:
    if not results:
        raise SettingsError("There are no results.", "No listener has completed the test.", "Complete a test first.")
