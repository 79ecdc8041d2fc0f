"""SAM-Audio behind the common protocol: settled requests, honest availability, and a whole run on the tiny network."""

from __future__ import annotations

import numpy as np
import pytest

from separation import Anchor, ChunkSettings, Prompt, Request, SolverSettings, Waveform, extract, separate, solvers
from separation.backends import registry
from separation.backends.protocol import Readiness
from separation.backends.sam_torch import SamTorchBackend
from separation.chunking import Windowing
from separation.errors import BackendUnavailable, SettingsError, WeightsMissing
from separation.events import SolverStep
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.noise import noise
from separation.request import DemucsSettings
from separation.targets import RESIDUAL
from tests.sam_models import CHECKPOINT, clip, folder_with, tensors, text_encoder, tiny

BACKEND = SamTorchBackend()


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
    assert together == pytest.approx(alone, abs=1e-4)


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
    absent = request("violin", model="large-tv")
    availability = BACKEND.availability(absent)
    assert availability.readiness is Readiness.NEEDS_WEIGHTS
    for word in ("facebook/sam-audio-large-tv", "14.9 GB", "licence", "token", "hf auth login"):
        assert word in availability.sentence
    with pytest.raises(WeightsMissing):
        list(BACKEND.load(absent))


def test_a_folder_without_its_text_encoder_says_which(tmp_path):
    availability = BACKEND.availability(request("violin", model=str(folder_with(tmp_path, tensors()))))
    assert availability.readiness is Readiness.NEEDS_WEIGHTS and "“t5”" in availability.sentence


def test_a_model_nobody_knows_is_an_error_that_lists_the_known_ones():
    with pytest.raises(SettingsError, match="small, base, large"):
        BACKEND.revision(request("violin", model="medium"))


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
    with pytest.raises(BackendUnavailable, match=device):
        list(BACKEND.load(request("violin", device=device)))
