"""Where songs are looked for, and what is passed over."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from separation.errors import SettingsError
from separation.stem_sets.finding import find_songs
from tests.support.known_songs import MUSDB, plain_song, slakh_song, sound, sounds, stem_file, write


def names(place):
    return [song.name for song in find_songs(place)]


def test_songs_of_all_layouts_are_found_in_one_folder_at_any_depth(tmp_path):
    plain_song(tmp_path / "a" / "b" / "c" / "d" / "e" / "f" / "deep", sounds(*MUSDB))
    slakh_song(tmp_path / "a" / "Track00001", ["Drums", "Bass"])
    stem_file(tmp_path / "a" / "file.stem.mp4", [sound(seed) for seed in range(5)])
    plain_song(tmp_path / "one more", sounds("speech", "noise"))
    assert [(song.name, song.layout) for song in find_songs(tmp_path)] == [
        ("file", "Native Instruments Stems"),
        ("Track00001", "Slakh2100"),
        ("deep", "MUSDB18-HQ"),
        ("one more", "plain folder"),
    ]


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: (folder / "notes.txt").write_text("drums")])
def test_a_folder_in_which_nothing_is_recognised_is_said(tmp_path, make):
    folder = tmp_path / "empty"
    folder.mkdir()
    make(folder)
    with pytest.raises(SettingsError) as refused:
        find_songs(folder)
    assert refused.value.what == "No song with known stems was found in “empty”."
    assert "MUSDB18-HQ, Slakh2100 or MoisesDB" in refused.value.why
    assert "“mixture.wav”" in refused.value.todo


def test_a_file_and_what_is_not_there_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="is one file"):
        find_songs(write(tmp_path / "mixture.wav"))
    with pytest.raises(SettingsError, match="There is no folder"):
        find_songs(tmp_path / "gone")


def test_hidden_files_and_what_is_no_audio_are_passed_over(tmp_path):
    folder = plain_song(tmp_path / "song", sounds(*MUSDB))
    (folder / "._drums.wav").write_bytes(b"of a Mac")
    (folder / "cover.png").write_bytes(b"a picture")
    (folder / "voice.wav").mkdir()
    plain_song(tmp_path / ".hidden", sounds(*MUSDB))
    (song,) = find_songs(tmp_path)
    assert (song.layout, list(song.stems)) == ("MUSDB18-HQ", list(MUSDB))


@pytest.mark.skipif(os.name == "nt", reason="Windows lets only some accounts make links")
def test_links_that_lead_out_are_passed_over_and_said_where_nothing_else_is_there(tmp_path):
    outside = plain_song(tmp_path / "outside", sounds(*MUSDB))
    folder = tmp_path / "set" / "song"
    folder.mkdir(parents=True)
    for name in ("mixture", *MUSDB):
        (folder / f"{name}.wav").symlink_to(outside / f"{name}.wav")
    (tmp_path / "set" / "linked").symlink_to(outside)
    (tmp_path / "set" / "circle").symlink_to(tmp_path / "set")
    (folder / "itself.wav").symlink_to(folder / "itself.wav")
    with pytest.raises(SettingsError, match="links that may lead out of it were passed over"):
        find_songs(tmp_path / "set")
    plain_song(tmp_path / "set" / "real", sounds(*MUSDB))
    assert names(tmp_path / "set") == ["real"]


@pytest.mark.skipif(os.name == "nt", reason="Windows lets only some accounts make links")
def test_links_to_files_of_the_set_and_a_link_to_the_set_are_followed(tmp_path):
    folder = plain_song(tmp_path / "set" / "song", sounds("drums", "bass"))
    (folder / "vox.wav").symlink_to(folder / "drums.wav")
    (tmp_path / "link").symlink_to(tmp_path / "set")
    (song,) = find_songs(tmp_path / "link")
    assert (song.name, set(song.stems)) == ("song", {"drums", "bass", "vocals"})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs in folders")
def test_a_pipe_is_passed_over(tmp_path):
    folder = plain_song(tmp_path / "song", sounds("drums", "bass"))
    os.mkfifo(folder / "vocals.wav")
    (song,) = find_songs(tmp_path)
    assert set(song.stems) == {"drums", "bass"}


def test_names_beyond_ascii_are_shown_composed(tmp_path):
    plain_song(tmp_path / "Mu\u0308ller – 声 🎧", sounds("Geräusch", "drums"))
    (song,) = find_songs(tmp_path)
    assert (song.name, set(song.stems)) == ("Müller – 声 🎧", {"geräusch", "drums"})


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_shown_as_far_as_it_is(tmp_path):
    folder = plain_song(tmp_path / "song", sounds("drums"))
    write(folder / "vocals.wav").rename(os.fsdecode(os.fsencode(folder) + b"/\xffx.wav"))
    folder.rename(os.fsdecode(os.fsencode(tmp_path) + b"/song\xff"))
    (song,) = find_songs(tmp_path)
    assert (song.name, set(song.stems)) == ("song\N{REPLACEMENT CHARACTER}", {"drums", "\N{REPLACEMENT CHARACTER}x"})


def test_a_folder_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    plain_song(tmp_path / "song", sounds(*MUSDB))

    def refused(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(SettingsError, match=r"cannot be read\. The system says: Permission denied"):
        find_songs(tmp_path)
