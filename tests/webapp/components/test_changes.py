"""Changes of one page arrive once each and in their order; those of prompts fit whatever prompts there are by then."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from webapp.components.changes import MAX_NUMBER, take_changes
from webapp.components.prompts.prompts import changed


class Place:
    """As much of an element as changes need."""

    def __init__(self, apply, shape=str):
        self.props = {}
        take_changes(self, apply, shape)

    def on(self, name, handler):
        assert name == "changes"
        self.handler = handler

    def send(self, *numbers):
        """What a browser sends: its unconfirmed changes, whose values are here their numbers as words."""
        return self.send_raw([{"number": number, "change": str(number)} for number in numbers])

    def send_raw(self, args):
        return self.handler(SimpleNamespace(args=args, sender=self))


def test_a_change_that_is_sent_again_counts_once_and_each_is_confirmed():
    taken = []
    place = Place(taken.append)
    place.send(3)
    place.send(3, 4, 8)
    place.send(4)  # overtaken by the message before
    assert taken == ["3", "4", "8"]
    assert place.props["applied"] == 8


def test_a_change_that_fails_is_confirmed_and_keeps_no_other_from_counting(caplog):
    taken = []

    def apply(change):
        if change == "1":
            raise TypeError("not a change")
        taken.append(change)

    place = Place(apply)
    place.send(1, 2)
    assert (taken, place.props["applied"]) == (["2"], 2)
    assert "not a change" in caplog.text


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "x",
        {},
        [3],
        [{}],
        [{"number": 3}],
        [{"number": "3", "change": "a"}],
        [{"number": True, "change": "a"}],
        [{"number": 3.5, "change": "a"}],
        [{"number": -1, "change": "a"}],
        [{"number": 2, "change": "a"}, {"number": MAX_NUMBER + 1, "change": "b"}],
    ],
)
def test_what_bears_no_number_of_a_page_is_neither_taken_nor_confirmed(caplog, sent):
    taken = []
    place = Place(taken.append)
    place.send_raw(sent)
    assert (taken, place.props["applied"]) == ([], 0)
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None
    place.send(1)
    assert taken == ["1"], "it keeps no other from counting"


def test_a_change_of_another_shape_is_confirmed_unmade_and_keeps_no_other_from_counting(caplog):
    taken = []
    place = Place(taken.append, int)
    place.send_raw([{"number": 1, "change": "x" * 1000}, {"number": 2, "change": 7}])
    assert (taken, place.props["applied"]) == ([7], 2)
    assert [record.exc_info for record in caplog.records] == [None]
    assert len(caplog.text) < 300, "a line of the log is not as long as a page likes"


def test_changes_that_take_time_are_awaited_one_after_the_other():
    taken = []

    async def apply(change):
        taken.append(f"{change} begins")
        await asyncio.sleep(0)
        taken.append(f"{change} ends")

    asyncio.run(Place(apply).send(1, 2))
    assert taken == ["1 begins", "1 ends", "2 begins", "2 ends"]


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ({"add": ["guitar", "piano"]}, ["drums", "bass", "vocals", "guitar", "piano"]),
        ({"remove": "Bass"}, ["drums", "vocals"]),
        ({"remove": "guitar"}, ["drums", "bass", "vocals"]),
        ({"replace": "bass", "by": "low bass"}, ["drums", "low bass", "vocals"]),
        ({"replace": "guitar", "by": "low bass"}, ["drums", "bass", "vocals"]),
        ({"move": "vocals", "before": "bass"}, ["drums", "vocals", "bass"]),
        ({"move": "drums", "before": None}, ["bass", "vocals", "drums"]),
        ({"move": "drums", "before": "guitar"}, ["bass", "vocals", "drums"]),  # which somebody has taken away meanwhile
        ({"move": "guitar", "before": "bass"}, ["drums", "bass", "vocals"]),
        ({}, ["drums", "bass", "vocals"]),
    ],
)
def test_a_change_of_prompts_leaves_the_others_alone(change, after):
    assert changed(["drums", "bass", "vocals"], change) == after
