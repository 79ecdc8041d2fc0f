"""`audio-playground stems` says what it takes for which stem, and keeps songs with their true stems."""

from __future__ import annotations

import json
import os
from contextlib import closing

import pytest

from separation.results.kept import recording_of
from storage import ArtifactStore
from tests.support.known_songs import MUSDB, moises_song, plain_song, slakh_song, sound, sounds, stem_file, write
from tests.support.small_disk import MB
from tests.support.store_files import check_consistent
from tests.support.terminal import audio_playground

pytestmark = pytest.mark.usefixtures("folder")


def kept(folder):
    with closing(ArtifactStore(folder / "home")) as store:
        return [recording_of(item) for item in store.list("recording")]


def test_each_song_is_said_with_its_layout_and_which_file_is_which_stem(folder):
    plain_song(folder / "set" / "Artist - Title", sounds(*MUSDB))
    slakh_song(folder / "set" / "Track00001", ["Drums", "Guitar", "Guitar"])
    moises_song(folder / "set" / "uuid", {"other_keys": ["a"]})
    stem_file(folder / "set" / "file.stem.mp4", [sound(seed) for seed in range(3)], ["Kick", "Vox"])
    said = audio_playground("stems", "list", "set").output
    for line in (
        "file (Native Instruments Stems)\n  mixture: audio track 1\n  drums: audio track 2, “Kick”\n",
        "Artist - Title (MUSDB18-HQ)\n  mixture: mixture.wav\n  drums: drums.wav\n",
        "Track00001 (Slakh2100)\n  mixture: mix.flac\n  drums: stems/S00.flac\n",
        "  guitar: stems/S01.flac + stems/S02.flac\n",
        "Artist - Title (MoisesDB)\n  mixture: the sum of the stems\n  other keys: other_keys/a.wav\n",
    ):
        assert line in said
    assert said.endswith("\n4 songs.\n")
    assert not (folder / "home").exists(), "nothing is kept"


def test_an_import_keeps_them_and_says_under_which_key(folder):
    plain_song(folder / "set" / "song", sounds("drums", "vox"))
    said = audio_playground("stems", "import", "set").output
    (recording,) = kept(folder)
    assert [stem.name for stem in recording.known_stems] == ["drums", "vocals"]
    assert f"  vocals: vox.wav\n  kept as {recording.key[:12]}: 0:00.5, 8000 Hz, 2 ch\n1 song kept.\n" in said


def test_a_part_of_each_is_kept_where_it_is_asked_for(folder):
    plain_song(folder / "set" / "song", sounds("drums", "vox"))
    audio_playground("stems", "import", "set", "--start-time", "0.1", "--end-time", "0.3")
    assert [recording.n_samples for recording in kept(folder)] == [1600]


def test_a_song_that_fails_does_not_stop_the_rest(folder):
    for name in ("a", "b", "c"):
        plain_song(folder / "set" / name, sounds("drums", "vox", duration_s=0.5 + ord(name) / 1000))
    (folder / "set" / "b" / "vox.wav").write_bytes(b"no sound")
    said = audio_playground("stems", "import", "set", status=6).output
    assert "2 songs kept, 1 failed.\n" in said and "  failed. 'set/b/vox.wav' cannot be used as audio." in said
    assert {one.name for one in kept(folder) if one.known_stems} == {"a", "c"}


def test_as_json_it_is_one_line_with_the_names_keys_and_failures(folder):
    plain_song(folder / "set" / "a", sounds("drums", "vox"))
    plain_song(folder / "set" / "b", sounds("drums", "bass", duration_s=0.4))
    write(folder / "set" / "b" / "bass.wav", sound(duration_s=3))
    result = json.loads(audio_playground("stems", "import", "set", "--json", status=6).output)
    (song,) = result["songs"]
    (recording,) = (one for one in kept(folder) if one.known_stems)
    assert (song["name"], song["layout"], song["key"]) == ("a", "plain folder", recording.key)
    assert (song["mixture"], song["renamed"]) == ("mixture.wav", {"drums.wav": "drums", "vox.wav": "vocals"})
    assert [(one["name"], one["error"]) for one in result["failed"]] == [("b", "SettingsError")]
    listed = json.loads(audio_playground("stems", "list", "set", "--json").output)
    assert [one["name"] for one in listed["songs"]] == ["a", "b"]
    assert listed["songs"][0]["stems"] == ["drums", "vocals"]


def test_notes_are_said_once(folder):
    plain_song(folder / "set" / "song", sounds("drums", "bass", "other"))
    said = audio_playground("stems", "import", "set").output
    assert said.count("It has no vocals") == 1


def test_songs_that_had_to_go_again_for_later_ones_are_said(folder, monkeypatch):
    monkeypatch.setattr("storage.artifacts.DEFAULT_LIMIT_BYTES", 150_000)
    for seed in range(3):
        plain_song(folder / "set" / str(seed), {"drums": sound(seed), "vox": sound(9)})  # 98 kB of samples each
    said = audio_playground("stems", "import", "set").output
    assert "3 songs kept.\nnote: 2 songs had to go again, because no more than 150 kB are kept" in said
    assert "had to go" not in audio_playground("stems", "import", "set", "--cache-limit-gb", "0.1").output
    assert len(kept(folder)) == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_cannot_steer_the_terminal(folder):
    plain_song(folder / "set" / "a\x1b[31m", sounds("drums", "vox"))
    assert "\x1b" not in audio_playground("stems", "list", "set").output


def test_a_folder_without_such_songs_ends_with_the_status_of_wrong_usage(folder):
    (folder / "set").mkdir()
    assert "No song with known stems was found in “set”" in audio_playground("stems", "list", "set", status=2).output


@pytest.mark.parametrize("mixture", ["mixture.wav", None])
def test_a_full_disk_is_a_sentence_and_it_goes_on_once_there_is_room(disk, tmp_path, mixture):
    plain_song(tmp_path / "set" / "song", sounds("drums", "bass", duration_s=40), mixture)  # 2.6 MB each as float
    result = json.loads(audio_playground("stems", "import", "set", "--json", status=6).output)
    (failure,) = result["failed"]
    assert "No space left" in failure["why"] and "scratch-" not in failure["todo"]
    check_consistent(disk.home)
    disk.resize(32 * MB)
    audio_playground("stems", "import", "set")
    with closing(ArtifactStore(disk.home)) as store:
        (recording,) = map(recording_of, store.list("recording"))
    assert [stem.name for stem in recording.known_stems] == ["bass", "drums"]
