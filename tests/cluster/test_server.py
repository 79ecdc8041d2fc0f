"""The server as `serve` sets it up, up to the moment at which it would listen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from separation.results.runs import import_recording
from tests.support import run_fakes
from tests.support.damage import flip

ROOT = Path(__file__).parents[2]
SERVE = """
import sys
from pathlib import Path
from webapp import main

home = Path(sys.argv[1])
taken = []
main.create_app = lambda store, engine, *tables, **how: taken.extend([store, engine]) or main.Shared(None, None)
main.ui.run = lambda **how: None
main.serve(main.ServerSettings(home=home))
store, engine = taken
"""
WITH_A_WORKER = """
print(engine.address)
print([path.name for folder in home.glob("scratch/*") for path in folder.iterdir()])
engine.close()
print(list(home.glob("scratch/*")))
"""
WITH_DAMAGE = """
print(store.check(sys.argv[2]) is not None)
print(store.checks.found[-1].todo)
"""


@pytest.fixture
def served(tmp_path):
    (tmp_path / "temporary").mkdir()

    def lines(program, *words):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")}
        command = [sys.executable, "-c", SERVE + program, str(tmp_path / "home"), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return lines


def test_the_workers_files_lie_in_the_scratch_of_the_data_folder(served, tmp_path):
    address, files, afterwards = served(WITH_A_WORKER)
    assert address.startswith("tls://127.0.0.1:")
    assert files != "[]"
    assert afterwards == "[]"
    assert not list((tmp_path / "temporary").glob("audio-playground*"))


def test_the_studio_makes_damaged_peaks_again_from_the_sound(served, store, tmp_path):
    recording = import_recording(run_fakes.song(tmp_path / "song.wav"), store)
    flip(recording.peaks)
    assert served(WITH_DAMAGE, recording.key) == ["True", "It was made again from the sound."]
