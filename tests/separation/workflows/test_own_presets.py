"""Presets of one's own hold the settings of one separator, and nothing of a recording."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.backends import registry
from separation.errors import SettingsError
from separation.request import (
    Anchor,
    ChunkSettings,
    DemucsSettings,
    Prompt,
    Request,
    Reroll,
    SamSettings,
    SolverSettings,
)
from separation.workflows import presets
from separation.workflows.own_presets import OwnPreset, apply_named, presets_of

DEMUCS = Request.of(
    "bass",
    backend="demucs",
    model="mdx",
    device="cuda",
    seed=3,
    demucs=DemucsSettings(shifts=2, overlap_ratio=0.1),
    sam=SamSettings(precision="float32"),
)
SAM = Request(
    prompts=(Prompt(text="a dog", anchors=(Anchor(sign="+", start_s=1.0, stop_s=2.0),)),),
    backend="sam_torch",
    model="base",
    chunks=ChunkSettings(chunk_s=30.0),
    solver=SolverSettings(method="heun", n_steps=9),
    sam=SamSettings(precision="bfloat16", only_inside=True, rerolls=(Reroll(chunk=1, seed=5),)),
    seed=7,
)


@pytest.mark.parametrize("settled", [DEMUCS, SAM], ids=["demucs", "sam"])
def test_a_preset_brings_back_the_settings_and_leaves_what_belongs_to_the_recording(settled: Request) -> None:
    preset = OwnPreset.of("Mine", settled)
    other = Request.of("drums", backend=settled.backend, device="cpu", seed=11)
    applied = preset.applied_to(other)
    assert (applied.prompts, applied.device, applied.seed) == (other.prompts, "cpu", 11)
    assert not applied.sam.only_inside and not applied.sam.rerolls, "they are about another recording"
    for name in ("model", "chunks", "solver", "demucs"):
        assert getattr(applied, name) == getattr(settled, name)
    assert applied.sam.precision == settled.sam.precision
    assert preset.is_in(presets.settled(registry.get(settled.backend), applied))


def test_a_preset_is_recognised_by_its_settings_alone() -> None:
    preset = OwnPreset.of("Mine", DEMUCS)
    assert preset.is_in(replace(DEMUCS, seed=8, device="cpu"))
    assert not preset.is_in(replace(DEMUCS, demucs=DemucsSettings(shifts=3)))
    assert not preset.is_in(SAM)


def test_everything_of_a_preset_survives_being_stored() -> None:
    for settled in (DEMUCS, SAM):
        preset = OwnPreset.of("  My   own ", settled)
        assert preset.name == "My own"
        assert [*presets_of([preset.to_dict()])] == [preset]


def test_what_another_version_has_stored_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    good = OwnPreset.of("Mine", DEMUCS)
    bad = [{**good.to_dict(), "backend": "of tomorrow"}, {**good.to_dict(), "magic": 1}, {"name": "x"}]
    assert [*presets_of([*bad, good.to_dict()])] == [good]
    assert caplog.text.count("passed over") == 3


def test_re_rolled_chunks_stay_where_chunks_are_the_same() -> None:
    preset = OwnPreset.of("Mine", SAM)
    assert preset.applied_to(SAM).sam.rerolls == SAM.sam.rerolls
    assert preset.applied_to(replace(SAM, chunks=None)).sam.rerolls == ()


@pytest.mark.parametrize("name", ["", "   ", "Quality", "quality", "custom", "x" * 41, "a\x1bb"])
def test_a_name_that_is_taken_or_none_is_refused(name: str) -> None:
    with pytest.raises(SettingsError):
        OwnPreset.of(name, DEMUCS)


def test_a_preset_fits_its_own_separator_whichever_program_runs_it() -> None:
    sam, demucs = OwnPreset.of("Mine", SAM), OwnPreset.of("Mine", DEMUCS)
    dsp = OwnPreset.of("Mine", Request.of("drums", backend="builtin-dsp"))
    assert [name for name, backend in registry.BACKENDS.items() if demucs.fits(backend)] == ["demucs"]
    assert {name for name, backend in registry.BACKENDS.items() if sam.fits(backend)} >= {"sam_torch", "sam_mlx"}
    assert [name for name, backend in registry.BACKENDS.items() if dsp.fits(backend)] == ["builtin-dsp"]
    assert sam.applied_to(Request.of("dog")).backend == "sam-audio"
    assert sam.applied_to(Request.of("dog", backend="sam_mlx")).backend == "sam_mlx"
    assert dsp.applied_to(Request.of("drums")).backend == "builtin-dsp"


def test_another_separator_refuses_it_and_says_whose_it_is() -> None:
    with pytest.raises(SettingsError, match="Demucs's own"):
        OwnPreset.of("Mine", DEMUCS).applied_to(SAM)


def test_a_name_means_the_same_preset_everywhere() -> None:
    own = [OwnPreset.of("My own", DEMUCS)]
    assert apply_named(" my  OWN ", DEMUCS, own) == own[0].applied_to(DEMUCS)
    assert apply_named("Quality", DEMUCS, iter(())) == presets.apply("Quality", DEMUCS)
    with pytest.raises(SettingsError, match=r"Preview.*My own"):
        apply_named("missing", DEMUCS, own)
