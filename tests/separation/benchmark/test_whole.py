"""A whole benchmark with a real separator, beside a program that burns processors, held against true stems."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest

from separation import decode
from separation.benchmark.making import make
from separation.benchmark.steps import StepKind, next_step, perform
from separation.benchmark.table import rows, stems
from separation.engine.engine import Inline
from separation.hardware.others import BUSY_CORES
from separation.prompts.targets import RESIDUAL
from separation.results.known_stems import with_known_stems
from separation.results.runs import import_recording
from tests.support import benchmarks, run_fakes
from tests.support.benchmarks import grid, run
from tests.support.fakes import eventually, result_of

CLASSICAL = {"backend": "builtin-dsp", "prompts": ["drums"], "chunks": {"chunk_s": [2, 4], "overlap_s": 0.5}}


@pytest.fixture
def songs(store, tmp_path):
    """Two songs of which the drums are known."""
    made = []
    for n in range(2):
        song = import_recording(run_fakes.song(tmp_path / f"{n}.wav", 5.0, seed=n), store)
        whole = decode(song.audio).waveform.samples
        true = {"drums": 0.25 * whole, "rest": 0.75 * whole}
        made.append(with_known_stems(store.get(song.key), true, store, sample_rate=song.sample_rate))
    return made


def test_a_real_separator_is_timed_scored_and_compared(songs, store, monkeypatch):
    benchmarks.probe(monkeypatch, 0.0)
    asked = grid({"start_s": 0.5, "length_s": 4.0}, reference={"chunks": {"chunk_s": 4}}, **CLASSICAL)
    bench = make(asked, songs, store)
    outcomes = {}
    done = run(bench, store, outcomes)
    assert [step.kind for step in done].count(StepKind.COMPUTE) == 4
    assert [step.kind for step in done].count(StepKind.MEASURE) == 4
    assert all(one.error is None and not one.is_busy for one in outcomes.values())
    assert stems(outcomes.values()) == ("drums", RESIDUAL)
    found = {row.request.chunks.chunk_s: row for row in rows(bench, outcomes, "drums")}
    assert set(found) == {2.0, 4.0} and all(row.is_done for row in found.values())
    for row in found.values():
        assert {"seconds", "rtf", "first_sound_s", "si_sdr_db", "sdr_whole_db", "l1_freq"} <= set(row.values)
        assert row.values["rtf"] == pytest.approx(row.values["seconds"] / 4.0)
    assert "error_db" not in found[4.0].values and found[2.0].values["error_db"] < 0
    assert {chunk_s: row.words for chunk_s, row in found.items()} == {2.0: "chunk 2 s", 4.0: "chunk 4 s"}


# Ends by itself, should the tests be killed before they end it.
BURN = "import time\nend_s = time.time() + 240\nwhile time.time() < end_s: pass"


@contextmanager
def others_burning(n):
    """So many programs that compute and are no descendants of this one: who started them has ended."""
    start = f"{shlex.quote(sys.executable)} -c {shlex.quote(BURN)} >&- 2>&- & echo $!"
    pids = [int(subprocess.run(["sh", "-c", start], capture_output=True, check=True).stdout) for _ in range(n)]
    try:
        for pid in pids:
            eventually(lambda pid=pid: psutil.Process(pid).cpu_times().user > 0.05, seconds=120)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(os.name != "posix", reason="orphans are made by a shell")
def test_a_cell_timed_beside_a_burning_program_is_flagged_and_timed_again_after_it(songs, store, monkeypatch):
    bench = make(grid(**{**CLASSICAL, "chunks": {"chunk_s": 4, "overlap_s": 0.5}}), songs[:1], store)
    step, outcomes = next_step(bench, {}), {}
    with others_burning(2 * (psutil.cpu_count() or 1)):
        busy = outcomes[step.cell.id] = result_of(perform(step, bench, {}, store, Inline()))
    assert busy.is_busy and busy.timings[0].others > BUSY_CORES
    assert next_step(bench, outcomes).kind is StepKind.RETIME
    benchmarks.probe(monkeypatch, 0.0)  # whatever else this computer does does not matter here
    done = run(bench, store, outcomes)
    assert [one.kind for one in done] == [StepKind.RETIME]
    after = outcomes[step.cell.id]
    assert not after.is_busy and after.n_retimed == 1 and after.timings != busy.timings
