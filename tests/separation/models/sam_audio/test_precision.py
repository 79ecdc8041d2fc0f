"""Lower precisions of the transformer: how far from float32, what stays float32, where they are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from separation.errors import SeparationError, SettingsError
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.checkpoint.stored import parts
from separation.models.sam_audio.config import read_config
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.pytorch.int8 import Int8Linear
from separation.models.sam_audio.pytorch.network import PRECISIONS, load_torch_network
from separation.request import PRECISIONS as REQUESTED
from tests.support.sam_models import CHECKPOINT, clip, folder_with, text_encoder, tiny, tiny_config

PROMPTS = ("man speaking", "dog barking in the background")


def velocity(network, prompts, t=0.37, n_frames=8):
    features = network.encode([clip(n_frames * 1920)])
    text, mask = text_encoder().encode(prompts)
    start = network.tensor(noise(0, 0, n_frames, 2 * network.n_latents)).expand(len(prompts), -1, -1)
    return network.velocity(features, text, mask, anchor_rows([], n_frames)[None])(start, t)


def relative_error(estimate, exact):
    return float((estimate - exact).norm() / exact.norm())


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A folder with two layers of the width of `small`, random weights that keep the size of what passes through."""
    folder, rng = tmp_path_factory.mktemp("wide"), torch.Generator().manual_seed(0)
    config = tiny_config()
    config["transformer"] |= {"dim": 1024, "context_dim": 1024, "n_heads": 16}
    (folder / "config.json").write_text(json.dumps(config))

    def drawn(name, shape):
        if "norm" in name or name.endswith(("weight_g", "alpha")):
            return torch.ones(shape)
        return torch.randn(shape, generator=rng) * (0.1 if len(shape) == 1 else np.prod(shape[1:]) ** -0.5)

    stored = {stored for part in parts(read_config(folder)) for stored in part.sources}
    weights = {one.names[0]: drawn(one.names[0], one.shape) for one in sorted(stored, key=lambda one: one.names)}
    folder_with(folder, weights)
    (folder / "config.json").write_text(json.dumps(config))  # folder_with brings the tiny one
    return folder


def test_a_request_can_name_the_precisions_there_are():
    assert tuple(PRECISIONS) == REQUESTED


@pytest.mark.parametrize("t", [0.0, 0.37, 1.0])
def test_bfloat16_velocities_are_within_three_per_cent(t):
    exact, coarse = (velocity(tiny(precision), PROMPTS, t) for precision in ("float32", "bfloat16"))
    assert 1e-4 < relative_error(coarse, exact) < 0.03


def test_int8_velocities_are_within_five_per_cent_at_the_width_of_small(wide):
    exact = velocity(load_torch_network(wide), PROMPTS)
    coarse = velocity(load_torch_network(wide, precision="int8"), PROMPTS)
    assert 1e-3 < relative_error(coarse, exact) < 0.05


def test_int8_gives_a_prompt_the_same_alone_as_beside_another():
    together = velocity(tiny("int8"), PROMPTS)
    for number, prompt in enumerate(PROMPTS):
        alone = velocity(tiny("int8"), [prompt])
        assert relative_error(together[number], alone[0]) < 0.01  # rounding may fall on the other side; never a range


def test_in_int8_only_the_matrices_of_the_layers_are_rounded():
    network = tiny("int8").field
    rounded = {name for name, layer in network.named_modules() if isinstance(layer, Int8Linear)}
    assert len(rounded) == 2 * (4 + 4 + 3)
    assert all(name.startswith("transformer.layers.") for name in rounded)
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    exact = dict(tiny().field.named_parameters())
    for name, value in network.named_parameters():
        assert torch.equal(value, exact[name])


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_state_and_waveform_stay_float32(precision):
    network = tiny(precision)
    assert velocity(network, PROMPTS).dtype == torch.float32
    assert network.decode(torch.zeros(1, 2, network.n_latents)).dtype == torch.float32


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_a_number_is_reported_in_every_precision(precision, value):
    network = tiny(precision)
    text, mask = text_encoder().encode(["x"])
    field = network.velocity(network.encode([clip(7_680)]), text, mask, anchor_rows([], 4)[None])
    state = torch.zeros(1, 4, 32)
    state[0, 1, 2] = value
    with pytest.raises(SeparationError, match="velocities"):
        field(state, 0.5)


class NoFloat64(TorchDispatchMode):
    """Fails on any tensor of float64: Apple's GPUs have none."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        assert getattr(out, "dtype", None) != torch.float64, func
        return out


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_nothing_is_computed_in_float64(precision):
    text, mask = text_encoder().encode(["x"])
    with NoFloat64():
        network = load_torch_network(CHECKPOINT, precision=precision)
        features = network.encode([clip(7_680)])
        field = network.velocity(features, text, mask, anchor_rows([], 4)[None], np.ones((1, 4), np.bool_))
        network.decode(network.split(field(network.tensor(noise(0, 0, 4, 32))[None], 0.5))[0])


@pytest.mark.parametrize("n_rows", [1, 2, 3, 17])
def test_an_int8_layer_is_the_exact_sum_of_rounded_factors(n_rows):
    rng = np.random.default_rng(n_rows)
    weight, x = rng.normal(size=(7, 33)).astype(np.float32), rng.normal(size=(n_rows, 33)).astype(np.float32)

    def rounded(rows):
        step = np.abs(rows).max(axis=1, keepdims=True) / 127
        return np.round(rows / step), step

    (w, w_step), (v, v_step) = rounded(weight), rounded(x)
    layer = Int8Linear(7, 33)
    layer.round(torch.from_numpy(weight))
    assert layer(torch.from_numpy(x)[None])[0].numpy() == pytest.approx(v @ w.T * v_step * w_step.T, rel=1e-5)


def test_an_int8_layer_of_zeros_gives_zeros_and_so_does_silence():
    layer = Int8Linear(4, 8)
    layer.round(torch.zeros(4, 8))
    assert torch.equal(layer(torch.randn(3, 8)), torch.zeros(3, 4))
    layer.round(torch.randn(4, 8))
    assert torch.equal(layer(torch.zeros(2, 3, 8)), torch.zeros(2, 3, 4))


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_int8_is_refused_on_a_gpu_before_anything_is_read(device):
    with pytest.raises(SettingsError, match=f"on {device}"):
        load_torch_network(CHECKPOINT, device=device, precision="int8")


def test_int8_is_refused_where_sums_are_not_exact(monkeypatch):
    monkeypatch.setattr(torch, "_int_mm", lambda a, b: torch.zeros(len(a), b.shape[1], dtype=torch.int32))
    with pytest.raises(SettingsError, match="exactly"):
        load_torch_network(CHECKPOINT, precision="int8")


def test_int8_is_refused_where_it_would_take_longer_than_float32(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="oneDNN"):
        load_torch_network(CHECKPOINT, precision="int8")


def test_an_unknown_precision_is_refused():
    with pytest.raises(SettingsError, match="bfloat16"):
        load_torch_network(CHECKPOINT, precision="float16")
