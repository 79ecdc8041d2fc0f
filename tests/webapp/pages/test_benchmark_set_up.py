"""The form that sets a benchmark up says what it made of an entered number."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.simulated import simulated_studio


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
