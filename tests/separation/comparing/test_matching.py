"""Loudness matching: by attenuation only, one gain a side, and nothing where it would say nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.comparing.matching import FARTHEST_LU, QUIETEST_LUFS, Matched, matched

levels = st.lists(st.floats(-80, 0) | st.just(-math.inf), max_size=8)


@pytest.mark.parametrize(
    ("lufs", "gains_db"),
    [
        ([-20, -23], [-3, 0]),
        ([-23, -20], [0, -3]),
        ([-20, -20], [0, 0]),
        ([-30, -20, -25], [0, -10, -5]),
        ([-20, -40], [-20, 0]),
        ([-20, -40.1], [0, 0]),
        ([-20, -22, -50], [-2, 0, 0]),
        ([-50, -60], [-10, 0]),
        ([-50, -60.1], [0, 0]),
        ([-20, -math.inf], [0, 0]),
        ([-math.inf, -math.inf], [0, 0]),
        ([-20], [0]),
        ([], []),
    ],
)
def test_all_are_turned_down_to_the_quietest_of_those_that_can_be_compared(lufs, gains_db):
    assert [one.gain_db for one in matched(lufs)] == pytest.approx(gains_db)


@given(levels)
def test_nothing_is_turned_up_and_what_is_matched_is_equally_loud_afterwards(lufs):
    found = matched(lufs)
    assert len(found) == len(lufs)
    assert all(one.gain_db <= 0 for one in found)
    after = [before + one.gain_db for before, one in zip(lufs, found, strict=True) if not one.note]
    if len(after) > 1:
        assert max(after) - min(after) < 1e-9


@given(levels)
def test_a_side_that_is_not_matched_is_as_it_was_and_says_why(lufs):
    for before, one in zip(lufs, matched(lufs), strict=True):
        if before < QUIETEST_LUFS:
            assert one == Matched(note="nearly silent, not matched")
        elif before < max(lufs) - FARTHEST_LU:
            assert one.gain_db == 0 and "LU quieter" in one.note
        else:
            assert one.note == ""


def test_words():
    assert [one.words for one in matched([-20, -21.8])] == ["−1.8 dB", "as it is"]
    assert [one.words for one in matched([-20, -45, -70])] == [
        "as it is", "25 LU quieter, not matched", "nearly silent, not matched",
    ]  # fmt: skip
