"""Commands that write to a real disk that is full: all of their files or none, and the folder is named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from separation.audio.encode import FORMATS
from tests.support import run_fakes
from tests.support.terminal import audio_playground

ROOM_BYTES = 16_000  # for some of what each command writes
EXTRACT = ("extract", "auto", "song.wav", "-p", "drums")
WITHOUT_ROOM = {
    "extract": (*EXTRACT, "-o", "disk/out"),
    **{f"extract as {format_}": (*EXTRACT, "-o", "disk/out", "--format", format_) for format_ in FORMATS},
    "convert": ("convert", "to-wav", "song.wav", "-o", "disk/out.wav"),
    "chunk": ("chunk", "split", "song.wav", "-o", "disk/out", "--duration", "1", "--overlap", "0.25"),
    "merge": ("merge", "concat", "chunks", "-o", "disk/out.wav"),
    "temporary files": (*EXTRACT, "-o", "out", "--temp-dir", "disk"),
}


@pytest.fixture
def full(disk, backend, tmp_path, monkeypatch):
    """A disk with little room; the data folder lies elsewhere. Returns what there is on it."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "roomy"))
    run_fakes.song(tmp_path / "song.wav", 8)
    audio_playground("chunk", "split", "song.wav", "-o", "chunks", "--duration", "1", "--overlap", "0.25")
    with disk.fill().open("r+b") as filler:
        filler.truncate(filler.seek(0, 2) - ROOM_BYTES)
    return lambda: sorted(path.name for path in disk.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("words", WITHOUT_ROOM.values(), ids=WITHOUT_ROOM)
def test_a_command_without_room_leaves_nothing_and_names_a_folder_that_is_there(full, disk, tmp_path, words):
    said = audio_playground(*words, status=3).output
    assert "No space left on device" in said and "System error" not in said
    assert full() == ["filler"]
    (named,) = re.findall(r"Check that '(.*?)' exists, may be written to, and has room", said)
    assert Path(named).is_dir() and Path(named).resolve().is_relative_to(disk.folder)
    (disk.folder / "filler").unlink()
    disk.resize(64 * 2**20)
    audio_playground(*words)
    assert full() or words[-1] == "disk"


def test_a_data_folder_without_room_is_named(full, disk, tmp_path, monkeypatch):
    home = disk.folder / "home"
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(home))
    (disk.folder / "filler").unlink()
    run_fakes.song(tmp_path / "long.wav", 60)
    said = audio_playground("extract", "auto", "long.wav", "-p", "drums", "-o", "out", status=3).output
    assert "No space left on device" in said and "scratch-" not in said
    assert str(home) in said and not list((tmp_path / "out").iterdir())


def test_no_space_for_a_recipe_or_a_report_takes_nothing_from_the_tracks(full, disk, tmp_path):
    disk.fill()
    for option in ("--save-recipe", "--report"):
        said = audio_playground(*EXTRACT, "-o", "out", option, "disk/r.yaml", status=3).output
        assert "No space left on device" in said and "has room" in said
        assert len(list((tmp_path / "out").iterdir())) == 2 and full() == ["filler"]
        shutil.rmtree(tmp_path / "out")
