"""Several listeners: their answers added up, and Fisher's combination, against SciPy and simulated guessers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from separation.errors import SettingsError
from separation.listening.abx import AbxResult
from separation.listening.pooling import fisher, pooled

LISTENERS = [AbxResult(16, 12), AbxResult(16, 9), AbxResult(10, 7)]


def test_answers_are_added_up():
    assert pooled(LISTENERS) == AbxResult(42, 28)
    assert pooled(LISTENERS[:1]) == LISTENERS[0]


def test_fishers_combination_is_scipys():
    theirs = stats.combine_pvalues([each.p_value for each in LISTENERS], method="fisher").pvalue
    assert fisher(LISTENERS) == pytest.approx(theirs, rel=1e-12)
    assert fisher(LISTENERS[:1]) == pytest.approx(LISTENERS[0].p_value, rel=1e-12)


def test_p_values_too_small_for_a_float_are_combined():
    assert fisher([AbxResult(2000, 2000), AbxResult(10, 5)]) == 0
    assert fisher([AbxResult(16, 0), AbxResult(16, 0)]) == 1


def test_guessers_are_called_listeners_as_often_as_pooling_says_and_less_often_than_fisher_says():
    every = np.array([fisher([AbxResult(16, a), AbxResult(16, b)]) for a in range(17) for b in range(17)])
    chance = np.outer(*[stats.binom.pmf(np.arange(17), 16, 0.5)] * 2).ravel()
    together = np.array([pooled([AbxResult(16, a), AbxResult(16, b)]).p_value for a in range(17) for b in range(17)])
    for p in np.unique(together):
        assert chance[together <= p].sum() == pytest.approx(p), "exact"
    for p in np.unique(every):
        assert chance[every <= p].sum() <= p * (1 + 1e-9)
    size = chance[every < 0.05].sum()
    print(f"Fisher at 0.05 for two listeners of 16 trials: {size:.4f}")
    assert 0.01 < size < 0.04


def test_fisher_finds_one_listener_among_guessers():
    one = [AbxResult(16, 16), *[AbxResult(16, 8)] * 4]
    assert fisher(one) < pooled(one).p_value < 0.05


@pytest.mark.parametrize("together", [pooled, fisher])
def test_no_listeners_have_no_result(together):
    with pytest.raises(SettingsError):
        together([])
