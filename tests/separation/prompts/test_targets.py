"""The arithmetic that turns stems into targets, and what is left over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.prompts.targets import RESIDUAL, Target, residual, residual_stem
from separation.prompts.vocabulary import match

FOUR = ("drums", "bass", "vocals", "other")
RNG = np.random.default_rng(11)
STEMS = {name: RNG.standard_normal((2, 300)).astype(np.float32) for name in FOUR}
# A model's stems do not sum to the mixture: this is what it has not explained.
UNEXPLAINED = 0.1 * RNG.standard_normal((2, 300)).astype(np.float32)
MIXTURE = sum(STEMS.values()) + UNEXPLAINED


def asked(*prompts):
    return [match(prompt, FOUR, backend="Fake") for prompt in prompts]


def track(prompt):
    return asked(prompt)[0].of(STEMS, MIXTURE)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_one_stem_is_that_stem_and_two_are_their_sum():
    close(track("drums"), STEMS["drums"])
    close(track("drums and bass"), STEMS["drums"] + STEMS["bass"])


def test_the_instrumental_is_the_mixture_without_its_vocals_so_nothing_unexplained_is_lost():
    close(track("instrumental"), MIXTURE - STEMS["vocals"])
    close(track("no drums"), MIXTURE - STEMS["drums"])
    close(track("everything except drums and bass"), MIXTURE - STEMS["drums"] - STEMS["bass"])


def test_a_target_leaves_the_stems_and_the_mixture_as_they_were():
    before = {name: samples.copy() for name, samples in STEMS.items()}
    mixture = MIXTURE.copy()
    for prompt in ("drums", "instrumental", "drums and bass"):
        track(prompt)[:] = 0
    assert np.array_equal(mixture, MIXTURE)
    assert all(np.array_equal(before[name], STEMS[name]) for name in FOUR)


@pytest.mark.parametrize(
    ("prompts", "left_over"),
    [
        (["drums"], MIXTURE - STEMS["drums"]),
        (["drums", "vocals"], MIXTURE - STEMS["drums"] - STEMS["vocals"]),
        (["drums and bass", "bass"], MIXTURE - STEMS["drums"] - STEMS["bass"]),  # overlapping: bass counts once
        (list(FOUR), UNEXPLAINED),
        (["instrumental"], STEMS["vocals"]),
        (["no drums and bass"], STEMS["drums"] + STEMS["bass"]),
        (["no drums and bass", "bass"], STEMS["drums"]),
        (["no drums", "no drums and bass"], STEMS["drums"]),
    ],
)
def test_the_residual_is_what_no_target_covers(prompts, left_over):
    rest = residual(asked(*prompts))
    assert rest is not None
    assert rest.name == RESIDUAL
    close(rest.of(STEMS, MIXTURE), left_over)


@pytest.mark.parametrize(
    "prompts", [["instrumental", "vocals"], ["no drums", "no bass"], ["no bass", "drums and bass"]]
)
def test_there_is_no_residual_when_nothing_is_left(prompts):
    assert residual(asked(*prompts)) is None


@st.composite
def disjoint_targets(draw):
    """Stems dealt out to a few targets, at most one of them everything but what the others hold."""
    owner = {name: draw(st.integers(0, 3)) for name in FOUR}
    groups = [frozenset(name for name in FOUR if owner[name] == group) for group in range(4)]
    targets = [Target(name=str(index), stems=group) for index, group in enumerate(groups) if group]
    dealt = draw(st.integers(1, len(targets)))
    targets = targets[:dealt]
    if draw(st.booleans()):
        taken = frozenset[str]().union(*(target.stems for target in targets))
        targets.append(Target(name="rest", stems=taken, complement=True))
    return targets


@given(disjoint_targets())
def test_targets_that_do_not_overlap_and_their_residual_sum_to_the_mixture(targets):
    rest = residual(targets)
    tracks = [*targets, rest] if rest else targets
    close(sum(target.of(STEMS, MIXTURE) for target in tracks), MIXTURE)


@given(st.lists(st.tuples(st.sets(st.sampled_from(FOUR), min_size=1), st.booleans()), min_size=1, max_size=4))
def test_residual_and_targets_never_hold_the_same_stem(asked_for):
    targets = [Target(name="", stems=frozenset(names), complement=complement) for names, complement in asked_for]
    rest = residual(targets)

    def held(target):
        return frozenset(FOUR) - target.stems if target.complement else target.stems

    covered = frozenset().union(*(held(target) for target in targets))
    assert (held(rest) if rest else frozenset()) == frozenset(FOUR) - covered


def test_the_stem_of_a_models_own_residual_is_another_for_every_target():
    names = ("dog", "cat", "everything but dog")
    assert residual_stem("dog") == "everything but dog"
    assert len({residual_stem(name) for name in names}) == len(names)
