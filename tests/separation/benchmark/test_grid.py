"""A grid stands for every combination of its values; what cannot be computed is left out and said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from separation.backends import registry
from separation.backends.defaults import BackendDefaults
from separation.backends.demucs import DemucsBackend
from separation.benchmark import grid as grids
from separation.benchmark.benchmark import setting_id
from separation.benchmark.grid import MOST_COMBINATIONS, Grid, Passage, expanded
from separation.errors import SettingsError
from separation.model import Readiness
from separation.request import Request, RequestField
from tests.support.fakes import FakeBackend, use_only


@dataclass
class Fixed(FakeBackend):
    """Heeds chunks and device."""

    def settle(self, request):
        return BackendDefaults.settle(self, request)


@dataclass
class Steps(Fixed):
    """Heeds solver and seed as well."""

    def uses(self, request):
        return super().uses(request) | {RequestField.SOLVER, RequestField.SEED}


@pytest.fixture(autouse=True)
def separators(monkeypatch):
    """Two of them."""
    fake = use_only(monkeypatch, Fixed, known_models=("only", "another"))
    monkeypatch.setattr(registry, "BACKENDS", {"fake": fake, "steps": Steps(name="steps")})
    return fake


def of(**values: Any) -> Grid:
    return Grid.from_dict({"prompts": ["drums"], **values})


def requests(**values: Any) -> tuple[Request, ...]:
    return expanded(of(**values)).requests


def test_a_recipe_without_lists_is_one_setting():
    found = expanded(of(backend="steps", seed=3))
    assert [(one.backend, one.model, one.seed) for one in found.requests] == [("steps", "only", 3)]
    assert (found.left_out, found.n_same, found.reference) == ((), 0, None)


def test_every_list_multiplies_wherever_it_is():
    found = requests(
        backend="steps",
        seed=[1, 2],
        solver={"method": ["euler", "midpoint"], "n_steps": [2, 4, 8]},
        chunks={"overlap_s": 0.5, "chunk_s": [5, None]},
    )
    asked = {
        (one.seed, one.solver.method, one.solver.n_steps, one.chunks.chunk_s, one.chunks.overlap_s) for one in found
    }
    assert asked == {
        (seed, method, n_steps, chunk_s, 0.5)
        for seed in (1, 2)
        for method in ("euler", "midpoint")
        for n_steps in (2, 4, 8)
        for chunk_s in (5.0, None)
    }
    assert len(found) == 24


@given(n=st.lists(st.integers(1, 4), min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_there_are_as_many_combinations_as_the_lengths_multiply_to(n):
    seeds, steps, chunks = (list(range(1, length + 1)) for length in n)
    found = requests(
        backend="steps", seed=seeds, solver={"n_steps": steps}, chunks={"chunk_s": [10 * c for c in chunks]}
    )
    assert len(found) == n[0] * n[1] * n[2]


def test_whole_tables_may_be_alternatives():
    found = requests(backend="steps", chunks=[None, {"chunk_s": 5}], solver=[{"method": "euler"}, {"n_steps": 2}])
    assert len(found) == 4


def test_cases_are_settings_that_only_go_together():
    found = requests(
        cases=[{"backend": "fake", "model": ["only", "another"]}, {"backend": "steps", "solver": {"n_steps": [2, 4]}}],
        solver={"method": "euler"},
        seed=[1, 2],
    )
    asked = {(one.backend, one.model, one.seed, one.solver.method, one.solver.n_steps) for one in found}
    assert asked == {
        ("fake", "only", 0, "midpoint", 16),
        ("fake", "another", 0, "midpoint", 16),
        *(("steps", "only", seed, "euler", n_steps) for seed in (1, 2) for n_steps in (2, 4)),
    }


def test_the_last_list_varies_first():
    found = requests(backend="steps", seed=[1, 2], solver={"n_steps": [4, 2]})
    assert [(one.seed, one.solver.n_steps) for one in found] == [(1, 4), (1, 2), (2, 4), (2, 2)]


def test_alternatives_of_prompts_are_lists_of_lists():
    assert [prompt.text for prompt in requests(prompts=["drums", "bass"])[0].prompts] == ["drums", "bass"]
    found = requests(prompts=[["drums", "bass"], ["vocals"]])
    assert [[prompt.text for prompt in one.prompts] for one in found] == [["drums", "bass"], ["vocals"]]
    spans = [{"text": "drums", "anchors": [{"sign": "+", "start_s": 1, "stop_s": 2}]}]
    found = requests(prompts=[["drums"], spans])
    assert [len(one.prompts[0].anchors) for one in found] == [0, 1]


def test_rerolls_are_a_list_of_which_the_alternatives_are_lists():
    one = [{"chunk": 0, "seed": 1}]
    assert requests(backend="steps", sam={"rerolls": one})
    settled = expanded(of(backend="steps", sam={"rerolls": [one, []]}))
    assert len(settled.requests) == 1 and settled.n_same == 1, "this separator has none"


def test_what_a_separator_ignores_is_the_same_setting_and_counted():
    found = expanded(of(backend=["fake", "steps"], seed=[1, 2, 3], solver={"n_steps": [2, 4]}))
    assert sorted((one.backend, one.seed, one.solver.n_steps) for one in found.requests) == [
        ("fake", 0, 16),
        *(("steps", seed, n) for seed in (1, 2, 3) for n in (2, 4)),
    ]
    assert found.n_same == 5


def test_numbers_that_are_the_same_are_the_same_setting():
    found = expanded(of(chunks={"chunk_s": [10, 10.0], "overlap_s": [0, -0.0]}))
    assert len(found.requests) == 1 and found.n_same == 3


def test_settings_have_one_identity_and_others_another():
    one, same, other = requests(seed=1)[0], requests(seed=2)[0], requests(chunks={"chunk_s": 7})[0]
    assert setting_id(one) == setting_id(same) != setting_id(other)


def test_what_cannot_be_computed_is_left_out_with_its_reason_and_number():
    found = expanded(of(backend=["fake", "nobody"], chunks={"chunk_s": [5, 700]}, device=["cpu", "auto"]))
    assert len(found.requests) == 2 and {one.device for one in found.requests} == {"cpu", "auto"}
    why = {one.why: one for one in found.left_out}
    assert {words.split(".")[0]: one.n_combinations for words, one in why.items()} == {
        "chunk_s=700": 4,
        "There is no backend “nobody”": 2,
    }
    assert all(one.example["prompts"] == ["drums"] for one in found.left_out)
    assert {one.example["backend"] for one in found.left_out} == {"fake", "nobody"}
    assert sum(one.n_combinations for one in found.left_out) + len(found.requests) + found.n_same == 8


def test_a_model_or_prompt_that_is_not_there_is_left_out(separators):
    found = expanded(of(prompts=[["drums"], ["a cough"]]))
    assert len(found.requests) == 1
    (left,) = found.left_out
    assert "a cough" in left.why and left.n_combinations == 1


def test_separators_that_cut_in_their_own_way_go_with_those_that_do_not(monkeypatch):
    class Usable(DemucsBackend):
        def availability(self, request=None):
            return FakeBackend().availability()

    monkeypatch.setattr(registry, "BACKENDS", {**registry.BACKENDS, "demucs": Usable()})
    found = expanded(of(backend=["fake", "demucs"], chunks={"chunk_s": [5, 10]}))
    assert sorted(one.backend for one in found.requests) == ["demucs", "fake", "fake"]
    assert (found.left_out, found.n_same) == ((), 1)


def test_a_grid_of_which_nothing_can_be_computed_is_a_sentence():
    with pytest.raises(
        SettingsError, match=r"None of these settings can be computed here.*nobody.*Choose one of: auto, "
    ):
        expanded(of(backend=["nobody", "no one"]))


def test_separators_that_are_not_ready_are_left_out(separators):
    separators.readiness = Readiness.NEEDS_WEIGHTS
    found = expanded(of(backend=["fake", "steps"]))
    assert [one.backend for one in found.requests] == ["steps"]
    assert found.left_out[0].why == "Fake cannot run yet. It is a fake."


# the reference


def test_the_reference_is_a_setting_of_its_own():
    found = expanded(of(backend="steps", solver={"n_steps": [2, 4]}, seed=7, reference={"solver": {"n_steps": 64}}))
    assert [one.solver.n_steps for one in found.requests] == [2, 4, 64]
    assert found.reference == found.requests[2]
    assert found.reference.seed == 7 and found.n_same == 0


def test_the_reference_may_be_one_of_the_settings():
    found = expanded(of(backend="steps", solver={"n_steps": [2, 4]}, reference={"solver": {"n_steps": 4}}))
    assert len(found.requests) == 2 and found.reference == found.requests[1]
    assert expanded(of(backend="steps", seed=[1, 2], reference={})).reference.seed == 1


def test_a_reference_that_cannot_be_computed_is_left_out_and_said():
    found = expanded(of(seed=[1, 2], reference={"chunks": {"chunk_s": 9999}}))
    assert found.reference is None and len(found.requests) == 1
    (left,) = found.left_out
    assert left.n_combinations == 1 and left.why.startswith("The reference: chunk_s=9999")


# plain values and back


GRIDS = [
    {"prompts": ["drums"]},
    {"prompts": [["drums"], ["bass", "vocals"]], "backend": ["fake", "steps"], "seed": [1, 2], "name": "Mine"},
    {"prompts": ["drums"], "passage": {"start_s": 1.5, "length_s": None}, "n_times": 5, "reference": {"seed": 3}},
    {"prompts": ["drums"], "cases": [{"seed": [1, 2]}, {"backend": "steps", "solver": {"n_steps": 2}}]},
    {"prompts": ["drums"], "chunks": {"chunk_s": [10.0, 2.5, None]}, "solver": {}, "reference": {}},
]


@pytest.mark.parametrize("values", GRIDS, ids=range(len(GRIDS)))
def test_plain_values_and_back_are_the_same_grid(values):
    grid = Grid.from_dict(values)
    written = grid.to_dict()
    assert Grid.from_dict(written) == grid
    assert Grid.from_dict(json.loads(json.dumps(written, allow_nan=False))) == grid
    assert {name: written[name] for name in values if name != "passage"} == {
        name: value for name, value in values.items() if name != "passage"
    }
    assert expanded(Grid.from_dict(written)) == expanded(grid)


def test_what_a_grid_does_not_say_is_usual():
    grid = of()
    assert (grid.name, grid.n_times, grid.reference) == ("", 3, None)
    assert grid.passage == Passage(start_s=0.0, length_s=30.0)


# what is refused

DEEP: Any = {}
for _ in range(5000):
    DEEP = {"solver": DEEP}
DEEP_LIST: Any = []
for _ in range(5000):
    DEEP_LIST = [DEEP_LIST]

REFUSED = [
    ({"seeds": [1, 2]}, "no setting “seeds”"),
    ({"solver": {"steps": [1, 2]}}, "no setting “steps”"),
    ({"solver": [{"n_steps": 1}, {"steps": 2}]}, "no setting “steps”"),
    ({"reference": {"sed": 1}}, "no setting “sed”"),
    ({"reference": {"solver": {"step": 1}}}, "no setting “step”"),
    ({"seed": []}, "seed has no values"),
    ({"solver": {"n_steps": []}}, "solver.n_steps has no values"),
    ({"cases": [{"seed": 1}, {"seeds": 2}]}, "no setting “seeds”"),
    ({"cases": [{"seed": 1}, {"seed": []}]}, "seed has no values"),
    ({"cases": [{"cases": [{"seed": 1}]}]}, "no setting “cases”"),
    ({"cases": [{"name": "x"}]}, "no setting “name”"),
    ({"cases": []}, "cases"),
    ({"cases": {"seed": 1}}, "cases"),
    ({"cases": [[{"seed": 1}]]}, "case"),
    ({"cases": None}, "cases"),
    ({"reference": {"cases": []}}, "no setting “cases”"),
    ({"prompts": []}, "Nothing was asked for"),
    ({"prompts": [[]]}, "Nothing was asked for"),
    ({"prompts": "drums"}, "not a list"),
    ({"prompts": [["drums"], "bass"]}, "neither words nor a table"),
    ({"n_times": 0}, "cannot be timed 0 times"),
    ({"n_times": 21}, "cannot be timed 21 times"),
    ({"n_times": -1}, "cannot be timed -1 times"),
    ({"n_times": "3"}, "n_times"),
    ({"n_times": True}, "n_times"),
    ({"n_times": [1, 2]}, "n_times"),
    ({"n_times": None}, "n_times"),
    ({"name": 5}, "name"),
    ({"name": None}, "name"),
    ({"name": ["a", "b"]}, "name"),
    ({"name": "x" * 1000}, "name"),
    ({"passage": None}, "passage"),
    ({"passage": [1, 2]}, "passage"),
    ({"passage": {"start": 1}}, "no setting “start” in request.passage"),
    ({"passage": {"start_s": -1}}, "No passage begins at -1"),
    ({"passage": {"start_s": float("nan")}}, "passage.start_s"),
    ({"passage": {"start_s": float("inf")}}, "passage.start_s"),
    ({"passage": {"start_s": None}}, "start_s"),
    ({"passage": {"start_s": "1"}}, "start_s"),
    ({"passage": {"start_s": True}}, "start_s"),
    ({"passage": {"length_s": 0}}, "passage of 0"),
    ({"passage": {"length_s": 0.99}}, "passage of 0.99"),
    ({"passage": {"length_s": 601}}, "passage of 601"),
    ({"passage": {"length_s": float("nan")}}, "passage.length_s"),
    ({"passage": {"length_s": [10, 20]}}, "length_s"),
    ({"reference": 3}, "reference"),
    ({"reference": [{"seed": 1}]}, "reference"),
    ({"reference": "the best"}, "reference"),
    ({"chunks": {"chunk_s": float("nan")}}, "chunks.chunk_s"),
    ({"chunks": {"chunk_s": [5, float("inf")]}}, "chunks.chunk_s"),
    ({"seed": 16**5000}, "seed"),
    ({"seed": [1, -(16**5000)]}, "seed"),
    ({"solver": DEEP}, "deep"),
    ({"seed": DEEP_LIST}, "deep"),
    ({"prompts": DEEP_LIST}, "deep"),
    ({"reference": DEEP}, "deep"),
    ({"prompts": ["\ud800"]}, "prompts"),
    ({"model": "\udfff"}, "model"),
    ({"seed": {1, 2}}, "seed"),
    ({"seed": b"1"}, "seed"),
    ({"seed": object()}, "seed"),
    ({5: 1}, "The name 5 in request is no text"),
    ({"solver": {None: 1, "method": "euler"}}, "no text"),
    ({"solver": {1: 1, "steps": "euler"}}, "no text"),
]


@pytest.mark.parametrize("values, words", REFUSED, ids=range(len(REFUSED)))
def test_what_makes_no_sense_is_a_sentence(values, words):
    with pytest.raises(SettingsError) as refusal:
        expanded(Grid.from_dict({"prompts": ["drums"], **values}))
    assert words in str(refusal.value)
    assert len(str(refusal.value)) < 1000


@pytest.mark.parametrize("values", [None, 5, "grid", [], [("prompts", ["drums"])]])
def test_what_is_no_table_is_a_sentence(values):
    with pytest.raises(SettingsError, match="table"):
        Grid.from_dict(values)


@pytest.mark.parametrize(
    "values, place",
    [
        ({"seeds": 1}, ("seeds",)),
        ({"solver": {"steps": [1]}}, ("solver", "steps")),
        ({"solver": {"n_steps": []}}, ("solver", "n_steps")),
        ({"passage": {"length_s": 0}}, ("passage", "length_s")),
        ({"passage": {"start_s": -1}}, ("passage", "start_s")),
        ({"passage": {"begin": 1}}, ("passage", "begin")),
        ({"n_times": 0}, ("n_times",)),
        ({"name": 0}, ("name",)),
        ({"reference": {"sed": 0}}, ("reference", "sed")),
        ({"seed": [1, float("nan")]}, ("seed", 1)),
        ({"seed": [1, {2}]}, ("seed", 1)),
        ({"seed": [1, 2, b"3"]}, ("seed", 2)),
        ({"cases": [{"seed": 1}, {"seeds": 2}]}, ("cases", 1, "seeds")),
        ({"solver": [{"n_steps": 1}, {"steps": 2}]}, ("solver", 1, "steps")),
    ],
    ids=str,
)
def test_a_refusal_says_where(values, place):
    with pytest.raises(SettingsError) as refusal:
        Grid.from_dict({"prompts": ["drums"], **values})
    assert refusal.value.place == place


def test_a_value_that_is_wrong_in_one_combination_leaves_the_others():
    found = expanded(of(backend="steps", seed=[1, "two", 3.5, True, None, [4]]))
    assert [one.seed for one in found.requests] == [1]
    assert sum(one.n_combinations for one in found.left_out) == 5


def test_too_many_combinations_are_a_sentence_however_many():
    many = list(range(1, 73))
    with pytest.raises(SettingsError, match=f"more than {MOST_COMBINATIONS} combinations"):
        expanded(of(backend="steps", seed=many, solver={"n_steps": many}))
    longest = {name: list(range(900)) for name in ("seed", "model", "device", "backend")}
    with pytest.raises(SettingsError, match=f"more than {MOST_COMBINATIONS} combinations"):
        expanded(of(**longest, solver={"n_steps": many, "method": many, "grid": many}))


def test_as_many_combinations_as_are_allowed_are_expanded(monkeypatch):
    monkeypatch.setattr(grids, "MOST_COMBINATIONS", 6)
    assert len(requests(backend="steps", seed=[1, 2, 3], device=["cpu", "auto"])) == 6
    with pytest.raises(SettingsError, match="more than 6 combinations"):
        requests(backend="steps", seed=[*range(7)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
NAMES = [*Request.__dataclass_fields__, "cases", "name", "passage", "n_times", "reference"]


@given(values=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_values_are_a_grid_or_a_sentence(values):
    try:
        grid = Grid.from_dict({"prompts": ["drums"], **values})
        json.dumps(grid.to_dict(), allow_nan=False).encode()
        found = expanded(grid)
    except SettingsError:
        return
    json.dumps([dict(left.example) for left in found.left_out], allow_nan=False)
    assert len({setting_id(one) for one in found.requests}) == len(found.requests)
