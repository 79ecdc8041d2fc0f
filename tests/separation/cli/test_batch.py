from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from separation import decode
from separation.backends import sam_family
from separation.cli import batch as batch_module
from separation.cli.main import main
from separation.model import BackendProfile
from storage import ArtifactStore, data_folder
from storage.errors import StorageError
from tests.support import odd_files, run_fakes
from tests.support.terminal import audio_playground

ROOT = Path(__file__).parents[3]
N_FILES = 60
BROKEN = ("000", "001", "017", "033", "059")  # one early for each of two jobs: what decodes odd files takes memory
# Prints what this process and its workers hold after each file that is finished.
MEASURED = """
import sys
import psutil
from separation.cli import batch
from separation.cli.main import main

usual = batch._BatchProgress.finished

def finished(self, outcome):
    usual(self, outcome)
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    print(sum(process.memory_info().rss for process in processes), file=sys.stderr)

batch._BatchProgress.finished = finished
main()
"""


pytestmark = pytest.mark.usefixtures("folder")


def batch(*words, status=0):
    return audio_playground("batch", *words, "-p", "drums", status=status)


def said(*words, status=0):
    (line,) = batch(*words, "--json", status=status).stdout.splitlines()
    return json.loads(line)


def in_a_process(*words, code="from separation.cli.main import main; main()", home=None, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} | ({"AUDIO_PLAYGROUND_HOME": str(home)} if home else {})
    return subprocess.Popen(
        [sys.executable, "-c", code, "batch", *map(str, words), "-p", "drums"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def songs(folder, *names, duration_s=0.3):
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        run_fakes.song(folder / name, duration_s, seed=seed)


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
    assert sorted(path.name for path in out.iterdir()) == [*good, "failures.json"]
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
    assert abs(held[-1] - held[9]) < 8e6


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_same_batch_again_computes_nothing_and_tries_the_broken_ones(many, jobs, monkeypatch, tmp_path):
    folder, _ = many
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(folder / "home1"))
    words = (folder / "music", "-o", tmp_path / "again", "--backend", "builtin-dsp", "--jobs", jobs)
    told = said(*words, status=6)
    assert (told["files"], told["done"], told["cached"], told["failed"]) == (60, 55, 55, 5)
    assert told["failures"] == json.loads((tmp_path / "again" / "failures.json").read_text(encoding="utf-8"))
    assert tree(tmp_path / "again") == tree(folder / "out1")


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


def test_copies_of_one_recording_are_computed_once_however_many_jobs_there_are(folder):
    songs(folder / "music", "0.wav", duration_s=2)
    for copy in range(1, 8):
        shutil.copy(folder / "music" / "0.wav", folder / "music" / f"{copy}.wav")
    told = said("music", "-o", "out", "--backend", "builtin", "--jobs", 2)
    assert (told["done"], told["cached"]) == (8, 7)


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


def test_temporary_files_of_all_jobs_go_where_they_were_told_to(folder):
    songs(folder / "music", "one.wav", "two.wav")
    batch("music", "-o", "out", "--backend", "builtin", "--jobs", 2, "--temp-dir", "elsewhere")
    assert list((folder / "elsewhere").iterdir()) == []
    assert not (folder / "home" / "scratch").exists()


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
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["failures.json", "one", "two"]


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
    assert "of 12 files are done and stay" in errors and "Run it again to continue" in errors
    assert "Traceback" not in errors
    finished = [path.name for path in (folder / "out").iterdir()]
    assert 3 <= len(finished) < 12 and not any(name.startswith(".") for name in finished)
    assert all(len(list((folder / "out" / name).iterdir())) == 2 for name in finished)
    assert list((folder / "home" / "scratch").iterdir()) == []
    kept = len(ArtifactStore(data_folder()).list("result"))
    told = said(*words)
    assert (told["done"], told["cached"]) == (12, kept)
    assert len(finished) <= kept < 12
