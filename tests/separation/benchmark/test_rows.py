"""The rows of a benchmark's table: figures over all passages."""

from __future__ import annotations

from separation.benchmark.table import rows
from tests.support.benchmark_made import made


def test_a_figure_is_the_median_over_the_recordings_and_reasons_are_no_figures():
    benchmark, outcomes = made()
    first, *_, last = rows(benchmark, outcomes, "drums")
    assert first.values["si_sdr_db"] == 4.5 and first.values["sdr_db"] == 5.0
    assert all(isinstance(value, (int, float)) for value in first.values.values())
    assert "undefined" not in first.figures[0].values
    assert last.values["si_sdr_db"] == 6.0 and last.figures[1].error[0] == "It needs more memory."
