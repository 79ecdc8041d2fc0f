"""`audio-playground batch` with many files, with two jobs, and interrupted: programs and processes of their own."""

from __future__ import annotations

import json
import shutil
import signal
import time

import numpy as np
import pytest
import yaml

from separation import decode
from separation.workflows.batch_files import SOURCES
from storage import ArtifactStore, data_folder
from tests.support.batch_steps import batch, in_a_process, said, songs, tree
from tests.support.terminal import audio_playground

N_FILES = 60
BROKEN = ("000", "001", "017", "033", "059")  # one early for each of two jobs: what decodes odd files takes memory
# Prints what this process and its workers hold after each file that is finished.
MEASURED = """
import sys
import psutil
from separation.cli import batch
from separation.cli.main import main

usual = batch.BatchProgress.finished

def finished(self, outcome):
    usual(self, outcome)
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    print(sum(process.memory_info().rss for process in processes), file=sys.stderr)

batch.BatchProgress.finished = finished
main()
"""


pytestmark = pytest.mark.usefixtures("folder")


# Many files


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Sixty files, five of them broken, run by one job and by two: (folder, words of each, bytes held after each).

    By the classical methods, whose samples do not depend on how many threads there are.
    """
    folder = tmp_path_factory.mktemp("many")
    songs(folder / "music", *(f"{index:03}.wav" for index in range(N_FILES)))
    for name in BROKEN:
        (folder / "music" / f"{name}.wav").write_bytes(b"not audio")
    runs = {}
    for jobs in (1, 2):
        words = (folder / "music", "-o", folder / f"out{jobs}", "--backend", "builtin-dsp", "--jobs", jobs)
        program = in_a_process(*words, code=MEASURED, home=folder / f"home{jobs}")
        output, errors = program.communicate(timeout=300)
        assert program.returncode == 6, errors
        runs[jobs] = output, [int(line) for line in errors.splitlines()]
    return folder, runs


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_file_has_its_tracks_and_each_broken_one_its_sentence(many, jobs):
    folder, runs = many
    output, _ = runs[jobs]
    out = folder / f"out{jobs}"
    good = [f"{index:03}" for index in range(N_FILES) if f"{index:03}" not in BROKEN]
    assert sorted(path.name for path in out.iterdir()) == [*good, "failures.json", SOURCES]
    assert all({path.name for path in (out / name).iterdir()} == {"drums.wav", "everything else.wav"} for name in good)
    failures = json.loads((out / "failures.json").read_text(encoding="utf-8"))
    assert [failure["file"] for failure in failures] == [f"{name}.wav" for name in BROKEN]
    for failure in failures:
        assert failure["error"] == "AudioError" and failure["file"] in failure["what"] and failure["todo"]
        assert output.count(failure["what"]) == 2, "when it happens, and in the list at the end"
    assert "55 files done" in output and "5 files failed" in output
    assert [line.split()[0] for line in output.splitlines() if line.startswith("[")] == [
        f"[{n}/{N_FILES}]" for n in range(1, N_FILES + 1)
    ]


def test_the_tracks_add_up_to_their_recording(many):
    folder, _ = many
    tracks = [decode(path).waveform.samples for path in (folder / "out2" / "030").iterdir()]
    assert np.allclose(sum(tracks), decode(folder / "music" / "030.wav").waveform.samples, atol=1e-5)


def test_two_jobs_write_what_one_does_byte_for_byte(many):
    folder, _ = many
    assert tree(folder / "out1") == tree(folder / "out2")


@pytest.mark.parametrize("jobs", [1, 2])
def test_memory_does_not_grow_with_the_number_of_files(many, jobs):
    _, runs = many
    _, held = runs[jobs]
    assert len(held) == N_FILES
    # A worker may start late; by half of the files each has had its first.
    assert held[-1] - max(held[: N_FILES // 2]) < 5e6


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_same_batch_again_computes_nothing_and_tries_the_broken_ones(many, jobs, monkeypatch, tmp_path):
    folder, _ = many
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(folder / "home1"))
    words = (folder / "music", "-o", tmp_path / "again", "--backend", "builtin-dsp", "--jobs", jobs)
    told = said(*words, status=6)
    assert (told["files"], told["done"], told["cached"], told["failed"]) == (60, 55, 55, 5)
    assert told["failures"] == json.loads((tmp_path / "again" / "failures.json").read_text(encoding="utf-8"))
    assert tree(tmp_path / "again") == tree(folder / "out1")


# Two jobs


def test_copies_of_one_recording_are_computed_once_however_many_jobs_there_are(folder):
    songs(folder / "music", "0.wav", duration_s=2)
    for copy in range(1, 8):
        shutil.copy(folder / "music" / "0.wav", folder / "music" / f"{copy}.wav")
    told = said("music", "-o", "out", "--backend", "builtin-dsp", "--jobs", 2)
    assert (told["done"], told["cached"]) == (8, 7)


def test_temporary_files_of_all_jobs_go_where_they_were_told_to(folder):
    songs(folder / "music", "one.wav", "two.wav")
    (folder / "elsewhere").mkdir()
    batch("music", "-o", "out", "--backend", "builtin-dsp", "--jobs", 2, "--temp-dir", "elsewhere")
    assert list((folder / "elsewhere").iterdir()) == []
    assert not (folder / "home" / "scratch").exists()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_batch_reports_on_every_file(folder, jobs):
    songs(folder / "songs", "a.wav", "b.wav", duration_s=1)
    (folder / "songs" / "broken.wav").write_bytes(b"RIFF")
    audio_playground(
        "batch", folder / "songs", "-p", "drums", "--backend", "builtin-dsp", "-o", folder / "out", "--jobs", jobs,
        "--report", folder / "r.yaml", status=6,
    )  # fmt: skip
    entries = yaml.safe_load((folder / "r.yaml").read_text("utf-8"))
    assert [entry["file"] for entry in entries] == ["a.wav", "b.wav", "broken.wav"]
    assert [entry.get("cached") for entry in entries] == [False, False, None]
    assert entries[0]["steps"]["separate"]["total_s"] > 0
    assert entries[2]["error"] == "AudioError"


# Interrupts


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_an_interrupt_only_the_rest_is_computed(folder, jobs):
    songs(folder / "music", *(f"{index:02}.wav" for index in range(12)), duration_s=2)
    words = ("music", "-o", "out", "--backend", "builtin", "--jobs", jobs)
    program = in_a_process(*words)
    deadline_s = time.monotonic() + 60
    while len(list(folder.glob("out/[0-9]*/drums.wav"))) < 3 and time.monotonic() < deadline_s:
        time.sleep(0.005)
    # What an interrupt leaves that comes in the middle of cleaning up.
    (folder / "home" / "scratch" / "audio-playground-scratch-left").mkdir()
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 130, errors
    assert "Run it again to continue" in errors
    assert "Traceback" not in errors
    finished = [path.name for path in (folder / "out").iterdir() if path.name != SOURCES]
    assert 3 <= len(finished) < 12 and not any(name.startswith(".") for name in finished)
    assert all(len(list((folder / "out" / name).iterdir())) == 2 for name in finished)
    assert f"{len(finished)} of 12 files are done and stay" in errors, "those that are there, in whatever order"
    assert list((folder / "home" / "scratch").iterdir()) == []
    kept = len(ArtifactStore(data_folder()).list("result"))
    told = said(*words)
    assert (told["done"], told["cached"]) == (12, kept)
    assert len(finished) <= kept < 12


def test_what_is_done_behind_a_slow_file_counts_when_an_interrupt_comes(folder):
    songs(folder / "music", "00.wav", duration_s=240)
    songs(folder / "music", *(f"{index:02}.wav" for index in range(1, 5)))
    program = in_a_process("music", "-o", "out", "--backend", "builtin", "--jobs", 2)
    deadline_s = time.monotonic() + 60
    while len(list(folder.glob("out/0[1-4]/drums.wav"))) < 2 and time.monotonic() < deadline_s:
        time.sleep(0.005)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    n_there = len(list(folder.glob("out/*/drums.wav")))
    assert n_there >= 2 and not (folder / "out" / "00").exists()
    assert f"{n_there} of 5 files are done and stay" in errors
