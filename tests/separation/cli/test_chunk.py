from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from separation import decode
from separation.chunking import files as split
from separation.cli import chunk
from storage.locks import SCRATCH_PREFIX
from tests.support.tagged import tag
from tests.support.terminal import audio_playground

ROOT = Path(__file__).parents[3]
RATE = 8_000  # Hz


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(home))
    return home


@pytest.fixture
def song(folder):
    """40 s, stereo."""
    heard = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 40 * RATE)).astype(np.float32)
    soundfile.write(folder / "song.wav", heard.T, RATE, "FLOAT")
    return heard


def splitting():
    """A process that cuts twenty minutes, in the current folder, into thousands of chunks."""
    with soundfile.SoundFile("long.wav", "w", RATE, 2, "PCM_16") as file:
        for _ in range(20):
            file.write(np.full((60 * RATE, 2), 0.1))
    words = ["chunk", "split", "long.wav", "--duration", "0.5", "--overlap", "0.2", "-o", "parts"]
    return subprocess.Popen(
        [sys.executable, "-c", "from separation.cli.main import main; main()", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def samples(path):
    return decode(path).waveform.samples


@pytest.mark.parametrize("source", ["parts", "parts/song.chunks.json"])
def test_a_song_that_was_split_is_merged_from_its_folder_or_its_metadata(folder, song, source):
    output = audio_playground("chunk", "split", "song.wav", "--duration", 10, "--overlap", 2, "-o", "parts").output
    assert "wrote parts/song.004.wav" in output
    assert "5 files" in output
    output = audio_playground("merge", "concat", source, "-o", "merged.wav", "--crossfade-type", "linear").output
    assert "40.00 s" in output
    assert samples("merged.wav").shape == song.shape
    assert np.abs(samples("merged.wav") - song).max() < 1e-6


def test_a_part_can_be_cut_and_merged_in_another_format(folder, song):
    words = ("--start-time", 5, "--end-time", 30.5, "--format", "flac")
    audio_playground("chunk", "split", "song.wav", *words)
    assert sorted(path.name for path in folder.iterdir()) == [
        "song.000.flac", "song.001.flac", "song.002.flac", "song.chunks.json", "song.wav"
    ]  # fmt: skip
    audio_playground("merge", "concat", ".", "-o", "merged.flac", "--format", "flac")
    assert np.abs(samples("merged.flac") - song[:, 5 * RATE : round(30.5 * RATE)]).max() < 1e-6


def test_files_are_joined_in_the_order_they_are_given(folder, song):
    audio_playground("merge", "concat", "song.wav", "song.wav", "-o", "twice.wav")
    assert np.array_equal(samples("twice.wav"), np.concatenate([song, song], axis=1))


def test_json_is_one_line_that_names_the_files(folder, song):
    result = audio_playground("chunk", "split", "song.wav", "-o", "parts", "--json")
    told = json.loads(result.stdout)
    assert told["files"] == [str(Path("parts", f"song.{index:03d}.wav")) for index in range(5)]
    assert told["metadata"] == str(Path("parts", "song.chunks.json"))
    merged = json.loads(audio_playground("merge", "concat", "parts", "-o", "merged.wav", "--json").stdout)
    assert merged == {
        "file": "merged.wav",
        "n_samples": 40 * RATE,
        "sample_rate": RATE,
        "n_channels": 2,
        "warnings": [],
    }
    assert {name: told[name] for name in ("n_samples", "sample_rate", "n_channels", "warnings")} == {
        name: merged[name] for name in ("n_samples", "sample_rate", "n_channels", "warnings")
    }


def test_notes_are_said(folder):
    soundfile.write("quiet.wav", np.zeros((2 * RATE, 1)), RATE)
    assert "note: The recording is silent" in audio_playground("chunk", "split", "quiet.wav").output
    assert "note: quiet.000.wav: " in audio_playground("merge", "concat", ".", "-o", "merged.wav").output


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["chunk", "split", "missing.wav"], 3, "no such file"),
        (["chunk", "split", "song.wav", "--duration", "3"], 2, "--overlap 2.0 is"),
        (["chunk", "split", "song.wav", "--duration", "0"], 2, "--duration 0.0 is"),
        (["chunk", "split", "song.wav", "--start-time", "41"], 2, "40 s long"),
        (["chunk", "split", "song.wav", "--format", "mp3"], 2, "mp3"),
        (["chunk", "split", "song.wav", "-o", "song.wav"], 2, "cannot hold the files"),
        (["merge", "concat", "-o", "out.wav"], 2, "SOURCES"),
        (["merge", "concat", "song.wav"], 2, "--out"),
        (["merge", "concat", "song.wav", "missing.wav", "-o", "out.wav"], 3, "'missing.wav'"),
        (["merge", "concat", "song.wav", "-o", "out.flac"], 2, "end in .wav"),
        (["merge", "concat", "song.wav", "-o", "song.wav"], 2, "one of the files that are read"),
        (["merge", "concat", "song.wav", "-o", "out.wav", "--crossfade-type", "linear"], 2, "end to end"),
        (["merge", "concat", "song.wav", "empty", "-o", "out.wav"], 2, "together with other files"),
        (["merge", "concat", "a.chunks.json", "song.wav", "-o", "out.wav"], 2, "together with other files"),
        (["merge", "concat", "a.chunks.json", "-o", "out.wav"], 3, "does not describe chunks"),
        (["merge", "concat", "empty", "-o", "out.wav"], 2, "0 .chunks.json files in it: none"),
        (["merge", "concat", "two", "-o", "out.wav"], 2, "2 .chunks.json files in it: a.chunks.json, b.chunks.json"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_status(folder, song, words, status, said):
    (folder / "empty").mkdir()
    (folder / "two").mkdir()
    for name in ("a", "b"):
        (folder / "two" / f"{name}.chunks.json").touch()
    before = sorted(folder.rglob("*"))
    assert said in audio_playground(*words, status=status).output
    assert sorted(folder.rglob("*")) == before


def test_the_terminal_knows_the_formats_and_the_name_of_the_metadata():
    assert chunk.CHUNK_FORMATS == split.CHUNK_FORMATS
    assert chunk.METADATA_SUFFIX == split.METADATA_SUFFIX


@pytest.mark.parametrize("words", [["chunk", "split"], ["merge", "concat"]])
def test_help_brings_no_numpy_along(words):
    code = f"""import sys
from separation.cli.main import main
try: main({[*words, "--help"]})
except SystemExit: print("numpy" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "False"


def test_an_interrupt_leaves_no_chunk_behind(folder):
    program = splitting()
    until(lambda: list(folder.glob("parts/.*/long.*.wav")))
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "Interrupted" in errors
    assert "Traceback" not in errors
    assert list((folder / "parts").iterdir()) == []


# Temporary files

COMMANDS = {
    "chunk split": ("chunk", "split", "song.flac", "-o", "parts"),
    "convert to-wav": ("convert", "to-wav", "song.flac"),
}


@pytest.fixture
def tagged_song(folder, song):
    soundfile.write(folder / "song.flac", song.T, RATE)
    return tag(folder / "song.flac")


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_files_in_the_making_lie_in_the_data_folder_and_are_gone_afterwards(tagged_song, home, monkeypatch, words):
    monkeypatch.setattr("tempfile.tempdir", str(home / "nowhere"))
    audio_playground(*words)
    assert list((home / "scratch").iterdir()) == []


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_files_in_the_making_lie_where_they_were_told_to(tagged_song, folder, home, monkeypatch, words):
    (folder / "elsewhere").mkdir()
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tagged_song / "no folder"))
    audio_playground(*words, "--temp-dir", "elsewhere")
    assert list((folder / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("where", [(), ("--temp-dir", "elsewhere")])
def test_what_a_killed_process_left_in_the_making_is_deleted(tagged_song, folder, home, words, where):
    left = (folder / "elsewhere" if where else home / "scratch") / f"{SCRATCH_PREFIX}left"
    left.mkdir(parents=True)
    (left / "audio.wav").write_bytes(b"half")
    os.utime(left, (0, 0))
    audio_playground(*words, *where)
    assert not left.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no signal kills there")
def test_a_killed_split_leaves_what_it_decoded_where_the_next_command_sweeps(folder, home):
    program = splitting()
    until(lambda: list(home.glob("scratch/*/*.wav")))
    program.kill()
    program.communicate(timeout=60)
    assert list(home.glob("scratch/*/*.wav"))
    audio_playground("cache", "clean")
    assert list((home / "scratch").iterdir()) == []
