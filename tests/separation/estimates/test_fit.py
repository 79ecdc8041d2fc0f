"""Fixed and proportional costs from a few runs: exact without noise, unmoved by one outlier, never negative."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.estimates.fit import REACH, SHORT_S, Measured, fitted, middle, weight

costs = st.floats(0, 1e5)
durations = st.floats(0.001, 20_000)
runs = st.lists(st.builds(Measured, durations, costs, durations), min_size=1, max_size=12)
long_enough = st.floats(10.0, 3600.0)


def took(duration_s, fixed, rate):
    return Measured(duration_s, fixed + rate * duration_s, duration_s)


@pytest.mark.parametrize("fixed, rate", [(0.0, 0.5), (2.0, 0.1), (0.3, 20.0)])
def test_runs_of_different_lengths_tell_what_is_fixed_from_what_is_proportional(fixed, rate):
    line = fitted([took(duration_s, fixed, rate) for duration_s in (1.0, 10.0, 100.0)], 3600.0)
    assert line.at(3600.0) == pytest.approx(fixed + rate * 3600.0, rel=1e-3)
    assert line.at(1.0) == pytest.approx(fixed + rate, rel=0.1)


@given(runs, st.none() | st.floats(0.001, 100), st.floats(0.001, 20_000), st.floats(0.001, 20_000))
def test_no_cost_is_below_its_fixed_part_and_more_never_costs_less(found, usual, one, other):
    less, more = sorted((one, other))
    line = fitted(found, less, usual)
    if line is not None:
        assert 0 <= line.fixed <= line.at(less) <= line.at(more) < math.inf


@given(runs, st.floats(1e-3, 1e3))
def test_the_unit_does_not_matter(found, factor):
    line = fitted(found, 1.0, 1.0)
    scaled = fitted([run._replace(cost=factor * run.cost) for run in found], 1.0, factor)
    assert scaled.at(100.0) == pytest.approx(factor * line.at(100.0), rel=1e-6, abs=1e-6 * factor)


@given(runs)
def test_the_order_of_runs_does_not_matter(found):
    assert fitted(found, 1.0, 1.0) == fitted(found[::-1], 1.0, 1.0)


@given(
    st.lists(long_enough, min_size=8, max_size=9),
    st.floats(0.001, 50),
    st.integers(0, 8),
    st.floats(0.05, 3600.0),
    st.floats(0, 1e6),
)
def test_one_outlier_among_eight_does_not_move_what_is_proportional(lengths_s, rate, index, outlier_s, cost):
    found = [took(duration_s, 0.0, rate) for duration_s in lengths_s]
    found[index % len(found)] = Measured(outlier_s, cost, outlier_s)
    assert fitted(found, 1.0).at(3600.0) == pytest.approx(3600.0 * rate)


@given(
    st.lists(long_enough, min_size=8, max_size=9),
    st.floats(0.001, 50),
    st.floats(0, 1),
    st.integers(0, 8),
    st.floats(0.05, 3600.0),
    st.floats(0, 1e6),
)
def test_one_outlier_among_eight_moves_no_estimate_by_more_than_what_is_fixed(
    lengths_s, rate, share, index, outlier_s, cost
):
    fixed = share * rate * 10.0  # up to what the shortest of them takes otherwise
    found = [took(duration_s, fixed, rate) for duration_s in lengths_s]
    found[index % len(found)] = Measured(outlier_s, cost, outlier_s)
    for duration_s in (10.0, 3600.0):
        ratio = fitted(found, 1.0).at(duration_s) / (fixed + rate * duration_s)
        assert 0.5 <= ratio <= 2.0


@given(st.lists(st.floats(0.001, 0.99 * SHORT_S), min_size=1, max_size=20), costs, long_enough, st.floats(0.01, 10))
def test_short_runs_however_many_change_no_rate(lengths_s, cost, long_s, rate):
    short = [Measured(duration_s, cost, duration_s) for duration_s in lengths_s]
    assert fitted(short, 1.0, rate).rate == rate
    line = fitted([*short, took(long_s, 0.0, rate)], 1.0)
    assert line.n_carrying == 1
    assert line.at(long_s) == pytest.approx(max(rate * long_s, line.fixed))


def test_of_three_runs_of_one_length_the_middle_one_tells_the_rate():
    assert fitted([Measured(60.0, cost, 60.0) for cost in (90.0, 30.0, 60.0)], 1.0) == (0.0, 1.0, 3)


def test_what_one_short_run_took_is_fixed_beyond_the_usual_rate():
    line = fitted([Measured(0.1, 0.5, 0.1)], 3600.0, 0.01)
    assert line == (pytest.approx(0.499), 0.01, 0)
    assert line.at(0.1) == pytest.approx(0.5)


def test_one_short_run_out_of_two_is_not_believed_to_show_what_is_fixed():
    assert fitted([Measured(0.1, 100.0, 0.1), took(100.0, 0.0, 0.5)], 1.0).at(100.0) == pytest.approx(50.0)


def test_without_a_usual_rate_short_runs_tell_of_what_is_hardly_longer():
    short = [Measured(1.0, 0.5, 1.0), Measured(2.0, 1.5, 2.0)]
    assert fitted(short, REACH * 2.0).at(4.0) == pytest.approx(3.0)
    assert fitted(short, REACH * 2.0 + 0.1) is None


def test_longer_runs_count_more_but_none_as_much_as_three_of_half_a_minute():
    assert weight(0.0) == weight(SHORT_S - 0.01) == 0
    assert 0 < weight(SHORT_S) < weight(30.0) < weight(3600.0) < 3 * weight(30.0)


# The range


def pairs(*values):
    return [(value, 1.0) for value in values]


def test_of_up_to_three_runs_the_range_holds_all():
    assert middle(pairs(2)) == (2, 2)
    assert middle(pairs(3, 1)) == (1, 3)
    assert middle(pairs(2, 3, 1)) == (1, 3)


def test_of_more_runs_the_outer_ones_are_left_out():
    assert middle(pairs(1, 2, 3, 1000)) == (2, 3)
    assert middle(pairs(*range(1, 11))) == (3, 8)


def test_a_run_of_little_weight_widens_no_range():
    assert middle([(1000.0, 0.01), (1.0, 0.9), (1.1, 0.9)]) == (1.0, 1.1)
