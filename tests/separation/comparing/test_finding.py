"""What the answers say: row by row, and pooled over complete sets alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.comparing.blind_test import BlindSide, Kind, Listener
from separation.comparing.finding import Finding, abx_result, best_first, finding_of, own_finding, pair_answers
from separation.comparing.trials import TRAINING, Said, Trial
from separation.listening.rating import ConditionSummary
from tests.separation.comparing.test_blind_test import a_test

TRIALS = (Trial(0, TRAINING, 0), *(Trial(0, 1, index % 2) for index in range(16)))


def listener(n_right, *, n=16, name="Ana", training=Said.A, checks=None):
    said = [training]
    for index in range(n):
        right = Said.A if index % 2 == 0 else Said.B
        wrong = Said.B if right is Said.A else Said.A
        said.append(right if index < n_right else wrong)
    return Listener(id=name, name=name, plan=TRIALS, answers=tuple(said), checks=checks or {})


def test_a_test_without_a_complete_set_has_no_finding():
    found = finding_of(a_test(), [listener(9, n=15)])
    assert (found.words, found.n_complete) == ((), 0)
    assert [(row.name, row.n_answered, row.n_right) for row in found.rows] == [("Ana", 15, None)]


def test_complete_sets_are_pooled_and_others_are_shown():
    found = finding_of(a_test(), [listener(12), listener(14, name="Bo"), listener(2, n=3, name="Cy")])
    assert found.n_complete == 2
    assert [row.n_right for row in found.rows] == [12, 14, None]
    assert "between “separator 0 · steps 0” and “separator 1 · steps 1” was heard" in found.words[0]
    assert "26 of 32 right by 2 listeners" in found.words[0]


def test_what_takes_less_time_and_sounds_the_same_will_do():
    sides = (BlindSide(name="32 steps", run_s=58), BlindSide(name="8 steps", run_s=14.5))
    words = own_finding(a_test(sides=sides), listener(8))
    assert words.startswith("No audible difference") and "“8 steps”, which takes a quarter of the time" in words


def test_a_test_that_was_reopened_says_so():
    assert "reopened" in finding_of(a_test(reopened=True), [listener(8)]).words[0]
    assert "reopened" not in finding_of(a_test(), [listener(8)]).words[0]


def test_listeners_who_failed_are_marked_and_not_dropped():
    failed = listener(8, training=Said.B, checks={"left": True, "headphones": False})
    found = finding_of(a_test(), [failed])
    assert found.rows[0].note == "failed the training, perhaps without headphones"
    assert found.n_complete == 1
    assert finding_of(a_test(), [listener(8, checks={"left": True})]).rows[0].note == ""


def test_the_training_is_not_counted_as_a_trial():
    assert (abx_result(listener(16)).n_trials, abx_result(listener(16)).n_right) == (16, 16)


def of_pairs(*answers):
    trials = tuple(Trial(a, b) for a, b, _ in answers)
    return Listener(id="l", name="l", plan=trials, answers=tuple(said for *_, said in answers))


def test_a_preference_is_counted_for_the_side_whichever_letter_it_had():
    found = pair_answers([of_pairs((0, 1, Said.A), (1, 0, Said.A), (1, 0, Said.B), (0, 1, Said.NONE))])
    assert {pair: (one.n_a, one.n_b, one.n_ties) for pair, one in found.items()} == {(0, 1): (2, 1, 1)}


def test_several_sides_have_a_sentence_for_each_pair_and_scores_in_their_order():
    test = a_test(kind=Kind.PREFERENCE, n_sides=3, n_trials=30)
    wins = [(0, 1, Said.A), (0, 2, Said.A), (1, 2, Said.A)]
    found = finding_of(test, [of_pairs(*wins * 10)])
    assert len(found.words) == 3 and all("Holm" in words and "preferred" in words for words in found.words)
    assert found.scores[0] > found.scores[1] > found.scores[2]
    assert sum(found.scores) == pytest.approx(0, abs=1e-9)
    assert found.rows[0].n_right is None


def test_one_pair_needs_no_correction():
    test = a_test(kind=Kind.PREFERENCE, n_trials=4)
    (words,) = finding_of(test, [of_pairs(*[(0, 1, Said.A)] * 4)]).words
    assert "Holm" not in words


def test_sides_of_one_name_are_called_a_and_b():
    sides = (BlindSide(name="same"), BlindSide(name="same"))
    assert "“same”" not in own_finding(a_test(sides=sides), listener(16))


def test_two_pairs_are_two_questions_already():
    test = a_test(kind=Kind.PREFERENCE, n_sides=3, n_trials=2)
    found = finding_of(test, [of_pairs((0, 1, Said.A), (1, 2, Said.A))])
    assert len(found.words) == 2 and all("Holm" in words for words in found.words)


def test_a_side_whose_time_nobody_knows_is_compared_without_times():
    sides = (BlindSide(name="32 steps", run_s=58), BlindSide(name="song.wav"))
    words = own_finding(a_test(sides=sides), listener(8))
    assert words.startswith("No audible difference") and "of the time" not in words


def test_the_best_side_is_the_preferred_one_or_else_the_one_that_took_less_time():
    sides = tuple(BlindSide(name=name, run_s=run_s) for name, run_s in (("a", 9.0), ("b", 0.0), ("c", 2.0)))
    test = a_test(kind=Kind.PREFERENCE, sides=sides)
    nothing = Finding(rows=(), n_complete=0, words=())
    assert [side.name for side in best_first(test, nothing)] == ["c", "a", "b"]
    assert [side.name for side in best_first(test, replace(nothing, scores=(-1.0, 2.0, 0.5)))] == ["b", "c", "a"]
    one = ConditionSummary(n_listeners=1, n_ratings=1, mean=50.0, interval=None, median=50.0, quartiles=(50.0, 50.0))
    ratings = tuple((f"{mean}", replace(one, mean=mean)) for mean in (40.0, 60.0, 90.0, 20.0))
    assert [side.name for side in best_first(test, replace(nothing, ratings=ratings))] == ["c", "b", "a"]
