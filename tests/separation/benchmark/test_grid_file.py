"""Grids as files: any grid and back, and what nobody can mean is refused with its line."""

from __future__ import annotations

import pytest

from separation.benchmark import grid_file
from separation.benchmark.grid import Grid
from separation.errors import SettingsError
from tests.support.fakes import use_only


@pytest.fixture(autouse=True)
def separator(monkeypatch):
    return use_only(monkeypatch, known_models=("only", "another"))


GRIDS = [
    {"prompts": ["drums"]},
    {"prompts": [["drums"], ["bass", "vocals"]], "name": "Ünïcode", "n_times": 2},
    {"prompts": ["drums"], "chunks": {"chunk_s": [5, 10, None]}, "reference": {"seed": 3}},
    {"prompts": ["drums"], "cases": [{"model": ["only", "another"]}, {"chunks": {"chunk_s": 5}}]},
]


@pytest.mark.parametrize("values", GRIDS, ids=range(len(GRIDS)))
def test_a_file_and_back_is_the_same_grid(values, tmp_path):
    grid = Grid.from_dict(values)
    text = grid_file.written(grid)
    assert text.startswith("# ") and grid_file.parse(text) == grid
    path = tmp_path / "grid.yaml"
    path.write_text(text, encoding="utf-8")
    assert grid_file.read(path) == grid


@pytest.mark.parametrize(
    "text, line, what",
    [
        ("prompts: [drums]\nseeds: [1, 2]\n", 2, "no setting “seeds”"),
        ("prompts: [drums]\nsolver:\n  method: euler\n  steps: 3\n", 4, "no setting “steps”"),
        ("prompts: [drums]\nseed: []\n", 2, "seed has no values"),
        ("prompts: [drums]\nseed: .nan\n", 2, "no number"),
        ("prompts: [drums]\nseed:\n- 1\n- .inf\n", 4, "no number"),
        ("prompts: [drums]\npassage: {start_s: 0,\n  length_s: 0}\n", 3, "passage of 0"),
        ("prompts: [drums]\nn_times: 99\n", 2, "cannot be timed 99 times"),
        ("prompts: [drums]\nreference:\n  seed: 1\n  sed: 2\n", 4, "no setting “sed”"),
        ("prompts: [drums]\ncases:\n- seed: 1\n- seeds: 2\n", 4, "no setting “seeds”"),
        ("prompts: [drums]\nbackend: [fake, nobody]\n", 2, "no backend “nobody”"),
        ("prompts: [drums]\nreference:\n  seed: 1\n  backend: nobody\n", 4, "no backend “nobody”"),
        ("prompts: [drums]\nreference: {solver:\n  {method: heuns}}\n", 3, "heuns"),
        ("prompts: [drums]\nchunks:\n  chunk_s:\n  - 5\n  - 700\n", 5, "chunk_s=700"),
        ("prompts: [drums]\ncases:\n- seed: 1\n- device: gpu\n", 4, "no device “gpu”"),
        ("prompts: []\nseed: 1\n", 1, "Nothing was asked for"),
        ("prompts: [drums]\nsolver: [{method: euler}, {method: heuns}]\n", 2, "heuns"),
        ("[1, 2]\n", 1, "no grid"),
    ],
    ids=str,
)
def test_what_nobody_can_mean_is_refused_with_its_line(text, line, what):
    with pytest.raises(SettingsError) as refusal:
        grid_file.parse(text)
    assert what in str(refusal.value)
    assert f"line {line}:" in str(refusal.value)


def test_what_only_some_combinations_refuse_is_no_mistake():
    grid = grid_file.parse("prompts: [drums]\nchunks:\n  chunk_s: [1, 10]\n  overlap_s: [0, 4]\n")
    assert grid.settings["chunks"] == {"chunk_s": [1, 10], "overlap_s": [0, 4]}
