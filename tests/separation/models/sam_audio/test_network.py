"""The SAM-Audio network against the official code's tensors, and what it promises beyond them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from separation import solvers
from separation.chunking.anchors import frame_spans
from separation.errors import BackendUnavailable, SeparationError, SettingsError, WeightsMissing
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.clips import batch_of
from separation.models.sam_audio.config import TextConfig, read_config
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.pytorch import cpu_codec, network, text
from separation.models.sam_audio.pytorch.codec import Codec
from separation.models.sam_audio.pytorch.network import load_torch_network
from separation.models.sam_audio.verify import TorchSubject, report
from separation.request import Anchor
from tests.support.sam_models import CASES, CHECKPOINT, GOLDEN, clip, text_encoder, tiny

NO_ANCHORS = anchor_rows([], 4)[None]


def velocity_of(network, features, prompts, rows):
    return network.velocity(features, *text_encoder().encode(prompts), rows)


def separate(network, samples, prompts=("man speaking",), anchors=(), seed=0, n_steps=2):
    """Target and residual of a mono clip, each (prompts, samples), trimmed to it."""
    features = network.encode([samples])
    n_frames = features.shape[1]
    rows = anchor_rows(frame_spans(anchors, 0, n_frames), n_frames)
    velocity = velocity_of(network, features, prompts, rows[None])
    start = network.tensor(noise(seed, 0, n_frames, 2 * network.n_latents)).expand(len(prompts), -1, -1)
    *_, state = solvers.integrate("midpoint", velocity, start, solvers.times(n_steps))
    return [network.decode(latents).numpy()[:, : len(samples)] for latents in network.split(state)]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_reference_case_is_met(case):
    line = report(TorchSubject(CHECKPOINT), case)
    assert line["within_tolerance"], line


@pytest.mark.parametrize("case", ["01_text_only", "02_odd_length", "04_anchors", "21_equal_batch"])
def test_what_the_transformer_sees_is_what_the_official_one_saw(case):
    golden = np.load(GOLDEN / f"{case}.npz")
    network = tiny()
    features = network.encode([golden[f"audio_{i}"].mean(0) for i in range(len(golden["noise"]))])
    spans = json.loads(golden["meta"].tobytes())["anchors"] or [[]] * len(features)
    n_frames = features.shape[1]
    anchors = [[Anchor(sign=s, start_s=a, stop_s=b) for s, a, b in clip] for clip in spans]
    rows = [anchor_rows(frame_spans(clip, 0, n_frames), n_frames) for clip in anchors]
    velocity = velocity_of(network, features, ["x"], np.stack(rows))
    assert velocity.aligned(network.tensor(golden["noise"])).numpy() == pytest.approx(golden["aligned"], abs=1e-5)


@pytest.mark.parametrize("n_samples", [1, 959, 960, 961, 1919, 1920, 1921])
def test_a_tiny_clip_comes_out_at_its_own_length(n_samples):
    target, residual = separate(tiny(), clip(n_samples))
    assert target.shape == residual.shape == (1, n_samples)
    assert np.isfinite(target).all() and np.abs(target).max() > 0


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_result():
    samples = clip(9_000)
    first, again, other = (separate(tiny(), samples, seed=seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_prompts_of_one_clip_together_give_what_each_gives_alone():
    samples, prompts = clip(9_000), ("man speaking", "", "dog barking in the background")
    together = separate(tiny(), samples, prompts)
    for number, prompt in enumerate(prompts):
        for batched, alone in zip(together, separate(tiny(), samples, (prompt,)), strict=True):
            assert batched[number] == pytest.approx(alone[0], abs=2e-4)
    assert np.abs(together[0][0] - together[0][2]).max() > 1e-2  # the words do matter


def test_clips_of_one_length_together_give_what_each_gives_alone():
    clips = [clip(7_680, seed) for seed in range(3)]
    network = tiny()
    together = network.encode(clips)
    start = network.tensor(noise(0, 0, 4, 32)).expand(3, -1, -1)
    batched = velocity_of(network, together, ["violin"], NO_ANCHORS)(start, 0.37)
    for number, single in enumerate(clips):
        alone = network.encode([single])
        assert together[number] == pytest.approx(alone[0], abs=1e-5)
        velocity = velocity_of(network, alone, ["violin"], NO_ANCHORS)(start[:1], 0.37)
        assert batched[number] == pytest.approx(velocity[0], abs=1e-5)


def test_clips_of_unequal_length_are_not_padded_but_refused():
    with pytest.raises(SettingsError, match="one by one"):
        tiny().encode([clip(7_680), clip(7_681)])


def test_clips_that_end_in_the_same_frame_are_each_mirrored_at_their_own_end():
    clips = [clip(7_000), clip(7_680)[:6_100]]
    together = tiny().encode(clips)
    for number, single in enumerate(clips):
        assert together[number] == pytest.approx(tiny().encode([single])[0], abs=1e-5)


def test_a_padded_batch_would_not_have_given_the_result_of_the_clip_alone():
    short = clip(5 * 1920)
    network, start = tiny(), tiny().tensor(noise(0, 0, 10, 32))[None]
    alone = velocity_of(network, network.encode([short]), [""], anchor_rows([], 5)[None])(start[:, :5], 0.0)
    padded = network.velocity(
        network.encode([np.pad(short, (0, 5 * 1920))]),
        *text_encoder().encode([""]),
        anchor_rows([], 10, n_valid=5)[None],
        np.arange(10)[None] < 5,
    )(start, 0.0)
    change = (padded[:, :5] - alone).norm() / alone.norm()
    assert change > 0.02


def test_stereo_as_two_clips_of_a_batch_is_left_and_right_on_their_own():
    stereo = clip(7_680, channels=2)
    features = tiny().encode(list(stereo))
    for channel in (0, 1):
        assert features[channel] == pytest.approx(tiny().encode([stereo[channel]])[0], abs=1e-5)


def test_an_anchor_is_felt_and_so_is_its_sign():
    samples = clip(9_600)
    plain, present, absent = (
        separate(tiny(), samples, anchors=anchors)[0]
        for anchors in ((), (Anchor(sign="+", start_s=0, stop_s=0.1),), (Anchor(sign="-", start_s=0, stop_s=0.1),))
    )
    assert min(np.abs(plain - present).max(), np.abs(present - absent).max()) > 1e-3


def test_a_long_clip_is_encoded_and_decoded_in_pieces_as_it_would_be_whole(monkeypatch):
    sam, samples, latents = tiny(), clip(23 * 1920 - 7), torch.from_numpy(noise(1, 0, 23, 16))[None]
    whole = sam.encode([samples]), sam.decode(latents)
    for piece_frames in (1, 10, 22, 23):
        monkeypatch.setattr(network, "PIECE_FRAMES", piece_frames)
        pieces = sam.encode([samples]), sam.decode(latents)
        for a, b in zip(whole, pieces, strict=True):
            assert a.shape == b.shape
            assert (a - b).norm() < 1e-5 * a.norm()  # rounding, which this random decoder enlarges


def test_pieces_are_the_whole_but_for_rounding():
    codec = load_torch_network(
        CHECKPOINT
    ).codec.double()  # in float64, so that nothing but the context can make a difference
    samples, latents = torch.from_numpy(clip(23 * 1920)).double()[None], torch.from_numpy(noise(1, 0, 23, 16)).double()
    for whole, in_pieces, of in (
        (codec.encode, codec.encode_pieces, samples),
        (codec.decode, codec.decode_pieces, latents[None]),
    ):
        with torch.inference_mode():
            for piece_frames in (10, 23, 100):
                pieces = list(in_pieces(of, piece_frames))
                assert len(pieces) == -(-23 // piece_frames)
                assert torch.cat(pieces, 1).numpy() == pytest.approx(whole(of).numpy(), abs=1e-12)


def test_six_frames_of_context_are_what_a_piece_to_encode_needs_and_five_are_not():
    codec = load_torch_network(CHECKPOINT).codec.double()
    samples = torch.from_numpy(clip(21 * 1920)).double()[None]

    def middle(n_frames):
        return codec.encode(samples[:, (10 - n_frames) * 1920 : (11 + n_frames) * 1920])[:, n_frames]

    with torch.inference_mode():
        assert (middle(6) - middle(10)).abs().max() < 1e-12 < (middle(5) - middle(10)).abs().max()


SPLITS = ({}, {1: (0, 8), 2: (8, 512)}, {1: (8, 512), 2: (0, 8)})


@pytest.mark.parametrize("stretch", [pytest.param(1, marks=pytest.mark.long), 7_001, 1 << 20])
@pytest.mark.parametrize("splits", SPLITS)
def test_the_codec_of_a_cpu_is_the_plain_one_in_another_order(monkeypatch, plain_codec, stretch, splits):
    monkeypatch.setattr(cpu_codec, "STRETCH", stretch)
    monkeypatch.setattr(cpu_codec, "SPLIT", splits)
    fast = cpu_codec.CpuCodec(read_config(CHECKPOINT).audio_codec).double()
    fast.load_state_dict(plain_codec.state_dict())
    fast.settle()
    n_frames = 1 if stretch == 1 else 3  # one sample at a time takes long
    samples = torch.from_numpy(clip(n_frames * 1920, channels=2)).double()
    latents = torch.from_numpy(noise(1, 0, n_frames, 32)).double().reshape(2, n_frames, 16)
    given = samples.clone(), latents.clone()
    with torch.inference_mode():
        encoded, decoded = fast.encode(samples), fast.decode(latents)
        assert torch.equal(given[0], samples) and torch.equal(given[1], latents)
        # The official code adds 1e-9 to a snake's scale in one of its two places; here it is in both.
        assert encoded.numpy() == pytest.approx(plain_codec.encode(samples).numpy(), abs=1e-7)
        assert decoded.numpy() == pytest.approx(plain_codec.decode(latents).numpy(), abs=1e-7)


@pytest.fixture
def plain_codec(monkeypatch):
    """The codec of a GPU, in float64."""
    monkeypatch.setattr(network, "CpuCodec", Codec)
    return load_torch_network(CHECKPOINT).codec.double()


def test_snakes_without_a_scale_let_everything_through_as_it_is(plain_codec):
    config = read_config(CHECKPOINT).audio_codec
    state = {
        name: torch.where(torch.arange(value.shape[1])[:, None] % 2 == 0, 0.0, value) if "alpha" in name else value
        for name, value in plain_codec.state_dict().items()
    }
    fast = cpu_codec.CpuCodec(config).double()
    for codec in (plain_codec, fast):
        codec.load_state_dict(state)
    fast.settle()
    latents = torch.from_numpy(noise(1, 0, 3, 16)).double()[None]
    with torch.inference_mode():
        assert fast.decode(latents).numpy() == pytest.approx(plain_codec.decode(latents).numpy(), abs=1e-5)


def test_eight_frames_of_context_are_what_a_piece_needs_and_seven_are_not():
    codec = load_torch_network(CHECKPOINT).codec.double()
    latents = torch.from_numpy(noise(1, 0, 21, 16)).double()[None]

    def middle(n_frames):
        decoded = codec.decode(latents[:, 10 - n_frames : 11 + n_frames])
        return decoded[:, n_frames * 1920 : (n_frames + 1) * 1920]

    with torch.inference_mode():
        assert (middle(8) - middle(10)).abs().max() < 1e-12 < (middle(7) - middle(10)).abs().max()


def test_bfloat16_stays_near_float32():
    samples, anchors = clip(9_600), (Anchor(sign="+", start_s=0.05, stop_s=0.1),)
    exact, coarse = (separate(tiny(p), samples, anchors=anchors, n_steps=4) for p in ("float32", "bfloat16"))
    for a, b in zip(exact, coarse, strict=True):
        assert np.isfinite(b).all()
        assert 0 < np.linalg.norm(a - b) / np.linalg.norm(a) < 0.1


def test_what_is_not_a_number_is_reported_where_it_happens():
    network = tiny()
    with pytest.raises(SeparationError, match="features"):
        network.encode([np.full(1920, np.nan, np.float32)])
    velocity = velocity_of(network, network.encode([clip(7_680)]), ["x"], NO_ANCHORS)
    with pytest.raises(SeparationError, match="velocities"):
        velocity(torch.full((1, 4, 32), torch.inf), 0.0)
    with pytest.raises(SeparationError, match="decoded audio"):
        network.decode(torch.full((1, 2, 16), torch.nan))


def test_a_clip_beyond_the_known_positions_is_refused_before_any_work():
    with pytest.raises(SettingsError, match="400 s"):
        batch_of([np.zeros(10_001 * 1920, np.float32)], tiny().config)


def test_prompts_are_encoded_as_the_official_code_does():
    golden = np.load(GOLDEN / "02_odd_length.npz")
    features, mask = text_encoder().encode(["dog barking in the background"])
    assert features.numpy() == pytest.approx(golden["text_features"], abs=1e-5)
    assert mask.all()


def test_an_empty_prompt_is_the_end_token_alone():
    features, mask = text_encoder().encode(["", "man speaking"])
    assert mask.sum(1).tolist() == [1, 3]
    assert features.shape == (2, 3, 32)


def test_a_text_encoder_that_is_not_here_is_not_downloaded_but_named(tmp_path):
    with pytest.raises(WeightsMissing, match="no-such-encoder"):
        text.T5TextEncoder(TextConfig(name="no-such-encoder"), tmp_path)


@pytest.mark.parametrize("damage", ["a tensor gone", "cut"])
def test_a_damaged_text_encoder_is_refused_not_filled_up_with_random_numbers(tmp_path, damage):
    shutil.copytree(CHECKPOINT / "t5", tmp_path / "t5")
    file = tmp_path / "t5" / "model.safetensors"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:50_000])
    else:
        weights = load_file(file)
        del weights["encoder.block.1.layer.0.SelfAttention.q.weight"]
        save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(BackendUnavailable, match="t5"):
        text.T5TextEncoder(read_config(CHECKPOINT).text_encoder, tmp_path)


def test_a_text_encoder_of_another_width_is_refused():
    with pytest.raises(BackendUnavailable, match="32 channels"):
        text.T5TextEncoder(TextConfig(name="t5", dim=48), CHECKPOINT)


def test_loading_does_not_wait_for_the_second_that_the_compiler_of_pytorch_takes():
    code = f"""
import sys
from separation.models.sam_audio.pytorch.network import load_torch_network
load_torch_network(__import__("pathlib").Path({str(CHECKPOINT)!r}))
print({{"torch._dynamo", "sympy"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
