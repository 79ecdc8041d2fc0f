"""What the card of a blind test offers of each side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.comparing.blind_test import BlindSide
from separation.comparing.true_stems import true_stems_of
from separation.results.kept import KeptTrack
from tests.support.studio_values import a_recording, a_result
from webapp.pages.compare.blind_test_card import score_words, studio_address
from webapp.pages.compare.blind_test_panel import side_of
from webapp.pages.compare.compared import Compared

SONG = a_recording("song.wav")
STEM = KeptTrack(id="stem-0", name="drums", audio=SONG.audio, peaks=SONG.audio)
TRUE = true_stems_of(replace(SONG, known_stems=(STEM,)))
FROM_OUTSIDE = replace(a_recording("another program.wav"), key="f" * 64)
RESULT = replace(a_result("drums", minute=1, tracks=("drums",)), seconds=3.0)


def test_the_settings_of_a_result_can_be_used_in_the_studio():
    address = studio_address(SONG.key, side_of(Compared(items=(RESULT, SONG)), 0))
    assert address == f"/?recording={SONG.key}&result={RESULT.key}&use=1"


@pytest.mark.parametrize("item", [SONG, TRUE, FROM_OUTSIDE], ids=["recording", "true stems", "from outside"])
def test_what_no_separator_made_has_no_settings_to_use(item):
    assert studio_address(SONG.key, side_of(Compared(items=(item, RESULT)), 0)) == ""


def test_the_hyphen_of_a_name_stays_one_beside_a_negative_score():
    sides = (BlindSide(name="Built-in separator", settings=("overlap-add",)), BlindSide(name="B"))
    assert score_words(sides, (-0.35, 0.35)) == "B +0.35, Built-in separator · overlap-add −0.35"
