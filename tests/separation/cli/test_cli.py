from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from distributed import Security

from assets.demo_recording import write_demo_mixture
from separation import decode
from separation.audio.encode import FORMATS
from separation.backends import registry
from separation.cli.extracting import extract as extract_module
from separation.cli.extracting import progress
from separation.cli.main import COMMANDS, main
from separation.doctor import installed
from separation.errors import BackendUnavailable
from separation.events import ModelLoading
from separation.model import Readiness
from separation.results import decoding, exported
from storage.locks import SCRATCH_PREFIX
from tests.support import odd_files, run_fakes
from tests.support.terminal import audio_playground

COMMAND_LINES = (
    ["serve"], ["extract", "auto"], ["extract", "builtin"], ["extract", "demucs"], ["extract", "sam-audio"],
    ["convert", "to-wav"], ["doctor"], ["models", "list"], ["models", "download"], ["models", "remove"],
    ["chunk", "split"], ["merge", "concat"], ["cache", "list"], ["cache", "clean"], ["cache", "clear"], ["batch"],
    ["extract", "recipe"], ["run"], ["stems", "list"], ["stems", "import"], ["tune"],
)  # fmt: skip
ROOT = Path(__file__).parents[3]


pytestmark = pytest.mark.usefixtures("folder")


def in_a_process(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-c", "from separation.cli.main import main; main()", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def samples(path):
    return decode(path).waveform.samples


# Extracting


def test_the_stems_of_the_demo_are_stereo_of_its_length_and_add_up_to_it(folder):
    write_demo_mixture(folder / "demo.wav")
    audio_playground("extract", "auto", "demo.wav", "-p", "drums", "-p", "bass", "-o", "stems")
    mixture = samples(folder / "demo.wav")
    stems = [samples(path) for path in sorted((folder / "stems").iterdir())]
    assert sorted(path.name for path in (folder / "stems").iterdir()) == [
        "bass.wav",
        "drums.wav",
        "everything else.wav",
    ]
    assert all(stem.shape == mixture.shape and np.abs(stem).max() > 0.01 for stem in stems)
    assert np.abs(sum(stems) - mixture).max() < 1e-4


def test_the_second_run_says_that_it_was_cached_and_writes_the_same(folder, backend):
    run_fakes.song(folder / "song.wav")
    first = audio_playground("extract", "auto", "song.wav", "-p", "drums", "-o", "one")
    second = audio_playground("extract", "auto", "song.wav", "-p", "drums", "-o", "two")
    assert "Cached" not in first.output
    assert "Cached" in second.output
    assert backend.n_loads == 1
    for path in (folder / "one").iterdir():
        assert path.read_bytes() == (folder / "two" / path.name).read_bytes()
        assert np.array_equal(samples(path), samples(folder / "two" / path.name))


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_is_written_and_opens_with_the_length_of_the_song(folder, backend, format_):
    run_fakes.song(folder / "song.wav")
    audio_playground("extract", "auto", "song.wav", "-p", "drums", "--format", format_)
    assert samples(folder / f"drums{FORMATS[format_].extension}").shape == (2, 16_000)


def test_the_terminal_offers_the_formats_there_are():
    assert {kind.name: kind.extension for kind in FORMATS.values()} == exported.FORMATS


def test_what_a_format_does_to_the_sound_is_said(folder, monkeypatch):
    backend = run_fakes.install(monkeypatch)
    backend.split = lambda heard, window: dict.fromkeys(("drums", "bass", "vocals", "other"), 9 * heard)
    run_fakes.song(folder / "song.wav")
    assert "clipped" in audio_playground("extract", "auto", "song.wav", "-p", "drums", "--format", "wav16").output


def test_warnings_about_the_file_are_said(folder, backend):
    (folder / "silent.wav").write_bytes(odd_files.stored("WAV", samples=np.zeros((9000, 2))))
    assert "note: The recording is silent" in audio_playground("extract", "auto", "silent.wav", "-p", "drums").output


def test_what_the_header_does_not_count_is_said_in_words_and_in_json(folder, backend):
    short = odd_files.patched(odd_files.stored("WAV"), (b"data", 4, (40_000).to_bytes(4, "little")))
    (folder / "short.wav").write_bytes(short)
    words = "Its header states 0.23 s of sound; the 0.77 s behind them are used too."
    extracting = ("extract", "auto", "short.wav", "-p", "drums")
    assert f"note: {words}" in audio_playground(*extracting).output
    assert words in json.loads(audio_playground(*extracting, "--json").stdout)["warnings"]
    assert samples(folder / "drums.wav").shape[1] == odd_files.RATE


def test_two_prompts_that_make_one_file_name_make_two_files(folder, backend):
    run_fakes.song(folder / "song.wav")
    result = audio_playground("extract", "auto", "song.wav", "-p", "drums?", "-p", "drums!", "--json")
    files = json.loads(result.stdout)["files"]
    assert len(set(files)) == len(files) == 3
    assert all(Path(file).exists() for file in files)


def test_chunk_settings_of_the_built_in_separator_are_heeded(folder):
    run_fakes.song(folder / "song.wav", 3.0)
    words = ("extract", "builtin", "song.wav", "-p", "drums")
    result = audio_playground(*words, "--chunk-duration", 1, "--overlap-duration", 0.1)
    assert "chunk 4 of 4 done" in result.output
    audio_playground(*words, "--chunk-duration", 1, "--overlap-duration", 0.9, status=2)


def test_demucs_settings_reach_the_request(monkeypatch):
    asked = []
    monkeypatch.setattr(extract_module, "run", lambda wanted, request, common: asked.append(request))
    words = ["extract", "demucs", "song.wav", "-p", "vocals"]
    audio_playground(
        *words, "--preset", "quality", "--model", "htdemucs_ft", "--overlap", 0.1, "--no-split", "--seed", 4
    )
    (request,) = asked
    assert (request.backend, request.model, request.seed) == ("demucs", "htdemucs_ft", 4)
    assert (request.demucs.shifts, request.demucs.overlap_ratio, request.demucs.split) == (10, 0.1, False)


def test_weights_are_fetched_when_asked_for_and_only_then(monkeypatch):
    from separation.models.demucs import download

    fetched = []

    def fetch(model):
        fetched.append(model)
        yield ModelLoading(model=model, done_bytes=1, total_bytes=2)

    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setattr(extract_module, "run", lambda *_: None)
    audio_playground("extract", "demucs", "song.wav", "-p", "vocals")
    assert fetched == []
    audio_playground("extract", "demucs", "song.wav", "-p", "vocals", "--download")
    assert fetched == ["htdemucs"]


def test_a_terminal_sees_a_bar_that_fills(folder, backend, monkeypatch):
    run_fakes.song(folder / "song.wav")
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    drawn = []
    monkeypatch.setattr(progress.click, "echo", lambda text, **options: drawn.append((text, options.get("err"))))
    CliRunner().invoke(main, ["extract", "auto", "song.wav", "-p", "drums"])
    bars = [text.count("#") for text, to_stderr in drawn if to_stderr and "[" in text]
    assert bars == sorted(bars) and bars[0] == 0 and bars[-1] == 28
    assert not any("chunk" in text for text, to_stderr in drawn if not to_stderr)


def test_what_ends_a_run_early_is_said_below_the_bar(folder, backend, monkeypatch):
    def fail():
        raise BackendUnavailable("It broke.")

    run_fakes.song(folder / "song.wav")
    backend.before_evaluation = fail
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: True)))
    errors = audio_playground("extract", "auto", "song.wav", "-p", "drums", status=4).stderr
    assert "]   0%  chunk 1 of 5\nBackendUnavailable: It broke.\n" in errors


# Errors


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (2, ["extract", "auto", "song.wav"]),
        (2, ["extract", "auto", "song.wav", "-p", " "]),
        (2, ["extract", "auto", "song.wav", "-p", "drums", "-p", "Drums"]),
        (2, ["extract", "demucs", "song.wav", "-p", "drums", "--preset", "unknown"]),
        (2, ["unknown"]),
        (3, ["extract", "auto", "missing.wav", "-p", "drums"]),
        (3, ["extract", "auto", "broken.wav", "-p", "drums"]),
        (3, ["convert", "to-wav", "missing.wav"]),
        (4, ["extract", "demucs", "song.wav", "-p", "drums"]),
        (5, ["extract", "auto", "song.wav", "-p", "dog barking"]),
    ],
)
def test_the_exit_status_says_what_went_wrong(folder, monkeypatch, status, words):
    monkeypatch.setenv("HF_HOME", str(folder / "no models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(folder / "no models"))
    monkeypatch.setenv("TORCH_HOME", str(folder / "no models"))
    run_fakes.song(folder / "song.wav")
    (folder / "broken.wav").write_text("not audio")
    result = audio_playground(*words, status=status)
    assert result.stdout == ""
    assert result.stderr.strip().endswith(".") or "Usage" in result.stderr
    if words[0] != "unknown" and "Usage" not in result.stderr:
        as_json = audio_playground(*words, "--json", status=status)
        (line,) = as_json.stdout.splitlines()
        error = json.loads(line)
        assert error["what"] and error["error"] in result.stderr


def test_a_store_that_cannot_be_used_is_status_6(folder, monkeypatch):
    run_fakes.song(folder / "song.wav")
    (folder / "file").write_text("")
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(folder / "file" / "home"))
    result = audio_playground("extract", "auto", "song.wav", "-p", "drums", status=6)
    assert "cannot be opened" in result.stderr and "AUDIO_PLAYGROUND_HOME" in result.stderr


def test_a_data_folder_that_cannot_be_used_is_a_finding_among_the_others_of_the_doctor(folder, backend, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(folder / "file" / "home"))
    said = audio_playground("doctor", status=2).output
    assert f"{folder / 'file' / 'home'} cannot hold recordings and results" in said and "AUDIO_PLAYGROUND_HOME" in said
    assert "numpy" in said and "self-test" in said, "it goes on"
    report = json.loads(audio_playground("doctor", "--no-self-test", "--json", status=2).stdout)
    assert "AUDIO_PLAYGROUND_HOME" in report["findings"][0] and report["backends"]


def test_a_data_folder_whose_index_cannot_be_opened_is_a_finding_too(folder, backend):
    (folder / "home").mkdir()
    (folder / "home" / "artifacts").write_text("")
    said = audio_playground("doctor", "--no-self-test", status=2).output
    assert "cannot be opened" in said and "AUDIO_PLAYGROUND_HOME" in said


@pytest.mark.parametrize("words", [["-o", "file/folder"], ["-o", "file"], ["--temp-dir", "file"]])
def test_a_folder_that_cannot_be_written_to_is_said_before_any_work(folder, backend, words):
    run_fakes.song(folder / "song.wav")
    (folder / "file").write_text("")
    result = audio_playground("extract", "auto", "song.wav", "-p", "drums", *words, status=2)
    assert "Choose another folder" in result.stderr
    assert backend.n_loads == 0


def test_the_log_has_the_traceback_where_asked_for(folder):
    program = in_a_process("convert", "to-wav", "missing.wav", "--log-level", "debug")
    _, errors = program.communicate(timeout=60)
    assert "decode.py" in errors and program.returncode == 3


# JSON


def test_json_is_one_line_and_nothing_else(folder, backend):
    run_fakes.song(folder / "song.wav")
    for cached in (False, True):
        (line,) = audio_playground("extract", "auto", "song.wav", "-p", "drums", "--json").stdout.splitlines()
        said = json.loads(line)
        assert said["cached"] is cached
        assert [Path(file).name for file in said["files"]] == ["drums.wav", "everything else.wav"]
        assert (said["backend"], said["model"]) == ("fake", "only")
        assert len(said["key"]) == 64 and said["rtf"] > 0


# Other commands


@pytest.mark.parametrize("words", COMMAND_LINES)
def test_every_command_has_help_and_the_four_common_options(words):
    text = audio_playground(*words, "--help").output
    for option in ("--log-level", "--device", "--temp-dir", "--json"):
        assert option in text


def test_help_lists_every_command_and_groups_list_theirs():
    text = audio_playground("-h").output
    assert all(name in text for name in COMMANDS)
    assert all(
        name in audio_playground("extract", "--help").output for name in ("auto", "builtin", "demucs", "sam-audio")
    )


def test_help_imports_nothing_that_takes_time():
    code = (
        "import sys\nfrom separation.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Commands" in done.stdout
    slow = {"numpy", "torch", "nicegui", "soundfile", "scipy", "av", "soxr", "distributed", "diskcache"}
    assert not slow & set(done.stderr.split())


def test_a_kept_result_is_found_without_numpy(folder):
    run_fakes.song(folder / "song.wav")
    words = ["extract", "builtin", "song.wav", "-p", "drums"]
    audio_playground(*words)
    code = (
        "import sys\nfrom separation.cli.main import main\n"
        f"try: main({words!r})\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "Cached" in done.stdout
    assert not {"numpy", "soundfile", "scipy", "av", "soxr", "separation.pipeline.separate"} & set(done.stderr.split())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("song.m4a", lambda: odd_files.muxed("ipod", "aac")),
        ("song.mp3", lambda: odd_files.stored("MP3")),
        ("no extension", lambda: odd_files.stored("FLAC")),
        ("wrong.txt", lambda: odd_files.stored("OGG")),
        ("already.wav", lambda: odd_files.stored("WAV")),
    ],
)
def test_any_recording_becomes_a_wav_beside_it(folder, name, content):
    (folder / name).write_bytes(content())
    before = (folder / name).read_bytes()
    (line,) = audio_playground("convert", "to-wav", name, "--json").stdout.splitlines()
    said = json.loads(line)
    converted = decode(folder / said["file"]).waveform
    assert (converted.n_samples, converted.sample_rate, converted.n_channels) == (
        said["n_samples"], said["sample_rate"], said["n_channels"],
    )  # fmt: skip
    assert abs(converted.duration_s - 1) < 0.1
    assert (folder / name).read_bytes() == before


def test_converting_says_what_was_odd_and_where_it_cannot_write(folder):
    (folder / "silent.wav").write_bytes(odd_files.stored("WAV", samples=np.zeros((9000, 2))))
    assert "note: " in audio_playground("convert", "to-wav", "silent.wav", "-o", "out.wav").output
    result = audio_playground("convert", "to-wav", "silent.wav", "-o", "missing/out.wav", status=3)
    assert "cannot be written" in result.stderr


def test_the_doctor_lists_packages_and_backends_and_tests_what_works(backend):
    text = audio_playground("doctor").output
    assert "numpy" in text and "Data folder" in text and "self-test" in text
    assert backend.n_loads == 1
    report = json.loads(audio_playground("doctor", "--no-self-test", "--json").stdout)
    assert report["packages"]["numpy"] == np.__version__
    assert report["backends"] == {"fake": {"readiness": "usable", "sentence": "It is a fake."}}
    assert backend.n_loads == 1


def test_the_doctor_lists_every_backend_and_says_what_to_do(folder, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "no models"))
    report = json.loads(audio_playground("doctor", "--no-self-test", "--json").stdout)
    assert list(report["backends"]) == list(registry.BACKENDS)
    for name, said in report["backends"].items():
        assert said["readiness"] in {readiness.value for readiness in Readiness}, name
        assert said["sentence"].endswith("."), name


def test_a_backend_that_fails_its_self_test_is_reported_and_the_doctor_goes_on(backend, monkeypatch):
    def fail():
        raise BackendUnavailable("It broke.", "It was glass.", "Buy a cup.")

    backend.before_evaluation = fail
    text = audio_playground("doctor").output
    assert "self-test failed: It broke. It was glass. Buy a cup." in text


def test_the_doctor_says_what_is_not_installed(backend, monkeypatch):
    monkeypatch.setattr(installed, "PACKAGES", ("no-such-package", "separation"))
    packages = json.loads(audio_playground("doctor", "--no-self-test", "--json").stdout)["packages"]
    assert packages["no-such-package"] == "not installed"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_serving_others_needs_a_passcode(host):
    result = audio_playground("serve", "--host", host, status=2)
    assert "passcode" in result.stderr


def test_half_a_tls_pair_is_refused(folder):
    (folder / "key").write_text("")
    assert "TLS" in audio_playground("serve", "--tls-key", "key", status=2).stderr


def test_the_options_of_serve_reach_the_server(monkeypatch, folder):
    from webapp import main as server

    served = []
    monkeypatch.setattr(server, "serve", served.append)
    pair = Security.temporary()
    (folder / "key").write_text(pair.tls_worker_key)
    (folder / "certificate").write_text(pair.tls_worker_cert)
    words = ["--port", 9999, "--cache-limit-gb", 2, "--tls-key", "key", "--tls-certificate", "certificate"]
    audio_playground("serve", *words)
    (settings,) = served
    assert (settings.host, settings.port, settings.limit_bytes) == ("127.0.0.1", 9999, 2 * 10**9)
    assert settings.open_browser is False, "nobody sits at a test"
    assert settings.certificate == (Path("certificate"), Path("key"))
    assert settings.home == folder / "home"


def test_temporary_files_go_where_they_were_told_to_and_only_then(folder, backend, monkeypatch):
    run_fakes.song(folder / "song.wav")
    (folder / "elsewhere").mkdir()
    seen, usual = [], decoding.converted_blocks

    def looking(*args, **how):
        seen.append((list((folder / "elsewhere").iterdir()), tempfile.gettempdir()))
        return usual(*args, **how)

    monkeypatch.setattr(decoding, "converted_blocks", looking)
    before = tempfile.gettempdir()
    audio_playground("extract", "auto", "song.wav", "-p", "drums", "--temp-dir", "elsewhere")
    (((scratch,), temporary),) = seen
    assert scratch.name.startswith(SCRATCH_PREFIX)
    assert temporary == "elsewhere"
    assert list((folder / "elsewhere").iterdir()) == []
    assert tempfile.gettempdir() == before


# Interrupts


@pytest.mark.long
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_an_interrupt_ends_the_run_with_130_and_leaves_nothing_half_written(folder, flags):
    run_fakes.song(folder / "song.wav", 120)
    words = ["extract", "builtin", "song.wav", "-p", "drums", "-o", "out", "--chunk-duration", "2"]
    program = in_a_process(*words, "--overlap-duration", "0.1", *flags)
    scratch = folder / "home" / "scratch"
    deadline = time.monotonic() + 60
    while not list(scratch.glob("*/0.wav")) and time.monotonic() < deadline:
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    output, errors = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "Traceback" not in errors
    assert list((folder / "out").iterdir()) == []
    assert list(scratch.iterdir()) == []
    if flags:
        (line,) = output.splitlines()
        assert json.loads(line)["what"] == "Interrupted."
    else:
        assert "Interrupted" in errors
