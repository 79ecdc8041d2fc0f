"""The models of this computer beside each other: the best measured first, and what is not known is said."""

from __future__ import annotations

from types import SimpleNamespace

from separation.benchmark.benchmark import Benchmark, CellOutcome, Excerpt
from separation.benchmark.grid import Grid
from separation.estimates.estimates import Estimate
from separation.request import Request, SolverSettings
from webapp.pages.models.leaderboard import DURATION_S, UNKNOWN, places

SONG = Excerpt(key="a" * 64, name="A", recording="a" * 64, duration_s=10.0)
CLASSICAL = Request.of("drums", backend="builtin-dsp", model="classical")


def estimating(seconds=(10.0, 12.0), n_runs=3):
    asked = []

    def expected(request, duration_s):
        asked.append((request, duration_s))
        return Estimate(seconds=seconds, memory_bytes=(4e8, 5e8), n_runs=n_runs)

    return SimpleNamespace(expected=expected, asked=asked)


def measured(si_sdr_db):
    """Benchmarks of this server: one, of the classical separator."""
    one = Benchmark(
        id="one", name="One", created="2026-01-01", grid=Grid(settings={}), songs=(SONG,), requests=(CLASSICAL,)
    )
    scores = {"tracks": {"drums": {"si_sdr_db": si_sdr_db}}, "n_dropped_frames": 0, "untold": []}
    known = {cell.id: CellOutcome(result="r", scores=scores) for cell in one.cells()}
    return SimpleNamespace(all=lambda: [one], outcomes=lambda id: known)


NONE = SimpleNamespace(all=list)


def test_every_model_that_can_be_used_has_its_time_for_three_minutes_with_usual_settings():
    estimates = estimating()
    found = places(estimates, NONE)
    assert {"Built-in separator", "Built-in, classical methods"} <= {place.model for place in found}
    assert {duration_s for _, duration_s in estimates.asked} == {DURATION_S}
    assert all(request.solver == SolverSettings() for request, _ in estimates.asked)
    assert {place.time for place in found} == {"10 to 12 s"}
    assert {place.memory for place in found} == {"400 to 500 MB"}
    assert all(place.standing is None for place in found)


def test_a_model_whose_quality_was_measured_stands_first():
    first, *others = places(estimating(), measured(-3.0))
    assert first.model == "Built-in, classical methods"
    assert first.standing is not None and first.standing.si_sdr_db == -3.0
    assert others and all(place.standing is None for place in others)


def test_figures_of_other_computers_are_called_so_and_unknown_ones_are_a_dash():
    assert {place.time for place in places(estimating(n_runs=0), NONE)} == {"10 to 12 s, not measured here yet"}
    assert {place.time for place in places(estimating(seconds=None), NONE)} == {UNKNOWN}
