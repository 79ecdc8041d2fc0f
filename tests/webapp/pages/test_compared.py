"""What is compared, as a value: sides, their labels and tracks, and what may stand beside what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.comparing.addresses import address_of, item_at
from separation.comparing.heard import ASKED, MIX
from separation.comparing.matching import Matched
from separation.comparing.true_stems import true_stems_of
from separation.errors import SettingsError
from separation.request import ChunkSettings, Request
from separation.results.kept import KeptTrack
from tests.support.studio_values import a_recording, a_result
from webapp.pages.compare.compared import MOST, Compared, asked_alike

SONG = a_recording("song.wav")
A = a_result("drums", minute=1, tracks=("drums", "everything else"))
B = a_result("drums", minute=2, tracks=("drums", "bass", "everything else"))


def with_chunks(result, chunk_s):
    request = Request.of("drums", backend="builtin", chunks=ChunkSettings(chunk_s=chunk_s, overlap_s=1))
    return replace(result, settings=request.to_dict(), seconds=2.0 * chunk_s)


SHORT, LONG = with_chunks(A, 3), with_chunks(B, 9)


def test_the_sounds_to_choose_are_those_that_every_result_has():
    assert Compared(items=(A, B)).stems == ("drums", "everything else")
    assert Compared(items=(SONG, B)).stems == ("drums", "bass", "everything else")
    assert Compared(items=(SONG,)).stems == Compared().stems == ()


def test_a_sound_that_one_result_lacks_becomes_the_whole_mix():
    assert Compared(items=(A, B)).with_stem("drums").stem == "drums"
    assert Compared(items=(A, B)).with_stem("bass").stem == MIX
    assert Compared(items=(B,), stem="bass").with_item(A).stem == MIX


def test_a_side_says_the_settings_in_which_it_differs_and_the_time_it_took():
    sides = Compared(items=(SHORT, LONG)).sides(())
    assert [side["side"] for side in sides] == ["1", "2"]
    assert [side["about"] for side in sides] == ["6.0 s", "18.0 s"]
    assert [side["settings"] for side in sides] == ["chunk 3 s", "chunk 9 s"]
    assert {side["match"] for side in sides} == {"measuring…"}


def test_a_recording_beside_results_makes_no_setting_differ():
    sides = Compared(items=(SHORT, SONG, SHORT)).sides((Matched(-2.0), Matched(), Matched(-2.0)))
    assert [side["about"] for side in sides] == ["6.0 s", "", "6.0 s"]
    assert {side["settings"] for side in sides} == {""}
    assert sides[1]["label"] == "song.wav"
    assert [side["match"] for side in sides] == ["−2.0 dB", "as it is", "−2.0 dB"]


def test_each_side_has_its_tracks_and_the_pair_those_of_its_difference():
    compared = Compared(items=(A, B, SONG), stem="drums", pair=(0, 2))
    tracks = compared.tracks((Matched(), Matched(-3.0), Matched(-1.0)))
    assert [(track["side"], track["match_db"], track.get("inverted")) for track in tracks] == [
        ("1", 0.0, None),
        ("2", -3.0, None),
        ("3", -1.0, None),
        ("D", 0.0, False),
        ("D", -1.0, True),
    ]
    assert len({track["id"] for track in tracks}) == 5
    assert [track["url"].split("/")[2] for track in tracks] == [A.key, B.key, SONG.key, A.key, SONG.key]


def test_the_whole_mix_is_all_tracks_of_a_side():
    tracks = Compared(items=(A, B)).tracks(())
    assert [track["side"] for track in tracks] == ["1", "1", "2", "2", "2", "D", "D", "D", "D", "D"]
    assert [len(heard) for heard in Compared(items=(A, B, SONG)).heard] == [2, 3, 1]


def test_one_side_alone_has_no_difference():
    assert {track["side"] for track in Compared(items=(A,)).tracks(())} == {"1"}


def test_a_pair_is_two_sides_that_are_there():
    compared = Compared(items=(A, B, SONG))
    assert compared.with_pair((1, 2)).pair == (1, 2)
    for nonsense in ((1, 1), (0, 3), (-1, 0)):
        assert compared.with_pair(nonsense) == compared


def test_the_same_item_twice_is_one_side_and_there_are_at_most_eight():
    assert Compared(items=(A,)).with_item(A).items == (A,)
    many = Compared(items=tuple(replace(A, key=str(n)) for n in range(MOST)))
    with pytest.raises(SettingsError, match="At most 8"):
        many.with_item(B)


def test_another_sample_rate_cannot_be_played_beside_it():
    with pytest.raises(SettingsError, match="another sample rate") as refusal:
        Compared(items=(A,)).with_item(replace(B, sample_rate=A.sample_rate + 1))
    assert refusal.value.todo


def test_a_side_that_is_removed_takes_its_pair_along():
    left = Compared(items=(A, B, SONG), stem="drums", pair=(1, 2)).without(A.key)
    assert (left.items, left.pair, left.stem) == ((B, SONG), (0, 1), "drums")


STEMS = tuple(KeptTrack(id=f"stem-{n}", name=n, audio=SONG.audio, peaks=SONG.peaks) for n in ("drums", "voice"))
MIXED = replace(SONG, known_stems=STEMS)
TRUE = true_stems_of(MIXED)


def test_true_stems_stand_beside_results_with_what_each_should_have_been():
    compared = Compared(items=(A, TRUE))
    assert compared.stems == ("drums", "everything else")
    tracks = compared.with_stem("drums").tracks(())
    assert [(track["side"], track["url"]) for track in tracks[:2]] == [
        ("1", f"/media/{A.key}/0"),
        ("2", f"/media/{SONG.key}/stem-drums"),
    ]
    assert [len(heard) for heard in compared.with_stem("everything else").heard] == [1, 1]
    assert Compared(items=(B, TRUE)).stems == ("drums",), "nothing of it should have been “bass”"
    assert Compared(items=(MIXED, TRUE)).stems == ("drums", "voice")


def test_true_stems_and_their_recording_are_two_sides():
    compared = Compared(items=(MIXED,)).with_item(TRUE)
    assert len(compared.items) == 2
    assert compared.with_item(TRUE) == compared
    assert compared.without(address_of(TRUE)).items == (MIXED,)


def test_an_address_opens_what_it_was_made_of():
    kept = {item.key: item for item in (A, MIXED)}.__getitem__
    for item in (A, MIXED, TRUE):
        assert item_at(address_of(item), kept) == item


def test_true_stems_that_are_not_known_are_refused():
    for item in (A, SONG):
        with pytest.raises(SettingsError, match="no true stems"):
            item_at(f"{item.key}.stems", lambda _, item=item: item)


VOCALS = a_result("vocals", minute=3, tracks=("vocals", "everything else"))
KIT = a_result("drum kit", minute=4, tracks=("drum kit", "everything else"))


def test_a_comparison_opens_on_the_sound_that_every_result_was_asked_for():
    assert Compared(items=(A, B)).asked == "drums"
    assert Compared(items=(SONG, B, A)).asked == "drums", "the recording itself was asked for nothing"
    assert Compared(items=(SONG,)).asked == Compared().asked == MIX
    both = a_result("bass", minute=5, tracks=("everything else", "bass", "drums"))
    assert Compared(items=(both, B)).asked == "bass", "never what is left, wherever its track stands"


def test_results_that_were_asked_for_other_sounds_are_compared_by_what_each_was_asked_for():
    compared = Compared(items=(A, KIT, SONG))
    compared = compared.with_stem(compared.asked)
    assert [[track.audio for track in heard] for heard in compared.heard] == [
        [A.tracks[0].audio],
        [KIT.tracks[0].audio],
        [SONG.audio],
    ]
    assert compared.sound == "drums / drum kit"
    assert [side["settings"] for side in compared.sides(())] == ["drums", "drum kit", ""]
    assert compared.with_item(VOCALS).sound == "drums / drum kit / vocals"
    assert Compared(items=(A, B)).with_stem(ASKED).stem == MIX, "of alike results that sound has a name"
    assert Compared(items=(A, B), stem="drums").sound == "drums"
    assert Compared(items=(A, B)).sound == "all sounds"


def test_the_results_of_a_recording_that_are_compared_at_first_were_made_for_the_same_sound():
    assert asked_alike([A, VOCALS, B]) == [A, B]
    assert asked_alike([VOCALS, A, B]) == [VOCALS, A, B], "nothing was made for the newest's sound but itself"
    assert asked_alike([]) == []
