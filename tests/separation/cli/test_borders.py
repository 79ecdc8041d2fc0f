"""Whatever ends a command line is said in a sentence, with an exit status that means it, and never as a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from separation.cli import cache
from tests.support import run_fakes
from tests.support.terminal import audio_playground

pytestmark = pytest.mark.usefixtures("folder")
ROOT = Path(__file__).parents[3]
FULL = Path("/dev/full")


def ended(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
    command = [sys.executable, "-c", "from separation.cli.main import main; main()", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, stdout=stdout, stderr=stderr, text=True, check=False)


INTERRUPTED_AT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from separation.cli.main import main
main({words!r})
"""


@pytest.mark.parametrize("name", ["click", "click.core", "separation.cli.cache", "separation.request", "storage"])
def test_an_interrupt_in_the_first_moments_ends_it_without_a_traceback(name):
    code = INTERRUPTED_AT.format(name=name, words=["cache", "list"])
    said = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert said.returncode == 130
    assert "Traceback" not in said.stderr
    assert said.stdout == ""


STOPPED_AT = """
import os, signal
from separation.audio.encode import FloatWavWriter
from separation.cli.main import main
signal.signal(signal.{name}, signal.{usual})
def write(*_):
    os.kill(os.getpid(), signal.{name})
FloatWavWriter.write = write
main({words!r})
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends programs without asking them")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_whatever_ends_a_command_leaves_nothing_half_written(folder, name):
    run_fakes.song(folder / "song.wav")
    usual = "default_int_handler" if name == "SIGINT" else "SIG_DFL"
    code = STOPPED_AT.format(name=name, usual=usual, words=["convert", "to-wav", "song.wav", "-o", "new.wav"])
    said = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert said.returncode == 130
    assert said.stderr.startswith("PlaygroundError: Interrupted.")
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["song.wav"]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no “nohup”")
def test_nohup_is_heeded(folder):
    run_fakes.song(folder / "song.wav")
    words = ["convert", "to-wav", "song.wav", "-o", "new.wav"]
    code = STOPPED_AT.format(name="SIGHUP", usual="SIG_IGN", words=words)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
    assert (folder / "new.wav").exists()


@pytest.mark.skipif(not FULL.exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["cache", "list"], ["cache", "list", "--json"]])
def test_a_full_output_is_one_sentence(words):
    with FULL.open("w") as full:
        said = ended(*words, stdout=full)
    assert said.returncode == 3
    assert said.stderr.startswith("FileError: The output cannot be written.")
    assert said.stderr.count("\n") == 1


@pytest.mark.skipif(not FULL.exists(), reason="Linux has a device that is always full")
def test_when_nothing_can_be_said_the_status_says_it():
    with FULL.open("w") as full:
        assert ended("cache", "list", stdout=full, stderr=full).returncode == 3


def test_a_reader_that_has_seen_enough_ends_it_without_a_word():
    source, sink = os.pipe()
    os.close(source)
    try:
        said = ended("cache", "list", stdout=sink)
    finally:
        os.close(sink)
    assert said.stderr == ""
    assert said.returncode == 1


def test_python_m_runs_it_too():
    command = [sys.executable, "-O", "-m", "separation.cli.main", "cache", "list"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("Nothing is kept")


CLOSED_FIRST = """
import os, sys
for number in {numbers}:
    os.close(number)
code = "from separation.cli.main import main; main({words})"
os.execv(sys.executable, [sys.executable, "-c", code])
"""


@pytest.mark.skipif(os.name == "nt", reason="closes file descriptors by number")
@pytest.mark.parametrize("numbers", [(0,), (1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize(("words", "status"), [(["cache", "list"], 0), (["convert", "to-wav", "missing.wav"], 3)])
def test_a_program_that_is_started_without_standard_streams_does_the_same(numbers, words, status):
    code = CLOSED_FIRST.format(numbers=numbers, words=words)
    said = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert "Traceback" not in said.stderr
    assert said.returncode == status


@pytest.mark.skipif(os.name == "nt", reason="closes file descriptors by number")
def test_no_file_gets_the_number_of_a_standard_stream_that_was_closed():
    words = ["cache", "list"]
    numbered = "from separation.cli import cache, main; import os; "
    numbered += "cache.open_store = lambda *_: os._exit(os.open('kept', os.O_CREAT)); main.main({words})"
    code = CLOSED_FIRST.replace("from separation.cli.main import main; main({words})", numbered)
    code = code.format(numbers=(0, 1, 2), words=words)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode > 2


@pytest.mark.parametrize(
    "words",
    [["cache", "list"], ["serve", "--no-open"], ["extract", "auto", "song.wav", "-p", "vocals"], ["doctor"]],
)
def test_a_home_folder_of_nobody_is_named_as_the_reason(monkeypatch, words):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", "~nosuchuser/data")
    Path("song.wav").touch()
    assert "A home folder is not known." in audio_playground(*words, status=2).output


def test_a_folder_of_models_of_nobody_is_refused():
    said = audio_playground("serve", "--no-open", "--model-folder", "mine=~nosuchuser/models", status=2).output
    assert "“mine=~nosuchuser/models” names no folder that is there." in said


@pytest.mark.parametrize("kind", ["text", "folder"])
def test_tls_files_that_are_none_are_named_before_anything_starts(kind):
    file = Path("own.pem")
    file.mkdir() if kind == "folder" else file.write_text("not a certificate")
    said = audio_playground("serve", "--no-open", "--tls-certificate", file, "--tls-key", file, status=2).output
    assert said.startswith("SettingsError: 'own.pem' is not a certificate with the key 'own.pem'. OpenSSL says: ")
    if kind == "text":
        files = ("--scheduler-ca", file, "--scheduler-certificate", file, "--scheduler-key", file)
        said = audio_playground("serve", "--no-open", "--scheduler", "tls://127.0.0.1:1", *files, status=2).output
        assert "'own.pem' is not a certificate" in said


@pytest.mark.parametrize("error", [ZeroDivisionError("no number"), RecursionError("deep"), RuntimeError("odd")])
def test_a_defect_of_a_command_is_logged_once_and_said_in_a_sentence(monkeypatch, caplog, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cache, "open_store", fail)
    said = audio_playground("cache", "list", status=6).output
    assert "The command stopped because of an error in this program." in said
    assert type(error).__name__ in said
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error]
    answer = json.loads(audio_playground("cache", "list", "--json", status=6).stdout)
    assert answer["error"] == "SeparationError"


def test_an_error_of_the_system_is_said_with_its_place(monkeypatch):
    def fail(*_, **__):
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(cache, "open_store", fail)
    said = audio_playground("cache", "list", status=3).output
    assert "The system says: Permission denied (/somewhere)." in said
