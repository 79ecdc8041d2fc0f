"""Where a prompt is not answered with what its words say, that is said: in words, JSON, workflows and batches."""

from __future__ import annotations

import json

import pytest
import yaml

from separation.backends import registry
from separation.backends.sam_torch import SamTorchBackend
from separation.errors import PromptError
from separation.request import Request, SamSettings
from tests.support import run_fakes
from tests.support.fakes import PromptableBackend, use_only
from tests.support.terminal import audio_playground

KICK = "note: “kick”: its track holds the whole drum kit, which"
NO_VOCALS = "note: “instrumental” is answered with all but vocals."
ANSWERS = {"kick": "drums", "instrumental": "all but vocals", "bass": "bass"}
PROMPTS = [word for prompt in ANSWERS for word in ("-p", prompt)]


@pytest.fixture(autouse=True)
def song(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path / "home"))
    run_fakes.install(monkeypatch)
    (tmp_path / "in").mkdir()
    return run_fakes.song(tmp_path / "in" / "song.wav")


def said(*words):
    return audio_playground(*words).output


def found(*words):
    return json.loads(said(*words, "--json").splitlines()[-1])


@pytest.mark.parametrize("more", [(), ("--streaming",)])
def test_an_extraction_says_it_computed_or_kept(song, tmp_path, more):
    for _ in range(2):
        shown = said("extract", "auto", song, *PROMPTS, "-o", tmp_path / "out", *more)
        assert KICK in shown and NO_VOCALS in shown
        assert "“bass” is answered" not in shown
        assert shown.index(KICK) < shown.index("wrote ")
    assert found("extract", "auto", song, *PROMPTS, "-o", tmp_path / "out", *more)["answers"] == ANSWERS


def test_a_recipe_says_it_too(song, tmp_path):
    said("extract", "auto", song, *PROMPTS, "-o", tmp_path, "--save-recipe", tmp_path / "recipe.yaml")
    assert KICK in said("extract", "recipe", song, tmp_path / "recipe.yaml", "-o", tmp_path / "again")


def test_a_batch_says_it_once(song, tmp_path):
    run_fakes.song(song.with_name("other.wav"), seed=1)
    words = ("batch", song.parent, *PROMPTS, "-o", tmp_path / "out")
    assert said(*words).count(KICK) == 1
    assert found(*words)["answers"] == ANSWERS


def test_a_step_of_a_workflow_says_it_with_its_mark(song, tmp_path):
    config = tmp_path / "flow.yaml"
    config.write_text(
        "steps:\n- name: cut\n  command: extract auto\n  with:\n"
        f"    source: {song}\n    prompt: [kick, bass]\n    out: {tmp_path / 'out'}\n",
        encoding="utf-8",
    )
    assert f"[1/1 cut] {KICK}" in said("run", "--config", config)
    (step,) = found("run", "--config", config)["steps"]
    assert step["result"]["answers"] == {"kick": "drums", "bass": "bass"}


def flow(song, tmp_path, **options):
    """A workflow of one step."""
    config = tmp_path / "flow.yaml"
    step = {"name": "cut", "command": "extract fake", "with": {"source": str(song), "out": str(tmp_path), **options}}
    config.write_text(yaml.safe_dump({"steps": [step]}, allow_unicode=True), encoding="utf-8")
    return config


def test_a_workflow_says_it_before_anything_runs(song, tmp_path):
    config = flow(song, tmp_path, prompt=["kick", "bass"])
    assert f"[1/1 cut] {KICK}" in said("run", "--config", config, "--dry-run")
    (step,) = found("run", "--config", config, "--dry-run")["steps"]
    assert step["answers"] == {"kick": "drums", "bass": "bass"}


def test_a_prompt_that_is_not_known_yet_is_no_part_of_what_is_said_beforehand(song, tmp_path):
    (tmp_path / "first").mkdir()
    first = {"name": "wav", "command": "convert to-wav", "with": {"source": str(song), "out": str(tmp_path / "a.wav")}}
    second = {"name": "cut", "command": "extract fake", "with": {"source": "${wav.file}", "prompt": "${wav.file}"}}
    config = tmp_path / "flow.yaml"
    config.write_text(yaml.safe_dump({"steps": [first, second]}), encoding="utf-8")
    assert "note:" not in said("run", "--config", config, "--dry-run")


@pytest.mark.parametrize("again", [False, True])
def test_reports_say_it_of_workflows_extractions_and_batches_computed_or_kept(song, tmp_path, again):
    report = tmp_path / "run.yaml"
    config = flow(song, tmp_path, prompt=["kick", "bass"], report=str(report))
    for words in (
        ("run", "--config", config),
        ("extract", "auto", song, "-p", "kick", "-p", "bass", "-o", tmp_path / "out", "--report", report),
        ("batch", song.parent, "-p", "kick", "-p", "bass", "-o", tmp_path / "all", "--report", report),
    ):
        for _ in range(1 + again):
            report.unlink(missing_ok=True)
            said(*words)
        read = yaml.safe_load(report.read_text("utf-8"))
        (read,) = read if isinstance(read, list) else [read]
        assert read["answers"] == {"kick": "drums", "bass": "bass"}
        assert [note for note in read["notes"] if KICK.removeprefix("note: ") in note]


def test_scripts_are_told_too(song, tmp_path):
    (note,) = found("extract", "auto", song, "-p", "kick", "-o", tmp_path)["notes"]
    assert note.startswith(KICK.removeprefix("note: "))


@pytest.mark.parametrize("name", ["everything else", " Everything  ELSE "])
@pytest.mark.parametrize("command", ["auto", "fake"])
def test_the_name_of_what_is_left_over_is_nobody_elses(song, tmp_path, name, command):
    refused = audio_playground("extract", command, song, "-p", name, "-p", "drums", "-o", tmp_path, status=5)
    assert "every result has" in refused.stderr and "Traceback" not in refused.output


def test_a_model_that_takes_any_words_is_not_asked_for_what_is_left_over_either(monkeypatch):
    backend = SamTorchBackend()
    with pytest.raises(PromptError, match="every result has"):
        backend.targets(Request.of("dog", "Everything else"))


@pytest.mark.parametrize("residual", ["mixture", "model"])
def test_a_model_that_takes_any_words_answers_with_what_was_asked(residual, monkeypatch):
    backend = use_only(monkeypatch, PromptableBackend)
    asked = Request.of("kick", "dog barking", backend=backend.name, sam=SamSettings(residual=residual))
    assert registry.answers(asked) == {"kick": "kick", "dog barking": "dog barking"}
