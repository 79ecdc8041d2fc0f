"""SAM-Audio behind the common protocol: settled requests, honest availability, and a whole run on the tiny network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from separation import Anchor, ChunkSettings, Prompt, Request, SolverSettings, Waveform, extract, separate, solvers
from separation.backends import registry
from separation.backends.sam_torch import SamTorchBackend
from separation.errors import BackendUnavailable, PromptError, SeparationError, SettingsError, WeightsMissing
from separation.events import SolverStep
from separation.hub import batch_sizes
from separation.model import FrameSpan, Readiness, Window
from separation.model.windowing import Windowing
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.model import SamAudioModel, facts_of
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.pytorch.model import MAX_BATCH, batch_of
from separation.models.sam_audio.stereo import projected
from separation.prompts.targets import RESIDUAL, residual_stem
from separation.request import DemucsSettings, Reroll, SamSettings
from tests.support.fakes import ran
from tests.support.sam_models import CHECKPOINT, clip, folder_with, tensors, text_encoder, tiny

BACKEND = SamTorchBackend()
# Batches of another size round velocities by 1e-6, which the random decoder of the tiny checkpoint makes 2e-5.
ROUNDING = 5e-5


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(registry, "BACKENDS", {"sam_torch": BACKEND})


def request(*prompts, **settings):
    return Request(
        **{
            "prompts": tuple(prompt if isinstance(prompt, Prompt) else Prompt(text=prompt) for prompt in prompts),
            "backend": "sam_torch",
            "model": str(CHECKPOINT),
            "device": "cpu",
            "solver": SolverSettings(method="euler", n_steps=2),
            **settings,
        }
    )


def test_each_prompt_becomes_a_track_and_what_is_left_is_the_mixture_minus_them():
    mixture = Waveform(clip(9_001, channels=1), 48_000)
    tracks = extract(mixture, request("man speaking", " dog barking "))
    assert list(tracks) == ["man speaking", "dog barking", RESIDUAL]
    assert all(track.samples.shape == (1, 9_001) for track in tracks.values())
    total = sum(track.samples for track in tracks.values())
    assert total == pytest.approx(mixture.samples, abs=1e-6)


def test_a_run_is_the_network_solved_from_the_noise_of_its_seed():
    mixture = clip(9_001)
    tracks = extract(Waveform(mixture[None], 48_000), request("violin", seed=5))
    network = tiny()
    velocity = network.velocity(network.encode([mixture]), *text_encoder().encode(["violin"]), anchor_rows([], 5)[None])
    start = network.tensor(noise(5, 0, 5, 32))[None]
    *_, state = solvers.integrate("euler", velocity, start, (0, 0.5, 1))
    assert tracks["violin"].samples == pytest.approx(network.decode(state[..., :16]).numpy()[:, :9_001], abs=1e-5)


def test_a_prompt_gives_the_same_whatever_else_is_asked_for():
    mixture = Waveform(clip(7_680, channels=1), 48_000)
    alone = extract(mixture, request("violin"))["violin"].samples
    together = extract(mixture, request("dog barking", "violin"))["violin"].samples
    assert together == pytest.approx(alone, abs=ROUNDING)


def test_an_anchor_only_changes_the_chunks_it_touches_and_only_its_own_prompt():
    # Chunks of 12 frames with a hop of 8: the span lies in the last one alone, which starts at frame 16.
    settings = {"chunks": ChunkSettings(chunk_s=0.5, overlap_s=0.16)}
    anchored = Prompt(text="violin", anchors=(Anchor(sign="+", start_s=0.92, stop_s=1.0),))
    mixture = Waveform(clip(25 * 1920, channels=1), 48_000)
    plain = extract(mixture, request("violin", "drums", **settings))
    marked = extract(mixture, request(anchored, "drums", **settings))
    before = 16 * 1920
    assert np.array_equal(plain["violin"].samples[:, :before], marked["violin"].samples[:, :before])
    assert np.abs(plain["violin"].samples - marked["violin"].samples)[:, before:].max() > 1e-3
    assert np.array_equal(plain["drums"].samples, marked["drums"].samples)


def test_every_step_is_reported_and_closing_the_run_stops_it():
    events = separate(Waveform(clip(7_680, channels=1), 48_000), request("violin"))
    steps = [event for event in events if isinstance(event, SolverStep)]
    assert [(step.done, step.total) for step in steps] == [(1, 2), (2, 2)]
    events = separate(Waveform(clip(7_680, channels=1), 48_000), request("violin"))
    assert any(isinstance(event, SolverStep) for event in events)
    events.close()
    assert next(events, None) is None


def test_chunks_are_cut_on_whole_frames():
    cut = Windowing.of(ChunkSettings(chunk_s=0.5, overlap_s=0.25), 48_000, 1920)
    assert cut.chunk % 1920 == cut.overlap % 1920 == 0
    assert 0 < cut.overlap <= cut.chunk // 2


def test_a_settled_request_names_what_shapes_the_sound_and_nothing_else():
    settled = BACKEND.settle(Request.of("violin", demucs=DemucsSettings(shifts=3), seed=4))
    assert (settled.backend, settled.model, settled.seed) == ("sam_torch", "small", 4)
    assert settled.chunks == ChunkSettings() and settled.demucs == DemucsSettings()
    assert BACKEND.settle(settled) == settled


def test_a_model_that_is_not_here_is_explained_step_by_step_and_never_run():
    absent = request("violin", model="small-tv")
    availability = BACKEND.availability(absent)
    assert availability.readiness is Readiness.NEEDS_WEIGHTS
    for word in ("facebook/sam-audio-small-tv", "5.1 GB", "licence", "token", "hf auth login"):
        assert word in str(availability)
    with pytest.raises(WeightsMissing):
        list(BACKEND.load(absent))


def test_a_folder_without_its_text_encoder_says_which(tmp_path):
    availability = BACKEND.availability(request("violin", model=str(folder_with(tmp_path, tensors()))))
    assert availability.readiness is Readiness.NEEDS_WEIGHTS and "“t5”" in availability.sentence


def test_a_model_nobody_knows_is_an_error_that_lists_the_known_ones():
    assert BACKEND.models()[:3] == ("small", "base", "large")
    with pytest.raises(SettingsError, match="small, base, large"):
        BACKEND.revision(request("violin", model="medium"))
    availability = BACKEND.availability(request("violin", model="medium"))
    assert not availability.usable and "small, base, large" in availability.sentence


def test_the_revision_follows_the_weights(tmp_path):
    asked = request("violin", model=str(folder_with(tmp_path, tensors())))
    before = BACKEND.revision(asked)
    assert before == BACKEND.revision(asked)
    folder_with(tmp_path, {**tensors(), "proj.bias": tensors()["proj.bias"] + 1})
    assert BACKEND.revision(asked) != before


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_here_is_named(device, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(BackendUnavailable, match=rf"no {device} device here.* sees: cpu.*“auto”"):
        list(BACKEND.load(request("violin", device=device)))


def model_of(asked):
    """The model of the tiny checkpoint."""
    return SamAudioModel(tiny(), facts_of(tiny(), asked, name="tiny", revision="1", device="cpu"))


def window(samples, asked, index=0, anchors=None):
    """A window of which everything is wanted."""
    return Window(samples=samples, index=index, stems=frozenset(BACKEND.stems(asked)), anchors=anchors or {})


def separated(samples, asked, index=0, **more):
    return ran(model_of(asked).separate(window(samples, asked, index, **more), asked))[1]


def test_two_prompts_together_give_what_each_gives_alone():
    samples = clip(9_001, channels=1)
    together = separated(samples, request("violin", "a dog barking loudly"))
    for prompt in ("violin", "a dog barking loudly"):
        assert together[prompt] == pytest.approx(separated(samples, request(prompt))[prompt], abs=ROUNDING)


@pytest.mark.parametrize("stereo", ["mono", "sides", "projected"])
def test_the_same_seed_gives_the_same_bits(stereo):
    samples = clip(9_001, channels=2)
    asked = request("violin", "drums", seed=3, sam=SamSettings(stereo=stereo))
    first, second = separated(samples, asked), separated(samples.copy(), asked)
    assert all(np.array_equal(first[name], second[name]) for name in ("violin", "drums"))
    other = separated(samples, request("violin", "drums", seed=4, sam=SamSettings(stereo=stereo)))
    assert np.abs(first["violin"] - other["violin"]).max() > 1e-3


def test_a_chunk_is_rolled_again_and_the_others_stay():
    samples = clip(7_680, channels=1)
    plain, rerolled = (
        request("violin", seed=1, sam=SamSettings(rerolls=rerolls)) for rerolls in ((), (Reroll(chunk=1, seed=8),))
    )
    before, after = ([separated(samples, asked, index)["violin"] for index in (0, 1, 2)] for asked in (plain, rerolled))
    assert np.array_equal(before[0], after[0]) and np.array_equal(before[2], after[2])
    assert np.abs(before[1] - after[1]).max() > 1e-3
    assert np.array_equal(after[1], separated(samples, request("violin", seed=8), 1)["violin"])


def test_sides_that_are_alike_give_the_mono_result_on_both():
    samples = clip(9_001, channels=1)
    (mono,) = separated(samples, request("violin", sam=SamSettings(stereo="mono"))).values()
    both = separated(np.repeat(samples, 2, axis=0), request("violin", sam=SamSettings(stereo="sides")))["violin"]
    assert np.array_equal(both, np.repeat(mono, 2, axis=0))


def test_each_side_is_separated_as_if_it_were_mono():
    samples = clip(9_001, channels=2)
    sides = separated(samples, request("violin", sam=SamSettings(stereo="sides")))["violin"]
    for channel, made in zip(samples, sides, strict=True):
        (mono,) = separated(channel[None], request("violin", sam=SamSettings(stereo="mono"))).values()
        assert made[None] == pytest.approx(mono, abs=ROUNDING)


def test_projected_keeps_the_stereo_image_and_adds_nothing():
    samples = clip(9_001, channels=2)
    (mono,) = separated(samples, request("violin", sam=SamSettings(stereo="mono"))).values()
    (made,) = separated(samples, request("violin", sam=SamSettings(stereo="projected"))).values()
    assert made == pytest.approx(projected(mono[0], samples), abs=ROUNDING)
    assert np.square(made).sum() <= np.square(samples).sum()


def test_a_stereo_recording_comes_back_in_stereo_and_adds_up():
    mixture = Waveform(clip(9_001, channels=2), 48_000)
    tracks = extract(mixture, request("violin"))
    assert tracks["violin"].samples.shape == (2, 9_001)
    assert not np.array_equal(*tracks["violin"].samples)
    assert sum(track.samples for track in tracks.values()) == pytest.approx(mixture.samples, abs=1e-6)


@pytest.mark.parametrize("stereo", ["mono", "sides", "projected"])
def test_a_chain_is_each_prompt_on_what_the_one_before_left_and_adds_up(stereo):
    samples = clip(9_001, channels=2)
    chained = separated(samples, request("violin", "drums", sam=SamSettings(stereo=stereo, chain=True)))
    alone = SamSettings(stereo=stereo)
    assert chained["violin"] == pytest.approx(separated(samples, request("violin", sam=alone))["violin"], abs=ROUNDING)
    left = samples - chained["violin"]
    assert chained["drums"] == pytest.approx(separated(left, request("drums", sam=alone))["drums"], abs=ROUNDING)


def test_a_chain_and_what_it_leaves_are_the_mixture():
    mixture = Waveform(clip(9_001, channels=2), 48_000)
    tracks = extract(mixture, request("violin", "drums", sam=SamSettings(chain=True)))
    assert list(tracks) == ["violin", "drums", RESIDUAL]
    assert sum(track.samples for track in tracks.values()) == pytest.approx(mixture.samples, abs=1e-6)


def test_the_models_residual_is_the_other_half_of_the_solved_state():
    samples = clip(9_001, channels=1)
    stems = separated(samples, request("violin", seed=5, sam=SamSettings(residual="model")))
    network = tiny()
    velocity = network.velocity(
        network.encode([samples[0]]), *text_encoder().encode(["violin"]), anchor_rows([], 5)[None]
    )
    *_, state = solvers.integrate("euler", velocity, network.tensor(noise(5, 0, 5, 32))[None], (0, 0.5, 1))
    for name, latents in zip(("violin", residual_stem("violin")), network.split(state), strict=True):
        assert stems[name] == pytest.approx(network.decode(latents).numpy()[:, :9_001], abs=ROUNDING)


@pytest.mark.parametrize("stereo", ["mono", "sides"])
def test_a_batch_gives_what_its_windows_give_alone(stereo):
    asked = request("violin", "drums", seed=2, sam=SamSettings(stereo=stereo))
    span = {"violin": (FrameSpan("+", 1, 3),)}
    windows = [
        window(clip(7_680, seed=index, channels=2), asked, index, span if index == 1 else {}) for index in range(3)
    ]
    _, together = ran(model_of(asked).separate_batch(windows, asked))
    for alone, made in zip(windows, together, strict=True):
        _, single = ran(model_of(asked).separate(alone, asked))
        assert all(made[name] == pytest.approx(single[name], abs=ROUNDING) for name in ("violin", "drums"))


def test_windows_of_different_lengths_are_no_batch():
    asked = request("violin")
    with pytest.raises(SettingsError, match="one batch"):
        ran(model_of(asked).separate_batch([window(clip(n, channels=1), asked) for n in (7_680, 9_600)], asked))


def test_stepping_through_the_velocity_by_hand_is_separating():
    asked = request("violin", "drums", seed=3, sam=SamSettings(stereo="sides", residual="model"))
    model, here = model_of(asked), window(clip(9_001, channels=2), asked, 1, {"drums": (FrameSpan("-", 0, 2),)})
    _, features = ran(model.encode(here, asked))
    assert features.shape == (2, 5, 16) and model.facts.latents.state_channels == 32
    state = np.broadcast_to(noise(3, 1, 5, 32), (2, 2, 5, 32))
    for t in (0.0, 0.5):
        state = state + np.float32(0.5) * ran(model.velocity(here, features, state, t, asked))[1]
    _, parts = ran(model.decode(here, state, asked))
    _, whole = ran(model.separate(here, asked))
    assert parts.keys() == whole.keys()
    assert all(parts[name] == pytest.approx(whole[name], abs=ROUNDING) for name in whole)


def test_weights_that_are_not_numbers_are_refused_where_they_are_felt(tmp_path):
    broken = {**tensors(), "proj.bias": tensors()["proj.bias"] * float("nan")}
    asked = request("violin", model=str(folder_with(tmp_path, broken, text=True)))
    with pytest.raises(SeparationError, match="not numbers"):
        extract(Waveform(clip(7_680, channels=1), 48_000), asked)


def test_the_precision_is_what_is_loaded():
    samples = clip(7_680, channels=1)
    exact, coarse = (
        ran(ran(BACKEND.load(asked))[1].separate(window(samples, asked), asked))[1]["violin"]
        for asked in (request("violin", sam=SamSettings(precision=name)) for name in ("float32", "bfloat16"))
    )
    assert 1e-6 < np.abs(exact - coarse).max() < 0.5


def test_loading_says_how_much_there_is_to_read_and_what_was_loaded():
    asked = BACKEND.settle(request("violin", chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.1)))
    events, model = ran(BACKEND.load(asked))
    *read, _ = events
    assert [(event.done_bytes, event.total_bytes > 0) for event in read] == [(0, True), (read[1].total_bytes, True)]
    assert (model.facts.device, model.facts.sample_rate, model.facts.batch) == ("cpu", 48_000, 1)
    assert model.facts.frame == 1920 and model.facts.windowing.chunk == 12 * 1920


@pytest.fixture
def card(monkeypatch, tmp_path):
    """A graphics card of which nothing is remembered."""
    monkeypatch.setenv("AUDIO_PLAYGROUND_HOME", str(tmp_path))
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "A card")
    return "A card"


@pytest.mark.parametrize(
    ("device", "free_gb", "chunk_s", "stereo", "batch"),
    [
        ("cpu", 1000, 20, "mono", 1),
        ("mps", 1000, 20, "mono", 1),
        ("cuda", 4, 20, "mono", 1),
        ("cuda", 1000, 20, "mono", MAX_BATCH),
        ("cuda", 1000, None, "mono", 1),
    ],
)
def test_only_a_gpu_with_room_works_on_several_windows(device, free_gb, chunk_s, stereo, batch, card, monkeypatch):
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (int(free_gb * 1e9), 2_000_000_000_000))
    chunks = ChunkSettings(chunk_s=chunk_s, overlap_s=0)
    assert batch_of(device, request("violin", chunks=chunks, sam=SamSettings(stereo=stereo))) == batch


def test_two_sides_or_longer_chunks_leave_room_for_fewer_windows(card, monkeypatch):
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (24_000_000_000, 24_000_000_000))
    usual = request("violin")
    sides = request("violin", sam=SamSettings(stereo="sides"))
    long = request("violin", chunks=ChunkSettings(chunk_s=60))
    assert 1 < batch_of("cuda", sides) < batch_of("cuda", usual) and batch_of("cuda", long) < batch_of("cuda", usual)


@pytest.mark.parametrize(("chunk_s", "batch"), [(10, 4), (20, 2), (25, 1), (60, 1), (None, 1)])
def test_what_was_measured_on_this_card_comes_before_what_is_guessed(card, chunk_s, batch, monkeypatch):
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (10**12, 10**12))
    batch_sizes.remember(card, request("violin", chunks=ChunkSettings(chunk_s=10, overlap_s=1)), 4)
    asked = request("violin", chunks=ChunkSettings(chunk_s=chunk_s, overlap_s=0))
    assert batch_of("cuda", asked) == batch and batch_of("cpu", asked) == 1
    other = request("violin", chunks=asked.chunks, sam=SamSettings(precision="bfloat16"))
    assert batch_of("cuda", other) == (MAX_BATCH if chunk_s else 1), "it holds for what was measured"


def test_settings_that_change_nothing_are_settled_away():
    asked = request("violin", seed=4, sam=SamSettings(chain=True, only_inside=True, rerolls=(Reroll(chunk=2, seed=4),)))
    assert BACKEND.settle(asked).sam == SamSettings(precision="float32")
    marked = Prompt(text="violin", anchors=(Anchor(sign="+", start_s=0, stop_s=1),))
    rerolls = (Reroll(chunk=3, seed=1), Reroll(chunk=2, seed=1))
    kept = SamSettings(chain=True, only_inside=True, rerolls=rerolls, precision="bfloat16", match_gain=True)
    settled = BACKEND.settle(request(marked, "drums", sam=kept)).sam
    assert settled == replace(kept, rerolls=rerolls[::-1])
    first = SamSettings(candidates=2, rerolls=(Reroll(chunk=2, seed=4),), precision="float32")
    assert BACKEND.settle(request("violin", seed=4, sam=first)).sam == first, "it chooses the first of two candidates"


@pytest.mark.parametrize("settings", [{"chain": True}, {"only_inside": True}])
def test_multi_diffusion_refuses_what_needs_finished_windows(settings):
    marked = Prompt(text="violin", anchors=(Anchor(sign="+", start_s=0, stop_s=1),))
    chunks = ChunkSettings(stitch="multidiffusion")
    with pytest.raises(SettingsError, match=r"Multi-diffusion cannot be combined.*crossfade"):
        BACKEND.settle(request(marked, "drums", chunks=chunks, sam=SamSettings(**settings)))
    assert BACKEND.settle(request("violin", chunks=chunks, sam=SamSettings(**settings))).chunks == chunks


def test_with_the_models_residual_each_prompt_has_one():
    asked = request("violin", " drums ", sam=SamSettings(residual="model"))
    names = ["violin", "drums", "everything but violin", "everything but drums"]
    assert [target.name for target in BACKEND.targets(asked)] == names
    assert [target.stems for target in BACKEND.targets(asked)] == [frozenset({name}) for name in names]
    assert BACKEND.stems() == ()
    tracks = extract(Waveform(clip(7_680, channels=1), 48_000), asked)
    assert list(tracks) == names


def test_a_prompt_that_takes_the_name_of_a_residual_is_refused():
    with pytest.raises(PromptError, match="“everything but violin”"):
        BACKEND.targets(request("violin", "everything but violin", sam=SamSettings(residual="model")))
    assert len(BACKEND.targets(request("violin", "everything but violin"))) == 2


def test_without_its_packages_the_backend_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "tokenizers" else object())
    availability = BACKEND.availability()
    assert availability.readiness is Readiness.NOT_INSTALLED and "pip install tokenizers" in str(availability)
    with pytest.raises(BackendUnavailable, match="pip install tokenizers"):
        ran(BACKEND.load(request("violin")))
