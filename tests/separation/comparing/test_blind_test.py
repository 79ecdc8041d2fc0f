"""A blind test as values: what is drawn for a listener, which answers are taken, and what is right."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter

import pytest

from separation.comparing.blind_test import BlindSide, BlindTest, Kind, Listener
from separation.comparing.plans import draw_plan
from separation.comparing.trials import TRAINING, Said, Trial, is_right
from separation.errors import SettingsError


def a_test(kind=Kind.ABX, n_sides=2, **about):
    values = {
        "id": "0f",
        "key": "secret",
        "kind": kind,
        "recording": "r",
        "recording_name": "night drive.flac",
        "stem": "vocals",
        "sides": tuple(BlindSide(name=f"separator {n}", settings=(f"steps {n}",)) for n in range(n_sides)),
        "start_s": 60.0,
        "end_s": 68.0,
        "n_trials": 16,
        "sounds": "s",
    }
    return BlindTest(**{**values, **about})


def a_listener(*trials, answers=""):
    said = {"A": Said.A, "B": Said.B, "-": Said.NONE}
    return Listener(id="l", name="Ana", plan=trials, answers=tuple(said[one] for one in answers))


@pytest.mark.parametrize(
    ("about", "place"),
    [
        ({"n_sides": 3}, "sides"),
        ({"n_sides": 1}, "sides"),
        ({"kind": Kind.PREFERENCE, "n_sides": 9}, "sides"),
        ({"end_s": 60.4}, "end_s"),
        ({"end_s": 90.1}, "end_s"),
        ({"n_trials": 0}, "n_trials"),
        ({"n_trials": 101}, "n_trials"),
    ],
)
def test_what_cannot_be_a_test_is_refused_at_the_value_that_is_wrong(about, place):
    with pytest.raises(SettingsError) as refusal:
        a_test(**about)
    assert refusal.value.place == (place,)
    assert refusal.value.todo


def test_the_limits_themselves_are_allowed():
    a_test(end_s=60.5)
    a_test(end_s=90.0)
    a_test(n_trials=100)
    a_test(kind=Kind.PREFERENCE, n_sides=8)


def test_its_title_says_what_is_heard_and_nothing_of_the_sides():
    assert a_test().title == "night drive.flac · vocals · 1:00 to 1:08"
    assert "all sounds" in a_test(stem="").title
    assert "separator" not in a_test().title


def test_it_and_its_listeners_survive_being_written_down():
    test = a_test(kind=Kind.PREFERENCE, n_sides=3)
    assert BlindTest.from_dict(json.loads(json.dumps(test.to_dict()))) == test
    listener = a_listener(*draw_plan(test, random.Random(0).randrange), answers="A-")
    assert Listener.from_dict(json.loads(json.dumps(listener.to_dict()))) == listener


# what is drawn


def plans(test, n=2_000):
    rng = random.Random(1)
    return [draw_plan(test, rng.randrange) for _ in range(n)]


def test_in_abx_x_is_drawn_anew_for_each_trial_and_a_and_b_stay_the_same():
    found = plans(a_test(n_trials=8))
    for training, *trials in found:
        assert training.is_training and {training.a, training.b} == {0, TRAINING}
        assert len(trials) == 8 and len({(trial.a, trial.b) for trial in trials}) == 1
        assert all(not trial.is_training and {trial.a, trial.b} == {0, 1} and trial.x in (0, 1) for trial in trials)
    orders = Counter((plan[1].a, plan[1].b) for plan in found)
    assert min(orders.values()) > 900, "which is A is drawn for each listener"
    for index in range(9):
        assert 900 < sum(plan[index].x == plan[index].a for plan in found) < 1_100, index
    repeated = sum(one.x == other.x for plan in found for one, other in itertools.pairwise(plan[1:]))
    assert 0.48 < repeated / (7 * len(found)) < 0.52, "independently of the trial before"


def test_for_a_preference_every_pair_comes_equally_often_in_either_order():
    found = plans(a_test(kind=Kind.PREFERENCE, n_sides=3, n_trials=6, guided=False), n=600)
    for plan in found:
        pairs = Counter(frozenset((trial.a, trial.b)) for trial in plan)
        assert set(pairs.values()) == {2} and len(pairs) == 3
        assert all(trial.x is None for trial in plan)
    firsts = Counter((trial.a, trial.b) for plan in found for trial in plan)
    assert len(firsts) == 6 and min(firsts.values()) > 500
    assert len(set(found)) > 500, "in an order that is drawn"


def test_a_test_without_guidance_has_no_training():
    plan = draw_plan(a_test(guided=False), random.Random(0).randrange)
    assert len(plan) == 16 and not any(trial.is_training for trial in plan)


# answers


@pytest.mark.parametrize(
    ("trial", "said", "right"),
    [
        (Trial(0, 1, 0), Said.A, True),
        (Trial(0, 1, 1), Said.A, False),
        (Trial(1, 0, 0), Said.B, True),
        (Trial(1, 0, 0), Said.A, False),
        (Trial(0, TRAINING, TRAINING), Said.B, True),
        (Trial(0, 1), Said.A, None),
    ],
)
def test_what_is_right(trial, said, right):
    assert is_right(trial, said) is right


def test_answers_are_taken_in_order_and_a_repeated_one_changes_nothing():
    listener = a_listener(Trial(0, 1, 0), Trial(0, 1, 1))
    once = listener.answering(0, Said.A, "now")
    assert once.answers == (Said.A,) and once.ended == "" and not once.complete
    assert once.answering(0, Said.A, "later") == once
    with pytest.raises(SettingsError):
        once.answering(0, Said.B, "later")
    with pytest.raises(SettingsError):
        listener.answering(1, Said.A, "now")
    whole = once.answering(1, Said.B, "later")
    assert whole.complete and whole.ended == "later" and whole.next_trial is None
    with pytest.raises(SettingsError):
        whole.answering(2, Said.A, "later")


def test_x_has_no_third_answer_and_a_preference_has():
    with pytest.raises(SettingsError, match="A or B"):
        a_listener(Trial(0, 1, 0)).answering(0, Said.NONE, "now")
    assert a_listener(Trial(0, 1)).answering(0, Said.NONE, "now").complete


def test_the_training_counts_for_nothing_but_itself():
    training = Trial(0, TRAINING, TRAINING)
    listener = a_listener(training, Trial(0, 1, 0), answers="AB")
    assert listener.counted == ((Trial(0, 1, 0), Said.B),)
    assert (listener.n_answered, listener.failed_training) == (1, True)
    assert not a_listener(training, answers="B").failed_training
    assert not a_listener(Trial(0, TRAINING), answers="A").failed_training, "of a preference nothing is right"


def test_which_side_a_sound_is():
    assert [Trial(3, 1, 1).side_of(name) for name in ("A", "B", "X", "Y")] == [3, 1, 1, None]
    assert (Trial(0, 1).sounds, Trial(0, 1, 0).sounds) == ("AB", "ABX")
