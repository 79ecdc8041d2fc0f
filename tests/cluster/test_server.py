"""The server's own worker, as `serve` sets it up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# `serve` up to the moment at which it would listen: there the worker is started, as by the first job.
PROGRAM = """
import sys
from pathlib import Path
from webapp import main

home, engines = Path(sys.argv[1]), []
main.create_app = lambda store, engine, *tables, **how: engines.append(engine)
main.ui.run = lambda **how: print(engines[0].address)
main.serve(main.ServerSettings(home=home))
print([path.name for folder in home.glob("scratch/*") for path in folder.iterdir()])
engines[0].close()
print(list(home.glob("scratch/*")))
"""


def test_the_workers_files_lie_in_the_scratch_of_the_data_folder(tmp_path):
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")}
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "home")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    address, files, afterwards = done.stdout.splitlines()[-3:]
    assert address.startswith("tls://127.0.0.1:")
    assert files != "[]"
    assert afterwards == "[]"
    assert not list((tmp_path / "temporary").glob("audio-playground*"))
