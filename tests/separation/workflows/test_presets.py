"""Named settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from separation import solvers
from separation.backends import registry
from separation.errors import SettingsError
from separation.request import DemucsSettings, Request, SolverSettings
from separation.workflows import presets


def request(**demucs: Any) -> Request:
    return Request.of("bass", backend="demucs", model="mdx", seed=3, demucs=DemucsSettings(**demucs))


@pytest.mark.parametrize("name", dict.fromkeys((*presets.GENERIC, *registry.get("demucs").profile.presets)))
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


SAM = Request.of("a dog", backend="sam_torch", model="large", seed=3)


@pytest.mark.parametrize("backend", ["sam-audio", "sam_torch", "sam_mlx", "sam_official"])
@pytest.mark.parametrize("name", presets.GENERIC)
def test_a_generic_preset_of_sam_audio_sets_the_solver_and_nothing_else(name: str, backend: str) -> None:
    before = replace(SAM, backend=backend)
    after = presets.apply(name, before)
    assert presets.name_of(after) == name
    assert replace(after, solver=before.solver, demucs=before.demucs) == before


def test_presets_of_sam_audio_cost_ever_more_and_end_at_the_official_settings() -> None:
    solvers_ = [presets.apply(name, SAM).solver for name in presets.GENERIC]
    assert [solvers.nfe(solver.method, solver.n_steps) for solver in solvers_] == [7, 17, 32]
    assert solvers_[-1] == SolverSettings()


@pytest.mark.parametrize("name", [name for name in presets.names() if name not in presets.GENERIC])
def test_a_preset_of_demucs_alone_is_refused_for_sam_audio_with_those_it_has(name: str) -> None:
    with pytest.raises(SettingsError, match="Preview, Balanced, Quality"):
        presets.apply(name, SAM)


def test_another_solver_is_custom_for_sam_audio_and_no_matter_to_demucs() -> None:
    other = SolverSettings(n_steps=3)
    assert presets.name_of(replace(SAM, solver=other)) == "Custom"
    assert presets.name_of(replace(presets.apply("Render", request()), solver=other)) == "Render"


def test_other_values_are_custom_and_an_unknown_preset_lists_the_known_ones() -> None:
    assert presets.name_of(request(shifts=7)) == "Custom"
    with pytest.raises(SettingsError, match="Preview"):
        presets.apply("turbo", request())
