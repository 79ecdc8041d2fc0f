"""The settings panel as a function: what can be entered, and what each entry makes of a request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from separation.backends import registry
from separation.errors import PlaygroundError, SettingsError
from separation.request import Anchor, ChunkSettings, DemucsSettings, Prompt, Request, Reroll, SamSettings
from separation.workflows import presets
from webapp.pages.studio.choice import choice_of
from webapp.pages.studio.settings_fields import changed, groups
from webapp.state.drafts import Draft

MARKED = Prompt(text="drums", anchors=(Anchor(sign="+", start_s=1.0, stop_s=2.0),))


def shown(request):
    """Control by name, for what is asked."""
    settled = choice_of(Draft.of(request)).settled
    return {field["name"]: field for group in groups(request, settled) for field in group["fields"]}


def after(request, name, value):
    return changed(request, choice_of(Draft.of(request)).settled, name, value)


def sam(**settings):
    return Request(prompts=(MARKED, Prompt(text="man speaking")), backend="sam_torch", **settings)


def offered(field):
    """Every value that a person can enter into a control."""
    if field.get("disabled"):
        return []
    if field["kind"] == "switch":
        return [not field["value"]]
    if field["kind"] in ("choice", "select", "slider"):
        return [option["value"] for option in field["options"] if not option.get("disabled")]
    borders = [field["min"], field["max"]]
    return [int(value) if field.get("step") == 1 else float(value) for value in borders] + (
        [None] if "placeholder" in field else []
    )


def test_a_newcomer_sees_three_choices_and_an_expert_all():
    request = sam()
    settled = choice_of(Draft.of(request)).settled
    open_at_once = [
        field["name"] for group in groups(request, settled) if not group.get("fold") for field in group["fields"]
    ]
    assert open_at_once == ["preset", "backend", "model"]
    expert = {*shown(request), *shown(replace(request, backend="demucs", model="mdx", device="cuda"))}
    everything = (
        {f"{part}.{name}" for part in ("solver", "demucs", "sam") for name in request.to_dict()[part]}
        | {f"chunks.{name}" for name in ChunkSettings.__dataclass_fields__}
        | {"backend", "model", "device", "seed"}
    )
    # A re-roll is made at its chunk, and a folder of models of one's own in a recipe.
    assert everything - expert == {"sam.rerolls", "demucs.folder"}


@pytest.mark.long
@pytest.mark.parametrize("backend", ["auto", "builtin", "demucs", "sam-audio", "sam_torch", "sam_mlx", "sam_official"])
@hypothesis_settings(max_examples=50)  # for each of seven, with four entries in turn
@given(data=st.data())
def test_whatever_is_entered_one_after_another_is_valid_and_can_be_settled(backend, data):
    request = Request(prompts=(MARKED, Prompt(text="bass")), backend=backend)
    settled = choice_of(Draft.of(request)).settled
    for _ in range(4):
        controls = [field for group in groups(request, settled) for field in group["fields"]]
        field = data.draw(st.sampled_from([one for one in controls if offered(one) and one["name"] != "backend"]))
        request = changed(request, settled, field["name"], data.draw(st.sampled_from(offered(field))))
        settled = choice_of(Draft.of(request)).settled
        used = settled.backend
        if used in registry.BACKENDS:
            try:
                registry.get(used).settle(request)
            except PlaygroundError as refusal:
                # A precision that MLX or the official code lacks may have been chosen for another of the family.
                assert "compute in" in refusal.what, refusal


@pytest.mark.parametrize("name", presets.GENERIC)
@pytest.mark.parametrize("before, backend", [("sam_torch", "demucs"), ("demucs", "sam_torch")])
def test_a_preset_stays_that_preset_when_another_separates(before, backend, name):
    chosen = after(after(Request.of("drums", backend=before), "preset", name), "backend", backend)
    assert shown(chosen)["preset"]["value"] == name


def test_a_value_of_ones_own_is_custom():
    chosen = after(sam(), "solver.n_steps", 5)
    assert shown(chosen)["preset"]["value"] == presets.CUSTOM


def test_chaining_and_residuals_of_the_model_exclude_each_other():
    chained = after(sam(), "sam.chain", True)
    residual = {option["value"]: option.get("disabled", False) for option in shown(chained)["sam.residual"]["options"]}
    assert residual == {"mixture": False, "model": True}
    assert shown(after(sam(), "sam.residual", "model"))["sam.chain"]["disabled"]


def test_multidiffusion_cannot_be_entered_beside_what_it_cannot_do():
    together = after(sam(), "chunks.stitch", "multidiffusion")
    assert shown(together)["sam.chain"]["disabled"] and shown(together)["sam.only_inside"]["disabled"]
    stitch = shown(after(sam(), "sam.only_inside", True))["chunks.stitch"]["options"]
    assert [option["value"] for option in stitch if option.get("disabled")] == ["multidiffusion"]


def test_only_inside_waits_for_a_span():
    unmarked = replace(sam(), prompts=(Prompt(text="drums"),))
    assert shown(unmarked)["sam.only_inside"]["disabled"] and not shown(sam())["sam.only_inside"]["disabled"]


@pytest.mark.parametrize("backend", ["builtin", "demucs", "sam_torch"])
def test_a_number_may_be_entered_exactly_where_validation_lets_it_pass(backend):
    request = Request(prompts=(MARKED,), backend=backend, demucs=DemucsSettings(shifts=1 if backend == "demucs" else 0))
    numbers = [field for field in shown(request).values() if field["kind"] == "number"]
    assert numbers
    for field in numbers:
        for border in offered(field):
            after(request, field["name"], border)
        beyond = [field["min"] - field["step"]] + [field["max"] + field["step"]] * (field["max"] < 2**53 - 1)
        for value in beyond:
            with pytest.raises(SettingsError):
                after(request, field["name"], value)


def test_every_seed_that_a_browser_holds_exactly_may_be_entered():
    seed = shown(sam())["seed"]
    assert (seed["min"], seed["max"]) == (0, 2**53 - 1)


def test_a_shorter_chunk_takes_its_overlap_along():
    request = sam(chunks=ChunkSettings(chunk_s=20.0, overlap_s=8.0))
    assert after(request, "chunks.chunk_s", 10.0).chunks == ChunkSettings(chunk_s=10.0, overlap_s=5.0)
    assert after(request, "chunks.chunk_s", None).chunks.overlap_s == 8.0


def test_other_chunks_forget_rerolls_because_those_count_chunks():
    request = sam(sam=SamSettings(rerolls=(Reroll(chunk=1, seed=7),)))
    assert after(request, "chunks.chunk_s", 10.0).sam.rerolls == ()
    assert after(request, "seed", 3).sam.rerolls == request.sam.rerolls


def test_a_precision_that_was_chosen_for_one_separator_does_not_go_to_another_unseen():
    chosen = after(sam(sam=SamSettings(precision="bfloat16")), "backend", "demucs")
    assert chosen.sam.precision == "auto"


def test_whoever_separates_has_only_the_settings_that_matter():
    for backend, others in {
        "builtin": ("sam.", "demucs.", "solver."),
        "demucs": ("sam.", "chunks.", "solver."),
    }.items():
        assert not any(name.startswith(others) for name in shown(Request.of("drums", backend=backend)))
    assert "seed" not in shown(Request.of("drums", backend="demucs"))  # nothing is random without shifts
    assert "seed" in shown(after(Request.of("drums", backend="demucs"), "demucs.shifts", 1))


@pytest.mark.parametrize("name", ["colour", "sam.colour", "prompts", "solver", "a.b.c", "sam.rerolls", "demucs.folder"])
def test_what_no_control_is_called_is_refused(name):
    with pytest.raises(SettingsError):
        after(sam(), name, "x")
