"""What a settings panel makes of entered values, in numbers and in words."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.components.settings import controls
from webapp.components.settings.entered import put_right, set_along, with_said
from webapp.components.settings.settings import SettingField

LENGTH = controls.number("chunk_s", "Length", 10.0, (0.5, 600.0, 0.5), "", unit="s", empty="all at once")
OVERLAP = controls.number("overlap_s", "Overlap", 1.0, (0.0, 5.0, 0.1), "", limit="half a chunk", unit="s")
STEPS = controls.number("n_steps", "Steps", 16, (1, 1000, 1), "")
SEED = controls.number("seed", "Seed", 0, (0, 2**53 - 1, 1), "")


@pytest.mark.parametrize(
    "field, entered, taken, said",
    [
        (LENGTH, -5, 0.5, "At least 0.5 s; set to 0.5."),
        (LENGTH, 900.25, 600.0, "At most 600 s; set to 600."),
        (OVERLAP, 7.5, 5.0, "At most 5 s, half a chunk; set to 5."),
        (STEPS, 16.5, 17, "Whole numbers only; set to 17."),
        (STEPS, 2.4, 2, "Whole numbers only; set to 2."),
        (STEPS, 0.4, 1, "At least 1; set to 1."),
        (SEED, 1e300, 2**53 - 1, "At most 9007199254740991; set to 9007199254740991."),
        (STEPS, None, 16, "This has to be a number; still 16."),
        (STEPS, "many", 16, "This has to be a number; still 16."),
        (STEPS, True, 16, "This has to be a number; still 16."),
        (LENGTH, float("nan"), 10.0, "This has to be a number; still 10 s."),
    ],
)
def test_a_value_that_is_put_right_says_what_became_of_it_and_why(
    field: SettingField, entered: Any, taken: float, said: str
) -> None:
    assert put_right(field, entered) == (taken, said)
    assert type(put_right(field, entered)[0]) is type(taken)


@pytest.mark.parametrize("field, entered", [(LENGTH, 0.5), (LENGTH, 7), (LENGTH, None), (OVERLAP, 0.05), (STEPS, 1000)])
def test_what_may_be_entered_is_taken_without_a_word(field: SettingField, entered: float | None) -> None:
    assert put_right(field, entered) == (entered, "")


def test_other_controls_take_what_they_offer() -> None:
    assert put_right(controls.switch("split", "Split", True, ""), False) == (False, "")


def test_what_is_set_along_is_said_in_its_own_words() -> None:
    fade = controls.select("fade", "Fade", "linear", {"linear": "Linear", "cosine": "Cosine"}, "")
    chain = controls.switch("chain", "Chain", True, "")
    before = [controls.fold("Chunks", [LENGTH, OVERLAP, STEPS, fade, chain])]
    after_fields = [
        SettingField(**{**field, "value": value})  # type: ignore[typeddict-item]  # a field with another value
        for field, value in ((LENGTH, None), (OVERLAP, 0.5), (STEPS, 3), (fade, "cosine"), (chain, False))
    ]
    after = [controls.fold("Chunks", [*after_fields, SEED])]
    said = set_along(before, after, unsaid=("n_st",))
    assert said == "Set along with it: Length all at once, Overlap 0.5 s, Fade Cosine, Chain off."
    assert set_along(before, before, unsaid=("seed",)) == ""


def test_a_sentence_stands_at_its_field_alone() -> None:
    (group,) = with_said([controls.fold("Chunks", [LENGTH, STEPS])], "n_steps", "Whole numbers only; set to 2.")
    assert [field.get("said") for field in group["fields"]] == [None, "Whole numbers only; set to 2."]
