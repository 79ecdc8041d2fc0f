"""Two results on A and B: who is whose twin, and how much the louder one is turned down."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.studio_values import a_result
from webapp.pages.studio.ab_tracks import NOT_MEASURED, compared_tracks, equally_loud

A = a_result("drums", minute=1, tracks=("drums", "everything else"))
B = a_result("drums", minute=2, tracks=("drums", "bass", "everything else"))
lufs = st.dictionaries(st.sampled_from(["drums", "bass", "vocals"]), st.floats(-70, 0) | st.just(-math.inf))


def test_tracks_of_one_name_are_twins_on_either_side_with_sound_of_their_own():
    tracks = compared_tracks(A, B, "format=flac", NOT_MEASURED)
    found = [(track["side"], track["name"], track["twin"], track["url"].split("/")[2]) for track in tracks]
    assert found == [
        ("A", "drums", "drums", A.key),
        ("A", "everything else", "everything else", A.key),
        ("B", "drums", "drums", B.key),
        ("B", "bass", "bass", B.key),
        ("B", "everything else", "everything else", B.key),
    ]
    assert len({track["id"] for track in tracks}) == 5
    assert {track["match_db"] for track in tracks} == {0.0}
    assert all(track["download"].endswith("?format=flac") for track in tracks)


def test_each_track_is_turned_down_by_what_was_measured_of_its_own_side():
    tracks = compared_tracks(A, B, "", {"A": {"drums": -3.0}, "B": {"everything else": -1.5}})
    assert [track["match_db"] for track in tracks] == [-3.0, 0.0, 0.0, 0.0, -1.5]


@pytest.mark.parametrize(
    ("a", "b", "down"),
    [
        (-20.0, -23.0, (-3.0, 0.0)),
        (-23.0, -20.0, (0.0, -3.0)),
        (-20.0, -20.0, (0.0, 0.0)),
        (-20.0, -math.inf, (0.0, 0.0)),
        (-math.inf, -math.inf, (0.0, 0.0)),
    ],
)
def test_the_louder_twin_is_turned_down_to_the_other(a, b, down):
    match_db = equally_loud({"drums": a}, {"drums": b})
    assert (match_db["A"]["drums"], match_db["B"]["drums"]) == down


@given(lufs, lufs)
def test_afterwards_twins_that_sound_are_equally_loud_and_nothing_was_turned_up(a, b):
    match_db = equally_loud(a, b)
    assert (set(match_db["A"]), set(match_db["B"])) == (set(a), set(b))
    assert all(down <= 0 for side in match_db.values() for down in side.values())
    for name, down in match_db["A"].items():
        if math.isfinite(a[name]) and math.isfinite(b.get(name, -math.inf)):
            assert a[name] + down == pytest.approx(b[name] + match_db["B"][name])
        else:
            assert down == 0
