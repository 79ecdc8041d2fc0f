"""The self-test: what works is said to work and what does not is not, and nothing is tested with weights made up."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from separation.backends.builtin import BuiltinBackend
from separation.backends.demucs import DemucsBackend
from separation.backends.sam_torch import SamTorchBackend
from separation.doctor.self_test import DURATION_S, model_here, self_test
from separation.engine.engine import Inline
from separation.errors import PlaygroundError, SeparationError, WeightsMissing
from separation.models.sam_audio import weights as sam_weights
from tests.support.demucs_models import run
from tests.support.fake_hub import installed
from tests.support.sam_models import CHECKPOINT, tensors, tiny_config


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch) as running:
        yield running


def put_sam(folder, model="small", weights=None):
    """The tiny checkpoint in the hub's cache, as if it had been fetched under a published name."""
    import torch

    snapshot = folder / "hub" / f"models--facebook--sam-audio-{model}" / "snapshots" / ("0" * 40)
    shutil.copytree(CHECKPOINT, snapshot)
    (snapshot / "config.json").write_text(json.dumps(tiny_config()))
    if weights is not None:
        torch.save(weights, snapshot / "checkpoint.pt")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0" * 40)
    return snapshot


def test_the_built_in_separator_passes_and_says_what_it_took():
    _, passed = run(self_test(BuiltinBackend(), Inline()))
    assert (passed.backend, passed.model, passed.device) == ("builtin", "network", "cpu")
    assert 0 < passed.work_s < passed.seconds and passed.load_s >= 0
    assert passed.speed == pytest.approx(DURATION_S / passed.work_s)


def test_a_model_that_is_here_is_tested_even_when_it_is_not_the_default(tmp_path):
    put_sam(tmp_path, "base")
    assert sam_weights.find_sam_audio("small").folder is None
    backend = SamTorchBackend()
    assert model_here(backend) == "base"
    _, passed = run(self_test(backend))
    assert passed.model == "base"


@pytest.mark.parametrize("backend", [DemucsBackend(), SamTorchBackend()])
def test_without_weights_there_is_nothing_to_test(backend):
    assert model_here(backend) is None
    with pytest.raises(WeightsMissing):
        run(self_test(backend))


def test_a_checkpoint_that_lacks_a_tensor_fails_instead_of_running_with_another(tmp_path):
    weights = tensors()
    weights.pop(next(name for name in weights if name.startswith("transformer.layers")))
    put_sam(tmp_path, weights=weights)
    with pytest.raises(PlaygroundError):
        run(self_test(SamTorchBackend()))


def test_numbers_that_are_no_sound_fail(backend):
    backend.split = lambda samples, window: {
        name: np.full_like(samples, np.nan) for name in ("drums", "bass", "vocals", "other")
    }
    with pytest.raises(SeparationError, match="no sound"):
        run(self_test(backend))
