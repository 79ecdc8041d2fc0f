"""What tests have found of settings: of sides that differ in one, by complete sets, and no more than was found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from separation.comparing.blind_test import BlindSide, Kind, Listener
from separation.comparing.evidence import PRESET, evidence_of
from separation.comparing.trials import Said, Trial
from separation.request import Anchor, ChunkSettings, Prompt, Request, SamSettings, SolverSettings
from separation.workflows import presets
from tests.separation.comparing.test_blind_test import a_test
from tests.separation.comparing.test_finding import listener

EXACT = Request.of(
    "vocals", backend="sam_torch", model="small", chunks=ChunkSettings(), sam=SamSettings(precision="float32")
)
INT8 = replace(EXACT, sam=SamSettings(precision="int8"))


def a_test_of(a: Request, b: Request, **about):
    sides = tuple(BlindSide(name="SAM-Audio", made_with=one.to_dict()) for one in (a, b))
    return a_test(sides=sides, **about)


def found(test, *listeners, preset_of=lambda request: ""):
    return {(one.setting, one.value): one for one in evidence_of(test, listeners, preset_of)}


def preferring(n_a, n_b, n_ties=0, name="Ana"):
    said = [Said.A] * n_a + [Said.B] * n_b + [Said.NONE] * n_ties
    return Listener(id=name, name=name, plan=(Trial(0, 1),) * len(said), answers=tuple(said))


def test_a_setting_that_nobody_told_apart_is_said_of_both_values():
    test = a_test_of(EXACT, INT8)
    evidence = found(test, listener(8), listener(9, name="Bo"), listener(8, name="Cy"))
    assert {key: one.words for key, one in evidence.items()} == {
        (
            "sam.precision",
            "float32",
        ): "float32: not told apart from int8 in 48 trials by 3 listeners (25 right, p = 0.44)",
        ("sam.precision", "int8"): "int8: not told apart from float32 in 48 trials by 3 listeners (25 right, p = 0.44)",
    }
    assert all(one.test == test for one in evidence.values())


def test_a_difference_that_was_heard_is_said_so():
    (words, _) = (one.words for one in found(a_test_of(EXACT, INT8), listener(14)).values())
    assert words == "float32: told apart from int8 in 16 trials by 1 listener (14 right, p = 0.0021)"


def test_what_is_too_little_or_upside_down_claims_nothing():
    short = replace(listener(4, n=8), plan=listener(4, n=8).plan[:9])
    (words, _) = (one.words for one in found(a_test_of(EXACT, INT8, n_trials=8), short).values())
    assert words.endswith("too few to call them alike")
    assert found(a_test_of(EXACT, INT8), listener(2)) == {}, "fewer right than by guessing"


def test_only_complete_sets_count_and_what_speaks_against_them_is_said():
    assert found(a_test_of(EXACT, INT8), listener(9, n=15)) == {}
    failed = listener(8, training=Said.B)
    (words, _) = (one.words for one in found(a_test_of(EXACT, INT8, reopened=True), failed, listener(1, n=2)).values())
    assert "by 1 listener" in words and "1 of them failed the training" in words and "reopened" in words


@pytest.mark.parametrize(
    "other",
    [
        EXACT,
        replace(INT8, solver=SolverSettings(n_steps=4)),
        replace(INT8, backend="sam_mlx"),
        replace(INT8, prompts=(Prompt(text="drums"),)),
        replace(INT8, prompts=(Prompt(text="vocals", anchors=(Anchor(sign="+", start_s=1, stop_s=2),)),)),
    ],
    ids=["nothing", "two settings", "the separator", "the sound", "the spans"],
)
def test_sides_that_do_not_differ_in_exactly_one_setting_say_nothing(other):
    assert found(a_test_of(EXACT, other), listener(8)) == {}


def test_the_device_is_no_setting():
    assert len(found(a_test_of(EXACT, replace(INT8, device="cpu")), listener(8))) == 2


def test_what_made_the_sides_must_be_known():
    unknown = a_test(sides=(BlindSide(name="a", made_with=EXACT.to_dict()), BlindSide(name="song.wav")))
    other_version = BlindSide(name="b", made_with={**INT8.to_dict(), "magic": 1})
    assert found(unknown, listener(8)) == {}
    assert found(replace(unknown, sides=(unknown.sides[0], other_version)), listener(8)) == {}
    three = a_test(Kind.PREFERENCE, sides=(*a_test_of(EXACT, INT8).sides, other_version))
    assert found(three, preferring(3, 1)) == {}


def test_a_preference_is_said_from_the_side_of_each_value():
    test = a_test_of(EXACT, INT8, kind=Kind.PREFERENCE)
    evidence = found(test, preferring(9, 0, 2), preferring(5, 2, name="Bo"))
    score = "14 to 2, 2 without a difference by 2 listeners (p = 0.0042)"
    assert evidence["sam.precision", "float32"].words == f"float32: preferred to int8, {score}"
    turned = score.replace("14 to 2,", "2 to 14,")
    assert evidence["sam.precision", "int8"].words == f"int8: float32 was preferred to it, {turned}"
    (words, _) = (one.words for one in found(test, preferring(9, 7)).values())
    assert words == "float32: no preference over int8 found, 9 to 7 by 1 listener (p = 0.80)"


def test_presets_are_compared_where_each_side_is_one():
    quick, best = (presets.apply(name, EXACT) for name in ("Preview", "Quality"))
    name_of = lambda request: presets.name_of(request).replace(presets.CUSTOM, "")  # noqa: E731
    evidence = found(a_test_of(quick, best), listener(8), preset_of=name_of)
    assert set(evidence) == {(PRESET, "Preview"), (PRESET, "Quality")}, "they differ in method and steps"
    assert evidence[PRESET, "Preview"].words.startswith("Preview: not told apart from Quality in 16 trials")
    alone = found(a_test_of(quick, INT8), listener(8), preset_of=name_of)
    assert alone == {}


def test_evidence_is_about_the_same_value_separator_and_model():
    evidence = found(a_test_of(EXACT, INT8), listener(8))["sam.precision", "int8"]
    assert evidence.is_about("sam.precision", "int8", EXACT)
    assert not evidence.is_about("sam.precision", "float32", EXACT)
    assert not evidence.is_about("preset", "int8", EXACT)
    assert not evidence.is_about("sam.precision", "int8", replace(EXACT, model="large"))
    assert not evidence.is_about("sam.precision", "int8", replace(EXACT, backend="sam_mlx"))
    large = found(a_test_of(EXACT, replace(EXACT, model="large")), listener(8))["model", "large"]
    assert large.is_about("model", "large", replace(EXACT, model="large")), "of models it says more than of one"
