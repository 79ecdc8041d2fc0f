"""What a worker loads before anybody has asked for anything."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import pytest

from separation.audio.waveform import Waveform
from separation.errors import WeightsMissing
from separation.pipeline import tasks
from separation.pipeline.separate import extract
from separation.request import Request
from tests.support import fakes


@pytest.fixture
def backend(monkeypatch):
    return fakes.use_only(monkeypatch, known_models=("only", "other"))


def test_the_first_run_finds_its_model_loaded(backend):
    fakes.result_of(tasks.warm_up())
    assert backend.n_loads == 1
    extract(Waveform(np.zeros((1, 800), np.float32), 8_000), Request.of("drums"))
    assert backend.n_loads == 1


def test_a_model_that_is_loaded_is_not_replaced(backend):
    extract(Waveform(np.zeros((1, 800), np.float32), 8_000), Request.of("drums", model="other"))
    fakes.result_of(tasks.warm_up())
    assert backend.n_loads == 1


@dataclass
class Noting(fakes.FakeBackend):
    """Notes whether Python looks for garbage while it loads; may fail then."""

    fails: bool = False
    searched: bool | None = None

    def load(self, request):
        self.searched = gc.isenabled()
        if self.fails:
            raise WeightsMissing("There are none.")
        return (yield from super().load(request))


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("searched", [True, False])
def test_while_a_model_is_loaded_no_garbage_is_looked_for_and_afterwards_as_before(monkeypatch, fails, searched):
    backend = fakes.use_only(monkeypatch, Noting, fails=fails)
    if not searched:
        gc.disable()
    try:
        with pytest.raises(WeightsMissing) if fails else nullcontext():
            fakes.result_of(tasks.warm_up())
        assert backend.searched is False and gc.isenabled() == searched
    finally:
        gc.enable()
