"""What the results of a benchmark are measured against, and how that is said before it runs."""

from __future__ import annotations

from dataclasses import replace

from separation.benchmark.grid import Grid
from separation.results.kept import KeptTrack
from tests.support.studio_values import a_recording
from webapp.pages.benchmark.measured import Against, offered, usual, with_reference, words_of_measuring

SONG = a_recording("song.wav")
STEM = KeptTrack(id="stem-0", name="drums", audio=SONG.audio, peaks=SONG.audio)
KNOWN = replace(a_recording("known.wav"), known_stems=(STEM,))
GRID = Grid(settings={"prompts": ["drums"], "backend": ["builtin-dsp", "builtin"]})
OWN = replace(GRID, reference={"backend": "builtin-dsp"})


def said(grid, songs, against=None):
    against = against or usual(grid, songs)
    _, found = with_reference(grid, against, songs, ())
    return words_of_measuring(found, against, songs)


def test_with_known_stems_quality_is_measured_against_them():
    assert usual(GRID, [KNOWN]) is Against.NONE
    assert said(GRID, [KNOWN]) == "With known stems: quality is measured against them."


def test_without_known_stems_quality_is_measured_against_the_slowest_setting():
    assert usual(GRID, [SONG]) is usual(GRID, [SONG, KNOWN]) is Against.SLOWEST
    grid, found = with_reference(GRID, Against.SLOWEST, [SONG], ())
    assert found.reference is not None and found.reference.backend == "builtin" and len(found.requests) == 2
    assert replace(grid, reference=None) == GRID
    words = said(GRID, [SONG])
    assert words.startswith("Without known stems: quality is measured against the slowest setting, “Built-in separator")
    assert "not which one is right" in words
    assert said(GRID, [SONG, KNOWN]).startswith("Without known stems (1 of 2 recordings): quality is measured against")


def test_a_reference_of_the_settings_own_is_taken_unless_another_is_chosen():
    assert usual(OWN, [KNOWN]) is usual(OWN, [SONG]) is Against.OWN
    assert offered(OWN) == (Against.OWN, Against.SLOWEST, Against.NONE)
    assert offered(GRID) == (Against.SLOWEST, Against.NONE)
    assert with_reference(OWN, Against.OWN, [SONG], ())[0] == OWN
    assert "quality is measured against the reference, “" in said(OWN, [SONG])
    assert "How far each is from the reference, “" in said(OWN, [KNOWN])


def test_without_either_it_is_said_that_quality_is_not_measured():
    words = said(OWN, [SONG], Against.NONE)
    assert words == "Without known stems and without a reference: time and memory are measured, quality is not."


def test_a_single_setting_has_no_reference():
    alone = Grid(settings={"prompts": ["drums"], "backend": "builtin"})
    assert with_reference(alone, Against.SLOWEST, [SONG], ())[1].reference is None
    assert said(alone, [SONG]).endswith("quality is not.")
