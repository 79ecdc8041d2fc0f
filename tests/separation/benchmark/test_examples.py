"""Grids to begin with: they are made of what is installed, and all of them can be made anywhere."""

from __future__ import annotations

import pytest

from separation import solvers
from separation.backends import registry
from separation.benchmark.examples import EXAMPLES, QUICK_BUDGET_S
from separation.benchmark.grid import Grid, expanded
from separation.errors import SettingsError
from separation.estimates.estimates import expected
from tests.support.sam_models import CHECKPOINT


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no models"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no models"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_is_a_grid_that_can_be_written_and_read(name):
    grid = EXAMPLES[name].grid()
    assert Grid.from_dict(grid.to_dict()).to_dict() == grid.to_dict()
    assert EXAMPLES[name].label and EXAMPLES[name].about.endswith(".")


@pytest.mark.parametrize("name", ["separators", "chunks", "quick"])
def test_without_downloads_there_are_the_built_in_separators_and_nothing_is_left_out(name):
    found = expanded(EXAMPLES[name].grid())
    assert {request.backend for request in found.requests} == {"builtin", "builtin-dsp"}
    assert found.left_out == ()


@pytest.mark.parametrize("name", ["solvers", "precisions"])
def test_those_of_sam_audio_say_what_is_missing(name):
    with pytest.raises(SettingsError, match="SAM-Audio"):
        expanded(EXAMPLES[name].grid())


def test_every_solver_is_compared_with_few_and_many_steps_against_64_midpoint_steps():
    grid = EXAMPLES["solvers"].grid()
    assert grid.settings["backend"] == [name for name in ("sam_torch", "sam_mlx") if name in registry.BACKENDS]
    tiny = Grid.from_dict(
        {**grid.to_dict(), "prompts": ["drums"], "model": str(CHECKPOINT), "backend": "sam_torch"}
    )  # fmt: skip
    found = expanded(tiny)
    assert len(found.requests) == len(solvers.SOLVERS) * 5 + 1
    assert (found.reference.solver.method, found.reference.solver.n_steps) == ("midpoint", 64)


def test_chunks_of_three_lengths_are_held_against_the_longest():
    found = expanded(EXAMPLES["chunks"].grid())
    assert {request.chunks.chunk_s for request in found.requests} == {5, 10, 20}
    assert found.reference.chunks.chunk_s == 20


def test_the_quick_one_is_done_in_under_a_minute_by_its_estimate():
    grid = EXAMPLES["quick"].grid()
    runs = [expected(request, grid.passage.length_s, ()).seconds for request in expanded(grid).requests]
    assert (grid.n_times, grid.passage.length_s) == (1, 10)
    assert len(runs) == 1 or sum(2 * high for _, high in runs) <= QUICK_BUDGET_S
