"""What the README promises, word by word."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from assets.demo_recording import write_demo_mixture
from separation.cli.main import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def commands():
    lines = [line.split(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    words = [shlex.split(line) for line in lines if "audio-playground " in line]
    return [line[1:] for line in words]


def test_the_readme_shows_python_and_commands():
    assert blocks("python") and commands()


@pytest.mark.parametrize("example", blocks("python"))
def test_every_python_example_runs(example, tmp_path):
    write_demo_mixture(tmp_path / "song.wav")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", example],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AUDIO_PLAYGROUND_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    wrote = {path.name for path in tmp_path.iterdir()} - {"song.wav"}
    assert wrote or done.stdout, "it does something to be seen"


@pytest.mark.parametrize("words", commands(), ids=shlex.join)
def test_every_command_is_one_the_terminal_takes(words):
    context, command = click.Context(main), main
    while isinstance(command, click.Group):
        _, command, words = command.resolve_command(context, words)
        context = click.Context(command, parent=context)
    command.parse_args(context, list(words))
