"""The precision where none is asked for: measured once, remembered, the same for whoever settles a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from separation.audio.part import Part
from separation.backends import registry
from separation.events import PrecisionMeasured
from separation.hardware import half_precision
from separation.hardware.half_precision import Precision
from separation.hardware.products import ProductSpeed
from separation.hub.precision import MEMORY, SWITCH, settle, usual
from separation.model import Window
from separation.pipeline.chunk_keys import chunk_key
from separation.request import Request, SamSettings
from separation.results import commands
from tests.support.measuring import Measuring
from tests.support.sam_models import CHECKPOINT

TWICE: dict[Precision, ProductSpeed] = {
    "float32": ProductSpeed(gflops=200.0, error_db=-128.0),
    "bfloat16": ProductSpeed(gflops=400.0, error_db=-51.0),
}


Measured = Measuring[dict[Precision, ProductSpeed]]


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Measured]:
    """A computer on which nothing was measured yet."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path))
    monkeypatch.delenv(SWITCH, raising=False)
    measuring = Measured(TWICE)
    monkeypatch.setattr(half_precision, "measure", measuring)
    yield measuring


def asked(backend: str = "sam_torch", device: str = "auto", **sam: str) -> Request:
    return Request.of("x", backend=backend, model=str(CHECKPOINT), device=device, sam=SamSettings(**sam))


def settled(request: Request) -> str:
    return registry.get(request.backend).settle(request).sam.precision


def test_until_it_is_measured_it_is_float32(measuring: Measured) -> None:
    assert settled(asked()) == "float32" and measuring.asked == []


def test_what_was_measured_is_taken_from_then_on_and_not_measured_again(measuring: Measured) -> None:
    assert settle("auto", "cpu").startswith("bfloat16 (float32 200 GFLOP/s")
    assert settled(asked()) == settled(asked(device="cpu")) == "bfloat16"
    assert settled(asked(device="cuda")) == "float32", "which nobody has measured"
    settle("auto", "cpu")
    settle("cpu", "cpu")
    assert measuring.asked == [("cpu",)]
    settle("cuda", "cuda")
    assert measuring.asked == [("cpu",), ("cuda",)] and settled(asked(device="cuda")) == "bfloat16"


def test_where_it_is_slower_it_is_remembered_as_well(measuring: Measured) -> None:
    measuring.found = {**TWICE, "bfloat16": ProductSpeed(gflops=20.0, error_db=-51.0)}
    assert settle("auto", "cpu").startswith("float32 (")
    assert settled(asked()) == "float32" and settle("auto", "cpu") and measuring.asked == [("cpu",)]


@pytest.mark.parametrize("named", ["float32", "bfloat16", "int8"])
def test_what_is_asked_for_comes_first(measuring: Measured, named: str) -> None:
    settle("auto", "cpu")
    assert settled(asked(precision=named)) == named


@pytest.mark.parametrize("chosen", ["float32", "bfloat16"])
def test_a_person_can_choose_for_all_requests(
    measuring: Measured, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.setenv(SWITCH, chosen.upper())
    assert usual("auto") == chosen == settled(asked()) and measuring.asked == []
    assert settle("auto", "cpu") == f"{chosen}, as {SWITCH} says" and measuring.asked == []


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}'])
def test_what_cannot_be_read_is_measured_again(measuring: Measured, tmp_path: Path, damage: str) -> None:
    settle("auto", "cpu")
    (tmp_path / MEMORY).write_text(damage)
    assert usual("auto") == "float32"
    settle("auto", "cpu")
    assert len(measuring.asked) == 2 and usual("auto") == "bfloat16"


def test_on_another_computer_it_is_measured_anew(measuring: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    settle("auto", "cpu")
    monkeypatch.setattr("separation.hub.precision.processor", lambda: "Another")
    assert usual("auto") == "float32"


def test_where_it_cannot_be_remembered_it_is_said_all_the_same(measuring: Measured, tmp_path: Path) -> None:
    (tmp_path / MEMORY).mkdir()
    assert settle("auto", "cpu").startswith("bfloat16 (") and usual("auto") == "float32"


@pytest.mark.parametrize("backend", ["sam_mlx", "sam_official"])
def test_where_it_is_not_measured_it_is_the_exact_one(measuring: Measured, backend: str) -> None:
    settle("auto", "cpu")
    assert settled(asked(backend)) == "float32"
    assert [target.name for target in registry.get(backend).targets(asked(backend))] == ["x"], "which is asked first"


@pytest.mark.parametrize("backend", registry.BACKENDS)
def test_a_settled_request_names_a_precision_so_that_keys_of_kept_results_stay(
    measuring: Measured, backend: str
) -> None:
    assert settled(Request.of("vocals", backend=backend)) == "float32"


def test_a_model_that_is_loaded_says_it(measuring: Measured) -> None:
    backend = registry.get("sam_torch")
    work = backend.load(backend.settle(asked(device="cpu")))
    said = [event.why for event in work if isinstance(event, PrecisionMeasured)]
    assert said == [half_precision.sentence("bfloat16", TWICE)] and measuring.asked == [("cpu",)]


def test_kept_chunks_of_one_precision_are_not_taken_for_the_other(measuring: Measured) -> None:
    window = Window(samples=np.zeros((1, 10), np.float32), index=0, stems=frozenset({"x"}))
    before = registry.get("sam_torch").settle(asked())
    settle("auto", "cpu")
    after = registry.get("sam_torch").settle(asked())
    keys = {chunk_key(window, one, revision="1", device="cpu") for one in (before, after)}
    assert len(keys) == 2
    exact = registry.get("sam_torch").settle(asked(precision="float32"))
    assert exact == before, "so what was made before is found by asking for float32"


def test_a_command_names_the_precision_of_a_result_as_another_computer_may_take_another(measuring: Measured) -> None:
    for name in ("float32", "bfloat16"):
        made = replace(asked(), sam=SamSettings(precision=name))
        assert f"--precision {name}" in commands.extracting("a.wav", Part(), made)
    assert "--precision" not in commands.extracting("a.wav", Part(), asked())
