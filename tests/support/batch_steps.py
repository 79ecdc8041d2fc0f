"""Steps of tests of `audio-playground batch`: recordings, the command here and in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from separation.workflows.batch_files import SOURCES
from tests.support import run_fakes
from tests.support.terminal import audio_playground

ROOT = Path(__file__).parents[2]


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
    """The bytes of each file by its path, without the list of sources."""
    files = [path for path in folder.rglob("*") if path.is_file() and path != folder / SOURCES]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
