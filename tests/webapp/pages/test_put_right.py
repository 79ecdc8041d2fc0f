"""What a person enters and the program puts right, drops or passes over is said on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from separation.request import ChunkSettings, Request, Reroll, SamSettings
from separation.results.kept import Recording
from separation.results.runs import import_recording
from storage import ArtifactStore
from storage.records import DraftTable
from tests.support import run_fakes
from tests.support.simulated import SimulatedStudio, simulated_studio
from webapp.state.drafts import Draft


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return import_recording(run_fakes.song(tmp_path / "song.wav", 0.5), ArtifactStore(tmp_path / "home"))


def asked(tmp_path: Path, recording: Recording, **settings: Any) -> str:
    """Store a draft; return the address of its page."""
    drafts = DraftTable(tmp_path / "home")
    drafts.write(recording.key, Draft.of(Request.of("drums", **settings)).to_dict())
    drafts.close()
    return f"/?recording={recording.key}"


async def said(page: SimulatedStudio, name: str, value: object) -> tuple[object, str]:
    """Enter a value; return what is taken, and what is said of it."""
    page.set(name, value)
    await page.until(lambda: page.setting(name).get("said"), "what was made of it")
    return page.setting(name)["value"], page.setting(name)["said"]


async def test_a_number_beyond_its_range_says_what_it_was_set_to(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = asked(tmp_path, recording, backend="builtin", chunks=ChunkSettings(chunk_s=20.0, overlap_s=8.0))
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(address)
        assert await said(page, "chunks.chunk_s", -5) == (
            0.5,
            "At least 0.5 s; set to 0.5. Set along with it: Overlap 0.25 s.",
        )
        assert await said(page, "chunks.chunk_s", -7) == (0.5, "At least 0.5 s; set to 0.5."), "it was that before"
        assert await said(page, "chunks.overlap_s", 3) == (0.25, "At most 0.25 s, half a chunk; set to 0.25.")
        assert "said" not in page.setting("chunks.chunk_s"), "only what was entered last"
        page.set("chunks.overlap_s", 0.1)
        await page.until(lambda: page.setting("chunks.overlap_s")["value"] == 0.1, "the overlap")
        assert "said" not in page.setting("chunks.overlap_s")


async def test_what_is_dropped_with_a_change_is_said(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerolled = SamSettings(rerolls=(Reroll(chunk=1, seed=7),))
    address = asked(tmp_path, recording, backend="sam_torch", chunks=ChunkSettings(chunk_s=15.0), sam=rerolled)
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(address)
        _, words = await said(page, "chunks.chunk_s", 10)
        assert words == "Seeds of single chunks were dropped: the chunks are different now."
        _, words = await said(page, "backend", "demucs")
        assert words == "Your chunk settings were dropped: this separator uses segments of its own."


async def test_a_preset_says_what_else_it_takes_back(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = asked(tmp_path, recording, backend="sam_torch", sam=SamSettings(stereo="mono"))
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(address)
        assert page.setting("preset")["value"] == "Custom"
        assert await said(page, "preset", "Preview") == (
            "Preview",
            "Set along with it: Stereo As in the recording.",
        )


async def test_that_a_setting_now_belongs_to_another_preset_is_not_said_as_a_change(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(asked(tmp_path, recording, backend="demucs"))
        page.set("demucs.shifts", 3)
        await page.until(lambda: page.setting("preset")["value"] == "Custom", "values of one's own")
        assert not page.setting("demucs.shifts").get("said")


@pytest.mark.parametrize(
    "prompts, words",
    [
        ("x" * 201, "A prompt has 201 characters."),
        (",".join(f"sound {number}" for number in range(51)), "51 sounds are more than a request takes."),
    ],
)
async def test_an_address_that_asks_for_too_much_is_not_cut_short_without_a_word(
    prompts: str, words: str, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}&prompts={prompts}")
        assert "song.wav" in page.text and words in page.text


async def test_an_address_of_a_result_that_is_gone_says_so(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open(f"/?recording={recording.key}&result={'0' * 64}")
        assert "The result in this link is no longer here." in page.text
