"""Colours of stems can be read on both grounds, and no two that stand together are alike."""

from __future__ import annotations

import re

import numpy as np

from webapp.theme import FREE_COLORS, STEM_COLORS, stem_color


def test_the_colour_of_a_stem_can_be_read_in_both_schemes() -> None:
    for color in (*STEM_COLORS.values(), *FREE_COLORS):
        light, dark = re.findall("#[0-9a-f]{6}", color)
        assert contrast(light, "#ffffff") >= 4.5
        assert contrast(dark, "#14181e") >= 4.5


def test_a_prompt_keeps_its_colour_and_avoids_taken_ones() -> None:
    assert stem_color("Vocals ") == STEM_COLORS["vocals"]
    assert stem_color("glass breaking") == stem_color("glass breaking")
    taken: list[str] = []
    for prompt in ("a", "b", "c", "d", "e", "f", "g", "h"):
        taken.append(stem_color(prompt, taken))
    assert len(set(taken)) == len(FREE_COLORS)
    assert stem_color("everything else") not in taken  # it stands beside them in every mixer


def contrast(a: str, b: str) -> float:
    """WCAG 2.2 contrast ratio of two "#rrggbb" colours."""
    bright, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
