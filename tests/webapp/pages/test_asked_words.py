"""What a blind test asks, and why it asks it so often, in words that stand before it starts."""

from __future__ import annotations

import pytest

from separation.comparing.blind_test import Kind
from webapp.pages.compare.asked_words import question, why_so_many


def test_the_question_is_written_out_before_a_test_starts():
    assert question(Kind.PREFERENCE).startswith("Which one sounds better to you, A or B?")
    assert question(Kind.ABX).startswith("X is A or B: which one?")
    assert question(Kind.RATING).startswith("How close is each sound to the reference, from 0 to 100?")


def test_it_is_said_how_many_trials_there_are_and_why_more_are_better():
    words = why_so_many(Kind.PREFERENCE, 16)
    assert words.startswith("16 trials, about 3 minutes.")
    assert "12 of 16 answers for one side come by luck in 8 % of tests, 24 of 32 in 0.7 %" in words
    assert "More trials" in words
    words = why_so_many(Kind.ABX, 16)
    assert words.startswith("16 trials, about 3 minutes.")
    assert "right 3 times out of 4" in words and "63 %" in words and "85 %" in words


@pytest.mark.parametrize("n_trials", [1, 8, 32])
@pytest.mark.parametrize("kind", [Kind.ABX, Kind.PREFERENCE])
def test_a_number_of_trials_is_fixed_when_it_starts(kind, n_trials):
    words = why_so_many(kind, n_trials)
    assert words.endswith("The number is fixed when the test starts.")
    assert words.startswith(f"{n_trials} trial")
