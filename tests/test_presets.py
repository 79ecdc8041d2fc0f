"""Named settings."""

from __future__ import annotations

from typing import Any

import pytest

from separation import presets
from separation.errors import SettingsError
from separation.request import DemucsSettings, Request


def request(**demucs: Any) -> Request:
    return Request.of("bass", backend="demucs", model="mdx", seed=3, demucs=DemucsSettings(**demucs))


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_preset_is_recognised_by_its_values_and_keeps_what_it_is_not_about(name: str) -> None:
    before = request(folder="models")
    after = presets.apply(name, before)
    assert presets.name_of(after) == name
    assert (after.prompts, after.seed, after.demucs.folder) == (before.prompts, 3, "models")


def test_demucs_presets_hold_the_stated_values() -> None:
    wanted = request()
    preview, render = presets.apply("Preview", wanted), presets.apply("Render", wanted)
    assert (preview.model, preview.demucs) == ("htdemucs", DemucsSettings(segment_s=5.0, shifts=0))
    assert (render.model, render.demucs) == ("htdemucs_ft", DemucsSettings(shifts=1))
    values = [presets.apply(name, wanted).demucs for name in ("fast", "balanced", "quality")]
    assert [value.shifts for value in values] == [0, 1, 10]
    assert [value.overlap_ratio for value in values] == [0.25, 0.25, 0.5]
    assert [value.split for value in values] == [False, True, True]
    assert [value.mixed_precision for value in values] == [True, True, False]


def test_other_values_are_custom_and_an_unknown_preset_lists_the_known_ones() -> None:
    assert presets.name_of(request(shifts=7)) == "Custom"
    with pytest.raises(SettingsError, match="Preview"):
        presets.apply("turbo", request())
