"""`audio-playground bench`: what is compared, said, kept and written, and what goes on after an end in the middle."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from assets.demo_recording import load_demo
from separation import Waveform, encode
from separation.benchmark import examples, grid_file, report
from separation.benchmark.grid import expanded
from separation.benchmark.timing import OtherPrograms
from separation.cli.benching import bench as bench_command
from separation.cli.benching.running import KeptBenchmark
from storage import ArtifactStore
from storage.records import BenchmarkTable
from tests.support.sam_models import CHECKPOINT, clip
from tests.support.terminal import audio_playground
from tests.test_documents import DOCUMENTS, blocks

pytestmark = pytest.mark.usefixtures("folder", "quiet_computer")
GRID = """
name: Two ways
prompts: [drums, vocals]
backend: builtin-dsp
chunks: {overlap_s: 0.1, chunk_s: [0.5, 1.0]}
passage: {length_s: 1}
n_times: 1
"""

QUIET = """
from separation.benchmark.timing import OtherPrograms
from separation.cli.main import main
OtherPrograms.cores = lambda self: 0.0
main()
"""


@pytest.fixture
def quiet_computer(monkeypatch):
    """No other program is busy, whatever else this computer does."""
    monkeypatch.setattr(OtherPrograms, "cores", lambda self: 0.0)


@pytest.fixture
def grid(folder):
    (folder / "grid.yaml").write_text(GRID, "utf-8")
    return folder / "grid.yaml"


@pytest.fixture
def song(folder):
    rng = np.random.default_rng(0)
    encode(Waveform(0.1 * rng.standard_normal((2, 3 * 44_100)).astype(np.float32), 44_100), folder / "song.wav")
    return folder / "song.wav"


def bench(*words, status=0):
    return audio_playground("bench", *words, status=status)


def told(*words, status=0):
    return json.loads(bench(*words, "--json", status=status).stdout)


def test_the_demo_with_its_true_stems_is_taken_where_no_recording_is_given(folder, grid):
    output = bench("--grid", grid).output
    assert "the demo song is taken" in output
    assert "Two ways: 2 settings on 1 recording, 2 measurements" in output
    assert "expected: " in output and " on disk" in output
    assert "1 of 2" in output and "SI-SDR of drums" in output
    assert "* best trade-off: nothing else is both faster and better in SI-SDR" in output
    assert "The report has vocals, everything else too; --stem prints one of them." in output
    assert {path.name for path in (folder / "report").iterdir()} == set(report.FILES)


@pytest.mark.long
def test_the_same_command_computes_nothing_again_and_no_cache_all(folder, grid):
    first = told("--grid", grid, "-o", "a")
    assert (first["n_cells"], first["n_computed"], first["tracks"]) == (2, 2, ["drums", "vocals", "everything else"])
    again = told("--grid", grid, "-o", "b")
    assert (again["id"], again["n_computed"]) == (first["id"], 0)
    assert again["rows"] == first["rows"]
    assert "2 of 2 measurements are finished already" in bench("--grid", grid).output
    assert told("--grid", grid, "--no-cache")["n_computed"] == 2


def test_other_times_passages_prompts_and_recordings_are_other_benchmarks(folder, grid, song, monkeypatch):
    monkeypatch.setattr(KeptBenchmark, "run", lambda *_, **__: None)
    ids = {
        told("--grid", grid, *words)["id"]
        for words in ((), ("--times", 2), ("--start-time", 1), ("--prompt", "drums"), (song,), (song, "--end-time", 2))
    }
    assert len(ids) == 6


def test_what_was_timed_while_the_computer_was_busy_is_timed_again_or_marked(grid, monkeypatch):
    monkeypatch.setattr(OtherPrograms, "cores", lambda self: 3.0)
    output = bench("--grid", grid, "--keep-busy").output
    assert output.count("other programs kept the computer busy") == 3 and "timed again" not in output
    assert "(busy)" in output and "times not to be trusted: 2 measurements" in output
    monkeypatch.setattr(OtherPrograms, "cores", lambda self: 0.0)
    output = bench("--grid", grid).output
    assert output.count("timed again") == 2 and "busy" not in output


def test_the_table_of_another_track_is_printed_on_demand(grid):
    rows = told("--grid", grid, "--stem", "vocals")["rows"]
    assert {row["track"] for row in rows} == {"vocals"} and any(row["on_frontier"] for row in rows)


def test_a_track_that_no_setting_makes_is_refused_before_anything_is_computed(grid):
    failed = bench("--grid", grid, "--stem", "flute", status=2).output
    assert "No setting of this grid makes a track “flute”. They make drums, vocals, everything else." in failed
    assert " SI-SDR of drums" not in failed


def test_a_track_whose_quality_is_not_known_is_said_at_the_end(grid, song):
    failed = bench(song, "--grid", grid, "--stem", "drums", status=2).output
    assert "There is no track “drums” whose quality is known." in failed


def test_a_recording_without_true_stems_is_timed(grid, song):
    answer = told(song, "--grid", grid, "--times", 2)
    assert answer["tracks"] == [] and answer["rows"][0]["values"]["seconds"] > 0
    data = json.loads((song.parent / "report/benchmark.json").read_text("utf-8"))
    assert [len(cell["timings"]) for cell in data["cells"]] == [2, 2]
    assert data["benchmark"]["songs"][0]["duration_s"] == 1.0


def test_a_set_gives_songs_with_known_stems(folder, grid):
    demo, count = load_demo(), 3 * 44_100
    for index, name in enumerate(("one", "two"), start=1):
        place = folder / "set" / name
        place.mkdir(parents=True)
        for stem, samples in {**demo.stems, "mixture": demo.mixture}.items():
            stem = {"voice": "vocals", "keys": "other"}.get(stem, stem)
            encode(Waveform(samples[:, index * count : (index + 1) * count], demo.sample_rate), place / f"{stem}.wav")
    answer = told("--set", folder / "set", "--grid", grid, "--start-time", 0.5)
    assert answer["n_cells"] == 4 and "drums" in answer["tracks"]
    text = (folder / "report/table.md").read_text("utf-8")
    assert "0:00.5 to 0:01.5" in text


def test_the_quick_grid_needs_no_file_and_has_one_run_of_ten_seconds(folder, monkeypatch):
    grid = examples.quick()
    assert (grid.n_times, grid.passage.length_s) == (1, 10.0)
    asked = []
    monkeypatch.setattr(bench_command, "run_bench", lambda options, *_: asked.append(options))
    bench("--quick")
    assert asked[0].grid_name == "quick" and asked[0].recordings == ()
    assert "Leave one of the two out." in bench("--quick", "--grid", "chunks", status=2).output


def test_the_named_grids_are_the_examples():
    assert set(bench_command.EXAMPLES) == set(examples.EXAMPLES)
    assert all(name in bench("--help").output for name in examples.EXAMPLES)


@pytest.mark.long
def test_solvers_have_their_table_of_speed_and_error(folder):
    encode(Waveform(clip(60_000, channels=2), 48_000), folder / "song.wav")
    (folder / "grid.yaml").write_text(
        """
prompts: [drums]
backend: [sam_torch]
solver: {method: [euler, midpoint], n_steps: [2, 4]}
chunks: {chunk_s: 0.6, overlap_s: 0.1}
passage: {length_s: 1}
n_times: 1
reference: {solver: {method: midpoint, n_steps: 16}}
""",
        "utf-8",
    )
    output = bench("song.wav", "--grid", "grid.yaml", "--model", CHECKPOINT, "--device", "cpu").output
    assert "solvers, with speed relative to midpoint with 4 steps:" in output
    solved = output.partition("solvers, with speed")[2].splitlines()
    of = {found.groups(): line for line in solved if (found := re.search(r" (euler|midpoint) +(\d+) ", line))}
    assert set(of) == {("euler", "2"), ("euler", "4"), ("midpoint", "2"), ("midpoint", "4"), ("midpoint", "16")}
    assert "1 ×" in of["midpoint", "4"] and of["midpoint", "16"].endswith("—") and of["euler", "2"].endswith("dB")


def test_what_cannot_be_computed_is_said_before_it_starts(folder, grid):
    text = GRID.replace("backend: builtin-dsp", "backend: [builtin-dsp, sam_torch]").replace("[drums, ", "[flute, ")
    assert "None of these settings can be computed here." in bench("--grid", _file(folder, text), status=2).output
    text = GRID.replace("backend: builtin-dsp", "backend: [builtin-dsp, sam_torch]")
    output = bench("--grid", _file(folder, text)).output
    assert "note: 2 combinations left out: SAM-Audio cannot run yet." in output


@pytest.mark.parametrize(
    "text, message",
    [
        (GRID.replace("chunk_s", "chunks_s"), "grid.yaml, line 5: There is no setting “chunks_s”"),
        (GRID.replace("n_times: 1", "n_times: 50"), "grid.yaml, line 7: A setting cannot be timed 50 times."),
        (GRID.replace("[0.5, 1.0]", "[0.5, -3]"), "grid.yaml, line 5: chunk_s=-3"),
        (GRID.replace("builtin-dsp", "bultin"), "grid.yaml, line 4: There is no backend “bultin”."),
        (GRID.replace("length_s", "lenght_s"), "line 6: There is no setting “lenght_s”"),
        ("- a\n", "line 1: This is no grid."),
        ("prompts: [drums\n", "This is not YAML."),
    ],
)
def test_errors_in_a_grid_name_file_and_line(folder, text, message):
    output = bench("--grid", _file(folder, text), status=2).output
    assert message in output


def test_neither_example_nor_file_says_what_there_is():
    output = bench("--grid", "solver", status=2).output
    assert (
        "There is no grid “solver”." in output and "separators, solvers, precisions, attention, chunks, quick" in output
    )


def test_a_cell_that_fails_does_not_stop_the_others(folder, grid, monkeypatch):
    from separation.errors import SeparationError
    from separation.models.classical import classical

    usual, calls = classical.separate_classical, []

    def failing(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise SeparationError("It broke.", "For a test.", "Nothing.")
        return usual(*arguments)

    monkeypatch.setattr(classical, "separate_classical", failing)
    answer = told("--grid", grid, status=6)
    assert (answer["n_cells"], answer["n_failed"]) == (2, 1)
    assert "It broke. For a test." in (folder / "report/index.html").read_text("utf-8")
    again = told("--grid", grid)
    assert (again["n_computed"], again["n_failed"]) == (1, 0), "the same command tries it again, and nothing else"


def test_ctrl_c_leaves_no_report_and_says_what_is_kept(folder, grid):
    usual = BenchmarkTable.write_outcome

    def interrupted(self, id, cell, outcome):
        usual(self, id, cell, outcome)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BenchmarkTable, "write_outcome", interrupted)
        output = bench("--grid", grid, status=130).output
    assert "Interrupted." in output and "kept" in output
    assert list((folder / "report").iterdir()) == []
    assert told("--grid", grid)["n_computed"] == 1


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="no signal kills there")
def test_after_a_kill_no_finished_cell_is_computed_again(folder, grid):
    grid.write_text(GRID.replace("[0.5, 1.0]", "[0.5, 0.6, 0.7, 1.0]"), "utf-8")
    command = [sys.executable, "-c", QUIET, "bench", "--grid", str(grid)]
    running = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    lines = []
    for line in running.stdout:
        lines.append(line)
        if line.startswith("2 of 4"):
            running.send_signal(signal.SIGKILL)
            break
    assert running.wait() == -signal.SIGKILL, lines
    running.stdout.close()
    assert not (folder / "report/index.html").exists()
    table = BenchmarkTable(folder / "home")
    (id,) = table.benchmarks()
    before = table.outcomes(id)
    assert 2 <= len(before) < 4
    answer = told("--grid", grid)
    assert answer["id"] == id and answer["n_computed"] == 4 - len(before)
    after = table.outcomes(id)
    assert len(after) == 4 and all(after[cell] == outcome for cell, outcome in before.items())
    store = ArtifactStore(folder / "home")
    assert len(store.list("result")) == 4
    table.close()


def _file(folder, text):
    (folder / "grid.yaml").write_text(text, "utf-8")
    return folder / "grid.yaml"


def test_the_grid_of_the_document_is_one():
    (example,) = blocks("yaml", DOCUMENTS["docs/benchmarks.md"])
    found = expanded(grid_file.parse(example))
    assert len(found.requests) == 3 and found.left_out == () and found.reference.backend == "builtin"
