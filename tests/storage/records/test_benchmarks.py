"""The table of benchmarks: what was confirmed stays, and what cannot be read is passed over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.records import BenchmarkTable
from storage.table import Table


@pytest.fixture
def table(tmp_path):
    table = BenchmarkTable(tmp_path)
    yield table
    table.close()


def test_benchmarks_and_outcomes_are_there_for_the_next_one(table, tmp_path):
    table.write("b", {"id": "b", "name": "Ünïcode"})
    table.write_outcome("b", "cell-1", {"result": "r"})
    table.write_outcome("b", "cell-2", {"result": ""})
    table.close()
    again = BenchmarkTable(tmp_path)
    assert again.benchmark("b") == {"id": "b", "name": "Ünïcode"}
    assert again.benchmarks() == {"b": {"id": "b", "name": "Ünïcode"}}
    assert again.outcomes("b") == {"cell-1": {"result": "r"}, "cell-2": {"result": ""}}
    again.close()


def test_what_is_not_there_is_none(table):
    assert table.benchmark("b") is None
    assert table.benchmarks() == table.outcomes("b") == {}
    table.remove("b")


def test_what_is_written_again_replaces_and_outcomes_stay(table):
    table.write("b", {"n": 1})
    table.write_outcome("b", "c", {"n": 1})
    table.write("b", {"n": 2})
    table.write_outcome("b", "c", {"n": 2})
    assert (table.benchmark("b"), table.outcomes("b")) == ({"n": 2}, {"c": {"n": 2}})


def test_a_benchmark_is_removed_with_its_outcomes_and_no_others(table):
    for id in ("b", "b2", "ab"):
        table.write(id, {"id": id})
        table.write_outcome(id, "c", {"of": id})
    table.remove("b")
    assert set(table.benchmarks()) == {"b2", "ab"}
    assert table.outcomes("b") == {}
    assert (table.outcomes("b2"), table.outcomes("ab")) == ({"c": {"of": "b2"}}, {"c": {"of": "ab"}})


def test_an_outcome_that_comes_after_its_benchmark_was_removed_is_not_kept(table):
    table.write("b", {"id": "b"})
    table.remove("b")
    table.write_outcome("b", "c", {"result": "r"})
    assert table.outcomes("b") == {}


def test_the_list_of_benchmarks_reads_no_outcomes(table, tmp_path, caplog):
    table.write("b", {"id": "b"})
    raw = Table(tmp_path / "benchmarks", "raw")
    raw.set("b/c", "{not JSON")
    raw.close()
    assert table.benchmarks() == {"b": {"id": "b"}}
    assert "passed over" not in caplog.text


def test_what_cannot_be_read_is_passed_over(table, tmp_path, caplog):
    table.write("good", {"id": "good"})
    table.write_outcome("good", "c", {"n": 1})
    raw = Table(tmp_path / "benchmarks", "raw")
    for key, text in {"bad": "{not JSON", "list": "[1]", "number": 5, "good/d": "null", "good/e": "{"}.items():
        raw.set(key, text)
    raw.close()
    assert table.benchmarks() == {"good": {"id": "good"}}
    assert table.outcomes("good") == {"c": {"n": 1}}
    assert table.benchmark("bad") is None
    assert "bad is passed over" in caplog.text and "good/e is passed over" in caplog.text


def test_no_number_that_json_does_not_have_is_written(table):
    table.write("b", {"id": "b"})
    with pytest.raises(ValueError):
        table.write_outcome("b", "c", {"n": float("nan")})
    assert table.outcomes("b") == {}


KILLED = """
import os, signal, sys
from pathlib import Path
from storage.records import BenchmarkTable
table = BenchmarkTable(Path(sys.argv[1]))
table.write("b", {"id": "b"})
for n in range(5):
    table.write_outcome("b", f"c{n}", {"n": n})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_written_survives_a_kill(tmp_path):
    root = str(Path(__file__).parents[3])
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env={**os.environ, "PYTHONPATH": root})
    assert killed.returncode == -signal.SIGKILL
    table = BenchmarkTable(tmp_path)
    assert table.benchmark("b") == {"id": "b"}
    assert table.outcomes("b") == {f"c{n}": {"n": n} for n in range(5)}
    table.close()


def test_a_full_disk_is_a_sentence_and_what_was_there_stays(disk):
    table = BenchmarkTable(disk.home)
    table.write("b", {"id": "b"})
    table.write_outcome("b", "c", {"n": 1})
    filler = disk.fill()
    with pytest.raises(StorageError, match="benchmarks cannot be written down"):
        for n in range(50):
            table.write_outcome("b", f"c{n}", {"n": "x" * 100_000})
    filler.unlink()
    assert table.outcomes("b")["c"] == {"n": 1}
    table.close()
