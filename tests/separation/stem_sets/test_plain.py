"""Plain folders: which are songs, what their files mean, and what is passed over."""

from __future__ import annotations

import pytest

from separation.errors import SettingsError
from separation.stem_sets.finding import find_songs
from tests.support.known_songs import plain_song, sound, sounds, stem_file, write


def song_of(folder, *names, mixture="mixture.wav"):
    """The one song of a folder that holds such files."""
    for name in names:
        write(folder / (name if "." in name else f"{name}.wav"))
    if mixture:
        write(folder / mixture)
    (song,) = find_songs(folder)
    assert song.layout == "plain folder"
    return song


def stems(song):
    return {name: sorted(one.path.name for one in sources) for name, sources in song.stems.items()}


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("vox", "vocals"),
        ("Lead Vocals", "vocals"),
        ("SPEECH", "vocals"),
        ("03_Drum-Kit", "drums"),
        ("bass_guitar", "bass"),
        ("Keys", "piano"),
        ("Vocals Stem", "vocals"),
        ("others", "other"),
        ("noise", "noise"),
        ("Dog  Barking", "dog barking"),
        ("808", "808"),
        ("Chœur d'enfants", "chœur d'enfants"),
    ],
)
def test_a_name_means_what_it_means_to_a_separator_and_else_itself(tmp_path, file, stem):
    song = song_of(tmp_path / "song", file)
    assert stems(song) == {stem: [f"{file}.wav"]}
    assert song.renamed == {f"{file}.wav": stem}


@pytest.mark.parametrize("name", ["mixture", "Mix", "FULL-MIX", "mixdown", "master", "01 mix", "linear_mixture"])
def test_the_mixture_has_one_of_several_names(tmp_path, name):
    song = song_of(tmp_path / "song", "dog", "cat", mixture=f"{name}.flac")
    assert song.mixture.path.name == f"{name}.flac"
    assert stems(song) == {"cat": ["cat.wav"], "dog": ["dog.wav"]}


def test_without_a_mixture_it_is_the_sum_if_most_names_mean_a_stem(tmp_path):
    assert song_of(tmp_path / "one", "speech", "noise", mixture="").mixture is None
    with pytest.raises(SettingsError, match="No song with known stems"):
        song_of(tmp_path / "songs", "Yesterday", "Help", "Drums", mixture="")
    with pytest.raises(SettingsError, match="No song with known stems"):
        song_of(tmp_path / "alone", "drums", mixture="")


def test_a_mixture_alone_is_no_song(tmp_path):
    with pytest.raises(SettingsError, match="No song with known stems"):
        song_of(tmp_path / "song")


def test_files_that_mean_one_stem_are_added_up(tmp_path):
    song = song_of(tmp_path / "song", "kick", "snare", "backing vocals", "lead vocals")
    assert stems(song) == {"drums": ["kick.wav", "snare.wav"], "vocals": ["backing vocals.wav", "lead vocals.wav"]}
    assert song.renamed["snare.wav"] == "drums"


def test_one_name_in_two_formats_is_one_sound(tmp_path):
    song = song_of(tmp_path / "song", "drums.mp3", "drums.wav", "Drums.flac", "bass.ogg")
    assert stems(song) == {"bass": ["bass.ogg"], "drums": ["drums.wav"]}
    assert song.notes == (
        "“Drums.flac” was passed over: “drums.wav” has the same name.",
        "“drums.mp3” was passed over: “drums.wav” has the same name.",
    )


def test_of_two_mixtures_one_is_taken(tmp_path):
    song = song_of(tmp_path / "song", "drums", "linear mixture")
    assert (song.mixture.path.name, stems(song)) == ("mixture.wav", {"drums": ["drums.wav"]})
    assert song.notes == ("“linear mixture.wav” was passed over: “mixture.wav” is taken for the mixture.",)


@pytest.mark.parametrize("name", ["instrumental", "no vocals", "accompaniment"])
def test_what_holds_several_stems_is_passed_over_beside_them(tmp_path, name):
    song = song_of(tmp_path / "song", "vocals", "drums", name)
    assert list(song.stems) == ["drums", "vocals"]
    assert song.notes == (f"“{name}.wav” was passed over: it holds several stems at once.",)


def test_what_is_all_but_one_stem_is_a_stem_beside_that_one(tmp_path):
    assert list(song_of(tmp_path / "one", "vocals", "instrumental", mixture="").stems) == ["instrumental", "vocals"]
    assert list(song_of(tmp_path / "two", "drums", "no drums").stems) == ["drums", "no drums"]
    song = song_of(tmp_path / "three", "speech", "music", "sfx")
    assert (list(song.stems), song.notes) == (["music", "sfx", "vocals"], ())


@pytest.mark.parametrize(
    ("names", "mixture"),
    [
        (("Song - Drums", "Song - Bass", "Song - Vox"), "Song - Mix.wav"),
        (("Song_drums", "Song_bass", "Song_vocals"), "Song.wav"),
        (("drums Song (2019)", "bass Song (2019)", "vocals Song (2019)"), "mixture Song (2019).wav"),
    ],
)
def test_what_the_names_have_in_common_is_left_out(tmp_path, names, mixture):
    song = song_of(tmp_path / "song", *names, mixture=mixture)
    assert song.mixture.path.name == mixture
    assert set(song.stems) == {"drums", "bass", "vocals"}


def test_names_that_mean_something_as_they_stand_are_left_whole(tmp_path):
    song = song_of(tmp_path / "song", "bass drum", "bass guitar", mixture="")
    assert stems(song) == {"bass": ["bass guitar.wav"], "drums": ["bass drum.wav"]}


@pytest.mark.parametrize("mixture", ["mix.wav", None])
def test_the_stems_may_lie_in_a_folder_of_that_name(tmp_path, mixture):
    plain_song(tmp_path / "Artist - Title" / "Stems", sounds("drums", "bass"), None)
    if mixture:
        write(tmp_path / "Artist - Title" / mixture)
    (song,) = find_songs(tmp_path)
    assert (song.name, set(song.stems)) == ("Artist - Title", {"drums", "bass"})
    assert (song.mixture is None) == (mixture is None)


def test_a_stem_that_other_songs_of_the_folder_have_is_missed(tmp_path):
    for name in ("one", "two", "three"):
        plain_song(tmp_path / name, sounds("drums", "vocals"))
    plain_song(tmp_path / "four", sounds("drums", "kazoo"))
    notes = {song.name: song.notes for song in find_songs(tmp_path)}
    assert notes == {
        "one": (),
        "two": (),
        "three": (),
        "four": ("It has no vocals, which other songs of this set have.",),
    }


def test_a_stem_that_other_stem_files_have_is_missed(tmp_path):
    for name in ("one", "two"):
        stem_file(tmp_path / f"{name}.stem.mp4", [sound(seed) for seed in range(3)], ["Drums", "Vox"])
    stem_file(tmp_path / "three.stem.mp4", [sound(seed) for seed in range(3)], ["Drums", "Synth"])
    notes = {song.name: song.notes for song in find_songs(tmp_path)}
    assert notes == {"one": (), "two": (), "three": ("It has no vocals, which other songs of this set have.",)}
