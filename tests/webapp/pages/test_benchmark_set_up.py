"""The form that sets a benchmark up says what it made of an entered number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from separation.benchmark.grid import Passage
from separation.benchmark.table import separator_of
from separation.request import ChunkSettings, Request
from storage import ArtifactStore
from tests.support.player_endurance import keep_noise
from tests.support.simulated import simulated_studio
from tests.support.studio_values import a_recording
from webapp.pages.benchmark.chosen import what_is_run


@pytest.mark.parametrize(
    ("name", "entered", "taken", "said"),
    [
        ("n_times", 99, 20, "At most 20; set to 20."),
        ("n_times", 2.4, 2, "Whole numbers only; set to 2."),
        ("length_s", 0, 1, "At least 1 s; set to 1."),
        ("start_s", -3, 0, "At least 0 s; set to 0."),
        ("start_s", "soon", 0, "This has to be a number; still 0 s."),
    ],
)
async def test_a_number_is_put_right_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, entered: object, taken: float, said: str
) -> None:
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open("/benchmark")
        page.set(name, entered)
        await page.until(lambda: page.setting(name).get("said") == said, "what was made of it")
        assert page.setting(name)["value"] == taken
        page.set("n_times", 5)
        await page.until(lambda: page.setting("n_times")["value"] == 5, "another value")
        assert "said" not in page.setting(name) or not page.setting(name)["said"]


async def test_what_is_chosen_is_shown_pressed_and_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with simulated_studio(tmp_path / "home", monkeypatch) as page:
        await page.open("/benchmark")
        await page.until(lambda: "No recording is chosen." in page.text, "what is missing")
        keep_noise(ArtifactStore(tmp_path / "home"))
        await page.open("/benchmark")
        await page.until(lambda: " on “noise.wav”, 30 s each" in page.text, "the first recording")
        page.press("Chunk lengths")
        await page.until(lambda: "settings of" in page.text, "what it is")
        pressed = page.pressed("What to compare")
        assert [label for label, is_pressed in pressed.items() if is_pressed] == ["Chunk lengths"]
        page.set("length_s", 20)
        await page.until(lambda: " on “noise.wav”, 20 s each" in page.text, "the length")
        assert "Without known stems: quality is measured against the reference" in page.all("chosen-words")[0]
        assert "Quality is how close a result comes to a sound" in page.text
        page.set("reference", "none")
        await page.until(lambda: "time and memory are measured, quality is not" in page.text, "what is not known")
        page.set("reference", "slowest")
        await page.until(lambda: "measured against the slowest setting, “" in page.text, "what it is compared with")
        page.set("start_s", 5000)
        await page.until(lambda: "has no passage" in page.all("chosen-words")[0], "what is wrong, where it is seen")


def test_the_line_names_what_is_run() -> None:
    song = a_recording("song.wav")
    requests = [
        Request.of("drums", backend="builtin-dsp", chunks=ChunkSettings(chunk_s=s, overlap_s=1)) for s in (5.0, 6.0)
    ]
    one = replace(requests[0], backend="builtin")
    line = what_is_run(requests, [song], Passage(length_s=1.5))
    assert line == f"2 settings of {separator_of(requests[0])} on “song.wav”, 1.5 s each"
    assert (
        what_is_run([*requests, one], [song, song], Passage()) == "3 settings of 2 separators on 2 recordings, 2 s each"
    )
    assert what_is_run([one], [song], Passage(length_s=None)).endswith("on “song.wav”, 2 s each")
    assert what_is_run([one], [], Passage()) == "No recording is chosen."
