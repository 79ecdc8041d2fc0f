"""What a model's encoder made of a window is used again where the window is heard the same way, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from separation import ChunkSettings, Request, SolverSettings, Waveform
from separation.backends import registry
from separation.backends.sam_torch import SamTorchBackend
from separation.events import ChunkFinished
from separation.model import Window
from separation.models.sam_audio.pytorch.network import SamAudio
from separation.pipeline.chunk_keys import features_key
from separation.pipeline.separate import separate_settled
from separation.request import SamSettings
from tests.support.sam_models import CHECKPOINT, clip

STEREO = Waveform(clip(16 * 1920, channels=2), 48_000)


class InMemory(dict):
    """Chunks and features in a dictionary."""

    def put(self, key, arrays):
        self[key] = dict(arrays)


@pytest.fixture(autouse=True)
def encoded(monkeypatch):
    """The tiny checkpoint is the only model; how many clips it encoded at each time."""
    monkeypatch.setattr(registry, "BACKENDS", {"sam_torch": SamTorchBackend()})
    n_clips, usual = [], SamAudio.encode

    def counting(self, clips):
        n_clips.append(len(clips))
        return usual(self, clips)

    monkeypatch.setattr(SamAudio, "encode", counting)
    return n_clips


def separated(stereo, kept, prompt="violin"):
    """The target, (channels, samples)."""
    request = Request.of(
        prompt,
        backend="sam_torch",
        model=str(CHECKPOINT),
        device="cpu",
        chunks=ChunkSettings(chunk_s=0.5, overlap_s=0.16),
        solver=SolverSettings(method="euler", n_steps=1),
        sam=SamSettings(stereo=stereo, precision="float32"),
    )
    finished = [event for event in separate_settled(STEREO, request, kept=kept) if isinstance(event, ChunkFinished)]
    return np.concatenate([event.audio[prompt] for event in finished], axis=-1)


@pytest.mark.parametrize("before, after", [("projected", "sides"), ("sides", "projected")])
def test_what_was_encoded_of_the_mean_of_both_channels_is_never_taken_for_each_of_them(before, after):
    kept = InMemory()
    separated(before, kept)
    made = separated(after, kept)
    assert np.array_equal(made, separated(after, InMemory()))
    assert not np.array_equal(made[0], made[1])


def test_another_prompt_encodes_nothing_again(encoded):
    kept = InMemory()
    separated("sides", kept)
    assert set(encoded) == {2}
    encoded.clear()
    again = separated("sides", kept, "drums")
    assert encoded == []
    assert np.array_equal(again, separated("sides", InMemory(), "drums"))


def test_other_weights_encode_anew_although_sound_and_prompt_are_the_same(encoded, monkeypatch):
    kept = InMemory()
    separated("projected", kept)
    n_windows = len(encoded)
    encoded.clear()
    monkeypatch.setattr(SamTorchBackend, "revision", lambda self, request: "of other weights")
    separated("projected", kept)
    assert len(encoded) == n_windows


def test_another_device_encodes_anew():
    window = Window(samples=np.zeros((1, 10), np.float32), index=0, stems=frozenset({"dog"}))
    request = Request.of("dog", backend="sam_torch")
    on_cpu, on_cuda = (features_key(window, request, revision="1", device=device) for device in ("cpu", "cuda"))
    assert on_cpu != on_cuda
