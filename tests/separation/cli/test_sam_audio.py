"""`extract sam-audio`: what its options mean, and whole runs of the tiny checkpoint."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from separation import Waveform, decode, encode
from separation.cli.extracting import measures_text, progress
from separation.cli.extracting import sam_audio as sam_audio_module
from separation.cli.main import main
from separation.request import Anchor, ChunkSettings, Reroll, SamSettings, SolverSettings
from separation.workflows import recipe
from storage import ArtifactStore
from tests.support import kept_values
from tests.support.sam_models import CHECKPOINT, clip
from tests.support.terminal import audio_playground

ROOT = Path(__file__).parents[3]
N_SAMPLES = 40_000  # 0.83 s: two chunks of 0.52 s, 13 latent frames each, that share two
TINY = (
    "extract", "sam-audio", "song.wav", "--model", CHECKPOINT, "--device", "cpu", "--solver", "euler",
    "--solver-steps", 1, "--chunk-duration", 0.52, "--overlap-duration", 0.08,
)  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def song(folder):
    mixture = clip(N_SAMPLES, channels=2)
    encode(Waveform(mixture, 48_000), folder / "song.wav")
    return mixture


def asked(*words):
    """The request that these options make."""
    requests = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sam_audio_module, "run", lambda wanted, request, common: requests.append(request))
        audio_playground("extract", "sam-audio", "song.wav", *words)
    (request,) = requests
    return request


def samples(path):
    return decode(path).waveform.samples


def refused(*words, status=2):
    """What is said of options that are refused before any work."""
    return audio_playground("extract", "sam-audio", "song.wav", *words, status=status).stderr


# Options


def test_without_options_the_settings_are_those_of_the_official_code():
    request = asked("-p", "a dog")
    assert (request.backend, request.model, request.seed) == ("sam-audio", None, 0)
    assert request.chunks == ChunkSettings()
    assert request.solver == SolverSettings(method="midpoint", n_steps=16)
    assert request.sam == SamSettings()


def test_every_option_reaches_the_request():
    request = asked(
        *("--prompts", "a dog", "--prompt", "a bell", "--backend", "torch", "--model", "base", "--device", "cpu"),
        *("--solver", "ab2", "--solver-steps", 5, "--grid", "sway", "--chunk-duration", 8, "--overlap-duration", 1),
        *("--crossfade-type", "linear", "--stitch", "multidiffusion", "--max-chunks", 3, "--stereo", "sides"),
        *(
            "--residual",
            "mixture",
            "--precision",
            "bfloat16",
            "--chain-residuals",
            "--only-inside",
            "--match-gain",
            "--mute-doubtful",
        ),
        *("--seed", 7, "--reroll", "3=17", "--reroll", "1=2"),
    )
    assert [prompt.text for prompt in request.prompts] == ["a dog", "a bell"]
    assert (request.backend, request.model, request.device, request.seed) == ("sam_torch", "base", "cpu", 7)
    assert request.solver == SolverSettings(method="ab2", n_steps=5, grid="sway")
    assert request.chunks == ChunkSettings(chunk_s=8, overlap_s=1, fade="linear", stitch="multidiffusion", max_chunks=3)
    assert request.sam == SamSettings(
        stereo="sides", chain=True, only_inside=True, match_gain=True, mute_doubtful=True, precision="bfloat16",
        rerolls=(Reroll(chunk=2, seed=17), Reroll(chunk=0, seed=2)),
    )  # fmt: skip


def test_no_chunks_takes_the_whole_recording():
    assert asked("-p", "a dog", "--no-chunks").chunks.chunk_s is None


def test_options_change_what_a_preset_says():
    assert asked("-p", "a dog", "--preset", "Preview").solver == SolverSettings(method="ab2", n_steps=6)
    request = asked("-p", "a dog", "--preset", "Preview", "--solver-steps", 9)
    assert request.solver == SolverSettings(method="ab2", n_steps=9)


FIRST, SECOND = Anchor(sign="+", start_s=1.5, stop_s=3), Anchor(sign="-", start_s=5, stop_s=7)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], [(), ()]),
        (["+1.5-3.0,-5-7"], [(FIRST, SECOND), (FIRST, SECOND)]),
        (["+1.5-3", "-5-7"], [(FIRST,), (SECOND,)]),
        (["", "-5-7"], [(), (SECOND,)]),
    ],
)
def test_anchors_are_for_all_prompts_or_for_each_in_its_order(given, expected):
    words = [word for text in given for word in ("--anchors", text)]
    request = asked("-p", "a dog", "-p", "a bell", *words)
    assert [prompt.anchors for prompt in request.prompts] == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--solver", "rk45"], ("euler", "midpoint", "heun", "rk4", "ab2")),
        (["--grid", "fine"], ("uniform", "sway")),
        (["--crossfade-type", "cubic"], ("cosine", "linear")),
        (["--stitch", "glue"], ("crossfade", "multidiffusion")),
        (["--stereo", "wide"], ("mono", "sides", "projected")),
        (["--residual", "none"], ("mixture", "model")),
        (["--precision", "float16"], ("float32", "bfloat16", "int8")),
        (["--backend", "onnx"], ("auto", "torch", "mlx", "official")),
        (["--device", "gpu"], ("auto", "cpu", "cuda", "mps")),
        (["--format", "wma"], ("wav16", "flac")),
        (["--preset", "Fastest"], ("Preview", "Balanced", "Quality")),
        (["--preset", "fast"], ("Preview", "Balanced", "Quality")),
        (["--model", "smal"], ("small", "base", "large", "folder")),
        (["--anchors", "1-2"], ("+1.5-3.0",)),
        (["--anchors", "+1-2", "--anchors", "+1-2"], ("2 --anchors", "1 prompts")),
        (["--reroll", "3"], ("3=17",)),
        (["--reroll", "0=1"], ("1 for the first",)),
        (["--reroll", "2=1", "--reroll", "2=3"], ("re-rolled twice",)),
        (["--solver-steps", 0], ("1 and 1000",)),
        (["--chunk-duration", 0.1], ("0.5 and 600",)),
        (["--overlap-duration", 11], ("0 and 10",)),
        (["--max-chunks", 0], ("1 and 100000",)),
        (["--no-chunks", "--chunk-duration", 5], ("--no-chunks",)),
        (["--chain-residuals", "--residual", "model"], ("Chained",)),
    ],
)
def test_a_wrong_value_is_refused_with_what_there_is(words, said):
    message = refused("-p", "a dog", *words)
    assert all(part in message for part in said), message


def test_formats_that_cannot_grow_are_refused_before_any_work(song, folder):
    message = refused("-p", "a dog", "--model", CHECKPOINT, "--streaming", "--format", "mp3")
    assert "wav32f, wav16, wav24, flac" in message
    assert [path.name for path in folder.iterdir() if path.suffix == ".mp3"] == []


def test_weights_that_are_not_here_are_status_4_with_what_to_do(song):
    said = refused("-p", "a dog", "--backend", "torch", status=4)
    assert "1.3 GB" in said and "without an account" in said and "models download sam-audio-small" in said


# Whole runs


@pytest.mark.parametrize("stitch", ["crossfade", "multidiffusion"])
@pytest.mark.parametrize("stereo", ["mono", "sides", "projected"])
def test_the_tracks_have_the_size_of_the_recording_and_sum_to_it(song, folder, stitch, stereo):
    words = (*TINY, "-p", "a dog", "-p", "a bell", "--stitch", stitch, "--stereo", stereo, "-o", "out", "--json")
    (line,) = audio_playground(*words).stdout.splitlines()
    said = json.loads(line)
    assert [Path(file).name for file in said["files"]] == ["a dog.wav", "a bell.wav", "everything else.wav"]
    assert (said["cached"], said["backend"]) == (False, "sam_torch")
    assert {(one["index"], one["stem"]) for one in said["measures"]} == {
        (index, stem) for index in (0, 1) for stem in ("a dog", "a bell")
    }
    tracks = [samples(file) for file in said["files"]]
    assert all(track.shape == song.shape for track in tracks)
    assert np.abs(sum(tracks) - song).max() < 1e-6
    assert np.abs(tracks[0] - tracks[1]).max() > 1e-6, "two prompts, two sounds"


def test_chained_prompts_sum_to_the_recording(song, folder):
    audio_playground(*TINY, "-p", "a dog", "-p", "a bell", "--chain-residuals", "-o", "chained")
    audio_playground(*TINY, "-p", "a dog", "-p", "a bell", "-o", "apart")
    tracks = {path.stem: samples(path) for path in (folder / "chained").iterdir()}
    assert np.abs(sum(tracks.values()) - song).max() < 1e-6
    assert np.abs(tracks["a bell"] - samples(folder / "apart" / "a bell.wav")).max() > 1e-6


def test_the_models_own_residuals_make_two_tracks_a_prompt(song):
    words = (*TINY, "-p", "a dog", "-p", "a bell", "--residual", "model", "--json")
    said = json.loads(audio_playground(*words).stdout)
    names = [Path(file).stem for file in said["files"]]
    assert names == ["a dog", "a bell", "everything but a dog", "everything but a bell"]
    assert all(one["null_depth_db"] is not None for one in said["measures"])


def test_anchors_of_a_part_count_from_the_start_of_the_recording(song, folder):
    audio_playground("convert", "to-wav", "song.wav", "--start-time", 0.25, "-o", "part.wav")
    part = ("--start-time", 0.25, "--save-recipe", "cut.yaml")
    audio_playground(*TINY, "-p", "a dog", "--anchors", "+0.35-0.55", *part, "-o", "cut")
    audio_playground(*TINY[:2], "part.wav", *TINY[3:], "-p", "a dog", "--anchors", "+0.1-0.3", "-o", "alone")
    audio_playground(*TINY, "-p", "a dog", "--anchors", "+0.25-0.35", "--start-time", 0.25, "-o", "elsewhere")
    cut, alone, elsewhere = (samples(folder / name / "a dog.wav") for name in ("cut", "alone", "elsewhere"))
    assert np.array_equal(cut, alone)
    assert not np.array_equal(cut, elsewhere)
    # So does the recipe, and the command that is kept with the result.
    (anchor,) = recipe.read(folder / "cut.yaml").prompts[0].anchors
    assert (anchor.start_s, anchor.stop_s) == (0.35, 0.55)
    store = ArtifactStore(folder / "home")
    assert sum("+0.35-0.55" in kept.manifest.command for kept in store.list("result")) == 1
    store.close()


def test_spans_outside_the_part_are_said_as_they_were_typed(song, folder):
    spans = ("--anchors", "+0.1-0.2,+0.4-0.5,-0.45-0.6,+0.8-0.9")
    words = (*TINY, "-p", "a dog", *spans, "--start-time", 0.25, "--end-time", 0.7, "--report", "run.yaml")
    for _ in range(2):  # computed, then kept
        said = audio_playground(*words).output
        assert "note: “a dog”: the span +0.1-0.2 marks nothing. The part that is separated begins at 0.25 s." in said
        assert "the span +0.8-0.9 marks nothing. Nothing of what is separated, which ends at 0.7 s" in said
        assert "+0.4-0.5 and -0.45-0.6 contradict each other from 0.45 to 0.53 s" in said
        warnings = yaml.safe_load((folder / "run.yaml").read_text("utf-8"))["warnings"]
        assert sum("marks nothing" in warning for warning in warnings) == 2
    assert sum("marks nothing" in one for one in json.loads(audio_playground(*words, "--json").stdout)["warnings"]) == 2


def test_max_chunks_shortens_the_tracks(song, folder):
    audio_playground(*TINY, "-p", "a dog", "--max-chunks", 1)
    n_samples = samples(folder / "a dog.wav").shape[1]
    assert n_samples == 24_960


def test_a_re_rolled_chunk_changes_from_where_it_starts(song, folder):
    audio_playground(*TINY, "-p", "a dog", "-o", "one")
    audio_playground(*TINY, "-p", "a dog", "-o", "two", "--reroll", "2=17")
    one, two = (samples(folder / name / "a dog.wav") for name in ("one", "two"))
    changed = np.flatnonzero(np.abs(one - two).max(axis=0))
    assert 21_120 <= changed[0] < 24_960, "from the second chunk, whose start is blended with the first"


def test_the_second_run_is_cached_and_says_the_same_of_its_targets(song, folder):
    first = audio_playground(*TINY, "-p", "a dog", "-o", "one")
    second = audio_playground(*TINY, "-p", "a dog", "-o", "two")
    assert "Cached" in second.output and "Cached" not in first.output
    told = [line for line in first.output.splitlines() if line.startswith(("a dog:", "note: a dog"))]
    assert told and all(line in second.output for line in told)
    for path in (folder / "one").iterdir():
        assert path.read_bytes() == (folder / "two" / path.name).read_bytes()


@pytest.mark.parametrize("format_", ["wav32f", "wav16", "wav24", "flac"])
def test_streamed_files_hold_the_samples_of_the_others(song, folder, format_):
    words = (*TINY, "-p", "a dog", "--format", format_)
    streamed = json.loads(audio_playground(*words, "-o", "streamed", "--streaming", "--json").stdout)
    usual = json.loads(audio_playground(*words, "-o", "usual", "--json").stdout)
    again = json.loads(audio_playground(*words, "-o", "again", "--streaming", "--json").stdout)
    assert [said["cached"] for said in (streamed, usual, again)] == [False, True, True]
    for a, b, c in zip(streamed["files"], usual["files"], again["files"], strict=True):
        assert Path(a).name == Path(b).name
        assert np.array_equal(samples(a), samples(b))
        assert np.array_equal(samples(b), samples(c))


@pytest.mark.long
def test_an_interrupted_stream_leaves_files_that_can_be_played(folder):
    encode(Waveform(clip(48_000 * 60, channels=2), 48_000), folder / "song.wav")
    code = "from separation.cli.main import main; main()"
    program = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, TINY), "-p", "a dog", "-o", "out", "--streaming"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (folder / "out" / "a dog.wav").exists() and program.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 130, errors
    assert "Traceback" not in errors
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a dog.wav", "everything else.wav"]
    lengths = {samples(path).shape for path in (folder / "out").iterdir()}
    ((n_channels, n_samples),) = lengths
    assert n_channels == 2 and 0 < n_samples < 48_000 * 60
    assert f"hold the first {math.floor(n_samples / 4_800) / 10:.1f} s" in errors
    assert list((folder / "home" / "scratch").iterdir()) == []


def test_a_bar_fills_once_where_all_chunks_are_solved_together(song, monkeypatch):
    drawn = []
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(progress.click, "echo", lambda text, **options: drawn.append((text, options.get("err"))))
    CliRunner().invoke(main, [str(word) for word in (*TINY, "-p", "a dog", "--stitch", "multidiffusion")])
    filled = [text.count("#") for text, to_stderr in drawn if to_stderr and "loading" not in text]
    assert filled == [14, 28, 28], "an evaluation for each of the two windows, then done"


# Words about the targets


def measured(index, stem="a dog", explained=1.0, drift=0.0):
    return {"index": index, "stem": stem, "explained_energy": explained, "gain_drift_db": drift}


def test_the_worst_chunk_speaks_for_a_target_and_doubtful_chunks_are_named():
    result = kept_values.result(
        chunks_s=[[0, 20], [18, 38], [36, 47.12345]],
        measures=[
            *(measured(0, explained=0.919, drift=-0.24), measured(0, "a bell", 0.5, 1.0)),
            *(measured(1, explained=None, drift=None), measured(1, "a bell", None, None)),
            *(measured(2, explained=0.334, drift=2), measured(2, "a bell", 0.999, 1.04)),
        ],
    )
    assert list(measures_text.lines(result)) == [
        "a dog: at least 33% of every chunk is in the recording, its level -0.2 to +2.0 dB beside it",
        "a bell: at least 50% of every chunk is in the recording, its level +1.0 dB beside it",
        "note: a dog, chunk 3 (36-47.1 s): 67% of this is not in the recording",
        "note: another seed may do better (--seed, or --reroll 3=1 for that chunk alone)",
    ]


def test_a_silent_target_is_called_silent_and_other_models_are_not_measured():
    result = kept_values.result(chunks_s=[[0, 20]], measures=[measured(0, explained=None, drift=None)])
    assert list(measures_text.lines(result)) == ["a dog: silent"]
    assert list(measures_text.lines(kept_values.result())) == []
