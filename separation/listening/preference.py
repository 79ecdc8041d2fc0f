"""Preference between sounds where there is no reference: the sign test of a pair, and scores of several sides."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from separation.errors import SettingsError
from separation.listening.abx import ALPHA, MOST_TRIALS, AbxResult

Side = TypeVar("Side", bound=Hashable)
PRIOR = 0.5  # wins, and as many losses, of each side against an average opponent
CLOSE = 1e-6  # of Newton's last step; what is left is about its square


@dataclass(frozen=True, slots=True)
class PairAnswers:
    """The answers about one pair of sounds.

    Args:
        n_a, n_b: how often each was preferred.
        n_ties: how often there was no difference to the listener.

    Raises:
        SettingsError: a number is negative, there are no answers, or more than 10,000.
    """

    n_a: int
    n_b: int
    n_ties: int = 0

    def __post_init__(self) -> None:
        if min(self.n_a, self.n_b, self.n_ties) < 0 or not 1 <= self.n_answers <= MOST_TRIALS:
            raise SettingsError(
                f"{self.n_a} to {self.n_b} with {self.n_ties} ties is no result.",
                f"There are between 1 and {MOST_TRIALS:,} answers, and no number is below 0.",
                "Count how often each side was preferred, and how often there was no difference.",
            )

    @property
    def n_answers(self) -> int:
        """All answers, ties among them."""
        return self.n_a + self.n_b + self.n_ties

    @property
    def n_decided(self) -> int:
        """The answers that prefer a side."""
        return self.n_a + self.n_b

    @property
    def p_value(self) -> float:
        """The exact two-sided sign test: the chance that tossing coins makes one side win as often as this, or more.

        Answers without a difference are dropped from it (Dixon & Mood 1946). 1 where no answer is left.
        """
        if not self.n_decided:
            return 1.0
        return min(1.0, 2 * AbxResult(self.n_decided, max(self.n_a, self.n_b)).p_value)

    @property
    def preferred(self) -> bool:
        """Whether a side was preferred: p < 0.05. It takes 6 decided answers to find that."""
        return self.p_value < ALPHA


def bradley_terry(answers: Mapping[tuple[Side, Side], PairAnswers]) -> dict[Side, float]:
    """Return a score for each side, mean 0, so that a is preferred to b with the odds exp(score a - score b).

    The model is that of Bradley & Terry (1952). A tie counts as half a win for each side. Beside its answers each side
    is given half a win and half a loss against an average opponent, one of score 0 before the mean is taken off. That
    is a prior on the scores (Caron & Doucet 2012 use a gamma prior to the same end). It keeps them finite where a side
    wins or loses all, and comparable where two sides never met, not even through others; Hunter 2004 tells when scores
    exist without it. It draws them towards 0, the less the more answers there are.

    Args:
        answers: by pair (a, b), where `n_a` are the wins of a. A pair may be given the other way round as well.

    Returns:
        The scores in natural logarithms of odds, in the order in which the sides appear.

    Raises:
        SettingsError: there are no answers, or a side is compared with itself.
    """
    sides = list(dict.fromkeys(side for pair in answers for side in pair))
    if not sides or any(a == b for a, b in answers):
        raise SettingsError(
            "These answers give no scores.",
            "Scores compare different sides.",
            "Give the answers about at least one pair of different sides.",
        )
    places = {side: place for place, side in enumerate(sides)}
    wins = np.zeros((len(sides), len(sides)))  # [i, j]: of i over j
    for (a, b), pair in answers.items():
        wins[places[a], places[b]] += pair.n_a + pair.n_ties / 2
        wins[places[b], places[a]] += pair.n_b + pair.n_ties / 2
    scores = _most_likely(wins)
    return dict(zip(sides, (scores - scores.mean()).tolist(), strict=True))


def _most_likely(wins: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    """The scores, shape (sides,), at which wins, shape (sides, sides), and the prior are most likely; by Newton."""
    from scipy import special  # takes a while to import

    met = wins + wins.T
    scores = np.zeros(len(wins))
    while True:
        expected = special.expit(scores[:, None] - scores[None, :])
        against_average = special.expit(scores)
        slope = (wins - met * expected).sum(axis=1) + PRIOR - 2 * PRIOR * against_average
        pairs = met * expected * (1 - expected)
        curvature = np.diag(pairs.sum(axis=1) + 2 * PRIOR * against_average * (1 - against_average)) - pairs
        step = np.linalg.solve(curvature, slope)
        # The likelihood is concave, and rises for sure as long as no difference of scores moves by more than 1.
        step /= max(1.0, float(np.ptp(step)), float(np.abs(step).max()))
        scores += step
        if np.abs(step).max() < CLOSE:
            return scores


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number by Holm's step-down method (1979), in the same order.

    Calling those below 0.05 differences is wrong about even one of them in at most 5 % of experiments.

    Raises:
        SettingsError: one is not between 0 and 1.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise SettingsError("A p-value is no probability.", f"They are {list(p_values)}.", "Give values from 0 to 1.")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
