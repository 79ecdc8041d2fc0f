"""Which sounds can be answered where not all of them can."""

from __future__ import annotations

import pytest

from separation.backends import registry
from separation.backends.partial_answers import answerable
from separation.request import Request


def texts(request):
    return None if request is None else [prompt.text for prompt in request.prompts]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (("drums", "dog barking", "the singer"), ["drums", "the singer"]),
        (("dog barking", "piano"), None),
        (("drums", "bass"), ["drums", "bass"]),
    ],
)
@pytest.mark.parametrize("backend", ["auto", "builtin"])
def test_the_sounds_that_one_separator_here_can_answer(asked, answered, backend):
    assert texts(answerable(Request.of(*asked, backend=backend))) == answered


def test_everything_but_the_prompts_stays():
    request = Request.of("drums", "dog barking", backend="builtin", seed=7)
    assert answerable(request) == Request.of("drums", backend="builtin", seed=7)


def test_a_separator_that_cannot_run_here_answers_nothing():
    assert not registry.get("sam_torch").availability(Request.of("drums", backend="sam_torch")).usable
    assert answerable(Request.of("drums", backend="sam_torch")) is None
    assert answerable(Request.of("drums", backend="nothing")) is None


def test_of_several_separators_the_one_that_answers_most_counts():
    talk = Request.of("speech", "drums", "bass")
    assert texts(answerable(talk)) in (["drums", "bass"], ["speech", "drums", "bass"])
