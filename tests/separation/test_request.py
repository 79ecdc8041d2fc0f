"""Requests: values that are valid once they exist."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, fields
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation.errors import PlaygroundError, SettingsError
from separation.request import (
    DEVICES,
    FADES,
    SOLVERS,
    Anchor,
    ChunkSettings,
    DemucsSettings,
    Prompt,
    Request,
    Reroll,
    SolverSettings,
    ranges,
)

times = st.floats(0, 1e6)
texts = st.text(min_size=1, max_size=200).filter(str.strip)


@st.composite
def anchors(draw):
    start_s, stop_s = sorted((draw(times), draw(times)))
    return Anchor(sign=draw(st.sampled_from("+-")), start_s=start_s, stop_s=stop_s)


@st.composite
def chunk_settings(draw):
    chunk_s = draw(st.floats(0.5, 600) | st.integers(1, 600))
    return ChunkSettings(chunk_s=chunk_s, overlap_s=draw(st.floats(0, chunk_s / 2)), fade=draw(st.sampled_from(FADES)))


demucs_settings = st.builds(
    DemucsSettings,
    shifts=st.integers(0, 20),
    overlap_ratio=st.floats(0, 0.5),
    split=st.booleans(),
    segment_s=st.none() | st.floats(1, 600),
    mixed_precision=st.booleans(),
    folder=st.none() | st.text(),
)


@st.composite
def requests(draw):
    backend = draw(st.sampled_from(["auto", "builtin", "demucs"]) | st.text())
    prompts = st.builds(Prompt, text=texts, anchors=st.lists(anchors(), max_size=3).map(tuple))
    return Request(
        prompts=tuple(draw(st.lists(prompts, min_size=1, max_size=4, unique_by=lambda p: p.text.strip().casefold()))),
        backend=backend,
        model=draw(st.none() | st.text()),
        device=draw(st.sampled_from(DEVICES)),
        chunks=None if backend == "demucs" else draw(st.none() | chunk_settings()),
        solver=SolverSettings(method=draw(st.sampled_from(SOLVERS)), n_steps=draw(st.integers(1, 1000))),
        demucs=draw(demucs_settings),
        seed=draw(st.integers(0, 2**63 - 1)),
    )


@given(requests())
def test_a_request_survives_the_trip_through_json(request_):
    text = json.dumps(request_.to_dict(), allow_nan=False)
    again = Request.from_dict(json.loads(text))
    assert again == request_
    assert hash(again) == hash(request_)
    assert json.dumps(again.to_dict(), allow_nan=False) == text


def test_equal_requests_are_written_alike_so_that_they_share_a_key():
    whole = Request.of("drums", chunks=ChunkSettings(chunk_s=10, overlap_s=1))
    real = Request.of("drums", chunks=ChunkSettings(chunk_s=10.0, overlap_s=1.0))
    assert whole == real
    assert json.dumps(whole.to_dict()) == json.dumps(real.to_dict())


def test_a_dictionary_can_be_sparse_and_a_prompt_in_it_a_plain_word():
    request = Request.from_dict(
        {"prompts": ["drums", {"text": "bass"}], "chunks": {"chunk_s": 5}, "demucs": {"shifts": 2}}
    )
    assert request == Request.of("drums", "bass", chunks=ChunkSettings(chunk_s=5.0), demucs=DemucsSettings(shifts=2))


def test_of_makes_prompts_in_the_order_of_the_words():
    assert [prompt.text for prompt in Request.of("b", "a", seed=4).prompts] == ["b", "a"]
    assert Request.of("a", seed=4).seed == 4


@pytest.mark.parametrize(
    "value", [Request.of("a"), Prompt(text="a"), ChunkSettings(), DemucsSettings(), SolverSettings()]
)
def test_a_setting_is_a_frozen_value_that_can_be_a_key(value):
    assert {value: 1}[value] == 1
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, "x")


WRONG = [
    (lambda: Anchor(sign="*", start_s=0, stop_s=1), ["anchor sign", "“*”", "+, -"]),
    (lambda: Anchor(sign="+", start_s=-1, stop_s=1), ["+-1-1", "0 s or later", "+1.5-3.0"]),
    (lambda: Anchor(sign="-", start_s=2, stop_s=1), ["-2-1", "does not stop before it starts"]),
    (lambda: Anchor(sign="+", start_s=0, stop_s=math.inf), ["inf", "span"]),
    (lambda: Anchor(sign="+", start_s=math.nan, stop_s=1), ["nan", "span"]),
    (lambda: Prompt(text=""), ["empty", "drums"]),
    (lambda: Prompt(text=" \n"), ["empty"]),
    (lambda: Prompt(text="x" * 201), ["201", "200"]),
    (lambda: SolverSettings(method="eular"), ["solver", "“eular”", ", ".join(SOLVERS)]),
    (lambda: SolverSettings(n_steps=0), ["n_steps=0", "1 and 1000"]),
    (lambda: SolverSettings(n_steps=1001), ["n_steps=1001", "1 and 1000"]),
    (lambda: SolverSettings(n_steps=True), ["n_steps=True"]),
    (lambda: SolverSettings(n_steps=None), ["n_steps=None", "1 and 1000"]),
    (lambda: ChunkSettings(max_chunks=0), ["max_chunks=0", "1 and 100000 chunks"]),
    (lambda: ChunkSettings(max_chunks=1.5), ["max_chunks=1.5", "whole number"]),
    (lambda: ChunkSettings(chunk_s=None, overlap_s=301), ["overlap_s=301", "0 and 300 s"]),
    (lambda: Reroll(chunk=-1, seed=0), ["chunk=-1", "0 and 100000"]),
    (lambda: Reroll(chunk=0, seed=None), ["seed=None"]),
    (lambda: SolverSettings(n_steps=1.5), ["n_steps=1.5", "whole number"]),
    (lambda: ChunkSettings(chunk_s=0.4), ["chunk_s=0.4", "0.5 and 600"]),
    (lambda: ChunkSettings(chunk_s=601), ["chunk_s=601"]),
    (lambda: ChunkSettings(chunk_s=math.nan), ["chunk_s=nan"]),
    (lambda: ChunkSettings(chunk_s="10"), ["chunk_s='10'"]),
    (lambda: ChunkSettings(chunk_s=10, overlap_s=5.1), ["overlap_s=5.1", "chunk_s=10", "0 and 5"]),
    (lambda: ChunkSettings(overlap_s=-1), ["overlap_s=-1", "0 and 10"]),
    (lambda: ChunkSettings(overlap_s=math.nan), ["overlap_s=nan"]),
    (lambda: ChunkSettings(overlap_s="1"), ["overlap_s='1'"]),
    (lambda: ChunkSettings(fade="sqrt"), ["fade", "“sqrt”", "cosine, linear"]),
    (lambda: DemucsSettings(shifts=-1), ["shifts=-1", "0 and 20"]),
    (lambda: DemucsSettings(shifts=0.5), ["shifts=0.5", "whole number"]),
    (lambda: DemucsSettings(overlap_ratio=0.51), ["overlap_ratio=0.51", "0 and 0.5"]),
    (lambda: DemucsSettings(segment_s=0.5), ["segment_s=0.5", "1 and 600"]),
    (lambda: Request(prompts=()), ["Nothing", "prompt"]),
    (lambda: Request.of("Drums", "bass", " drums "), ["“drums”", "twice"]),
    (lambda: Request.of("a", device="tpu"), ["device", "“tpu”", ", ".join(DEVICES)]),
    (lambda: Request.of("a", seed=-1), ["seed=-1"]),
    (lambda: Request.of("a", seed=2**63), ["seed="]),
    (lambda: Request.of("a", seed=1.5), ["seed=1.5", "whole number"]),
    (lambda: Request.of("a", backend="demucs", chunks=ChunkSettings()), ["Demucs", "demucs.segment_s"]),
]


MAKERS = [
    SolverSettings,
    partial(ChunkSettings, overlap_s=0),
    DemucsSettings,
    partial(Request, prompts=(Prompt(text="a"),)),
]


@pytest.mark.parametrize("kind", MAKERS)
def test_every_range_that_is_written_down_is_kept_and_to_its_borders(kind):
    for name, allowed in ranges(getattr(kind, "func", kind)).items():
        step = 1 if allowed.whole else 0.01
        for border in (allowed.low, allowed.high):
            assert getattr(kind(**{name: border}), name) == border
        for outside in (allowed.low - step, allowed.high + step):
            with pytest.raises(SettingsError, match=name):
                kind(**{name: outside})


@pytest.mark.parametrize(("make", "says"), WRONG)
def test_a_value_that_makes_no_sense_is_refused_by_its_name_and_what_would_do(make, says):
    with pytest.raises(SettingsError) as refusal:
        make()
    for words in says:
        assert words in str(refusal.value)
    assert refusal.value.todo


WRONG_DICTIONARIES = [
    ({"prompts": ["a"], "chunk": {}}, ["“chunk”", "request", "chunks"]),
    ({"prompts": ["a"], "demucs": {"shift": 1}}, ["“shift”", "request.demucs", "shifts"]),
    ({"prompts": [{"txt": "a"}]}, ["“txt”", "request.prompts[0]", "anchors, text"]),
    ({}, ["request is not complete", "prompts"]),
    ({"prompts": [{}]}, ["request.prompts[0] is not complete", "text"]),
    ({"prompts": "a"}, ["request.prompts is not a list", "'a'"]),
    ({"prompts": None}, ["request.prompts is not a list"]),
    ({"prompts": ["a"], "chunks": 3}, ["request.chunks is not a table", "3"]),
    ({"prompts": [4]}, ["request.prompts[0] is neither words nor a table"]),
    ({"prompts": ["a"], "seed": "1"}, ["request.seed='1'", "int"]),
    ({"prompts": ["a"], "seed": True}, ["request.seed=True", "int"]),
    ({"prompts": ["a"], "seed": 1.0}, ["request.seed=1.0", "int"]),
    ({"prompts": ["a"], "backend": None}, ["request.backend=None", "str"]),
    ({"prompts": ["a"], "demucs": {"split": 1}}, ["request.demucs.split=1", "bool"]),
    ({"prompts": ["a"], "demucs": {"segment_s": True}}, ["request.demucs.segment_s=True", "float"]),
    ({"prompts": ["a"], "chunks": {"chunk_s": 10**400}}, ["chunk_s"]),
    ({"prompts": [{"text": "a", "anchors": [{"sign": "+", "start_s": 0, "stop_s": 10**400}]}]}, ["stop_s"]),
    ({"prompts": [{"text": "a", "anchors": [{"sign": 1, "start_s": 0, "stop_s": 1}]}]}, ["anchor sign"]),
    ({"prompts": ["a", "a"]}, ["twice"]),
]


@pytest.mark.parametrize(("values", "says"), WRONG_DICTIONARIES)
def test_a_dictionary_that_is_no_request_is_refused_by_the_place_of_the_mistake(values, says):
    with pytest.raises(SettingsError) as refusal:
        Request.from_dict(values)
    for words in says:
        assert words in str(refusal.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [field.name for kind in (Request, Prompt, ChunkSettings, DemucsSettings) for field in fields(kind)]
)


@given(st.dictionaries(names, json_values | st.dictionaries(names, json_values, max_size=3), max_size=5))
def test_any_json_is_either_a_request_or_a_settings_error(values):
    try:
        assert isinstance(Request.from_dict({"prompts": ["a"], **values}), Request)
    except PlaygroundError as refusal:
        assert isinstance(refusal, SettingsError)


@pytest.mark.parametrize("values", [None, 3, [], "drums"])
def test_what_is_not_a_table_is_no_request(values):
    with pytest.raises(SettingsError, match="request is not a table"):
        Request.from_dict(values)
