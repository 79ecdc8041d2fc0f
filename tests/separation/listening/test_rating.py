"""Ratings against examples worked by hand, the edges of the rules of BS.1534-3, and SciPy's interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from separation.errors import SettingsError
from separation.listening.rating import Rating, screened, summaries


def rated(listener, condition, scores):
    return [Rating(listener, f"item {index}", condition, score) for index, score in enumerate(scores)]


def panel(*, anchors, references=None, n_others=9, n_items=20):
    """Ratings of Ann, and of others who do everything right."""
    ratings = rated("Ann", "reference", references or [100] * n_items) + rated("Ann", "anchor70", anchors)
    for other in range(n_others):
        ratings += rated(f"other {other}", "reference", [100] * n_items)
        ratings += rated(f"other {other}", "anchor70", [50] * n_items)
    return ratings


def ann(*args, **kwargs):
    first, *others = screened(*args, **kwargs)
    assert first.listener == "Ann" and not any(other.breaks_rule for other in others)
    return first


def test_more_than_15_percent_of_low_references_exclude_and_15_percent_do_not():
    # Of 20 items 15 % are 3.
    three = ann(panel(anchors=[50] * 20, references=[89.9] * 3 + [100] * 17))
    assert (three.n_references, three.n_low_references) == (20, 3)
    assert not three.breaks_rule and not three.excluded and not three.marked
    four = ann(panel(anchors=[50] * 20, references=[89.9] * 4 + [100] * 16))
    assert four.breaks_rule and four.excluded and not four.marked


def test_a_reference_of_exactly_90_and_an_anchor_of_exactly_90_are_right():
    right = ann(panel(anchors=[90] * 20, references=[90] * 20))
    assert right.n_low_references == right.n_high_anchors == 0 and not right.breaks_rule
    assert ann(panel(anchors=[50] * 20, references=[89.999] * 20)).n_low_references == 20


def test_more_than_15_percent_of_high_anchors_exclude_and_15_percent_do_not():
    three = ann(panel(anchors=[90.1] * 3 + [50] * 17))
    assert (three.n_anchors, three.n_high_anchors, three.excluded) == (20, 3, False)
    four = ann(panel(anchors=[90.1] * 4 + [50] * 16))
    assert (four.n_high_anchors, four.excluded) == (4, True)


@pytest.mark.parametrize("n_items", [20, 40, 60, 100, 140, 180, 220, 300])
def test_exactly_15_percent_are_not_too_many_whatever_the_number_of_items(n_items):
    wrong = 15 * n_items // 100
    for n_wrong in (wrong, wrong + 1):
        low = [80] * n_wrong + [100] * (n_items - n_wrong)
        assert ann(panel(anchors=[50] * n_items, references=low, n_items=n_items)).excluded == (n_wrong > wrong)


def test_just_more_than_15_percent_are_too_many():
    sixteen_of_106 = [80] * 16 + [100] * 90  # 15.09 %
    assert ann(panel(anchors=[50] * 106, references=sixteen_of_106, n_items=106)).excluded
    sixteen_of_107 = [80] * 16 + [100] * 91  # 14.95 %
    assert not ann(panel(anchors=[50] * 107, references=sixteen_of_107, n_items=107)).breaks_rule


@pytest.mark.parametrize(("n_items", "excluded"), [(6, False), (7, True)])
def test_of_fewer_than_7_items_nobody_is_excluded_but_marked(n_items, excluded):
    for references, anchors in (([80, 80], [50] * n_items), ([100, 100], [95, 95] + [50] * (n_items - 2))):
        found = ann(panel(anchors=anchors, references=references + [100] * (n_items - 2), n_items=n_items))
        assert (found.breaks_rule, found.excluded, found.marked) == (True, excluded, not excluded)


def test_one_wrong_of_six_breaks_the_rule_and_one_of_seven_does_not():
    assert ann(panel(anchors=[50] * 6, references=[80] + [100] * 5, n_items=6)).marked
    assert not ann(panel(anchors=[50] * 7, references=[80] + [100] * 6, n_items=7)).breaks_rule


def test_an_anchor_that_more_than_a_quarter_rate_high_excludes_nobody():
    # Of 8 listeners 2 are a quarter, and 3 are more.
    def of_eight(n_high):
        ratings = []
        for listener in range(8):
            ratings += rated(f"{listener}", "anchor70", [95 if listener < n_high else 50] * 10 + [50] * 10)
        return screened(ratings)

    assert [each.excluded for each in of_eight(2)] == [True, True, *[False] * 6]
    assert [each.n_anchors for each in of_eight(2)] == [20] * 8
    assert not any(each.breaks_rule for each in of_eight(3))
    assert [each.n_anchors for each in of_eight(3)] == [10] * 8, "the items that do not test are not counted"


@pytest.mark.parametrize(("n_others", "excluded"), [(0, False), (1, False), (2, False), (3, True)])
def test_of_fewer_than_4_listeners_anchors_mark_and_references_exclude(n_others, excluded):
    found = ann(panel(anchors=[95] * 20, n_others=n_others))
    assert (found.breaks_rule, found.excluded, found.marked) == (True, excluded, not excluded)
    assert ann(panel(anchors=[50] * 20, references=[80] * 20, n_others=n_others)).excluded


def test_what_was_not_rated_says_nothing_and_conditions_may_have_other_names():
    (only,) = screened(rated("Ann", "fast", [10, 20]))
    assert (only.n_references, only.n_anchors, only.breaks_rule) == (0, 0, False)
    ratings = rated("Ann", "original", [80] * 10) + rated("Ann", "dull", [95] * 10)
    assert not screened(ratings)[0].breaks_rule
    found = screened(ratings, reference="original", mid_anchor="dull")[0]
    assert (found.n_low_references, found.n_high_anchors, found.excluded) == (10, 10, True)


def test_listeners_are_screened_in_the_order_in_which_they_appear():
    ratings = rated("b", "reference", [100]) + rated("a", "reference", [100]) + rated("b", "anchor70", [50])
    assert [each.listener for each in screened(ratings)] == ["b", "a"]


def test_each_listener_counts_as_one_for_mean_and_interval():
    ratings = rated("a", "fast", [60, 80]) + rated("b", "fast", [50, 70]) + rated("c", "fast", [20, 40])
    found = summaries(ratings)["fast"]
    means = [70, 60, 30]
    theirs = stats.t.interval(0.95, 2, np.mean(means), stats.sem(means))
    assert found.mean == pytest.approx(160 / 3)
    assert found.interval == pytest.approx(theirs, rel=1e-12)
    assert (found.n_listeners, found.n_ratings) == (3, 6)


def test_a_single_listeners_items_are_the_values():
    found = summaries(rated("a", "fast", [60, 80, 70, 90]))["fast"]
    assert found.interval == pytest.approx(stats.t.interval(0.95, 3, 75, stats.sem([60, 80, 70, 90])), rel=1e-12)
    assert (found.n_listeners, found.n_ratings, found.mean) == (1, 4, 75)
    once = summaries(rated("a", "fast", [60]))["fast"]
    assert (once.mean, once.interval, once.median, once.quartiles) == (60, None, 60, (60, 60))


@pytest.mark.parametrize(
    ("scores", "median", "quartiles"),
    [
        ([10, 20, 30, 40], 25, (15, 35)),
        ([10, 20, 30, 40, 50], 30, (20, 40)),
        ([10, 20, 30, 40, 50, 60], 35, (20, 50)),
        ([70, 10, 30, 40, 50, 60, 20], 40, (25, 55)),  # the middle one belongs to both halves
        ([10, 90], 50, (10, 90)),
    ],
)
def test_median_and_quartiles_are_those_of_the_standard(scores, median, quartiles):
    found = summaries(rated("a", "fast", scores))["fast"]
    assert (found.median, found.quartiles) == (median, quartiles)


def test_conditions_are_summarised_apart_in_their_order():
    found = summaries(rated("a", "slow", [90, 80]) + rated("a", "fast", [50]) + rated("b", "slow", [70, 60]))
    assert list(found) == ["slow", "fast"]
    assert (found["slow"].mean, found["slow"].n_listeners, found["fast"].mean) == (75, 2, 50)
    assert summaries([]) == {} and screened([]) == []


@given(st.lists(st.floats(0, 100), min_size=2, max_size=12))
def test_values_lie_in_their_order(scores):
    found = summaries(rated("a", "fast", scores))["fast"]
    assert min(scores) <= found.quartiles[0] <= found.median <= found.quartiles[1] <= max(scores)
    assert found.interval[0] <= found.mean <= found.interval[1]


@pytest.mark.parametrize("score", [-0.1, 100.1, math.nan])
def test_what_is_no_score_is_refused_with_advice(score):
    with pytest.raises(SettingsError) as refused:
        Rating("Ann", "song", "fast", score)
    assert refused.value.what and refused.value.why and refused.value.todo


def test_both_ends_of_the_scale_are_scores():
    assert Rating("Ann", "song", "fast", 0).score == 0 and Rating("Ann", "song", "fast", 100).score == 100


@pytest.mark.parametrize("question", [screened, summaries])
def test_a_condition_rated_twice_is_refused(question):
    with pytest.raises(SettingsError, match=r"twice"):
        question(rated("a", "fast", [60]) + rated("a", "fast", [70]))
