"""What a worker loads before anybody has asked for anything."""

from __future__ import annotations

import numpy as np
import pytest

from separation.audio.waveform import Waveform
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
