from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from separation.backends import sam_family
from separation.cli import batch as batch_module
from separation.cli.main import main
from separation.cli.progress_line import redrawn
from separation.model import BackendProfile
from separation.results import exported
from storage import ArtifactStore, data_folder
from storage.errors import StorageError
from tests.support import odd_files
from tests.support.batch_steps import batch, said, songs, tree

pytestmark = pytest.mark.usefixtures("folder")


# What is taken and where it goes


def test_files_of_one_name_in_different_folders_do_not_meet(folder, backend):
    songs(folder / "music", "song.wav", "one/song.wav", "two/song.wav", "two/song.flac.wav")
    batch("music", "-o", "out", "--recursive")
    tracks = tree(folder / "out")
    assert sorted({Path(name).parent.as_posix() for name in tracks}) == [
        "one/song", "song", "two/song", "two/song.flac",
    ]  # fmt: skip
    assert len(set(tracks.values())) == len(tracks) == 8


def test_a_batch_in_the_folder_of_its_recordings_takes_up_no_results(folder, backend):
    songs(folder, "song.wav")
    for _ in range(2):
        assert said(".", "-o", "out", "--recursive")["files"] == 1
    batch(".", "-o", ".", "--recursive", status=2)


def test_patterns_and_formats_are_heeded(folder, backend):
    songs(folder / "music", "one.wav", "two.wav")
    batch("music", "-o", "out", "--pattern", "t*", "--format", "flac")
    assert sorted(tree(folder / "out")) == ["two/drums.flac", "two/everything else.flac"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode there")
def test_a_name_that_is_not_text_is_a_name_like_any_other(folder, backend):
    songs(folder / "music", "song.wav")
    (folder / "music" / "song.wav").rename(folder / "music" / os.fsdecode(b"caf\xe9.wav"))
    (folder / "music" / os.fsdecode(b"\xff.wav")).write_bytes(b"not audio")
    told = said("music", "-o", "out", status=6)
    assert (told["done"], told["failures"][0]["file"]) == (1, "�.wav")
    batch("music", "-o", "out", status=6)
    assert (folder / "out" / "caf_" / "drums.wav").exists()


# Settings


def test_the_model_is_loaded_once_for_all_files(folder, backend):
    songs(folder / "music", "one.wav", "two.wav", "three.wav")
    assert "3 files. " in batch("music", "-o", "out").output
    assert backend.n_loads == 1


def test_extract_finds_what_a_batch_has_made(folder):
    songs(folder / "music", "one.wav")
    batch("music", "-o", "out", "--backend", "builtin")
    words = ["extract", "builtin", "music/one.wav", "-p", "drums", "-o", "stems", "--json"]
    assert json.loads(CliRunner().invoke(main, words).stdout)["cached"] is True
    assert tree(folder / "stems") == tree(folder / "out" / "one")


def test_seed_and_preset_reach_the_separation(folder, backend, monkeypatch):
    backend.profile = BackendProfile(presets=sam_family.PRESETS)
    songs(folder / "music", "one.wav")
    batch("music", "-o", "out", "--seed", 5, "--preset", "Preview")
    (result,) = ArtifactStore(data_folder()).list("result")
    assert result.manifest.config["seed"] == 5
    assert result.manifest.config["solver"]["method"] == "ab2"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("music", "--preset", "Best"), 2, "There is no preset"),
        (("music", "--seed", "-1"), 2, "out of range"),
        (("music", "--pattern", "*.mp3"), 2, r"compared with *.mp3"),
        (("missing",), 2, "There is no folder"),
        (("music", "-o", "file"), 2, "cannot hold the results"),
        (("music", "-p", "a dog", "--backend", "builtin"), 5, "a dog"),
        (("music", "--backend", "sam-audio"), 4, "SAM-Audio"),
    ],
)
def test_what_would_fail_for_every_file_is_said_before_any_work(folder, monkeypatch, words, status, sentence):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "no models"))
    songs(folder / "music", "one.wav")
    (folder / "file").write_text("")
    result = batch("-o", "out", *words, status=status)
    assert sentence in result.stderr
    assert not (folder / "home").exists() and not list(folder.glob("out/*"))


# Failures


def test_the_list_of_failures_is_gone_when_nothing_fails(folder, backend):
    songs(folder / "music", "one.wav")
    (folder / "music" / "two.wav").write_bytes(b"not audio")
    batch("music", "-o", "out", status=6)
    assert (folder / "out" / "failures.json").exists()
    songs(folder / "music", "two.wav")
    assert "2 files done" in batch("music", "-o", "out").output
    assert not (folder / "out" / "failures.json").exists()


def test_a_store_without_room_fails_the_file_and_not_the_rest(folder, backend):
    def full():
        if backend.n_evaluations == 2:
            raise StorageError("The disk is full.", "It is small.", "Buy a disk.")

    backend.before_evaluation = full
    songs(folder / "music", "one.wav", "two.wav", "three.wav")
    told = said("music", "-o", "out", status=6)
    assert [failure["file"] for failure in told["failures"]] == ["three.wav"]
    assert (told["done"], told["failures"][0]["todo"]) == (2, "Buy a disk.")


def test_a_place_that_is_taken_fails_the_file_and_leaves_nothing_beside_it(folder, backend):
    songs(folder / "music", "one.wav", "two.wav")
    (folder / "out").mkdir()
    (folder / "out" / "one").write_text("a file")
    told = said("music", "-o", "out", status=6)
    assert told["done"] == 1 and "cannot hold the tracks" in told["failures"][0]["what"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["failures.json", "one", "sources.json", "two"]


def test_notes_about_a_file_are_said_below_it(folder, backend):
    (folder / "music").mkdir()
    (folder / "music" / "silent.wav").write_bytes(odd_files.stored("WAV", samples=np.zeros((9000, 2))))
    lines = batch("music", "-o", "out").output.splitlines()
    assert lines[lines.index("[1/1] silent.wav: done") + 1].startswith("note: The recording is silent")


def test_a_terminal_sees_which_file_is_at_work_and_how_far_it_is(folder, backend, monkeypatch):
    songs(folder / "music", "one.wav", "two.wav", duration_s=0.8)
    monkeypatch.setattr(batch_module, "sys", SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: True)))
    drawn = []
    monkeypatch.setattr(batch_module.click, "echo", lambda text, **options: drawn.append((text, options.get("err"))))
    batch("music", "-o", "out")
    lines = [text.removeprefix("\r\x1b[2K") for text, to_stderr in drawn if to_stderr]
    assert [line for line in lines if line] == [
        "1 of 2: one.wav", "1 of 2: one.wav, loading only", "1 of 2: one.wav, chunk 1 of 2",
        "1 of 2: one.wav, chunk 2 of 2",
        "2 of 2: two.wav", "2 of 2: two.wav, chunk 1 of 2", "2 of 2: two.wav, chunk 2 of 2",
    ]  # fmt: skip


@pytest.mark.parametrize(("columns", "shown"), [(200, 61), (30, 29), (0, 61)])
def test_a_progress_line_fits_the_terminal_and_steers_it_nowhere(monkeypatch, columns, shown):
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((columns, 24)))
    line = redrawn("\x1b[31mdeep\n" + 25 * "声" + "!")
    assert line.startswith("\r\x1b[2K?[31mdeep?声")
    cells = sum(2 if sign in "声" else 1 for sign in line.removeprefix("\r\x1b[2K"))
    assert cells <= shown and cells >= shown - 2
    assert line.endswith("!" if shown == 61 else "…")


def test_the_name_of_a_file_cannot_steer_the_terminal(folder, backend):
    songs(folder / "music", "a\x1b]0;title\x07.wav")
    (folder / "music" / "b\x1b[2J.wav").touch()
    result = batch("music", "-o", "out", status=6)
    assert "\x1b" not in result.stdout and "?]0;title?" in result.stdout


# Folders


def test_a_file_that_is_added_leaves_the_folders_of_the_others_as_they_were(folder, backend):
    songs(folder / "music", "song.wav")
    batch("music", "-o", "out")
    songs(folder / "music", "song.aiff")
    batch("music", "-o", "out")
    assert {path.name for path in (folder / "out").iterdir()} == {"song", "song.aiff", "sources.json"}
    sources = json.loads((folder / "out/sources.json").read_text("utf-8"))
    assert sources == {"song": "../music/song.wav", "song.aiff": "../music/song.aiff"}


def test_a_batch_with_links_is_the_same_again_and_says_which_of_them_lead_nowhere(folder, backend):
    songs(folder / "music", "song.wav")
    (folder / "music/again.wav").symlink_to("song.wav")
    (folder / "music/gone.wav").symlink_to("../unmounted/gone.wav")
    for _ in range(2):
        answer = said("music", "-o", "out", status=6)
        assert (answer["files"], answer["done"], answer["failed"]) == (3, 2, 1)
        (failure,) = json.loads((folder / "out/failures.json").read_text("utf-8"))
        assert failure["file"] == "gone.wav"
        assert {path.name for path in (folder / "out").iterdir() if path.is_dir()} == {"song", "again"}


def test_two_folders_with_a_song_of_the_same_name_can_have_their_results_in_one(folder, backend):
    songs(folder / "monday", "song.wav")
    songs(folder / "tuesday", "song.wav")
    batch("monday", "-o", "out")
    batch("tuesday", "-o", "out")
    sources = json.loads((folder / "out/sources.json").read_text("utf-8"))
    assert sources == {"song": "../monday/song.wav", "song (2)": "../tuesday/song.wav"}
    assert (folder / "out/song/drums.wav").exists() and (folder / "out/song (2)/drums.wav").exists()


@pytest.mark.parametrize("n_put", [1, 2])
def test_an_interrupt_between_two_tracks_of_a_file_waits_for_both_and_the_file_counts(
    folder, backend, monkeypatch, n_put
):
    songs(folder / "music", "a.wav", "b.wav", "c.wav")
    usual, places = exported.put, []

    def put(source, place, read):
        usual(source, place, read)
        places.append(place)
        if place.parent.name == "b" and len(places) == 2 + n_put:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(exported, "put", put)
    said = batch("music", "-o", "out", status=130).output
    assert "2 of 3 files are done and stay; nothing half-written remains." in said
    assert [len(list((folder / "out" / name).iterdir())) for name in ("a", "b")] == [2, 2]
    assert not (folder / "out" / "c").exists()


def test_results_of_a_batch_before_do_not_count_when_an_interrupt_comes(folder, backend, monkeypatch):
    songs(folder / "music", "a.wav", "b.wav")
    batch("music", "-o", "out")
    monkeypatch.setattr(exported, "put", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    said = batch("music", "-o", "out", status=130).output
    assert "0 of 2 files are done and stay" in said
