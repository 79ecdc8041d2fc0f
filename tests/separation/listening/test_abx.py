"""ABX against an exact count by fractions, against SciPy's binomial test, and against simulated listeners."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from separation.errors import SettingsError
from separation.listening.abx import AbxResult, critical, power, trials_needed

EVERY = [(n, k) for n in range(1, 41) for k in range(n + 1)]


def tail(n, k, p=Fraction(1, 2)):
    """P(K >= k) by counting, exact."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def test_p_values_and_intervals_are_those_of_scipy():
    # It searches for its intervals, 5 ms each; those of every other result are held to exact fractions below.
    for n, k in ((n, k) for n, k in EVERY if n in (1, 2, 5, 16, 40)):
        theirs = stats.binomtest(k, n, 0.5, alternative="greater")
        both_sides = stats.binomtest(k, n, 0.5).proportion_ci(confidence_level=0.9, method="exact")
        ours = AbxResult(n, k)
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-12, abs=1e-12)
        assert ours.interval == pytest.approx((both_sides.low, both_sides.high), rel=1e-12, abs=1e-12)


def test_p_values_are_the_exact_fractions():
    for n, k in EVERY:
        assert AbxResult(n, k).p_value == float(tail(n, k))
        assert AbxResult(n, k).log_p_value == pytest.approx(math.log(tail(n, k)), abs=1e-12)


def test_the_limits_of_the_interval_leave_five_percent_on_each_side():
    for n, k in EVERY:
        lower, upper = map(Fraction, AbxResult(n, k).interval)
        if k > 0:
            assert float(tail(n, k, lower)) == pytest.approx(0.05, rel=1e-9)
        if k < n:
            assert float(1 - tail(n, k + 1, upper)) == pytest.approx(0.05, rel=1e-9)


def test_the_interval_lies_above_a_half_exactly_when_a_difference_was_heard():
    for n, k in EVERY:
        result = AbxResult(n, k)
        assert (result.interval[0] > 0.5) == result.heard == (tail(n, k) < Fraction(1, 20))


def test_the_known_interval_of_12_of_16():
    result = AbxResult(16, 12)
    assert result.interval == pytest.approx((0.516, 0.910), abs=5e-4)
    assert result.p_value == 2517 / 65536
    assert AbxResult(16, 0).interval[0] == 0 and AbxResult(16, 16).interval[1] == 1


def test_the_least_number_right_is_the_least_whose_p_value_is_below_alpha():
    for alpha in (0.05, 0.025, 0.01, 0.0625, 0.5):
        for n in range(1, 41):
            enough = [k for k in range(n + 1) if tail(n, k) < Fraction(alpha)]
            assert critical(n, alpha) == (min(enough) if enough else None)


def test_known_least_numbers():
    assert [critical(n) for n in (4, 5, 10, 16, 25, 100)] == [None, 5, 9, 12, 18, 59]
    assert critical(4, 0.0625) is None, "a p-value of exactly alpha is not below it"


def test_guessers_are_found_as_often_as_the_exact_size_says():
    n_tests = 20_000
    right = np.random.default_rng(7).integers(0, 2, (n_tests, 16), dtype=np.int8).sum(axis=1)
    found = np.array([AbxResult(16, k).heard for k in range(17)])[right].mean()
    size = float(tail(16, critical(16)))
    print(f"share of guessers found: {found:.4f}, exact size: {size:.4f}")
    assert found <= 0.06
    assert found == pytest.approx(size, abs=4 * math.sqrt(size * (1 - size) / n_tests))
    assert power(16, 0.5) == pytest.approx(size, abs=1e-14)


def test_a_listener_right_three_times_in_four_is_found_as_often_as_theory_says():
    right = np.random.default_rng(8).random((20_000, 16)) < 0.75
    found = np.array([AbxResult(16, k).heard for k in range(17)])[right.sum(axis=1)].mean()
    theory = float(tail(16, 12, Fraction(3, 4)))
    print(f"share of listeners found: {found:.4f}, in theory {theory:.4f}")
    assert found == pytest.approx(theory, abs=0.01)
    assert power(16, 0.75) == pytest.approx(theory, abs=1e-12)


def test_power_without_and_with_certainty():
    assert power(4, 1.0) == 0, "no result of four trials finds anything"
    assert power(5, 1.0) == 1
    assert power(16, 0.0) == 0


def test_trials_needed_are_the_least_that_reach_the_power():
    assert trials_needed(0.8) == 18 and power(17, 0.8) < power(16, 0.8) < 0.8 <= power(18, 0.8)
    assert trials_needed(0.8, 0.79) == 16
    assert trials_needed(1.0, 0.99) == 5
    strict = [stats.binom.sf(critical(n, 0.01) - 1, n, 0.8) if critical(n, 0.01) else 0.0 for n in range(1, 40)]
    assert trials_needed(0.8, alpha=0.01) == 1 + next(i for i, found in enumerate(strict) if found >= 0.8) == 27
    assert trials_needed(0.9, 0.5, alpha=0.6) == 1, "0.5 is below such an alpha"
    assert trials_needed(0.5) is None and trials_needed(0.51) is None


def test_the_most_trials_are_counted_too():
    all_right = AbxResult(10_000, 10_000)
    assert all_right.p_value == 0
    assert all_right.log_p_value == pytest.approx(-10_000 * math.log(2))
    assert AbxResult(10_000, 0).log_p_value == 0
    assert AbxResult(10_000, 5_083).heard and not AbxResult(10_000, 5_082).heard
    assert critical(10_000) == 5_083


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
def test_one_more_right_is_less_likely_by_guessing_and_moves_the_interval_up(result):
    n, k = result
    fewer, more = AbxResult(n, k - 1), AbxResult(n, k)
    assert 0 < more.p_value <= fewer.p_value <= 1
    assert more.p_value < fewer.p_value or n > 50, "a float cannot tell them apart"
    assert fewer.interval[0] < more.interval[0] <= k / n <= more.interval[1]
    assert fewer.interval[1] < more.interval[1] or more.interval[1] == 1


@pytest.mark.parametrize(("n", "k"), [(0, 0), (-1, 0), (10_001, 5), (16, -1), (16, 17)])
def test_what_is_no_result_is_refused_with_advice(n, k):
    with pytest.raises(SettingsError) as refused:
        AbxResult(n, k)
    assert refused.value.what and refused.value.why and refused.value.todo


def test_the_smallest_and_the_largest_tests_are_taken():
    AbxResult(1, 0), AbxResult(1, 1), AbxResult(10_000, 0)


@pytest.mark.parametrize(
    "question",
    [
        lambda: critical(0),
        lambda: critical(10_001),
        lambda: critical(16, 0.0),
        lambda: critical(16, 1.0),
        lambda: critical(16, math.nan),
        lambda: power(16, -0.01),
        lambda: power(16, 1.01),
        lambda: power(4, 1.01),
        lambda: power(16, math.nan),
        lambda: power(0, 0.8),
        lambda: trials_needed(0.8, 0.0),
        lambda: trials_needed(0.8, 1.0),
        lambda: trials_needed(1.2),
    ],
)
def test_questions_out_of_range_are_refused(question):
    with pytest.raises(SettingsError):
        question()
