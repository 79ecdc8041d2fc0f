"""Which library multiplies matrices: measured once, remembered, and what a person has chosen comes first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from separation import Request
from separation.audio.waveform import Waveform
from separation.events import ProductsChosen
from separation.hardware import products
from separation.hardware.products import Library, ProductSpeed
from separation.pipeline.matrix_products import MEMORY, SWITCH, settle
from separation.pipeline.separate import separate
from tests.support.measuring import Measuring

FASTER: dict[Library, ProductSpeed] = {
    "MKL": ProductSpeed(gflops=170.0, error_db=-132.0),
    "oneDNN": ProductSpeed(gflops=410.0, error_db=-127.0),
}


Measured = Measuring[dict[Library, ProductSpeed]]


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Measured]:
    """A computer on which nothing was measured yet, and a process in which nothing was chosen."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path))
    monkeypatch.delenv(SWITCH, raising=False)
    measuring = Measured(FASTER)
    monkeypatch.setattr(products, "measure", measuring)
    before = torch.get_float32_matmul_precision()
    afresh()
    yield measuring
    torch.set_float32_matmul_precision(before)
    settle.cache_clear()


def afresh() -> None:
    """As in another process."""
    torch.set_float32_matmul_precision("highest")
    settle.cache_clear()


def test_the_faster_one_is_taken_and_remembered(measuring: Measured, tmp_path: Path) -> None:
    assert settle() == settle() == products.sentence("oneDNN", FASTER)
    assert torch.get_float32_matmul_precision() == "medium"
    afresh()
    assert settle() == products.sentence("oneDNN", FASTER)
    assert torch.get_float32_matmul_precision() == "medium" and len(measuring.asked) == 1
    (here,) = json.loads((tmp_path / MEMORY).read_text())
    assert f"PyTorch {torch.__version__}" in here and "threads" in here


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}'])
def test_what_cannot_be_read_is_measured_again(measuring: Measured, tmp_path: Path, damage: str) -> None:
    settle()
    (tmp_path / MEMORY).write_text(damage)
    afresh()
    assert settle() and len(measuring.asked) == 2


def test_on_another_computer_it_is_measured_anew(measuring: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    settle()
    afresh()
    monkeypatch.setattr("separation.pipeline.matrix_products.processor", lambda: "Another")
    settle()
    assert len(measuring.asked) == 2


@pytest.mark.parametrize(("chosen", "precision"), [("mkl", "highest"), ("oneDNN", "medium")])
def test_what_a_person_has_chosen_comes_first(
    measuring: Measured, monkeypatch: pytest.MonkeyPatch, chosen: str, precision: str
) -> None:
    monkeypatch.setenv(SWITCH, chosen)
    assert settle().casefold() == f"{chosen}, as {SWITCH} says".casefold()
    assert torch.get_float32_matmul_precision() == precision and len(measuring.asked) == 0


def test_where_it_cannot_be_remembered_it_holds_all_the_same(measuring: Measured, tmp_path: Path) -> None:
    (tmp_path / MEMORY).mkdir()
    assert settle() == products.sentence("oneDNN", FASTER)


def test_where_there_is_no_choice_nothing_is_said(measuring: Measured) -> None:
    torch.set_float32_matmul_precision("high")
    assert settle() == "" and len(measuring.asked) == 0


def test_a_run_says_which_one_it_took(measuring: Measured) -> None:
    mixture = Waveform(np.random.default_rng(0).normal(0, 0.1, (2, 44_100)).astype(np.float32), 44_100)
    events = list(separate(mixture, Request.of("drums", backend="builtin", device="cpu")))
    (chosen,) = [event for event in events if isinstance(event, ProductsChosen)]
    assert chosen.why == products.sentence("oneDNN", FASTER)
