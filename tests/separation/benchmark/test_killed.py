"""A benchmark whose process was killed goes on where it was, and what was finished is never computed again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from separation.benchmark.benchmark import Benchmark, CellOutcome
from separation.results.kept import result_of
from storage import ArtifactStore
from storage.records import BenchmarkTable

# Runs the benchmark in the data folder, made if it is not there; each evaluation of the model is a line of the diary,
# and at one of them the process is killed.
RUN = """
import os, signal, sys
from pathlib import Path
import pytest
from separation.benchmark.benchmark import Benchmark, CellOutcome
from separation.benchmark.making import make
from separation.benchmark.steps import next_step, perform
from separation.engine.engine import Inline
from separation.results.runs import import_recording
from storage import ArtifactStore
from storage.records import BenchmarkTable
from tests.support import benchmarks, run_fakes
from tests.support.fakes import result_of

folder, killed_at = Path(sys.argv[1]), int(sys.argv[2])
patch = pytest.MonkeyPatch()
backend = run_fakes.install(patch)
backend.known_models = ("one", "two", "three")
benchmarks.probe(patch, 0.0)
store, table = ArtifactStore(folder), BenchmarkTable(folder)
if table.benchmark("b") is None:
    song = run_fakes.song(folder / "song", 2.0)
    grid = benchmarks.grid(model=["one", "two", "three"], n_times=2, reference={"model": "two"})
    bench = make(grid, [import_recording(song, store)], store, id="b")
    table.write("b", bench.to_dict())
bench = Benchmark.from_dict(table.benchmark("b"))
outcomes = {cell: CellOutcome.from_dict(one) for cell, one in table.outcomes("b").items()}
n = 0
while (step := next_step(bench, outcomes)) is not None:
    def evaluated():
        global n
        n += 1
        with (folder / "diary").open("a") as diary:
            diary.write(step.cell.request.model + chr(10))
        if n == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
    backend.before_evaluation = evaluated
    outcomes[step.cell.id] = result_of(perform(step, bench, outcomes, store, Inline()))
    table.write_outcome("b", step.cell.id, outcomes[step.cell.id].to_dict())
"""
ROOT = str(Path(__file__).parents[3])
A_RUN = 5  # evaluations of one run
A_CELL = 3 * A_RUN  # one run to warm up, and two


def ran(folder, killed_at=0):
    env = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.run([sys.executable, "-c", RUN, str(folder), str(killed_at)], env=env).returncode


@pytest.mark.parametrize("killed_at", [A_CELL + 7])
def test_it_goes_on_where_it_was_killed(tmp_path, killed_at):
    assert ran(tmp_path, killed_at) == -signal.SIGKILL
    table = BenchmarkTable(tmp_path)
    bench = Benchmark.from_dict(table.benchmark("b"))
    first = next(bench.cells())
    assert list(table.outcomes("b")) == [first.id], "what was finished is written down"
    before = table.outcomes("b")
    assert ran(tmp_path) == 0
    counted = Counter((tmp_path / "diary").read_text().split())
    models = [cell.request.model for cell in bench.cells()]
    assert [counted[model] for model in models] == [A_CELL, killed_at - A_CELL + A_CELL, A_CELL]
    outcomes = {cell: CellOutcome.from_dict(one) for cell, one in table.outcomes("b").items()}
    assert len(outcomes) == 3 and all(one.error is None and len(one.timings) == 2 for one in outcomes.values())
    assert all(one.distances for one in outcomes.values()), "and measured"
    assert outcomes[first.id].timings == CellOutcome.from_dict(before[first.id]).timings
    store = ArtifactStore(tmp_path)
    assert all(result_of(store.get(one.result)).tracks for one in outcomes.values())
    diary = (tmp_path / "diary").read_text()
    assert ran(tmp_path) == 0 and (tmp_path / "diary").read_text() == diary, "a finished one has nothing to do"
    table.close()
