"""What a browser sends reaches handlers only in the shape that they declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from webapp.components.prompts.prompts import PromptChange
from webapp.components.sent import arguments_to, fits
from webapp.components.settings import controls
from webapp.components.settings.settings import offered
from webapp.components.spans.spans import SpanChange
from webapp.components.tracks.tracks import MixChange


class Place(TypedDict):
    city: str
    zip: NotRequired[int]


SPAN = {"prompt": "voice", "sign": "+", "start_s": 1, "stop_s": 2.5}


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"a": [None]}, Any),
        (None, None),
        (True, bool),
        (-3, int),
        (3, float),
        (2.5, float),
        ("x", str),
        ("+", Literal["+", "-"]),
        (None, float | None),
        ([], list[int]),
        ([1, 2], Sequence[int]),
        ({"a": 1.5}, Mapping[str, float]),
        ({"city": "Ulm"}, Place),
        ({"city": "Ulm", "zip": 89073}, Place),
        ({}, PromptChange),
        ({"move": "voice", "before": None}, PromptChange),
        ({"recording": "a", "removed": [], "added": [SPAN]}, SpanChange),
        ([{"id": "a", "set": {"pan": -1}}], list[MixChange]),
    ],
)
def test_what_has_the_shape_fits(value, shape):
    assert fits(value, shape)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (0, None),
        (1, bool),
        (True, int),
        (2.0, int),
        (10**30, int),
        (-(10**30), float),
        (True, float),
        (float("nan"), float),
        (float("inf"), float),
        ("3", float),
        (b"x", str),
        ("*", Literal["+", "-"]),
        (True, Literal[1]),
        ("x", float | None),
        ((1, 2), list[int]),
        ("12", Sequence[str]),
        ([1, "2"], list[int]),
        ({"a": "b"}, Mapping[str, float]),
        ({}, Place),
        ({"city": 1}, Place),
        ({"city": "Ulm", "zip": None}, Place),
        ({"city": "Ulm", "street": "x"}, Place),
        ([], Place),
        ({"add": [1]}, PromptChange),
        ({"recording": "a", "removed": [], "added": [SPAN | {"sign": "*"}]}, SpanChange),
        ([{"id": "a", "set": {"pan": None}}], list[MixChange]),
    ],
)
def test_anything_else_does_not(value, shape):
    assert not fits(value, shape)


def test_a_handler_gets_what_fits_and_one_line_says_what_does_not(caplog):
    taken = []
    handler = arguments_to(taken.append, int)
    handler(SimpleNamespace(args=3, sender="page"))
    handler(SimpleNamespace(args="3", sender="page"))
    assert taken == [3]
    assert [record.exc_info for record in caplog.records] == [None]


FIELDS = [
    {"name": "format", "kind": "select", "label": "", "value": "a", "options": [{"value": "a", "label": "A"}]},
    {
        "name": "grid",
        "kind": "choice",
        "label": "",
        "value": "b",
        "options": [{"value": "b", "label": "B"}, {"value": "c", "label": "C", "disabled": True}],
    },
    {"name": "chain", "kind": "switch", "label": "", "value": False},
    controls.slider("strength", "", 6.0, {6.0: "6 dB", None: "No limit"}, ""),
    {"name": "steps", "kind": "number", "label": "", "value": 4, "min": 1, "max": 9},
]


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("format", "a", True),
        ("format", "x", False),
        ("format", None, False),
        ("grid", "c", False),
        ("chain", True, True),
        ("chain", "yes", False),
        ("strength", 6, True),
        ("strength", None, True),
        ("strength", 7, False),
        ("steps", 1e9, True),  # it is put right, and said
        ("steps", None, True),
        ("no such", "a", False),
    ],
)
def test_a_setting_takes_what_its_control_offers(name, value, taken):
    assert offered([{"title": "", "fields": FIELDS}], {"set": name, "value": value}) == taken
