"""What the row of prompts says of words that mean less, other or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from separation.prompts.anchor_text import parse_anchors
from separation.request import Anchor, Prompt, Request
from separation.results.kept import Recording
from separation.results.runs import import_recording
from storage import ArtifactStore
from storage.records import DraftTable
from tests.support import run_fakes
from tests.support.simulated import simulated_studio
from webapp.state.drafts import Draft


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return import_recording(run_fakes.song(tmp_path / "song.wav", 0.5), ArtifactStore(tmp_path / "home"))


async def shown(
    recording: Recording,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *prompts: str,
    backend: str = "builtin-dsp",
    spans: tuple[Anchor, ...] = (),
) -> tuple[dict[str, str], str]:
    """Open a draft with these prompts; return what stands beside each, and the sentence below."""
    drafts = DraftTable(tmp_path / "home")
    asked = [Prompt(text=text, anchors=spans) for text in prompts]
    drafts.write(recording.key, Draft.of(Request(prompts=tuple(asked), backend=backend)).to_dict())
    drafts.close()
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}")
        await page.until(lambda: page.prompts["prompts"], "the prompts")
        row: dict[str, Any] = page.prompts
        return {chip["text"]: chip.get("detail", "") for chip in row["prompts"]}, row["note"]


async def test_who_asks_for_a_part_of_the_drums_is_told_that_all_of_them_come(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, below = await shown(recording, tmp_path, monkeypatch, "kick", "lead vocals", "Schlagzeug", "no snare")
    assert beside == {
        "kick": "→ the whole drum kit",
        "lead vocals": "→ all voices",
        "Schlagzeug": "→ drums",
        "no snare": "→ all but the whole drum kit",
    }
    assert "“kick”: its track holds the whole drum kit" in below


async def test_what_is_left_over_need_not_be_asked_for(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, below = await shown(recording, tmp_path, monkeypatch, "drums", "Everything Else")
    assert beside == {"drums": "", "Everything Else": "not available"}
    assert "“Everything Else” comes with every result" in below


async def test_a_model_of_any_words_says_that_it_learned_english(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, below = await shown(recording, tmp_path, monkeypatch, "Schlagzeug", backend="sam_torch")
    assert "trained on English" in below and "“drums”" in below


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("+0.1-0.2", ""),
        (
            "+7-8",
            "“dog”: the span +7-8 marks nothing. Nothing of what is separated, which is 0.5 s long",
        ),
        ("+0.1-0.1", "frames of 40 ms, and none begins there"),
        ("+0-0.2,-0.1-0.3", "“dog”: +0-0.2 and -0.1-0.3 contradict each other"),
    ],
)
async def test_spans_that_do_nothing_are_said_before_the_run(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    spans = parse_anchors(text)
    _, below = await shown(recording, tmp_path, monkeypatch, "dog", backend="sam_torch", spans=spans)
    assert said in below and bool(said) == ("“dog”: " in below)
