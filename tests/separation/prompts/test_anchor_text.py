"""Anchors as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.errors import SettingsError
from separation.prompts import anchor_text
from separation.request import Anchor

PLUS = Anchor(sign="+", start_s=1.5, stop_s=3.0)
MINUS = Anchor(sign="-", start_s=5, stop_s=7)


@pytest.mark.parametrize("text", ["+1.5-3.0,-5-7", " + 1.5 - 3 , -5. - 7.00 ", "+1.5-3,-05-7"])
def test_spans_are_listed_in_their_order_whatever_the_spaces(text):
    assert anchor_text.parse_anchors(text) == (PLUS, MINUS)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_text_has_no_spans(text):
    assert anchor_text.parse_anchors(text) == ()


@pytest.mark.parametrize(
    "text",
    ["1.5-3", "+1.5", "+-1-2", "+1--2", "*1-2", "+1-2;+3-4", "+1-2,", "+1:00-2:00", "+1e-3-2", "+١-٢", "drums"],
)
def test_anything_else_is_refused_with_how_to_write_it(text):
    with pytest.raises(SettingsError, match=r"not a span of time.*Write \+1\.5-3\.0 or -5-7"):
        anchor_text.parse_anchors(text)


@pytest.mark.parametrize("text", ["+3-1", "+0-" + "9" * 400])
def test_a_span_that_stops_before_it_starts_or_never_is_refused(text):
    with pytest.raises(SettingsError, match="not a span of time"):
        anchor_text.parse_anchors(text)


def test_spans_are_written_without_needless_digits():
    assert anchor_text.written((PLUS, MINUS)) == "+1.5-3,-5-7"
    assert anchor_text.written([Anchor(sign="+", start_s=1e-07, stop_s=100)]) == "+0.0000001-100"
    assert anchor_text.written([]) == ""


times = st.floats(0, allow_infinity=False) | st.integers(0, 10**6)


@given(
    st.lists(
        st.tuples(st.sampled_from("+-"), times, times).map(
            lambda span: Anchor(sign=span[0], start_s=min(span[1:]), stop_s=max(span[1:]))
        )
    )
)
def test_what_is_written_is_read_back_exactly(anchors):
    assert anchor_text.parse_anchors(anchor_text.written(anchors)) == tuple(anchors)
