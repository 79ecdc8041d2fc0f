"""The colours of charts are those of the pages, and can be read on both grounds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from separation.benchmark.charts import DARK, LIGHT
from tests.webapp.components.test_stem_colors import contrast

COLORS = (Path(__file__).parents[3] / "webapp/static/colors.css").read_text("utf-8")
TOKENS = {"ground": "panel", "text": "text", "mute": "mute", "line": "line", "accent": "accent", "warn": "warn"}


@pytest.mark.parametrize("field, token", TOKENS.items())
def test_charts_have_the_colours_of_the_pages(field, token):
    light, dark = re.search(rf"--{token}: light-dark\((#\w+), (#\w+)\)", COLORS).groups()
    assert (getattr(LIGHT, field), getattr(DARK, field)) == (light, dark)


@pytest.mark.parametrize("look", [DARK, LIGHT])
def test_all_that_is_read_can_be(look):
    for color in (look.text, look.mute, look.accent, look.warn, *look.series):
        assert contrast(color, look.ground) >= 4.5
    assert len(set(look.series)) == len(look.series)
