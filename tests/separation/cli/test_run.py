"""`audio-playground run`: workflows of the terminal's own commands, and the examples of the documentation."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest
import yaml

from assets.demo_recording import write_demo_mixture
from separation import Waveform, decode
from separation.audio.encode import encode
from separation.cli.common import Common, RunOption, given_by
from separation.cli.main import main
from separation.cli.run import Terminal
from separation.errors import SettingsError
from separation.models.demucs import weights as demucs_weights
from separation.request import DemucsSettings, Request
from separation.workflows import recipe
from tests.separation.results.test_commands import typed
from tests.support import demucs_models, run_fakes
from tests.support.sam_models import CHECKPOINT, clip
from tests.support.terminal import audio_playground

ROOT = Path(__file__).parents[3]
# Options that no workflow may set: they belong to the person at the terminal.
PERSONAL = {"help", "json", "log-level", "scheduler", "scheduler-ca", "scheduler-certificate", "scheduler-key"}
DOCUMENT = (ROOT / "docs" / "workflows.md").read_text("utf-8")
CHAIN = """
variables:
  song: song.wav
steps:
  - name: wav
    command: convert to-wav
    with: {source: "${song}", out: mixture.wav}
  - name: stems
    command: extract auto
    with: {source: "${wav.file}", prompt: [drums, bass], out: stems}
  - name: rest
    command: extract auto
    with: {source: "${stems.tracks.everything else}", prompt: vocals, out: stems/rest}
  - name: tape
    command: merge concat
    with: {sources: ["${stems.tracks.drums}", "${rest.files}"], out: tape.wav}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no models"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(text, *words, status=0):
    Path("w.yaml").write_text(text, "utf-8")
    return audio_playground("run", "--config", "w.yaml", *words, status=status)


def steps(text, *words):
    """What the one line of JSON says of every step, by name."""
    (line,) = run(text, *words, "--json").stdout.splitlines()
    return {step["name"]: step for step in json.loads(line)["steps"]}


def samples(path):
    return decode(path).waveform.samples


# A chain


def test_what_one_step_makes_is_what_the_next_one_reads(folder, backend):
    song = samples(run_fakes.song(folder / "song.wav"))
    output = run(CHAIN).stdout
    assert np.allclose(samples("stems/drums.wav"), 0.4 * song, atol=1e-6)
    assert np.allclose(samples("stems/rest/vocals.wav"), 0.2 * 0.3 * song, atol=1e-6)
    assert samples("tape.wav").shape == (2, 3 * song.shape[1])
    lines = output.splitlines()
    assert lines[0] == "[1/4 wav] audio-playground convert to-wav song.wav --out mixture.wav"
    assert all(line.startswith("[") for line in lines[:-1])
    assert "[3/4 rest] audio-playground extract auto 'stems/everything else.wav' --prompt vocals" in output
    assert re.fullmatch(r"4 steps done, \d+\.\d\d s in all\.", lines[-1])


def test_a_second_run_takes_finished_steps_from_the_store_unless_told_not_to(folder, backend):
    run_fakes.song(folder / "song.wav")
    first = steps(CHAIN)
    n_evaluations = backend.n_evaluations
    again = steps(CHAIN)
    assert backend.n_evaluations == n_evaluations > 0
    assert [again[name]["cached"] for name in again] == [False, True, True, False]
    assert "2 of them cached" in run(CHAIN).stdout
    fresh = steps(CHAIN, "--no-cache")
    assert backend.n_evaluations == 2 * n_evaluations
    assert not any(step["cached"] for step in fresh.values())
    for name in first:
        assert first[name]["result"].get("tracks") == again[name]["result"].get("tracks")


def test_json_is_one_line_with_the_result_of_every_step(folder, backend):
    run_fakes.song(folder / "song.wav")
    said = steps(CHAIN)
    assert list(said) == ["wav", "stems", "rest", "tape"]
    assert said["stems"]["result"]["tracks"]["drums"] == "stems/drums.wav"
    assert said["tape"]["command"].endswith("'stems/rest/everything else.wav' --out tape.wav")


def test_a_dry_run_prints_commands_that_the_terminal_takes_and_does_nothing(folder, backend):
    run_fakes.song(folder / "song.wav")
    before = sorted(folder.rglob("*"))
    lines = run(CHAIN, "--dry-run").stdout.splitlines()
    assert [shlex.split(line)[1] for line in lines] == ["convert", "extract", "extract", "merge"]
    assert all(typed(line) for line in lines)
    assert lines[1] == "audio-playground extract auto '${wav.file}' --prompt drums --prompt bass --out stems"
    (line,) = run(CHAIN, "--dry-run", "--json", "--no-cache").stdout.splitlines()
    assert "--no-cache" in json.loads(line)["steps"][1]["command"]
    assert sorted(folder.rglob("*")) == sorted([*before, folder / "w.yaml"])
    assert backend.n_loads == 0


def test_variables_are_set_on_the_command_line(folder, backend):
    run_fakes.song(folder / "other = song.wav")
    text = "variables: {song:, sounds: [drums]}\nsteps:\n- name: a\n  command: extract auto\n  with:\n"
    text += "    source: ${song}\n    prompt: ${sounds}\n"
    said = steps(text, "--set", "song=other = song.wav", "--set", "sounds=bass", "--set", "sounds=vocals")
    assert list(said["a"]["result"]["tracks"]) == ["bass", "vocals", "everything else"]
    assert "line 1: “song” has no value" in run(text, status=2).stderr
    assert "has no variable “sing”" in run(text, "--set", "sing=x", status=2).stderr
    assert "sets no variable" in run(text, "--set", "song", status=2).stderr


def test_the_environment_is_not_read(folder, monkeypatch):
    monkeypatch.setenv("SONG", "song.wav")
    text = "steps:\n- {name: a, command: convert to-wav, with: {source: '${SONG}'}}\n"
    assert "${SONG} refers to nothing" in run(text, status=2).stderr


# Checked before anything runs


def of(command, *options):
    return "\n".join(["steps:", "- name: a", f"  command: {command}", "  with:", *(f"    {one}" for one in options)])


SONG = "source: song.wav"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (of("extract builtin", SONG), "line 2: Missing option '--prompt'"),
        (of("extract builtin", SONG, "prompt: drums", "chunk-duration: ten"), "line 7: Invalid value for '--chunk-dur"),
        (of("extract builtin", SONG, "prompt: drums", "format: mp4"), "line 7: Invalid value for '--format': 'mp4' is"),
        (of("extract builtin", SONG, "prompt: drums", "start-time: 1:75"), "line 7: Invalid value for '--start-time'"),
        (of("extract builtin", SONG, "prompt: drums", "solver: euler"), "line 7: “extract builtin” has no option “sol"),
        (of("extract builtin", SONG, "prompt: drums", "json: true"), "line 7: “extract builtin” has no option “json”"),
        (of("extract builtin", SONG, "prompt: drums", "help: true"), "line 7: “extract builtin” has no option “help”"),
        (of("extract builtin", SONG, "prompt: [drums, Drums]"), "line 2: “drums” was asked for twice."),
        (
            of("extract builtin", SONG, "prompt: drums", "chunk-duration: 900"),
            "line 2: --chunk-duration 900.0 is out of ra",
        ),
        (of("extract builtin", SONG, "prompt: drums", "seed: -1"), "line 7: --seed -1 is out of range."),
        (of("extract demucs", SONG, "prompt: drums", "preset: Prevew"), "line 2: There is no preset “Prevew”."),
        (of("extract sam-audio", SONG, "prompt: dog", "anchors: 1-2"), "line 2: “1-2” is not a span of time."),
        (of("extract sam-audio", SONG, "prompt: dog", "model: smal"), "line 2: There is no SAM-Audio model"),
        (of("extract recipe", SONG, "recipe: r.yaml"), "line 6: There is no 'r.yaml'"),
        (of("extract recipe", SONG, "recipe: bad.yaml"), "line 2: bad.yaml, line 1: There is no setting “prompt”"),
        (of("extract recipe", SONG, "recipe: local.yaml"), "line 2: The recipe uses models in the folder 'models'."),
        (
            of("extract demucs", SONG, "prompt: drums", "folder: models"),
            "line 7: “folder” cannot be set by a workflow.",
        ),
        (of("batch", "dir: songs", "prompt: drums", "out: out"), "line 5: There is no 'songs'"),
        (of("convert to-wav", "source: missing.wav"), "line 5: There is no 'missing.wav'"),
        (
            of("merge concat", "sources: [song.wav]", "out: x.wav", "crossfade-type: square"),
            "line 7: Invalid value for",
        ),
        (of("cache clear"), "line 3: There is no command “cache clear” for workflows."),
        (of("models remove", "name: htdemucs", "yes: true"), "line 3: There is no command “models remove”"),
        (of("run", "config: w.yaml"), "line 3: There is no command “run”"),
        (of("sh -c 'touch hacked'"), "line 3: There is no command “sh -c 'touch hacked'”"),
    ],
)
def test_what_cannot_work_is_said_with_its_line_before_the_first_step(folder, text, said):
    run_fakes.song(folder / "song.wav", 0.2)
    (folder / "bad.yaml").write_text("prompt: drums\n")
    recipe.write(Request.of("drums", backend="demucs", demucs=DemucsSettings(folder="models")), folder / "local.yaml")
    first = "steps:\n- {name: first, command: convert to-wav, with: {source: song.wav, out: made.wav}}"
    result = run(text.replace("steps:", first), status=2)
    assert re.sub(r"^line (\d+)", lambda line: f"w.yaml, line {int(line[1]) + 1}", said) in result.stderr
    assert result.stdout == "" and not (folder / "made.wav").exists() and not (folder / "home").exists()
    as_json = json.loads(run(text, "--json", status=2).stdout)
    assert said[:20] in as_json["what"]


def test_nothing_in_a_workflow_reaches_a_shell(folder):
    run_fakes.song(folder / "song.wav", 0.2)
    out = "$(touch hacked); `touch hacked` | touch hacked"
    run(of("convert to-wav", SONG, f"out: '{out}.wav'"))
    assert (folder / f"{out}.wav").exists() and not (folder / "hacked").exists()


def test_a_folder_of_models_is_taken_from_who_runs_the_workflow(folder):
    run_fakes.song(folder / "song.wav", 0.5)
    demucs_models.save_package(demucs_models.htdemucs(), folder / "tiny.th")
    words = ("source: song.wav", "prompt: drums", "model: tiny", "device: cpu", "folder: ${models}")
    text = f"variables: {{models: .}}\n{of('extract demucs', *words)}"
    assert "cannot be set by a workflow" in run(text, status=2).stderr
    assert steps(text, "--set", "models=.")["a"]["result"]["backend"] == "demucs"


# Failing steps


def test_a_failing_step_stops_the_run_and_what_is_finished_stays(folder, backend):
    run_fakes.song(folder / "song.wav", 0.2)
    (folder / "text.wav").write_text("not audio")
    text = """
steps:
- {name: good, command: convert to-wav, with: {source: song.wav, out: one.wav}}
- {name: bad, command: convert to-wav, with: {source: text.wav, out: two.wav}}
- {name: never, command: convert to-wav, with: {source: song.wav, out: three.wav}}
"""
    result = run(text, status=3)
    assert "AudioError: w.yaml, line 4, step bad: 'text.wav' cannot be used as audio." in result.stderr
    assert sorted(path.name for path in folder.glob("*.wav")) == ["one.wav", "song.wav", "text.wav"]
    error = json.loads(run(text, "--json", status=3).stdout)
    assert error["error"] == "AudioError" and "step bad" in error["what"]


@pytest.mark.parametrize(("prompt", "status"), [("a dog", 5), ("${zero.n_samples}", 5)])
def test_the_exit_status_is_that_of_the_command(folder, prompt, status):
    run_fakes.song(folder / "song.wav", 0.2)
    text = f"""
steps:
- {{name: zero, command: convert to-wav, with: {{source: song.wav, out: one.wav}}}}
- {{name: one, command: extract builtin, with: {{source: song.wav, prompt: "{prompt}"}}}}
"""
    assert re.search("w.yaml, line 4(, step one)?: ", run(text, status=status).stderr)


def test_a_result_that_an_option_cannot_take_is_status_2(folder):
    run_fakes.song(folder / "song.wav", 0.2)
    text = """
steps:
- {name: zero, command: convert to-wav, with: {source: song.wav, out: one.wav}}
- {name: one, command: extract builtin, with: {source: song.wav, prompt: drums, seed: "${zero.file}"}}
"""
    assert "line 4, step one: Invalid value for '--seed': 'one.wav'" in run(text, status=2).stderr
    assert (
        "line 4, step one: ${zero.file[0]} leads nowhere"
        in run(text.replace("zero.file", "zero.file[0]"), status=2).stderr
    )


def test_a_batch_in_which_files_failed_stops_the_run(folder, backend):
    (folder / "songs").mkdir()
    run_fakes.song(folder / "songs" / "good.wav", 0.3)
    (folder / "songs" / "bad.wav").write_text("not audio")
    text = of("batch", "dir: songs", "prompt: drums", "out: out")
    text += "\n- {name: b, command: batch, with: {dir: '${a.out}', recursive: true, prompt: drums, out: again}}\n"
    result = run(text, status=6)
    assert "w.yaml, line 2, step a: 1 file failed. All that failed is listed in out/failures.json." in result.stderr
    assert (folder / "out" / "good" / "drums.wav").exists() and not (folder / "again").exists()
    (folder / "songs" / "bad.wav").unlink()
    said = steps(text)
    assert said["a"]["cached"] and not said["b"]["cached"]
    assert said["b"]["result"]["files"] == 2


def test_an_interrupt_names_the_step_and_leaves_nothing_half_written(folder):
    run_fakes.song(folder / "song.wav", 120)
    (folder / "w.yaml").write_text("""
steps:
- {name: first, command: convert to-wav, with: {source: song.wav, out: one.wav, end-time: 1}}
- name: long
  command: extract builtin
  with: {source: song.wav, prompt: drums, out: out, chunk-duration: 2, overlap-duration: 0.1}
""")
    program = subprocess.Popen(
        [sys.executable, "-c", "from separation.cli.main import main; main()", "run", "--config", "w.yaml"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    scratch = folder / "home" / "scratch"
    deadline = time.monotonic() + 60
    while not list(scratch.glob("*/0.wav")) and time.monotonic() < deadline:
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "Interrupted. That was step long; the steps before it are finished." in errors and "Traceback" not in errors
    assert (folder / "one.wav").exists()
    assert list((folder / "out").iterdir()) == [] and list(scratch.iterdir()) == []


# The commands of the terminal


@pytest.fixture
def terminal():
    return Terminal(Common("auto", False, None), False)


def leaf_of(command):
    leaf = main
    for word in command.split():
        leaf = leaf.get_command(click.Context(leaf), word)
    return leaf


def commands_below(group, *words):
    """Every command of the terminal, by the words that call it."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield from commands_below(command, *words, name) if isinstance(command, click.Group) else [(*words, name)]


def test_every_command_that_makes_files_is_a_step_of_workflows_and_none_that_deletes_or_stays_open(terminal):
    every = {" ".join(words) for words in commands_below(main)}
    makes_files = {
        command for command in every if {"out", "save_recipe"} & {param.name for param in leaf_of(command).params}
    }
    assert "extract builtin-dsp" in makes_files
    # A report is for people, and what else a workflow does would disturb its times.
    assert set(terminal.names()) == makes_files - {"bench"} | {"models download"}
    assert {command for command in every if command.startswith("extract ")} <= makes_files


def test_every_command_of_a_workflow_is_one_of_the_terminal_and_its_options_are_written_by_their_names(terminal):
    for command in terminal.names():
        leaf = leaf_of(command)
        known = terminal.parameters(command)
        assert PERSONAL.isdisjoint(known)
        for param in leaf.params:
            if isinstance(param, click.Option) and not isinstance(param, RunOption):
                assert all(name[2:] in known for name in param.opts if name.startswith("--")), param
    assert list(terminal.parameters("batch"))[:2] == ["dir", "prompt"]
    assert terminal.parameters("extract demucs")["no-split"].off == "--split"
    assert terminal.parameters("merge concat")["sources"].many


def test_models_in_folders_are_the_only_files_of_a_command_that_can_run_code(terminal):
    """A new option that names a folder has to be looked at: may a stranger's file fill it?"""
    named = {(command, name) for command in terminal.names() for name, one in terminal.parameters(command).items()
             if one.any_text and ("folder" in name or one.trusted)}  # fmt: skip
    assert named == {("extract demucs", "folder"), ("extract recipe", "folder")}
    assert all(terminal.parameters(command)[name].trusted for command, name in named)


def test_the_results_of_commands_hold_what_workflows_are_promised(folder, backend, terminal, monkeypatch):
    from separation.backends import catalogue
    from separation.backends.demucs import DemucsBackend

    run_fakes.song(folder / "song.wav", 0.5)
    (folder / "songs").mkdir()
    run_fakes.song(folder / "songs" / "a.wav", 0.3)
    (folder / "r.yaml").write_text("prompts: [drums]\n")
    monkeypatch.setattr(catalogue, "download", lambda name: (event for event in ()))
    monkeypatch.setattr(backend, "published", DemucsBackend().published)
    said = steps("""
steps:
- {name: a, command: extract auto, with: {source: song.wav, prompt: drums}}
- {name: b, command: extract recipe, with: {source: song.wav, recipe: r.yaml, streaming: true}}
- {name: c, command: batch, with: {dir: songs, prompt: drums, out: out}}
- {name: d, command: convert to-wav, with: {source: song.wav, out: d.wav}}
- {name: e, command: chunk split, with: {source: song.wav, duration: 0.5, overlap: 0.1, out: parts}}
- {name: f, command: merge concat, with: {sources: "${e.metadata}", out: f.wav}}
- {name: g, command: models download, with: {name: htdemucs}}
""")
    commands = {shlex.split(step["command"])[1]: step["result"] for step in said.values()}
    assert set(commands) == {command.split()[0] for command in terminal.names()}
    for command in terminal.names():
        assert set(given_by(leaf_of(command))) <= set(commands[command.split()[0]]), command
    assert said["b"]["result"]["tracks"] == {"drums": "drums.wav", "everything else": "everything else.wav"}


def test_an_interrupted_download_says_that_what_arrived_is_kept(folder, monkeypatch):
    from separation.backends import catalogue

    def interrupted(name):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(catalogue, "download", interrupted)
    result = run(of("models download", "name: htdemucs"), status=130)
    assert "That was step a; the steps before it are finished. What arrived is kept." in result.stderr


# The documentation


def example(name):
    return (ROOT / "docs" / "workflows" / f"{name}.yaml").read_text("utf-8")


def test_the_standard_example_runs(folder):
    write_demo_mixture(folder / "demo.wav")
    audio_playground("convert", "to-wav", "demo.wav", "-o", "song.wav", "--end-time", 2)
    said = steps(example("standard"), "--set", "song=song.wav")
    assert len(said["stems"]["result"]["tracks"]) == 4
    assert samples("stems/tape.flac").shape[1] == 2 * samples("song.wav").shape[1]
    assert steps(example("standard"), "--set", "song=song.wav")["stems"]["cached"]


def test_the_example_of_chained_residuals_runs(folder):
    encode(Waveform(clip(40_000, channels=2), 48_000), folder / "street.wav")
    words = ("--set", f"model={CHECKPOINT}", "--device", "cpu")
    said = steps(example("chained-residuals"), *words)
    heard = [samples("scene/speech/man speaking.wav"), samples("scene/dog/dog barking.wav")]
    rest = samples(said["dog"]["result"]["tracks"]["everything else"])
    assert np.allclose(sum(heard) + rest, samples("street.wav"), atol=1e-4)
    assert (folder / "scene" / "street-without-them.mp3").exists()
    assert steps(example("chained-residuals"), *words)["dog"]["cached"]


def test_the_example_of_demucs_runs(folder, monkeypatch):
    checkpoints = folder / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    path = demucs_models.save_package(demucs_models.htdemucs(1), checkpoints / "955717e8.th", checksum=True)
    monkeypatch.setattr(demucs_weights, "published_files", lambda: {"955717e8": path.name})
    run_fakes.song(folder / "song.wav", 2.5)
    said = steps(example("demucs"), "--device", "cpu")
    assert samples("demucs/quick/drums.wav").shape == (2, round(1.5 * run_fakes.RATE))
    assert not np.array_equal(samples("demucs/quick/drums.wav"), samples("demucs/careful/drums.wav"))
    assert recipe.read(folder / "demucs" / "careful.yaml").demucs.shifts == 2
    assert list(said["careful"]["result"]["tracks"]) == ["drums", "vocals", "everything else"]


def test_the_example_of_a_batch_runs(folder):
    (folder / "songs").mkdir()
    for name in ("best", "worse"):
        run_fakes.song(folder / "songs" / f"{name}.wav", 0.3, seed=len(name))
    said = steps(example("batch"))
    assert said["all"]["result"]["done"] == 2
    assert sorted(path.name for path in (folder / "stems").iterdir()) == [
        "best",
        "best of all",
        "sources.json",
        "worse",
    ]
    assert {path.suffix for path in (folder / "stems" / "best of all").iterdir()} == {".flac"}


def test_every_example_has_a_test_and_is_named_in_the_documentation():
    names = {path.stem for path in (ROOT / "docs" / "workflows").iterdir()}
    assert names == {"standard", "chained-residuals", "demucs", "batch"}
    assert all(f"`{name}.yaml`" in DOCUMENT for name in names)


def test_the_workflow_in_the_documentation_runs(folder):
    blocks = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT, flags=re.DOTALL | re.MULTILINE)
    assert [next(iter(yaml.safe_load(block))) for block in blocks] == ["variables", "prompts"]
    run_fakes.song(folder / "song.mp3.wav", 0.5).rename("song.mp3")
    said = steps(blocks[0])
    assert samples("tape.flac").shape[1] == 4 * samples("mixture.wav").shape[1]
    assert list(said["stems"]["result"]["tracks"]) == ["drums", "bass", "everything else"]
    (folder / "recipe.yaml").write_text(blocks[1])
    assert recipe.read(folder / "recipe.yaml").prompts[0].anchors[0].stop_s == 3


def test_the_commands_in_the_documentation_are_the_terminals():
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", DOCUMENT, flags=re.DOTALL | re.MULTILINE)
             for line in block.splitlines()]  # fmt: skip
    assert len(lines) == 4 and all(typed(line) for line in lines)


def test_the_documentation_lists_the_commands_and_results_there_are(terminal):
    rows = [line for line in DOCUMENT.splitlines() if line.startswith("| `")]
    (commands,) = (row for row in rows if row.startswith("| `command`"))
    assert {command.split()[-1] for command in terminal.names()} <= set(re.findall(r"[\w-]+", commands))
    for command in terminal.names():
        outputs = given_by(leaf_of(command))
        name = "extract ..." if command.startswith("extract") else command
        (row,) = (row for row in rows if f"`{name}`" in row.split("|")[1])
        assert set(re.findall(r"`(\w+)`", row.split("|", 2)[2])) - {"everything"} == set(outputs), command


def test_a_setting_that_no_recipe_has_is_refused_in_the_documentations_way(folder):
    (folder / "r.yaml").write_text("prompts: [x]\nsolver: {metod: ab2}\n")
    with pytest.raises(SettingsError, match=r"r\.yaml, line 2: There is no setting “metod”"):
        recipe.read(folder / "r.yaml")
