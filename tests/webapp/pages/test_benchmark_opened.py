"""The page of one benchmark, without a browser: what it says of quality."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from separation.benchmark.benchmark import CellOutcome
from separation.benchmark.measures import MEASURES
from storage import ArtifactStore
from storage.records import BenchmarkTable
from tests.support.kept_benchmarks import keep_large_benchmark
from tests.support.simulated import simulated_studio
from webapp.components.figure_table import figure_table

UNSCORED = "Quality is not known: there are no known stems to measure against."


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
        await page.until(lambda: "2 of 2 measurements done" in page.text, "the figures")
        assert (UNSCORED in page.text) is not is_scored


JARGON = re.compile(r"\b(frontier|grid|cells?|overlay|NFE|RTF)\b|than which", re.IGNORECASE)


async def test_the_pages_speak_no_jargon_outside_of_tips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ArtifactStore(tmp_path / "home")
    made = keep_large_benchmark(store, n_settings=2, n_songs=1)
    store.close()
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        for address in ("/benchmark", f"/benchmark/{made.id}"):
            await page.open(address)
            await page.until(lambda: "measured" in page.text, "the page")
            assert [line for line in page.text.split("\n") if JARGON.search(line)] == []
    labels = [measure.label for measure in MEASURES.values()]
    assert [label for label in labels if JARGON.search(label)] == []
    drawn_by_browsers = (Path(figure_table.__file__).parent / "figure_table.js").read_text()
    texts = re.findall(r">([^<>{}]+)<", drawn_by_browsers)
    assert "Best trade-offs only" in texts and not any(map(JARGON.search, texts))
