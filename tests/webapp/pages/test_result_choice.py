"""Which results are heard: the newest unless somebody chose, two on A and B, and what becomes of a choice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.studio_values import a_result
from webapp.pages.studio.timeline.result_choice import (
    ResultChoice,
    opened,
    remembered,
    with_found,
    with_made,
    with_other,
    with_result,
)
from webapp.state.mixers import MixerState

OLD, MIDDLE, NEW = (a_result(name, minute=minute) for minute, name in enumerate(("bass", "drums", "vocals")))
ALL = (NEW, MIDDLE, OLD)  # newest first, as libraries list them
choices = st.builds(
    lambda n, first, second: with_other(with_result(opened(ALL[:n], MixerState()), first.key), second.key),
    st.integers(0, 3),
    st.sampled_from(ALL),
    st.sampled_from(ALL),
)


def chosen(result, other=None, *, newest=NEW):
    return MixerState(result=result.key, other=other.key if other else "", newest=newest.key)


@pytest.mark.parametrize(
    ("results", "mixer", "wanted", "heard"),
    [
        ((), MixerState(), "", ()),
        (ALL, MixerState(), "", (NEW,)),
        (ALL, chosen(OLD), "", (OLD,)),
        (ALL, chosen(OLD, MIDDLE), "", (OLD, MIDDLE)),
        (ALL, chosen(OLD, MIDDLE, newest=MIDDLE), "", (NEW,)),  # there is a newer one by now
        (ALL, chosen(OLD, MIDDLE), MIDDLE.key, (MIDDLE,)),  # an address names another one
        (ALL, chosen(OLD, NEW), NEW.key, (NEW,)),
        (ALL, chosen(OLD), "f" * 64, (NEW,)),  # an address names what is not there
        ((NEW, MIDDLE), chosen(OLD, MIDDLE), "", (NEW, MIDDLE)),  # what was chosen is gone
        ((NEW, OLD), chosen(OLD, MIDDLE), "", (OLD,)),
        ((NEW,), chosen(NEW, NEW), "", (NEW,)),
    ],
)
def test_a_recording_opens_with_what_was_chosen_unless_there_is_something_newer(results, mixer, wanted, heard):
    assert opened(results, mixer, wanted).playing == heard


def test_the_newest_is_the_one_made_last_in_whatever_order_they_are_listed():
    assert ResultChoice(results=(OLD, NEW, MIDDLE)).newest == NEW.key
    assert ResultChoice().newest == ""


@given(choices)
def test_what_is_remembered_of_a_choice_opens_as_that_choice(choice):
    mixer = MixerState(saved={"loud": {}}, levels={})
    assert opened(choice.results, remembered(choice, mixer)) == choice
    assert remembered(choice, mixer).saved == mixer.saved


@given(choices, st.sampled_from(ALL))
def test_a_new_result_is_heard_alone_and_the_others_stay_within_reach(choice, result):
    after = with_made(choice, result)
    assert after.result == result
    assert {one.key for one in after.results} == {result.key, *(one.key for one in choice.results)}
    if choice.result == result:
        assert after is choice, "what is heard already goes on, with what it is compared with"
    else:
        assert after.other is None and after.results[0] == result
    assert opened(after.results, remembered(after, MixerState())).playing == after.playing, "also after a reload"


@pytest.mark.parametrize(
    ("before", "results", "heard"),
    [
        ((OLD,), ALL, (OLD,)),  # another one was made elsewhere: what is heard goes on
        ((OLD, MIDDLE), ALL, (OLD, MIDDLE)),
        ((), ALL, (NEW,)),  # nothing was heard
        ((NEW, OLD), (MIDDLE, OLD), (OLD,)),  # side A is gone: B takes its place
        ((NEW, OLD), (NEW, MIDDLE), (NEW,)),
        ((OLD,), (NEW, MIDDLE), (NEW,)),
        ((NEW, MIDDLE), (OLD,), (OLD,)),
        ((NEW, MIDDLE), (), ()),
    ],
)
def test_what_is_heard_goes_on_when_results_come_and_go_elsewhere(before, results, heard):
    first, second = (*before, None, None)[:2]
    choice = with_found(ResultChoice(results=ALL, result=first, other=second), results)
    assert (choice.playing, choice.results) == (heard, results)


@given(choices, st.sampled_from(ALL))
def test_a_result_is_never_compared_with_itself(choice, result):
    for after in (with_result(choice, result.key), with_other(choice, result.key)):
        assert after.result is None or after.result != after.other
        assert after.result is not None or after.other is None


def test_choosing_on_one_side_leaves_the_other():
    both = with_other(with_result(ResultChoice(results=ALL), NEW.key), OLD.key)
    assert both.playing == (NEW, OLD)
    assert with_result(both, MIDDLE.key).playing == (MIDDLE, OLD)
    assert with_result(both, OLD.key).playing == (OLD,)
    assert with_other(both, MIDDLE.key).playing == (NEW, MIDDLE)
    assert with_other(both, "-").playing == (NEW,), "no second result"
