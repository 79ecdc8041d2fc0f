"""A gentle word on how to name a sound."""

from __future__ import annotations

import pytest

from separation.prompts.phrasing import SUGGESTIONS, advice, better, plainly


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Please extract the man", "man"),
        ("can you remove the dog barking.", "dog barking"),
        ("The Drums", "drums"),
        ("isolate only vocals", "vocals"),
        ("sound of a train", "train"),
        ("TV in the background", "TV in the background"),
    ],
)
def test_what_was_said_politely_is_offered_plainly(text, plain):
    assert plainly(text) == plain
    assert (f"“{plain}”" in advice(text)) == (text != plain)


@pytest.mark.parametrize("text", ["man speaking", "drums", "808 bass", "TV", "woman singing in spanish"])
def test_good_words_are_left_alone(text):
    assert advice(text) == ""


def test_a_long_sentence_is_met_with_advice_on_its_length():
    assert "up to 6 words" in advice("a man who talks about music while rain falls")
    assert "up to 6 words" in advice("man talking about music while rain falls outside")


def test_words_that_are_nothing_but_asking_stay_themselves():
    assert plainly("the") == "the"


def test_no_suggestion_needs_advice():
    assert [advice(text) for texts in SUGGESTIONS.values() for text in texts if advice(text)] == []


def test_words_of_another_language_are_offered_in_english_where_they_are_known():
    assert better("Schlagzeug") == "drums" and better("ドラム") == "drums" and better("The Drums") == "drums"
    assert "trained on English" in advice("Schlagzeug") and "“drums”" in advice("Schlagzeug")
    assert "trained on English" in advice("犬") and better("犬") == "犬"
    assert better("piano") == "piano" and advice("piano") == ""
