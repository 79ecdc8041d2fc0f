"""What arrives is decoded in another process to what the whole file is decoded to here."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from separation.audio.part import WHOLE, Part
from separation.audio.partial_file import PartialFile
from separation.errors import AudioError, FileError, SeparationError, SettingsError
from separation.results.decoder_process import ENOUGH_BYTES, decode_apart
from separation.results.decoding import decode_into
from tests.support import odd_files

NOISE = np.random.default_rng(5).uniform(-0.4, 0.4, (4 * odd_files.RATE, 2)).astype(np.float32)
FILES = {
    "wav": lambda: odd_files.stored("WAV", samples=NOISE),
    "flac": lambda: odd_files.stored("FLAC", samples=NOISE),
    "damaged flac": lambda: odd_files.damaged(odd_files.stored("FLAC", samples=NOISE)),
    "ogg": lambda: odd_files.stored("OGG", samples=NOISE),
    "mp3": lambda: odd_files.stored("MP3", samples=NOISE),
    "two oggs": lambda: 2 * odd_files.stored("OGG", samples=NOISE),
    "two mp3s": lambda: 2 * odd_files.stored("MP3", samples=NOISE),
    "wav that says too little": lambda: odd_files.patched(FILES["wav"](), (b"data", 4, bytes([0, 9, 0, 0]))),
    "mp4": lambda: odd_files.muxed("mp4", "aac", samples=NOISE),
    "video": lambda: odd_files.muxed("mp4", "video", "aac", samples=NOISE),
}


def arriving(folder, data, *, announced=True, end=PartialFile.finish):
    """A file that a thread sends in pieces."""
    file = PartialFile(folder / "upload", "song", len(data) if announced else None)

    def send():
        for start in range(0, len(data), 10_007):
            file.write(data[start : start + 10_007])
        end(file)

    threading.Thread(target=send).start()
    return file


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("announced", [True, False])
def test_the_same_samples_peaks_and_picture_come_out(tmp_path, kind, announced):
    data = FILES[kind]()
    (tmp_path / "whole").write_bytes(data)
    here, apart = tmp_path / "here", tmp_path / "apart"
    here.mkdir(), apart.mkdir()
    expected, picture = decode_into(here, tmp_path / "whole", WHOLE, 60, lambda so_far: None)
    seen = []
    made, shown = decode_apart(apart, arriving(tmp_path, data, announced=announced), WHOLE, 60, seen.append)
    assert made == expected and files_in(apart) == files_in(here)
    assert (picture is None) == (shown is None) == (kind != "video")
    if shown is not None:
        assert (shown.path, shown.codec, shown.start_s) == (apart / "video", picture.codec, picture.start_s)
    assert seen[-1].n_ready == made.n_samples and seen[-1].audio == apart / "audio.wav"
    assert len(seen) > 1, "it is told block by block"


def test_its_errors_are_those_of_decoding_here(tmp_path):
    (tmp_path / "apart").mkdir()
    wav = FILES["wav"]()
    with pytest.raises(SettingsError, match="There is no part"):
        decode_apart(tmp_path / "apart", arriving(tmp_path, wav), Part(start_s=99), 60, lambda so_far: None)
    with pytest.raises(AudioError, match="too long"):
        decode_apart(tmp_path / "apart", arriving(tmp_path, wav), WHOLE, 1, lambda so_far: None)
    with pytest.raises(FileError, match="cannot be written"):
        decode_apart(tmp_path / "missing", arriving(tmp_path, wav), WHOLE, 60, lambda so_far: None)


@pytest.mark.parametrize("n_sent", [9, ENOUGH_BYTES + 9])
def test_one_that_is_broken_off_is_not_waited_for(tmp_path, n_sent):
    file = arriving(tmp_path, FILES["wav"]()[:n_sent], end=PartialFile.break_off)
    with pytest.raises(OSError, match="broken off"):
        decode_apart(tmp_path, file, WHOLE, 60, lambda so_far: None)


def test_a_decoder_that_cannot_be_started_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(SeparationError, match=r"cannot be started\. The system says: No such file"):
        decode_apart(tmp_path, arriving(tmp_path, FILES["wav"]()), WHOLE, 60, lambda so_far: None)


def test_a_module_in_the_current_folder_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    made, _ = decode_apart(tmp_path, arriving(tmp_path, FILES["wav"]()), WHOLE, 60, lambda so_far: None)
    assert made.n_samples == len(NOISE)
