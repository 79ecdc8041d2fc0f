"""The candidates of a chunk on the Studio page: which one is heard, and how another is chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.backends.sam_torch import SamTorchBackend
from separation.engine.engine import Inline
from separation.events import EventStream
from separation.request import ChunkSettings, Request, Reroll, SamSettings, SolverSettings
from separation.results.kept import Result
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore
from tests.support.sam_models import CHECKPOINT, clip
from tests.support.simulated import SimulatedStudio, simulated_studio
from webapp.pages.studio.timeline.waveform import rerolled, with_candidate

SAM = SamSettings(stereo="mono", candidates=3)


def asked(sam: SamSettings = SAM) -> Request:
    return Request.of(
        "dog", backend="sam_torch", model=str(CHECKPOINT), seed=5, sam=sam,
        chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.1), solver=SolverSettings(method="euler", n_steps=1),
    )  # fmt: skip


def test_a_candidate_is_chosen_by_its_seed_and_given_back_to_the_program() -> None:
    chosen = with_candidate(asked(), 1, 2)
    assert chosen.sam.rerolls == (Reroll(chunk=1, seed=7),) and chosen.seed_of(1) == 7
    assert with_candidate(chosen, 1, 0).sam.rerolls == (Reroll(chunk=1, seed=5),)
    assert with_candidate(chosen, 1, None) == asked()


def test_the_seeds_of_candidates_go_on_after_the_last_one() -> None:
    last = replace(asked(), seed=2**63 - 1)
    assert with_candidate(last, 1, 1).sam.rerolls == (Reroll(chunk=1, seed=0),)


def test_a_re_roll_takes_a_seed_that_no_candidate_had() -> None:
    assert rerolled(asked(), 0).sam.rerolls == (Reroll(chunk=0, seed=8),)


@pytest.fixture
def result(tmp_path: Path) -> Result:
    store = ArtifactStore(tmp_path / "home")
    encode(Waveform(clip(48_000, channels=1), 48_000), tmp_path / "song.wav")
    recording = import_recording(tmp_path / "song.wav", store)
    run = EventStream(separate_recording(recording, SamTorchBackend().settle(asked()), store, Inline()))
    list(run)
    result = run.result
    store.close()
    return result


async def of_chunk(page: SimulatedStudio, index: int) -> dict[str, bool]:
    """Press a chunk; return its candidates, and which of them is heard."""
    page.tell("WaveformPlot", "chunk", index)
    await page.until(lambda: page.pressed("Candidates of this chunk"), "the candidates")
    return page.pressed("Candidates of this chunk")


async def test_each_candidate_has_a_button_and_the_best_says_so(
    tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = {one.index: one.seed - 5 for one in result.measures if one.seed is not None}
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={result.recording}&result={result.key}")
        await page.until(lambda: "dog" in page.text, "the result")
        for index, number in best.items():
            shown = await of_chunk(page, index)
            labels = [f"{n + 1} best" if n == number else f"{n + 1}" for n in range(3)]
            assert shown == {label: label.endswith("best") for label in labels}
