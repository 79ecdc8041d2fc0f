"""SAM-Audio on MLX: the official code's tensors, PyTorch's results, and what the backend says where it cannot run."""

from __future__ import annotations

import importlib.util
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import torch

from separation import Anchor, Prompt, Request, SolverSettings, Waveform, extract
from separation.backends import registry, sam_mlx
from separation.backends.sam_mlx import SamMlxBackend
from separation.backends.sam_torch import SamTorchBackend
from separation.errors import BackendUnavailable, SeparationError, SettingsError, WeightsMissing
from separation.model import Readiness
from separation.models.sam_audio import verify
from separation.models.sam_audio.checkpoint.stored import parts
from separation.models.sam_audio.clips import batch_of
from separation.models.sam_audio.config import read_config
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.pytorch import network as torch_network
from separation.request import SamSettings
from tests.support.needing_mlx import with_mlx
from tests.support.sam_models import (
    CASES,
    CHECKPOINT,
    GOLDEN,
    clip,
    converted,
    folder_with,
    tensors,
    text_encoder,
    tiny,
)

BACKEND = SamMlxBackend()
VIDEO = "align_masked_video."
# PyTorch's own error against the official code is up to 5e-6 in latents and 4e-5 in samples.
LATENT, SAMPLE = 1e-5, 5e-4


@cache
def mlx(precision="float32"):
    """The tiny checkpoint on MLX."""
    return loaded(CHECKPOINT, precision=precision)


def loaded(path, **settings):
    from separation.models.sam_audio.mlx.network import load_mlx_network

    return load_mlx_network(path, **settings)


@cache
def subject():
    return verify.MlxSubject(CHECKPOINT)


def outputs(network, clips, prompts, rows):
    """Features, a velocity and decoded samples, as NumPy has them, of clips and prompts row by row."""
    features = network.encode(clips)
    text, mask = (network.tensor(np.asarray(encoded)) for encoded in text_encoder().encode(prompts))
    state = np.stack([noise(1, row, features.shape[1], 32) for row in range(len(rows))])
    velocity = network.velocity(features, text, mask, rows)(network.tensor(state), 0.37)
    return [network.numpy(x) for x in (features, velocity, network.decode(network.tensor(state[..., :16])))]


def assert_alike(found, expected):
    for ours, theirs, tolerance in zip(found, expected, (LATENT, LATENT, SAMPLE), strict=True):
        assert ours.shape == theirs.shape and ours.dtype == np.float32
        assert ours == pytest.approx(theirs, abs=tolerance)


@with_mlx
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_reference_case_of_the_official_code_is_met(case):
    line = verify.report(subject(), case)
    assert line["within_tolerance"], line


@with_mlx
def test_a_conversion_is_the_same_network_as_the_official_file(tmp_path):
    rows = np.array([[0, 1, 2, 0]])
    official, conversion = (
        outputs(network, [clip(7_680)], ["violin"], rows)
        for network in (mlx(), loaded(folder_with(tmp_path, converted(tensors()))))
    )
    for one, other in zip(official, conversion, strict=True):
        assert np.array_equal(one, other)


@with_mlx
@pytest.mark.parametrize("n_samples", [1, 960, 1_921])
def test_tiny_clips_and_empty_prompts_give_what_pytorch_gives(n_samples):
    frames = -(-n_samples // 1920)
    rows = np.array([[1] * frames, [0] * frames])
    both = [outputs(network, [clip(n_samples)], ["", "man speaking"], rows) for network in (mlx(), tiny())]
    assert_alike(*both)


@with_mlx
def test_the_channels_of_a_stereo_recording_as_two_clips_give_what_pytorch_gives():
    rows = np.array([[0, 1, 2], [2, 0, 0]])
    both = [outputs(network, list(clip(5_001, channels=2)), ["violin"], rows) for network in (mlx(), tiny())]
    assert_alike(*both)


@with_mlx
def test_prompts_of_one_clip_together_give_what_each_gives_alone():
    network, prompts, rows = mlx(), ("man speaking", "", "dog barking in the background"), np.zeros((3, 4), np.int64)
    features, start = network.encode([clip(7_680)]), noise(0, 0, 4, 32)[None]

    def velocity(words):
        text, mask = (network.tensor(np.asarray(encoded)) for encoded in text_encoder().encode(words))
        field = network.velocity(features, text, mask, rows[:1])
        return network.numpy(field(network.tensor(np.repeat(start, len(words), axis=0)), 0.37))

    together = velocity(prompts)
    for number, prompt in enumerate(prompts):
        assert together[number] == pytest.approx(velocity([prompt])[0], abs=LATENT)
    assert np.abs(together[0] - together[2]).max() > 1e-3  # the words do matter


def test_clips_of_unequal_or_too_great_length_make_no_batch():
    config = read_config(CHECKPOINT)
    with pytest.raises(SettingsError, match="one by one"):
        batch_of([clip(7_680), clip(7_681)], config)
    with pytest.raises(SettingsError, match="400 s"):
        batch_of([np.zeros(10_001 * 1920, np.float32)], config)


def test_clips_that_end_in_the_same_frame_are_each_mirrored_at_their_own_end():
    long, short = clip(7_000), clip(6_100)
    batch = batch_of([long, short], read_config(CHECKPOINT))
    assert batch.shape == (2, 7_680)
    assert np.array_equal(batch[0], [*long, *long[-2:-682:-1]])
    assert np.array_equal(batch[1], [*short, *short[-2:-1582:-1]])


@with_mlx
def test_a_decode_in_pieces_is_the_whole_decode():
    network = mlx()
    latents = network.tensor(noise(1, 0, 23, 16)[None])
    whole = network.numpy(network.decode(latents))
    assert whole.shape == (1, 23 * 1920)
    assert network.numpy(network.decode(latents, 10)) == pytest.approx(whole, abs=2e-5)


@with_mlx
def test_bfloat16_stays_near_float32_and_keeps_the_state_in_float32():
    rows = np.array([[0, 1, 2, 0]])
    exact, coarse = (outputs(mlx(p), [clip(7_680)], ["violin"], rows) for p in ("float32", "bfloat16"))
    assert np.array_equal(exact[0], coarse[0]) and np.array_equal(exact[2], coarse[2])  # the codec is not touched
    assert coarse[1].dtype == np.float32
    assert 1e-4 < np.linalg.norm(exact[1] - coarse[1]) / np.linalg.norm(exact[1]) < 0.05


@with_mlx
def test_bfloat16_is_what_the_layers_hold_and_compute_in():
    seen = []
    for precision in ("float32", "bfloat16"):
        transformer = mlx(precision).modules.transformer
        frames = transformer.x_embedder(mlx().tensor(np.ones((1, 64, 3))))
        layer = transformer.layers[0].attention
        seen.append([str(x.dtype) for x in (layer.wq.weight, frames, layer(frames.transpose(0, 2, 1)))])
    assert seen == [["mlx.core.float32"] * 3, ["mlx.core.bfloat16"] * 3]


@with_mlx
@pytest.mark.parametrize("embedder, shape", [("t_embedder", (3,)), ("x_embedder", (1, 64, 5))])
def test_bfloat16_rounds_what_is_made_of_time_and_of_whole_clips_only_at_the_end(embedder, shape):
    given = mlx().tensor(np.random.default_rng(0).uniform(size=shape))
    exact, coarse = (getattr(mlx(p).modules.transformer, embedder)(given) for p in ("float32", "bfloat16"))
    assert (exact.astype(coarse.dtype) == coarse).all().item()
    assert not (exact == coarse).all().item()


@with_mlx
@pytest.mark.parametrize("precision", ["int8", "float16"])
def test_a_precision_that_mlx_does_not_have_is_refused(precision):
    with pytest.raises(SettingsError, match="float32, bfloat16"):
        loaded(CHECKPOINT, precision=precision)


@with_mlx
def test_what_is_not_a_number_is_reported_where_it_happens():
    network, rows = mlx(), np.zeros((1, 4), np.int64)
    with pytest.raises(SeparationError, match="features"):
        network.encode([np.full(1920, np.nan, np.float32)])
    text, mask = (network.tensor(np.asarray(encoded)) for encoded in text_encoder().encode(["x"]))
    velocity = network.velocity(network.encode([clip(7_680)]), text, mask, rows)
    with pytest.raises(SeparationError, match="velocities"):
        velocity(network.tensor(np.full((1, 4, 32), np.inf)), 0.0)
    with pytest.raises(SeparationError, match="decoded audio"):
        network.decode(network.tensor(np.full((1, 2, 16), np.nan)))


@with_mlx
def test_a_network_loaded_in_one_thread_works_in_another():
    rows = np.zeros((1, 4), np.int64)

    def elsewhere(function, *arguments):
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(function, *arguments).result()

    network = elsewhere(loaded, CHECKPOINT)
    features = elsewhere(network.encode, [clip(7_680)])
    text, mask = (network.tensor(np.asarray(encoded)) for encoded in text_encoder().encode(["x"]))
    velocity = elsewhere(network.velocity, features, text, mask, rows)
    state = elsewhere(velocity, network.tensor(noise(0, 0, 4, 32)[None]), 0.5)
    samples = elsewhere(network.decode, network.tensor(network.numpy(state)[..., :16]))
    assert network.numpy(samples).shape == (1, 7_680)


@with_mlx
@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_a_tensor_that_is_missing_or_unknown_is_named(tmp_path, change):
    weights = converted(tensors())
    name = "transformer.layers.1.attention.wo.weight"
    if change == "missing":
        del weights[name]
    else:
        weights[name := "transformer.layers.7.attention.wo.weight"] = torch.zeros(3, 3)
    with pytest.raises(BackendUnavailable, match=name):
        loaded(folder_with(tmp_path, weights))


@with_mlx
def test_a_conversion_without_the_video_path_is_read_only_on_request(tmp_path):
    folder = folder_with(tmp_path, {k: v for k, v in converted(tensors()).items() if not k.startswith(VIDEO)})
    with pytest.raises(BackendUnavailable, match="video"):
        loaded(folder)
    networks = (
        loaded(folder, video_constant=False),
        torch_network.load_torch_network(folder, video_constant=False),
        mlx(),
    )
    without, pytorch, official = (
        outputs(network, [clip(7_680)], ["violin"], np.zeros((1, 4), np.int64)) for network in networks
    )
    assert_alike(without, pytorch)
    assert np.abs(without[1] - official[1]).max() > 1e-2


@with_mlx
def test_a_network_that_mlx_audio_builds_otherwise_is_refused_by_name(tmp_path):
    # mlx-audio has at most four blocks in a decoder, and drops a fifth without a word.
    values = json.loads((CHECKPOINT / "config.json").read_text())
    values["audio_codec"]["decoder_rates"] = [12, 10, 4, 2, 2]
    (tmp_path / "config.json").write_text(json.dumps(values))
    stored = {stored for part in parts(read_config(tmp_path)) for stored in part.sources}
    torch.save({item.names[0]: torch.ones(item.shape) for item in stored}, tmp_path / "checkpoint.pt")
    with pytest.raises(BackendUnavailable, match=r"decoder\.blocks\.4"):
        loaded(tmp_path)


def request(*prompts, **settings):
    return Request(
        **{
            "prompts": tuple(prompt if isinstance(prompt, Prompt) else Prompt(text=prompt) for prompt in prompts),
            "backend": "sam_mlx",
            "model": str(CHECKPOINT),
            "device": "cpu",
            "solver": SolverSettings(method="euler", n_steps=2),
            **settings,
        }
    )


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(registry, "BACKENDS", {"sam_mlx": BACKEND, "sam_torch": SamTorchBackend()})


@with_mlx
@pytest.mark.parametrize("sam", [SamSettings(), SamSettings(stereo="sides", residual="model")], ids=["usual", "sides"])
def test_a_whole_run_gives_the_tracks_that_pytorch_gives(registered, sam):
    mixture = Waveform(clip(5_001, channels=2), 48_000)
    prompts = (Prompt(text="man speaking", anchors=(Anchor(sign="+", start_s=0.04, stop_s=0.1),)), "violin")
    ours, theirs = (
        extract(mixture, request(*prompts, backend=backend, seed=5, sam=sam)) for backend in ("sam_mlx", "sam_torch")
    )
    assert list(ours) == list(theirs)
    for name, track in ours.items():
        assert track.samples.shape == (2, 5_001)
        assert track.samples == pytest.approx(theirs[name].samples, abs=SAMPLE)


@with_mlx
def test_the_same_seed_gives_the_same_bits_and_another_seed_another_result(registered):
    mixture = Waveform(clip(7_680, channels=1), 48_000)
    first, again, other = (extract(mixture, request("violin", seed=seed))["violin"].samples for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


@with_mlx
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_mlx_does_not_have_is_named(device, monkeypatch):
    monkeypatch.setattr("mlx.core.metal.is_available", lambda: False)
    with pytest.raises(BackendUnavailable, match=rf"no {device} device here.*MLX sees: cpu.*“auto”.*“sam_torch”"):
        list(BACKEND.load(request("violin", device=device)))


@with_mlx
def test_apples_gpu_is_taken_where_there_is_one(monkeypatch):
    from separation.models.sam_audio.mlx.network import choose_mlx_device

    monkeypatch.setattr("mlx.core.metal.is_available", lambda: True)
    assert choose_mlx_device("auto") == "mps" and choose_mlx_device("cpu") == "cpu"


@with_mlx
def test_an_mlx_that_cannot_be_imported_is_explained_when_it_is_loaded(monkeypatch, capsys):
    for module in ("model", "network"):  # as if nobody had imported them yet
        monkeypatch.delitem(sys.modules, f"separation.models.sam_audio.mlx.{module}", raising=False)
        monkeypatch.delattr(f"separation.models.sam_audio.mlx.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "mlx.core", None)
    with pytest.raises(BackendUnavailable, match=r"mlx\.core.*sam_torch"):
        list(BACKEND.load(request("violin")))
    assert verify.main(["--checkpoint", str(CHECKPOINT), "--backend", "mlx", str(GOLDEN / "21_equal_batch.npz")]) == 1
    assert "Importing it failed" in capsys.readouterr().err


def here(monkeypatch, system, machine, installed=True):
    """Make this computer another one."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(sam_mlx.platform, "machine", lambda: machine)
    spec = importlib.util.find_spec("json")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name.startswith("mlx") and not installed else spec
    )


@pytest.mark.parametrize(
    "system, machine, preferred",
    [("darwin", "arm64", True), ("darwin", "x86_64", False), ("linux", "aarch64", False), ("win32", "arm64", False)],
)
def test_it_is_preferred_on_apple_silicon_alone(monkeypatch, system, machine, preferred):
    here(monkeypatch, system, machine)
    assert sam_mlx.preferred_here() is preferred


@pytest.mark.parametrize("system, machine", [("darwin", "x86_64"), ("win32", "AMD64")])
def test_a_computer_that_mlx_does_not_run_on_needs_other_hardware(monkeypatch, system, machine):
    here(monkeypatch, system, machine, installed=False)
    availability = BACKEND.availability()
    assert availability.readiness is Readiness.NEEDS_HARDWARE and "sam_torch" in availability.sentence
    with pytest.raises(BackendUnavailable, match=r"SAM-Audio \(MLX\) cannot run yet"):
        list(BACKEND.load(request("violin")))


@pytest.mark.parametrize("system, machine, package", [("darwin", "arm64", "mlx-audio"), ("linux", "x86_64", "mlx-cpu")])
def test_where_mlx_is_not_installed_the_command_is_given(monkeypatch, system, machine, package):
    here(monkeypatch, system, machine, installed=False)
    availability = BACKEND.availability(request("violin"))
    assert availability.readiness is Readiness.NOT_INSTALLED
    assert package in str(availability) and "pip install" in str(availability)


def test_it_says_that_it_is_slow_where_it_is(monkeypatch):
    here(monkeypatch, "linux", "x86_64")
    slow = BACKEND.availability(request("violin"))
    here(monkeypatch, "darwin", "arm64")
    fast = BACKEND.availability(request("violin"))
    assert slow.usable and "slow" in slow.sentence
    assert fast.usable and "slow" not in fast.sentence


def test_missing_weights_are_those_of_the_pytorch_network(monkeypatch):
    here(monkeypatch, "linux", "x86_64")
    absent = request("violin", model="large-tv")
    assert BACKEND.availability(absent) == SamTorchBackend().availability(absent)
    with pytest.raises(WeightsMissing, match="large-tv"):
        list(BACKEND.load(absent))


def test_a_settled_request_and_its_revision_are_its_own():
    settled = BACKEND.settle(Request.of("violin", model=str(CHECKPOINT)))
    assert settled.backend == "sam_mlx" and BACKEND.settle(settled) == settled
    assert BACKEND.revision(settled) != SamTorchBackend().revision(settled)


def test_a_precision_that_it_does_not_have_is_refused_before_a_run():
    assert [target.name for target in BACKEND.targets(request("violin", sam=SamSettings(precision="bfloat16")))]
    with pytest.raises(SettingsError, match=r"int8.*sam_torch"):
        BACKEND.targets(request("violin", sam=SamSettings(precision="int8")))


@with_mlx
def test_the_backend_names_the_precisions_its_network_has():
    from separation.models.sam_audio.mlx.network import PRECISIONS

    assert tuple(PRECISIONS) == sam_mlx.PRECISIONS
