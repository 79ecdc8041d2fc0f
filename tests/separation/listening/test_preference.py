"""Preference against SciPy's sign test, an independent fit, hand-worked examples, and simulated listeners."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from separation.errors import SettingsError
from separation.listening.preference import PairAnswers, bradley_terry, holm


def test_the_sign_test_is_scipys_for_every_result_of_up_to_40_answers():
    for n in range(1, 41):
        for n_a in range(n + 1):
            theirs = stats.binomtest(n_a, n, 0.5).pvalue
            assert PairAnswers(n_a, n - n_a).p_value == pytest.approx(theirs, rel=1e-12)


def test_ties_are_counted_and_dropped():
    pair = PairAnswers(11, 3, 2)
    assert (pair.n_answers, pair.n_decided) == (16, 14)
    assert pair.p_value == PairAnswers(3, 11).p_value == pytest.approx(2 * 470 / 2**14)
    assert PairAnswers(0, 0, 5).p_value == 1 == PairAnswers(4, 4).p_value


def test_a_preference_takes_at_least_six_answers():
    assert not PairAnswers(5, 0).preferred and PairAnswers(0, 6).preferred
    assert not PairAnswers(11, 3).preferred and PairAnswers(12, 2, 30).preferred


@pytest.mark.parametrize("counts", [(-1, 2, 0), (2, -1, 0), (2, 2, -1), (0, 0, 0), (10_000, 1, 0)])
def test_what_is_no_result_is_refused_with_advice(counts):
    with pytest.raises(SettingsError) as refused:
        PairAnswers(*counts)
    assert refused.value.what and refused.value.why and refused.value.todo


def simulated(scores, n_comparisons, seed):
    """Answers of listeners who prefer by the model, pairs drawn at random, by pair of indices."""
    draw = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(len(scores)) for b in range(a)]
    which = draw.integers(len(pairs), size=n_comparisons)
    odds = np.array([scores[a] - scores[b] for a, b in pairs])
    won = draw.random(n_comparisons) < 1 / (1 + np.exp(-odds[which]))
    n_met = np.bincount(which, minlength=len(pairs))
    n_won = np.bincount(which, weights=won, minlength=len(pairs)).astype(int)
    return {pair: PairAnswers(int(w), int(n - w)) for pair, w, n in zip(pairs, n_won, n_met, strict=True)}


TRUE = np.array([0.9, 0.2, -0.3, -0.8])


def test_known_scores_are_recovered_after_2000_comparisons_of_four_sides():
    found = bradley_terry(simulated(TRUE, 2000, seed=1))
    assert [found[side] for side in range(4)] == pytest.approx(TRUE, abs=0.1)


def test_the_scores_are_right_on_average():
    fits = [bradley_terry(simulated(TRUE, 2000, seed)) for seed in range(100)]
    mean = np.mean([[fit[side] for side in range(4)] for fit in fits], axis=0)
    assert mean == pytest.approx(TRUE, abs=0.02)


def test_two_sides_alone_get_the_odds_of_their_wins():
    found = bradley_terry({("a", "b"): PairAnswers(750, 250)})
    assert found["a"] == -found["b"]
    assert found["a"] - found["b"] == pytest.approx(math.log(3), abs=0.005)


@pytest.mark.parametrize("n", [1, 16, 10_000])
def test_a_side_that_wins_everything_has_a_finite_score_that_grows_with_its_wins(n):
    found = bradley_terry({("a", "b"): PairAnswers(n, 0), ("c", "a"): PairAnswers(0, n), ("b", "c"): PairAnswers(n, 0)})
    assert all(math.isfinite(score) for score in found.values())
    assert found["a"] > found["b"] > found["c"]
    more = bradley_terry({("a", "b"): PairAnswers(n, 0)})
    # Where the odds are as the mode of the prior says: slope of the likelihood n q = slope of the prior.
    q = 1 / (1 + math.exp(more["a"] - more["b"]))
    assert n * q == pytest.approx(1 / (1 + math.exp(-more["a"])) - 0.5, rel=1e-6)


def test_a_tie_counts_half_a_win_for_each():
    ties = bradley_terry({("a", "b"): PairAnswers(4, 2, 6)})
    assert ties == pytest.approx(bradley_terry({("a", "b"): PairAnswers(7, 5)}))
    assert bradley_terry({("a", "b"): PairAnswers(0, 0, 7)}) == pytest.approx({"a": 0, "b": 0}, abs=1e-12)


def test_a_pair_may_be_given_both_ways_and_sides_need_not_all_meet():
    both = {("a", "b"): PairAnswers(4, 2, 1), ("b", "a"): PairAnswers(3, 5)}
    assert bradley_terry(both) == pytest.approx(bradley_terry({("a", "b"): PairAnswers(9, 5, 1)}))
    apart = bradley_terry({("a", "b"): PairAnswers(9, 5), ("c", "d"): PairAnswers(9, 5)})
    assert list(apart) == ["a", "b", "c", "d"]
    assert apart["a"] == pytest.approx(apart["c"]) and apart["b"] == pytest.approx(apart["d"])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 6).flatmap(
        lambda n: st.lists(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.sampled_from([0, 1, 3, 40, 4000])),
            min_size=1,
            max_size=12,
        )
    )
)
def test_scores_are_where_an_independent_optimiser_finds_them(games):
    answers = {(a, b): PairAnswers(n, 1 if n == 0 else 0) for a, b, n in games if a != b}
    if not answers:
        return
    found = bradley_terry(answers)
    sides = list(found)
    assert np.mean(list(found.values())) == pytest.approx(0, abs=1e-9)

    def cost(scores):
        s = dict(zip(sides, scores, strict=True))
        odds = [(s[a] - s[b], pair) for (a, b), pair in answers.items()]
        met = sum(pair.n_a * np.logaddexp(0, -d) + pair.n_b * np.logaddexp(0, d) for d, pair in odds)
        return met + sum(0.5 * np.logaddexp(0, x) + 0.5 * np.logaddexp(0, -x) for x in scores)

    # Where the mean lies is the prior's to say: the best shift of our scores is looked for as well.
    ours = np.array(list(found.values()))
    shift = optimize.minimize_scalar(lambda c: cost(ours + c), bounds=(-30, 30), method="bounded").x
    best = optimize.minimize(cost, ours + shift + 0.3, method="BFGS").fun
    assert cost(ours + shift) <= best + 1e-6 * max(1.0, best)


@pytest.mark.parametrize("answers", [{}, {("a", "a"): PairAnswers(1, 1)}])
def test_answers_without_two_sides_give_no_scores(answers):
    with pytest.raises(SettingsError):
        bradley_terry(answers)


def test_holms_adjustment_of_a_worked_example():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 are 0.02, 0.03, 0.06, 0.04; none may be less than one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.4]) == pytest.approx([0.8, 0.8])
    assert holm([0.7, 0.9]) == [1, 1]
    assert holm([0.02]) == [0.02] and holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values):
    adjusted = holm(p_values)
    order = np.argsort(p_values, kind="stable")
    rejected = set()
    for rank, index in enumerate(order):
        if p_values[index] * (len(p_values) - rank) >= 0.05:
            break
        rejected.add(int(index))
    assert {index for index, p in enumerate(adjusted) if p < 0.05} == rejected
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_not_adjusted(p):
    with pytest.raises(SettingsError):
        holm([0.5, p])
