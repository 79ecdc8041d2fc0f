"""What a song is, how it was recognised, and what its stems are called, in each layout of a collection."""

from __future__ import annotations

import json

import pytest

from separation.stem_sets.finding import find_songs
from separation.stem_sets.song import StemSource
from tests.support.known_songs import MUSDB, moises_song, plain_song, slakh_song, sound, sounds, stem_file, write


def only(place):
    (song,) = find_songs(place)
    return song


def files(song):
    """The files of each stem by their paths in the song's place, and their audio tracks."""
    return {
        stem: [one.path.relative_to(song.place).as_posix() if one.track is None else one.track for one in sources]
        for stem, sources in song.stems.items()
    }


# MUSDB18-HQ


def test_a_folder_of_musdb18_hq_has_its_songs_by_artist_and_title(tmp_path):
    for place in ("train/Artist - Title", "train/Zoe - Away", "test/Björk - Jóga"):
        plain_song(tmp_path / place, sounds(*MUSDB))
    songs = find_songs(tmp_path)
    assert [song.name for song in songs] == ["Björk - Jóga", "Artist - Title", "Zoe - Away"]
    for song in songs:
        assert (song.layout, song.notes) == ("MUSDB18-HQ", ())
        assert song.mixture == StemSource(path=song.place / "mixture.wav")
        assert files(song) == {name: [f"{name}.wav"] for name in MUSDB}
        assert song.renamed == {f"{name}.wav": name for name in MUSDB}


def test_one_song_of_it_is_found_in_its_own_folder(tmp_path):
    plain_song(tmp_path / "Artist - Title", sounds(*MUSDB))
    assert only(tmp_path / "Artist - Title").name == "Artist - Title"


def test_a_stem_that_a_song_of_it_lacks_is_said(tmp_path):
    plain_song(tmp_path / "Artist - Title", sounds("drums", "bass", "other"))
    song = only(tmp_path)
    assert song.layout == "MUSDB18-HQ"
    assert list(song.stems) == ["drums", "bass", "other"]
    assert song.notes == ("It has no vocals, which songs of MUSDB18-HQ have.",)


def test_the_case_of_names_makes_no_difference(tmp_path):
    plain_song(tmp_path / "song", {name.upper(): sound() for name in MUSDB}, "Mixture.WAV", ".WAV")
    song = only(tmp_path)
    assert song.layout == "MUSDB18-HQ"
    assert song.renamed == {f"{name.upper()}.WAV": name for name in MUSDB}


def test_two_stems_and_a_mixture_are_no_song_of_it(tmp_path):
    plain_song(tmp_path / "song", sounds("drums", "vocals"))
    song = only(tmp_path)
    assert (song.layout, song.notes) == ("plain folder", ())


# Stem files


@pytest.mark.parametrize("extension", [".stem.mp4", ".stem.m4a", ".STEM.MP4"])
def test_a_stem_file_has_the_mixture_first_and_the_stems_of_musdb18_after_it(tmp_path, extension):
    tracks = [sound(seed) for seed in range(5)]
    stem_file(tmp_path / "test" / f"Artist - Title{extension}", tracks)
    song = only(tmp_path)
    assert (song.name, song.layout) == ("Artist - Title", "Native Instruments Stems")
    assert song.mixture == StemSource(path=song.place, track=1)
    assert files(song) == {"drums": [2], "bass": [3], "other": [4], "vocals": [5]}
    assert song.renamed["audio track 5"] == "vocals"
    assert find_songs(song.place) == (song,), "the file alone is found as well"


def test_a_stem_file_that_names_its_stems_is_believed(tmp_path):
    names = ["Kick", "Vox", "Synth Lead", "Bass Line"]
    song = only(stem_file(tmp_path / "a.stem.mp4", [sound(seed) for seed in range(5)], names))
    assert files(song) == {"drums": [2], "vocals": [3], "synth lead": [4], "bass": [5]}
    assert song.renamed["audio track 3, “Vox”"] == "vocals"


@pytest.mark.parametrize("content", [b"", b"text", b"\0\0\0\1moov\0\0\0\0\0\0\0\1", b"\0\0\0\x10moov\0\0\0\x04udta"])
def test_what_is_no_stem_file_but_for_its_name_is_found_and_read_later(tmp_path, content):
    path = tmp_path / "a.stem.mp4"
    path.write_bytes(content)
    assert list(only(path).stems) == list(MUSDB)


def test_names_in_a_stem_file_that_are_none_are_passed_over(tmp_path):
    path = stem_file(tmp_path / "a.stem.mp4", [sound(seed) for seed in range(5)], ["", "", "", ""])
    assert list(only(path).stems) == list(MUSDB)


# Slakh2100


@pytest.mark.parametrize("extension", [".flac", ".wav"])
def test_sounds_of_one_class_are_one_stem_of_slakh2100(tmp_path, extension):
    classes = ["Drums", "Bass", "Guitar", "Guitar", "Strings (continued)", "Strings"]
    slakh_song(tmp_path / "train" / "Track00001", classes, extension)
    song = only(tmp_path)
    assert (song.name, song.layout, song.notes) == ("Track00001", "Slakh2100", ())
    assert song.mixture == StemSource(path=song.place / f"mix{extension}")
    assert files(song) == {
        "drums": [f"stems/S00{extension}"],
        "bass": [f"stems/S01{extension}"],
        "guitar": [f"stems/S02{extension}", f"stems/S03{extension}"],
        "strings": [f"stems/S04{extension}", f"stems/S05{extension}"],
    }
    assert song.renamed[f"stems/S03{extension}"] == "guitar"


def test_a_sound_that_was_rendered_and_is_not_there_is_said_and_one_without_a_class_is_a_stem(tmp_path):
    slakh_song(tmp_path / "Track00001", ["Drums", "Bass"])
    (tmp_path / "Track00001" / "stems" / "S01.flac").rename(tmp_path / "Track00001" / "stems" / "S07.flac")
    song = only(tmp_path)
    assert list(song.stems) == ["drums", "s07"]
    assert song.notes == ("metadata.yaml names S01, of which there is no file.",)


@pytest.mark.parametrize("text", ["", "[", "stems: 3", "stems: {S00: 1}", "stems: {S00: {}}", "!!python/object:a.B {}"])
def test_a_song_of_slakh2100_whose_metadata_are_broken_has_its_sounds_by_their_files(tmp_path, text):
    slakh_song(tmp_path / "Track00001", ["Drums", "Bass"])
    (tmp_path / "Track00001" / "metadata.yaml").write_text(text, "utf-8")
    song = only(tmp_path)
    assert (list(song.stems), song.layout) == (["s00", "s01"], "Slakh2100")
    assert song.notes == ("metadata.yaml cannot be understood, so each sound is a stem by the name of its file.",)


# MoisesDB


def test_a_song_of_moisesdb_is_the_sum_of_its_stems_and_each_of_them_of_its_sounds(tmp_path):
    stems = {"vocals": ["a-1", "a-2"], "drums": ["b-1"], "other_keys": ["c-1"]}
    moises_song(tmp_path / "moisesdb_v0.1" / "0b92", stems)
    song = only(tmp_path)
    assert (song.name, song.layout, song.mixture, song.notes) == ("Artist - Title", "MoisesDB", None, ())
    assert files(song) == {
        "vocals": ["vocals/a-1.wav", "vocals/a-2.wav"],
        "drums": ["drums/b-1.wav"],
        "other keys": ["other_keys/c-1.wav"],
    }
    assert song.renamed["other_keys/c-1.wav"] == "other keys"


def test_its_drums_and_its_percussion_stay_two_stems(tmp_path):
    moises_song(tmp_path / "0b92", {"drums": ["a"], "percussion": ["b"]})
    assert list(only(tmp_path).stems) == ["drums", "percussion"]


def test_a_sound_of_moisesdb_that_is_not_there_is_said(tmp_path):
    moises_song(tmp_path / "0b92", {"drums": ["a", "b"], "bass": ["c"]})
    (tmp_path / "0b92" / "drums" / "b.wav").unlink()
    song = only(tmp_path)
    assert files(song) == {"drums": ["drums/a.wav"], "bass": ["bass/c.wav"]}
    assert song.notes == ("data.json names drums/b, of which there is no file.",)


def test_what_data_json_names_outside_of_its_folder_is_not_read(tmp_path):
    folder = tmp_path / "set" / "0b92"
    moises_song(folder, {"drums": ["a"]})
    write(tmp_path / "secret.wav")
    said = json.loads((folder / "data.json").read_text("utf-8"))
    said["stems"] += [{"stemName": "..", "tracks": [{"id": "../secret", "extension": "wav"}]}]
    said["stems"] += [{"stemName": "drums", "tracks": [{"id": str(tmp_path / "secret"), "extension": "wav"}]}]
    (folder / "data.json").write_text(json.dumps(said), "utf-8")
    assert files(only(tmp_path / "set")) == {"drums": ["drums/a.wav"]}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stems": 3}', '{"stems": []}', '{"stems": [{}]}', "[" * 100_000])
def test_a_song_of_moisesdb_whose_data_are_broken_has_its_stems_by_their_folders(tmp_path, text):
    moises_song(tmp_path / "0b92", {"drums": ["a", "b"], "bass": ["c"]})
    (tmp_path / "0b92" / "data.json").write_text(text, "utf-8")
    song = only(tmp_path)
    assert (song.name, song.layout) == ("0b92", "MoisesDB")
    assert files(song) == {"bass": ["bass/c.wav"], "drums": ["drums/a.wav", "drums/b.wav"]}
    assert song.notes == ("data.json cannot be understood, so its folders name the stems.",)


def test_a_song_without_a_title_has_the_name_of_its_folder(tmp_path):
    moises_song(tmp_path / "0b92", {"drums": ["a"]})
    path = tmp_path / "0b92" / "data.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "artist": None, "song": ""}), "utf-8")
    assert only(tmp_path).name == "0b92"
