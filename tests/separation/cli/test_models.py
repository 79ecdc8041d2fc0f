"""`audio-playground models` as a person runs it, against a hub on this computer."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from separation.backends import catalogue
from separation.cli import models as models_module
from separation.cli.common import Common
from separation.cli.main import main
from separation.events import ModelLoading
from separation.hub import transfer
from tests.support.damage import flip
from tests.support.fake_hub import TOKEN, Hub, installed, serve
from tests.support.split_models import publish_text

ROOT = Path(__file__).parents[3]
SAM = "facebook/sam-audio-small"
CONFIG = b"{}"
T5_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
CHECKPOINT = bytes(range(256)) * 4000


def publish(hub):
    hub.gated.add(SAM)
    hub.publish(SAM, {"config.json": CONFIG, "checkpoint.pt": CHECKPOINT})
    publish_text(hub)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch) as running:
        publish(running)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


def models(*words, status=0, typed=""):
    result = CliRunner().invoke(main, ["models", *words], input=typed)
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output and TOKEN not in result.output
    return result


def said(*words, **options):
    (line,) = models(*words, "--json", **options).stdout.splitlines()
    return json.loads(line)


def listed():
    return {model["name"]: model for model in said("list")["models"]}


def test_a_model_is_listed_fetched_listed_as_here_and_removed(hub, tmp_path):
    before = listed()
    assert before["sam-audio-small"]["gated"] and before["sam-audio-small"]["needs"] == ["t5-base"]
    assert not any(model["on_disk_bytes"] for model in before.values())

    fetched = said("download", "sam-audio-small")
    assert (Path(fetched["path"]) / "checkpoint.pt").read_bytes() == CHECKPOINT
    after = listed()
    assert after["sam-audio-small"]["on_disk_bytes"] == len(CHECKPOINT) + 2 == fetched["bytes"]
    assert after["t5-base"]["path"]

    freed = said("remove", "sam-audio-small", "--yes")
    assert freed == {"model": "sam-audio-small", "freed_bytes": len(CHECKPOINT) + 2}
    assert listed() == {**before, "t5-base": after["t5-base"]}


def test_words_for_people_name_sizes_places_and_licences(hub):
    output = models("download", "sam-audio-small").output
    assert "sam-audio-small: 1.0 MB of 1.0 MB" in output and "is on this computer, in" in output
    output = models("list").output
    lines = {line.split()[0]: line for line in output.splitlines()}
    assert "on this computer" in lines["sam-audio-small"] and "gated" in lines["sam-audio-small"]
    assert "14.9 GB" in lines["sam-audio-large"] and "not on this computer" in lines["sam-audio-large"]
    listed_whole = models("list").output
    digest = hashlib.sha256(CHECKPOINT).hexdigest()
    assert f"facebook/sam-audio-small, Meta's own files; SHA-256 of checkpoint.pt {digest}" in listed_whole
    assert "of memory" in listed_whole
    assert "MIT" in output and "SAM Licence" in output and "granted per account" in output


def test_on_a_terminal_one_line_shows_the_progress(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = models_module.DownloadProgress(Common("auto", False, None))
    for done in (0, 10**9, 2 * 10**9):
        progress.show(ModelLoading(model="small", done_bytes=done, total_bytes=2 * 10**9 if done else 0))
    progress.end()
    progress.end()
    lines = capsys.readouterr().err.split("\r\x1b[2K")
    assert lines == ["", " 50%  small: 1.0 GB of 2.0 GB", "100%  small: 2.0 GB of 2.0 GB\n"]


def test_removing_asks_first(hub):
    models("download", "t5-base")
    result = models("remove", "t5-base", typed="n\n", status=1)
    assert "Delete T5-base" in result.stderr
    assert listed()["t5-base"]["path"]
    assert "freed" in models("remove", "t5-base", typed="y\n").output
    assert "was not here" in models("remove", "t5-base").output


def test_a_gated_model_is_explained_with_exit_status_4(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    models("sources", "folder", "facebook")
    errors = models("download", "sam-audio-small", status=4).stderr
    assert "WeightsMissing" in errors and "hf auth login" in errors
    assert "gated" in said("download", "sam-audio-small", status=4)["what"]


def test_a_download_that_broke_off_is_listed_as_that(hub, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSES_S", (0.0,))
    hub.drops["checkpoint.pt"] = [200_000, 0, 0]
    assert "continue" in models("download", "sam-audio-small", status=4).stderr
    assert "200 kB fetched so far" in models("list").output


def test_a_name_nobody_knows_is_wrong_usage(hub):
    for command in ("download", "remove"):
        assert "Choose one of" in models(command, "sam-audio-huge", status=2).stderr


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_an_interrupt_says_that_what_arrived_is_kept(hub, monkeypatch, flags):
    def interrupted(name):
        yield ModelLoading(model=name)
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "download", interrupted)
    result = models("download", "sam-audio-small", *flags, status=130)
    assert "Interrupted." in (result.stdout if flags else result.stderr) and "is kept" in result.output


def test_sources_are_listed_in_their_order_and_others_can_be_chosen(hub):
    output = models("sources").output
    places = ["folder", "facebook", "audioghostai", "AEmotionStudio"]
    assert [line.split()[1] for line in output.splitlines()] == places
    assert "Meta's own files" in output and "a copy by audioghostai" in output
    assert said("sources", "audioghostai", "facebook")["order"] == ["audioghostai", "facebook"]
    output = models("sources").output
    assert "1. audioghostai" in output and "not tried: folder" in output
    assert listed()["sam-audio-small"]["repository"] == "audioghostai/sam-audio-small"
    assert "Name some of these" in models("sources", "nobody", status=2).stderr


def test_the_licence_is_shown_in_three_lines_and_accepted_once(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch, accepted=False) as hub:
        publish(hub)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        refused = models("download", "sam-audio-small", status=4).stderr
        for words in ("SAM Licence", "Redistribution", "Trade controls", "Acknowledgement", "--accept-licence"):
            assert words in refused
        assert not hub.asked, "nothing was fetched"
        output = models("download", "sam-audio-small", "--accept-licence").output
        lines = [line for line in output.splitlines() if line.startswith("- ")]
        assert [line.split(":")[0] for line in lines] == ["- Redistribution", "- Trade controls", "- Acknowledgement"]
        assert "Meta's own files" in output
        models("remove", "sam-audio-small", "--yes")
        assert "Redistribution" not in models("download", "sam-audio-small").output
        assert models("download", "t5-base").output, "of a free model nothing is asked"


def test_a_workflow_which_may_be_anyones_accepts_nothing(hub, tmp_path):
    workflow = tmp_path / "workflow.yaml"
    for option in ("accept-licence", "new-revision"):
        step = f"{{name: get, command: models download, with: {{name: sam-audio-small, {option}: true}}}}"
        workflow.write_text(f"steps:\n- {step}\n")
        result = CliRunner().invoke(main, ["run", "--config", str(workflow)])
        assert result.exit_code == 2 and f"has no option “{option}”" in result.output, result.output
    assert not hub.asked


def test_a_model_that_changed_since_it_was_first_fetched_is_asked_about(hub):
    models("download", "sam-audio-small")
    models("remove", "sam-audio-small", "--yes")
    hub.repositories[SAM]["checkpoint.pt"] = CHECKPOINT[::-1]
    assert "has changed since" in models("download", "sam-audio-small", status=4).stderr
    fetched = said("download", "sam-audio-small", "--new-revision")
    assert (Path(fetched["path"]) / "checkpoint.pt").read_bytes() == CHECKPOINT[::-1]


# A process of its own: the hub's own environment variables, and a real interrupt


@pytest.fixture
def environment(tmp_path):
    with serve(Hub()) as hub:
        publish(hub)
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        home = {"HF_HOME": str(tmp_path / "hf"), "TORCH_HOME": str(tmp_path / "torch"), "HF_ENDPOINT": hub.address}
        home["AUDIO_PLAYGROUND_HOME"] = str(tmp_path / "data")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "accepted_licences.json").write_text(json.dumps({"SAM Licence": "2026-11-30"}))
        yield hub, ours | home | {"PYTHONPATH": str(ROOT), "HF_TOKEN": TOKEN}


def start(variables, *words):
    program = [sys.executable, "-c", "from separation.cli.main import main; main()", "models", *words]
    return subprocess.Popen(program, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_hub_s_environment_variables_are_honoured(environment):
    _, variables = environment
    offline = start(variables | {"HF_HUB_OFFLINE": "1"}, "download", "sam-audio-small", "--json")
    output, errors = offline.communicate(timeout=60)
    assert offline.returncode == 4 and "HF_HUB_OFFLINE" in json.loads(output)["why"], errors
    online = start(variables, "download", "sam-audio-small", "--json", "--log-level", "debug")
    output, errors = online.communicate(timeout=60)
    assert Path(json.loads(output)["path"]).is_relative_to(variables["HF_HOME"])
    assert "HEAD" in errors and TOKEN not in output + errors


def test_an_interrupted_program_keeps_what_arrived_and_the_next_one_continues(environment):
    hub, variables = environment
    hub.pause_s = 0.05
    program = start(variables, "download", "sam-audio-small")
    deadline = time.monotonic() + 60
    while partial(variables) <= len(CONFIG) and time.monotonic() < deadline:
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 130 and "Traceback" not in errors and "Interrupted" in errors
    kept = partial(variables)
    assert len(CONFIG) < kept < len(CHECKPOINT)
    hub.pause_s = 0.0
    assert start(variables, "download", "sam-audio-small").wait(60) == 0
    assert hub.got("GET", f"storage/{SAM}/checkpoint.pt")[-1]["Range"] == f"bytes={kept}-"


def partial(variables):
    """Bytes of the largest file that has begun to arrive; the small configuration may be the first."""
    return max((path.stat().st_size for path in Path(variables["HF_HOME"]).rglob("*.incomplete")), default=0)


def test_help_needs_no_libraries():
    code = (
        "import sys\nfrom separation.cli.models import models\n"
        "try: models(['download', '--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('huggingface_hub', 'numpy', 'yaml', 'separation.backends.catalogue') if m in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert finished.stdout.splitlines()[-1] == "[]"


def test_the_group_is_among_the_commands():
    assert "models" in CliRunner().invoke(main, ["--help"]).output


def test_check_compares_what_is_here_and_names_what_is_damaged(hub):
    assert "no models on this computer" in models("check").output
    models("download", "sam-audio-small")
    assert said("check")["models"] == {
        "sam-audio-small": {"checkpoint.pt": True, "config.json": True},
        "t5-base": dict.fromkeys(T5_FILES, True),
    }
    weights = next(Path(file) for file in listed()["sam-audio-small"]["files"] if file.endswith(".pt"))
    flip(weights)
    assert listed()["sam-audio-small"]["damaged"] == []  # rot cannot be seen from outside
    assert "damaged: checkpoint.pt; “models download” fetches it anew" in models("check", status=6).output
    assert listed()["sam-audio-small"]["damaged"] == ["checkpoint.pt"]
    assert "damaged: checkpoint.pt" in models("list").output

    models("download", "sam-audio-small")
    assert said("check", "sam-audio-small")["models"]["sam-audio-small"]["checkpoint.pt"]
    assert weights.read_bytes() == CHECKPOINT
    assert "Choose one of" in models("check", "sam-audio-huge", status=2).stderr
