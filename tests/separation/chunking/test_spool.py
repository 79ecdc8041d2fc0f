"""Arrays on disk hold what was written, add and scale like arrays in memory, and leave nothing behind."""

from __future__ import annotations

import sys
import tempfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from separation import solvers
from separation.chunking import spool as latents
from separation.chunking.spool import DiskArray, WeightedSum
from separation.errors import SeparationError

RNG = np.random.default_rng(3)


def rows(n_rows, width):
    return RNG.standard_normal((n_rows, width)).astype(np.float32)


def stored(values):
    array = DiskArray(*values.shape)
    array.write(0, values)
    return array


def loaded(array):
    return array.read(0, array.n_rows)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 5), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8))
def test_what_is_written_is_read_and_the_rest_is_zero(n_rows, width, writes):
    array, expected = DiskArray(n_rows, width), np.zeros((n_rows, width), np.float32)
    for ends in writes:
        start, stop = sorted(min(end, n_rows) for end in ends)
        expected[start:stop] = written = rows(stop - start, width)
        array.write(start, written)
        np.testing.assert_array_equal(array.read(start, stop), written)
    np.testing.assert_array_equal(loaded(array), expected)


def test_rows_in_any_order_of_memory_are_written_as_they_read():
    values = rows(7, 30).T
    np.testing.assert_array_equal(loaded(stored(values)), values)


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=4))
def test_sums_differences_and_multiples_are_those_of_the_arrays(weights):
    values = [rows(50, 3) for _ in weights]
    terms = [WeightedSum({stored(x): 1.0}) for x in values]
    made, expected = terms[0], values[0].astype(np.float64)
    for weight, term, x in zip(weights, terms, values, strict=True):
        made = 0.5 * (made + weight * term - term * 2.0)
        expected = 0.5 * (expected + weight * x - x * 2.0)
    np.testing.assert_allclose(loaded(made.stored()), expected, atol=1e-4)


@pytest.mark.parametrize("method", solvers.SOLVERS)
def test_they_are_all_that_a_solver_asks_for(method):
    start, pull = rows(20, 4), rows(20, 4)
    times = solvers.times(4, "sway")

    def on_disk(x, t):
        return WeightedSum({stored(np.sin(loaded(x.stored())) * pull * np.float32(1 + t)): 1.0})

    def in_memory(x, t):
        return np.sin(x) * pull * np.float32(1 + t)

    states = solvers.integrate(method, on_disk, WeightedSum({stored(start): 1.0}), times)
    for state, expected in zip(states, solvers.integrate(method, in_memory, start, times), strict=True):
        np.testing.assert_allclose(loaded(state.stored()), expected, atol=1e-5)


def test_a_sum_that_is_one_array_is_that_array_and_one_that_was_stored_stays_so():
    array = stored(rows(4, 2))
    assert WeightedSum({array: 1.0}).stored() is array
    total = WeightedSum({array: 1.0}) + WeightedSum({stored(rows(4, 2)): 2.0})
    assert total.stored() is total.stored()


def test_a_sum_takes_the_memory_of_blocks_however_long_the_arrays_are(monkeypatch):
    monkeypatch.setattr(latents, "BLOCK_BYTES", 1 << 16)
    arrays = [DiskArray(100_000, 20) for _ in range(3)]  # 8 MB each
    tracemalloc.start()
    try:
        total = sum((WeightedSum({array: 2.0}) for array in arrays), WeightedSum()).stored()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total.n_rows == 100_000
    assert peak_bytes < 10 * (1 << 16)


def test_the_file_goes_with_the_array(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made, usual = [], tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **how: made.append(usual(**how)) or made[-1])
    closed, dropped = DiskArray(10, 10), DiskArray(10, 10)
    _, file = made
    closed.close()
    del dropped
    assert file.closed
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="closed"):
        closed.read(0, 1)


def test_without_a_temporary_folder_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SeparationError, match=r"No such file.*Make room in .*nowhere.*TMPDIR"):
        DiskArray(10, 10)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path, monkeypatch):
    import resource

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    array = DiskArray(1_000, 100)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(SeparationError, match=str(tmp_path)):
            array.write(0, rows(1_000, 100))
        with pytest.raises(SeparationError, match=str(tmp_path)):
            DiskArray(1_000, 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
