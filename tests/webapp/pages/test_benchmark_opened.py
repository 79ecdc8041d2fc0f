"""The page of one benchmark, without a browser: what it says of quality."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from separation.benchmark.benchmark import CellOutcome
from storage import ArtifactStore
from storage.records import BenchmarkTable
from tests.support.kept_benchmarks import keep_large_benchmark
from tests.support.simulated import simulated_studio

UNSCORED = "Quality is not known: there are no true stems to measure against."


@pytest.mark.parametrize("is_scored", [True, False])
async def test_without_true_stems_and_a_reference_it_says_why_there_is_no_quality(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_scored: bool
) -> None:
    store = ArtifactStore(tmp_path / "home")
    made = keep_large_benchmark(store, n_settings=2, n_songs=1)
    store.close()
    if not is_scored:
        table = BenchmarkTable(tmp_path / "home")
        for cell, values in table.outcomes(made.id).items():
            table.write_outcome(made.id, cell, replace(CellOutcome.from_dict(values), scores=None).to_dict())
        table.close()
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/benchmark/{made.id}")
        await page.until(lambda: "2 of 2 cells done" in page.text, "the figures")
        assert (UNSCORED in page.text) is not is_scored
