"""The built-in separators work, and lists say what is missing, where the package `demucs` is absent or broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import demucs as demucs_package
import pytest

from tests.support import demucs_models as tiny
from tests.support.run_fakes import song

INSTALL = "Install the package “demucs” and start again: “pip install demucs”."
ABSENT = """
import sys
from importlib.machinery import PathFinder

class WithoutDemucs(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] == "demucs" else super().find_spec(name, path, target)

    @classmethod
    def find_distributions(cls, *where, **how):
        return (it for it in PathFinder.find_distributions(*where, **how) if it.metadata["Name"] != "demucs")

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutDemucs
"""
RUN = """
import json, sys
from click.testing import CliRunner
from separation.cli.main import main

answers = []
for words in json.load(sys.stdin):
    result = CliRunner().invoke(main, words)
    failed = result.exception is not None and not isinstance(result.exception, SystemExit)
    answers.append([repr(result.exception) if failed else result.exit_code, result.output])
print(json.dumps(answers))
"""


def run(folder: Path, *commands: list[str], without: Path | None = None) -> list[tuple[int | str, str]]:
    """Runs commands in a process in which the package `demucs` is absent, or is the one that lies in `without`.

    Returns:
        Of each the exit status (or the error that nobody caught) and its output.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*([str(without)] if without else []), *sys.path]),
        "AUDIO_PLAYGROUND_HOME": str(folder / "home"),
        "HF_HUB_CACHE": str(folder / "hub"),
        "TORCH_HOME": str(folder / "torch"),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN if without else ABSENT + RUN],
        input=json.dumps(commands),
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return [(status, output) for status, output in json.loads(done.stdout.splitlines()[-1])]


def broken_package(folder: Path) -> Path:
    """A folder with a package `demucs` that cannot be imported."""
    package = folder / "broken/demucs"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('libcudart.so: cannot open shared object file')", "utf-8")
    return package.parent


@pytest.mark.long
@pytest.mark.parametrize("absent", [True, False], ids=["absent", "broken"])
def test_without_the_package_the_built_in_separators_work_and_lists_say_what_to_install(
    absent: bool, tmp_path: Path
) -> None:
    song(tmp_path / "song.wav")
    network, classical, automatic, listed, doctor, demucs, fetched = run(
        tmp_path,
        ["extract", "builtin", "song.wav", "--prompt", "vocals"],
        ["extract", "builtin-dsp", "song.wav", "--prompt", "drums"],
        ["extract", "auto", "song.wav", "--prompt", "bass"],
        ["models", "list"],
        ["doctor"],
        ["extract", "demucs", "song.wav", "--prompt", "drums"],
        ["models", "download", "htdemucs"],
        without=None if absent else broken_package(tmp_path),
    )
    for (status, output), stem in ((network, "vocals"), (classical, "drums"), (automatic, "bass")):
        assert status == 0, output
        assert f"wrote {stem}.wav" in output
    assert "Built-in separator, the best that can do this here (Demucs: not installed" in automatic[1]
    assert listed[0] == 0, listed
    assert "htdemucs" in listed[1]
    assert doctor[0] == 0, doctor
    assert "Demucs: not installed. It needs the package “demucs”. " + INSTALL in doctor[1]
    assert "Built-in separator: usable, self-test" in doctor[1]
    for status, output in (demucs, fetched):
        assert status == 4, output
        assert INSTALL in output


@pytest.mark.long
def test_a_package_that_does_not_start_when_it_is_needed_is_a_sentence(tmp_path: Path) -> None:
    song(tmp_path / "song.wav")
    (tmp_path / "models").mkdir()
    tiny.save_safetensors(tiny.htdemucs(), tmp_path / "models/mine.safetensors")
    package = broken_package(tmp_path)
    shutil.copytree(Path(demucs_package.__file__).parent / "remote", package / "demucs/remote")
    own = ["--model", "mine", "--folder", "models", "--device", "cpu"]
    ((status, output),) = run(tmp_path, ["extract", "demucs", "song.wav", "--prompt", "drums", *own], without=package)
    assert status == 4, output
    assert "Demucs does not start. Importing it gave: ImportError: libcudart.so" in output
