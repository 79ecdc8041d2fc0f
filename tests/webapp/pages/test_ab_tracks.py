"""Two results on A and B: who is whose twin, and what is heard of each side as the mixer stands."""

from __future__ import annotations

import pytest

from separation.comparing.heard import HeardTrack
from tests.support.studio_values import a_result
from webapp.components.player.track import TrackMix
from webapp.pages.studio.timeline.ab_tracks import compared_tracks, heard_tracks

A = a_result("drums", minute=1, tracks=("drums", "everything else"))
B = a_result("drums", minute=2, tracks=("drums", "bass", "everything else"))


def test_tracks_of_one_name_are_twins_on_either_side_with_sound_of_their_own():
    tracks = compared_tracks(A, B, "format=flac", {})
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


def test_all_tracks_of_a_side_are_turned_down_alike():
    tracks = compared_tracks(A, B, "", {"A": -3.0})
    assert [track["match_db"] for track in tracks] == [-3.0, -3.0, 0.0, 0.0, 0.0]


def standing(*rows):
    """The mixer of A and B: (muted, solo, gain in dB, pan) of each track."""
    tracks = compared_tracks(A, B, "", {})
    named = zip(tracks, rows, strict=True)
    return tracks, [
        TrackMix(id=track["id"], muted=muted, solo=solo, gain_db=gain_db, pan=pan)
        for track, (muted, solo, gain_db, pan) in named
    ]


PLAIN, MUTED, SOLO = (False, False, 0.0, 0.0), (True, False, 0.0, 0.0), (False, True, 0.0, 0.0)


@pytest.mark.parametrize(
    ("rows", "heard"),
    [
        ([PLAIN] * 5, ["drums", "bass", "everything else"]),
        ([PLAIN, PLAIN, MUTED, PLAIN, PLAIN], ["bass", "everything else"]),
        ([PLAIN, PLAIN, PLAIN, SOLO, PLAIN], ["bass"]),
        ([PLAIN, PLAIN, PLAIN, (True, True, 0.0, 0.0), PLAIN], []),
        ([SOLO, PLAIN, PLAIN, PLAIN, PLAIN], []),
        ([PLAIN, PLAIN, (False, False, -60.0, 0.0), PLAIN, PLAIN], ["bass", "everything else"]),
    ],
)
def test_what_is_heard_of_a_side_is_what_the_mixer_lets_through(rows, heard):
    names = {track.audio: track.name for track in B.tracks}
    assert [names[track.audio] for track in heard_tracks(B, *standing(*rows))] == heard


def test_faders_count():
    rows = [PLAIN, PLAIN, (False, False, -20.0, 0.5), MUTED, MUTED]
    assert heard_tracks(B, *standing(*rows)) == (HeardTrack(audio=B.tracks[0].audio, gain=0.1, pan=0.5),)


def test_a_side_whose_tracks_are_not_shown_yet_is_silent():
    assert heard_tracks(B, [], []) == ()
