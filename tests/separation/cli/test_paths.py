"""Paths as people type them: home folders, addresses of the web, patterns, names that are not there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.errors import SettingsError
from tests.support import run_fakes
from tests.support.terminal import audio_playground


@pytest.fixture
def home(folder, backend, monkeypatch):
    """The home folder, which is not the current one; there is a song in it."""
    (folder / "me").mkdir()
    monkeypatch.setenv("HOME", str(folder / "me"))
    run_fakes.song(folder / "me" / "song.wav")
    return folder / "me"


def test_a_tilde_is_the_home_folder_in_sources_and_options(home, folder):
    audio_playground("extract", "auto", "~/song.wav", "-p", "drums", "--out=~/stems", "--save-recipe=~/r.yaml")
    assert (home / "stems" / "drums.wav").exists() and (home / "r.yaml").exists()
    audio_playground("extract", "recipe", "~/song.wav", "~/r.yaml", "-o", "~/again")
    audio_playground("convert", "to-wav", "~/song.wav", "-o", "~/new.wav")
    audio_playground("batch", "~", "-p", "drums", "-o", "~/all")
    assert (home / "again" / "drums.wav").exists() and (home / "new.wav").exists() and (home / "all" / "song").is_dir()
    assert not (folder / "~").exists()


def test_a_tilde_is_the_home_folder_in_workflows(home, folder):
    (home / "work.yaml").write_text(
        "steps:\n"
        "- name: wav\n  command: convert to-wav\n  with: {source: ~/song.wav, out: ~/new.wav}\n"
        "- name: stems\n  command: extract auto\n  with: {source: ~/new.wav, prompt: drums, out: ~/stems}\n"
    )
    audio_playground("run", "--config", "~/work.yaml")
    assert (home / "stems" / "drums.wav").exists() and not (folder / "~").exists()


def test_a_file_that_is_called_so_is_that_file(home, folder):
    run_fakes.song(folder / "~song.wav")
    assert "wrote new.wav" in audio_playground("convert", "to-wav", "~song.wav", "-o", "new.wav").output


def test_the_home_of_nobody_is_a_sentence(folder):
    result = audio_playground("convert", "to-wav", "~nosuchuser/song.wav", status=2)
    assert "'~nosuchuser/song.wav' is not known. This computer has no account “nosuchuser”." in result.stderr


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("extract", "auto", "circle.wav", "-p", "drums"), 3),
        (("extract", "auto", "me/song.wav", "-p", "drums", "-o", "circle.wav"), 3),
        (("extract", "auto", "me/song.wav", "-p", "drums", "--report", "circle.wav"), 3),
        (("convert", "to-wav", "me/song.wav", "-o", "circle.wav"), 3),
        (("merge", "concat", "me/song.wav", "circle.wav", "-o", "joined.wav"), 3),
        (("batch", "circle.wav", "-p", "drums", "-o", "out"), 2),
        (("batch", ".", "-p", "drums", "-o", "out"), 6),
        (("batch", "me", "-p", "drums", "-o", "circle.wav"), 2),
        (("run", "--config", "circle.wav"), 2),
        (("run", "--config", "work.yaml"), 2),
    ],
)
def test_a_link_that_leads_to_itself_is_said_wherever_it_is_given(home, folder, words, status):
    (folder / "circle.wav").symlink_to("circle.wav")
    (folder / "work.yaml").write_text("steps: [{name: a, command: convert to-wav, with: {source: circle.wav}}]")
    assert "error in this program" not in audio_playground(*words, status=status).output


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("https://example.org/song.mp3", "It is an address on the web, and only files are read. Download it"),
        ("music/*.wav", "audio-playground batch music --pattern '*.wav'"),
        ("music/deep/sogn.wav", "'music/deep/sogn.wav' cannot be used as audio. There is no such file."),
    ],
)
@pytest.mark.parametrize("command", [("extract", "auto", "-p", "drums"), ("convert", "to-wav"), ("chunk", "split")])
def test_what_is_no_file_is_said_in_the_persons_own_words_and_nothing_is_made(
    folder, backend, command, typed, sentence
):
    (folder / "music").mkdir()
    out = () if command[0] == "convert" else ("-o", "out")
    result = audio_playground(*command[:2], typed, *command[2:], *out, status=3)
    assert sentence in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["music"]
    said = json.loads(audio_playground(*command[:2], typed, *command[2:], *out, "--json", status=3).stdout)
    assert said["what"].startswith(repr(typed.replace("//", "/")))


def test_a_folder_for_temporary_files_that_is_not_there_is_not_made(folder, backend):
    run_fakes.song(folder / "song.wav")
    result = audio_playground("extract", "auto", "song.wav", "-p", "drums", "--temp-dir", "tmpp", status=2)
    assert "There is no folder 'tmpp' for temporary files." in result.stderr
    assert not (folder / "tmpp").exists() and not (folder / "drums.wav").exists()


@pytest.mark.parametrize(("name", "meant"), [("x.mp3", "mp3"), ("x.flac", "flac"), ("x.xyz", None)])
def test_an_extension_that_says_something_else_is_refused(folder, name, meant):
    run_fakes.song(folder / "song.wav")
    result = audio_playground("convert", "to-wav", "song.wav", "-o", name, status=2)
    assert f"'{name}' is no name for wav32f. Such files end in .wav." in result.stderr
    with pytest.raises(SettingsError) as refused:
        encode(_short(), name)
    assert (f"or choose the format {meant}." in refused.value.todo) == (meant is not None)
    assert not (folder / name).exists()


def test_capitals_and_no_extension_are_fine(folder):
    run_fakes.song(folder / "song.wav")
    for name in ("LOUD.WAV", "plain"):
        audio_playground("convert", "to-wav", "song.wav", "-o", name)
        assert (folder / name).read_bytes()[:4] == b"RIFF"
    encode(_short(), folder / "x.mp3", "mp3")


def _short():
    return Waveform(np.zeros((1, 8000), np.float32), 8000)
