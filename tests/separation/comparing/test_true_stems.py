"""Which of a recording's true stems a result's track should have been."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.comparing.heard import MIX, stem_of, tracks_of
from separation.comparing.labels import labels_of_sides
from separation.comparing.true_stems import TrueStems, true_stems_of, true_tracks
from separation.results.kept import KeptTrack
from tests.support.studio_values import a_recording, a_result

SONG = a_recording()
NAMES = ("drums", "bass", "voice", "keys")


def known(*names):
    return tuple(
        KeptTrack(id=f"stem-{i}", name=name, audio=SONG.audio.with_name(name), peaks=SONG.peaks.with_name(f"{name}.p"))
        for i, name in enumerate(names)
    )


def true(*names) -> TrueStems:
    stems = true_stems_of(replace(SONG, known_stems=known(*names)))
    assert stems is not None
    return stems


@pytest.mark.parametrize(
    ("name", "stems"),
    [
        ("drums", {"drums"}),
        ("singing", {"voice"}),
        ("drums and bass", {"drums", "bass"}),
        ("no vocals", {"drums", "bass", "keys"}),
        ("instrumental", {"drums", "bass", "keys"}),
        ("piano", {"keys"}),
        ("dog barking", set()),
        ("guitar", set()),
    ],
)
def test_words_mean_what_they_mean_to_a_separator(name, stems):
    assert {track.name for track in true_tracks(true(*NAMES), name)} == stems


def test_a_name_of_its_own_is_taken_by_the_letter():
    stems = true("kick", "snare", "drums")
    assert [track.name for track in true_tracks(stems, "kick")] == ["kick"]
    assert [track.name for track in true_tracks(stems, "drums")] == ["drums"]
    assert {track.name for track in true_tracks(true("kick", "snare", "bass"), "drums")} == {"kick", "snare"}


@pytest.mark.parametrize(
    ("beside", "stems"),
    [
        (("drums", "everything else"), {"bass", "voice", "keys"}),
        (("vocals", "bass", "everything else"), {"drums", "keys"}),
        (("a dog", "everything else"), set()),
        (("everything else",), set()),
    ],
)
def test_everything_else_is_what_the_other_tracks_leave(beside, stems):
    assert {track.name for track in true_tracks(true(*NAMES), "everything else", beside)} == stems


FOUR, SIX = ("drums", "bass", "other", "vocals"), ("drums", "bass", "other", "vocals", "guitar", "piano")
MOISES = ("drums", "percussion", "bass", "vocals", "guitar", "other keys", "other")


@pytest.mark.parametrize(
    ("stems", "beside", "found"),
    [
        (FOUR, FOUR, {"other"}),
        (NAMES, FOUR, {"keys"}),
        (MOISES, FOUR, {"percussion", "guitar", "other keys", "other"}),
        (SIX, FOUR, {"other", "guitar", "piano"}),
        (SIX, SIX, {"other"}),
        (FOUR, SIX, set()),  # what is piano there and what is not, nobody knows
        (FOUR, ("other", "everything else"), {"other"}),
        (FOUR, (), {"other"}),
    ],
)
def test_other_is_what_the_other_stems_of_a_separator_leave(stems, beside, found):
    assert {track.name for track in true_tracks(true(*stems), "other", beside)} == found


def test_all_of_them_together_are_the_mix():
    stems = true(*NAMES)
    assert tracks_of(stems, MIX) == stems.tracks
    assert [heard.audio.name for heard in stem_of(stems, "vocals")] == ["voice"]


def test_a_recording_whose_stems_are_unknown_has_none():
    assert true_stems_of(SONG) is None


def test_they_are_called_so_beside_results():
    labels = labels_of_sides([a_result(), true(*NAMES)])
    assert labels[1] == ("True stems", ())
