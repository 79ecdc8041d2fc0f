"""The frontier of cost and quality: beside its points nothing else is both better and faster."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from separation.benchmark.frontier import frontier

SOME = st.one_of(st.none(), st.integers(0, 6).map(float), st.just(math.nan), st.just(math.inf))


def test_what_is_slower_and_worse_is_off_it():
    assert frontier([(1, 7.0), (2, 9.0), (3, 8.0), (4, 12.0)]) == (0, 1, 3)


def test_of_errors_the_lower_ones_are_on_it():
    assert frontier([(1, -10.0), (2, -8.0), (3, -20.0)], "lower") == (0, 2)


def test_points_that_are_equal_in_both_are_on_it_together_and_of_equal_costs_the_better_is():
    assert frontier([(1, 5.0), (1, 5.0), (1, 4.0), (2, 5.0)]) == (0, 1)


def test_points_without_a_cost_or_quality_are_off_it():
    assert frontier([(None, 5.0), (1, None), (math.nan, 5.0), (1, math.inf), (2, 3.0)]) == (4,)
    assert frontier([]) == ()


@given(st.lists(st.tuples(SOME, SOME)))
def test_it_is_what_no_other_point_beats(points):
    known = [
        index
        for index, (cost, quality) in enumerate(points)
        if cost is not None and quality is not None and math.isfinite(cost) and math.isfinite(quality)
    ]
    unbeaten = {
        one
        for one in known
        if not any(
            points[other][0] <= points[one][0] and points[other][1] >= points[one][1] and points[other] != points[one]
            for other in known
        )
    }
    found = frontier(points)
    assert set(found) == unbeaten
    assert [points[index][0] for index in found] == sorted(points[index][0] for index in found)
